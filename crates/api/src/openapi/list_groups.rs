use serde::Serialize;

use crate::{auth::Caller, envelope::Answer, error::Refusal, groups::DEFAULT_NAME, parameters::Parameters};

#[derive(Debug, Serialize)]
struct Group {
    group_name: String,
    /// Empty for the default group.
    group_uuid: String,
}

/// The default group, then the others, as far as the key reaches them; or only those that `group_uuids` names, where the empty
/// text names the default group.
pub(crate) async fn list_groups(caller: Caller, parameters: Parameters) -> Result<Answer, Refusal> {
    let mut groups = Vec::new();
    if caller.reaches_everything() {
        groups.push(Group { group_name: DEFAULT_NAME.to_owned(), group_uuid: String::new() });
    }
    for group in caller.list_groups().await? {
        groups.push(Group { group_name: group.name, group_uuid: group.id.to_string() });
    }
    let wanted: Vec<&str> = parameters.list("group_uuids").collect();
    if !wanted.is_empty() {
        groups.retain(|group| wanted.iter().any(|uuid| uuid.eq_ignore_ascii_case(&group.group_uuid)));
    }
    Answer::of(&groups)
}
