use axum::extract::State;

use crate::{
    ApiState,
    auth::Editor,
    envelope::Answer,
    error::Refusal,
    groups::{get_own_group, refused},
    parameters::Parameters,
};

/// Deletes the group that `group_uuid` names, or all that `group_uuids` does; their devices move
/// to the default group.
pub(crate) async fn delete_group(
    State(api): State<ApiState>,
    Editor(caller): Editor,
    parameters: Parameters,
) -> Result<Answer, Refusal> {
    let uuids: Vec<&str> = parameters.list("group_uuid").chain(parameters.list("group_uuids")).collect();
    if uuids.is_empty() {
        return Err(Refusal::missing("group_uuid"));
    }
    let mut groups = Vec::with_capacity(uuids.len());
    for uuid in &uuids {
        let id = get_own_group(&api, &caller, uuid).await?;
        if !groups.iter().any(|(other, _)| *other == id) {
            groups.push((id, *uuid));
        }
    }
    for (id, uuid) in groups {
        api.store().delete_group(caller.org, id).await.map_err(|error| refused(error, uuid))?;
    }
    Ok(Answer::nothing())
}
