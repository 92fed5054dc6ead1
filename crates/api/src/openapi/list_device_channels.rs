use axum::extract::State;
use serde::Serialize;

use crate::{
    ApiState,
    auth::Caller,
    channels::{Channel, channels},
    envelope::Answer,
    error::Refusal,
    parameters::Parameters,
};

#[derive(Debug, Serialize)]
struct DeviceChannels {
    device_eui: String,
    device_name: String,
    channels: Vec<Channel>,
}

/// The channels of the devices that `device_euis` names: those that somebody described, and those
/// that readings came from.
pub(crate) async fn list_device_channels(
    State(api): State<ApiState>,
    caller: Caller,
    parameters: Parameters,
) -> Result<Answer, Refusal> {
    let mut shown = Vec::new();
    for device in caller.get_devices(&parameters.device_euis()?).await? {
        shown.push(DeviceChannels {
            device_eui: device.eui.to_string(),
            device_name: device.name.clone(),
            channels: channels(&api, &device).await?,
        });
    }
    Answer::of(&shown)
}
