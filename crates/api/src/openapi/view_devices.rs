use axum::extract::State;
use model::{GeoPoint, MeasurementId};
use serde::Serialize;

use crate::{
    ApiState, auth::Caller, envelope::Answer, error::Refusal, parameters::Parameters, sim::Sim, statuses::Statuses,
};

#[derive(Debug, Serialize)]
struct Device<'a> {
    device_eui: String,
    device_name: &'a str,
    frequency: &'a str,
    device_network: u8,
    position: Position,
    position_source: u8,
    hardware_version: String,
    software_version: String,
    sim: Sim,
}

#[derive(Debug, Serialize)]
struct Position {
    latitude: f64,
    longitude: f64,
}

const LORAWAN: u8 = 1;
const SET_BY_HAND: u8 = 0;

/// What is known about the devices that `device_euis` names.
pub(crate) async fn view_devices(
    State(api): State<ApiState>,
    caller: Caller,
    parameters: Parameters,
) -> Result<Answer, Refusal> {
    let devices = caller.get_devices(&parameters.device_euis()?).await?;
    let mut shown = Vec::with_capacity(devices.len());
    for device in &devices {
        let statuses = Statuses::get(&api, device).await?;
        let place = device.place.unwrap_or(GeoPoint { latitude: 0.0, longitude: 0.0 });
        shown.push(Device {
            device_eui: device.eui.to_string(),
            device_name: &device.name,
            frequency: &device.frequency,
            device_network: LORAWAN,
            position: Position { latitude: place.latitude, longitude: place.longitude },
            position_source: SET_BY_HAND,
            hardware_version: statuses.version(MeasurementId::HARDWARE_VERSION),
            software_version: statuses.version(MeasurementId::FIRMWARE_VERSION),
            sim: Sim::default(),
        });
    }
    Answer::of(&shown)
}
