use axum::extract::State;
use model::{Group, GroupId};
use serde::Serialize;

use crate::{
    ApiState,
    auth::Editor,
    envelope::Answer,
    error::Refusal,
    groups::{group_name, refused},
    parameters::Parameters,
};

#[derive(Debug, Serialize)]
struct Created<'a> {
    group_name: &'a str,
    group_uuid: String,
}

/// Makes a group called `name`.
pub(crate) async fn create_group(
    State(api): State<ApiState>,
    Editor(caller): Editor,
    parameters: Parameters,
) -> Result<Answer, Refusal> {
    let name = group_name(&parameters)?;
    let id = GroupId::from_raw(getrandom::u64().map_err(store::Error::internal)?);
    let group = Group { org: caller.org, id, name: name.to_owned() };
    api.store().create_group(group).await.map_err(|error| refused(error, name))?;
    Answer::of(&Created { group_name: name, group_uuid: id.to_string() })
}
