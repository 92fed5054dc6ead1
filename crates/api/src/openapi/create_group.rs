use model::GroupId;
use serde::Serialize;

use crate::{
    auth::Steward,
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
pub(crate) async fn create_group(steward: Steward, parameters: Parameters) -> Result<Answer, Refusal> {
    let name = group_name(&parameters)?;
    let id = GroupId::from_raw(getrandom::u64().map_err(store::Error::internal)?);
    steward.create_group(id, name).await.map_err(|error| refused(error, name))?;
    Answer::of(&Created { group_name: name, group_uuid: id.to_string() })
}
