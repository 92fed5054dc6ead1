use crate::{
    auth::Steward,
    envelope::Answer,
    error::Refusal,
    groups::{get_own_group, refused},
    parameters::Parameters,
};

/// Deletes the group that `group_uuid` names, or all that `group_uuids` does; their devices move
/// to the default group.
pub(crate) async fn delete_group(steward: Steward, parameters: Parameters) -> Result<Answer, Refusal> {
    let uuids: Vec<&str> = parameters.list("group_uuid").chain(parameters.list("group_uuids")).collect();
    if uuids.is_empty() {
        return Err(Refusal::missing("group_uuid"));
    }
    let mut groups = Vec::with_capacity(uuids.len());
    for uuid in &uuids {
        let id = get_own_group(&steward, uuid).await?;
        if !groups.iter().any(|(other, _)| *other == id) {
            groups.push((id, *uuid));
        }
    }
    for (id, uuid) in groups {
        steward.delete_group(id).await.map_err(|error| refused(error, uuid))?;
    }
    Ok(Answer::nothing())
}
