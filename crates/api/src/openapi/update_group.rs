use crate::{
    auth::Steward,
    envelope::Answer,
    error::Refusal,
    groups::{get_own_group, group_name, refused},
    parameters::Parameters,
};

/// Gives the group that `group_uuid` names another `name`.
pub(crate) async fn update_group(steward: Steward, parameters: Parameters) -> Result<Answer, Refusal> {
    let uuid = parameters.find("group_uuid").ok_or_else(|| Refusal::missing("group_uuid"))?;
    let name = group_name(&parameters)?;
    let id = get_own_group(&steward, uuid).await?;
    steward.rename_group(id, name).await.map_err(|error| refused(error, name))?;
    Ok(Answer::nothing())
}
