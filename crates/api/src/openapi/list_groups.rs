use serde::Serialize;

use crate::{auth::Caller, envelope::Answer, error::Refusal, groups::reached_groups, parameters::Parameters};

#[derive(Debug, Serialize)]
struct Group {
    group_name: String,
    /// Empty for the default group.
    group_uuid: String,
}

/// The default group, then the others, as far as the key reaches them; or only those that
/// `group_uuids` names, where the empty text names the default group.
pub(crate) async fn list_groups(caller: Caller, parameters: Parameters) -> Result<Answer, Refusal> {
    let shown = |(id, group_name): (Option<model::GroupId>, _)| Group {
        group_name,
        group_uuid: id.map(|id| id.to_string()).unwrap_or_default(),
    };
    let mut groups: Vec<Group> = reached_groups(&caller).await?.into_iter().map(shown).collect();
    let wanted: Vec<&str> = parameters.list("group_uuids").collect();
    if !wanted.is_empty() {
        groups.retain(|group| wanted.iter().any(|uuid| uuid.eq_ignore_ascii_case(&group.group_uuid)));
    }
    Answer::of(&groups)
}
