pub(crate) mod devices;

use axum::extract::State;
use model::GroupId;
use serde::Serialize;

use super::Watch;
use crate::{
    ApiState,
    auth::Steward,
    envelope::Answer,
    error::Refusal,
    groups::{get_own_group, group_name, refused},
    parameters::{Parameters, PathGroup},
};

#[derive(Debug, Serialize)]
struct Created<'a> {
    name: &'a str,
    unique_name: String,
    org_id: String,
    created: String,
}

/// Makes a group called `name`.
pub(crate) async fn create(
    State(api): State<ApiState>,
    watch: Watch,
    steward: Steward,
    parameters: Parameters,
) -> Result<Answer, Refusal> {
    let name = group_name(&parameters)?;
    let id = GroupId::from_raw(getrandom::u64().map_err(store::Error::internal)?);
    steward.create_group(id, name).await.map_err(|error| refused(error, name))?;
    let created = api.now().as_millis().to_string();
    Ok(watch.stop(Answer::of(&Created { name, unique_name: id.to_string(), org_id: steward.org_text(), created })?))
}

/// Gives the group in the path another `name`.
pub(crate) async fn rename(
    watch: Watch,
    steward: Steward,
    PathGroup(uuid): PathGroup,
    parameters: Parameters,
) -> Result<Answer, Refusal> {
    let name = group_name(&parameters)?;
    let id = get_own_group(&steward, &uuid).await?;
    steward.rename_group(id, name).await.map_err(|error| refused(error, name))?;
    Ok(watch.stop(Answer::empty_text()))
}

/// Deletes the group in the path; its devices move to the default one.
pub(crate) async fn delete(watch: Watch, steward: Steward, PathGroup(uuid): PathGroup) -> Result<Answer, Refusal> {
    let id = get_own_group(&steward, &uuid).await?;
    steward.delete_group(id).await.map_err(|error| refused(error, &uuid))?;
    Ok(watch.stop(Answer::empty_text()))
}
