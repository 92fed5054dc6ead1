use axum::extract::State;
use serde::Serialize;

use crate::{ApiState, auth::Caller, envelope::Answer, error::Refusal, groups::DEFAULT_NAME, parameters::Parameters};

#[derive(Debug, Serialize)]
struct Group {
    group_name: String,
    /// Empty for the default group.
    group_uuid: String,
}

/// The default group, then the others; or only those that `group_uuids` names, where the empty
/// text names the default group.
pub(crate) async fn list_groups(
    State(api): State<ApiState>,
    caller: Caller,
    parameters: Parameters,
) -> Result<Answer, Refusal> {
    let mut groups = vec![Group { group_name: DEFAULT_NAME.to_owned(), group_uuid: String::new() }];
    for group in api.store().list_groups(caller.org).await? {
        groups.push(Group { group_name: group.name, group_uuid: group.id.to_string() });
    }
    let wanted: Vec<&str> = parameters.list("group_uuids").collect();
    if !wanted.is_empty() {
        groups.retain(|group| wanted.iter().any(|uuid| uuid.eq_ignore_ascii_case(&group.group_uuid)));
    }
    Answer::of(&groups)
}
