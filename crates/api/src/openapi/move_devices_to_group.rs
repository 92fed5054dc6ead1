use axum::extract::State;

use crate::{
    ApiState,
    auth::Editor,
    devices::get_all,
    envelope::Answer,
    error::Refusal,
    groups::{find_group, refused},
    parameters::Parameters,
};

/// Moves the devices that `devices` names to the group that `group_uuid` does, where the empty
/// text names the default group: all of them or none.
pub(crate) async fn move_devices_to_group(
    State(api): State<ApiState>,
    Editor(caller): Editor,
    parameters: Parameters,
) -> Result<Answer, Refusal> {
    let uuid = parameters.find("group_uuid").ok_or_else(|| Refusal::missing("group_uuid"))?;
    let euis = parameters.euis(&["devices", "device_euis"])?;
    let group = find_group(&api, &caller, uuid).await?;
    get_all(&api, &caller, &euis).await?;
    let moved = api.store().move_devices_to_group(caller.org, &euis, group).await;
    moved.map_err(|error| refused(error, uuid))?;
    Ok(Answer::nothing())
}
