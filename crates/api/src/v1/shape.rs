use model::{Device, GeoPoint, MeasurementId, Timestamp};
use serde::Serialize;

use crate::{ApiState, auth::Caller, error::Refusal, running::Running, statuses::Statuses};

/// A device as either generation of the API of 2019 shows it: the members of both.
#[derive(Debug, Serialize)]
pub(super) struct DeviceShape {
    dev_eui: String,
    dev_name: String,
    dev_area: &'static str,
    dev_country: String,
    online_status: &'static str,
    description: String,
    activate_time: String,
    latestmsg_time: String,
    production_time: String,
    reg_time: String,
    bind_time: String,
    frequency: String,
    position: Position,
    position_source: &'static str,
    device_network: &'static str,
    ver_hardware: String,
    ver_software: String,
    antenna_placement: String,
    org_id: String,
}

/// What a list of nodes has beyond one of gateways.
#[derive(Debug, Serialize)]
pub(super) struct NodeShape {
    #[serde(flatten)]
    device: DeviceShape,
    battery_status: &'static str,
    msg_count: &'static str,
}

#[derive(Debug, Serialize)]
struct Position {
    lat: String,
    lon: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    alt: Option<String>,
}

const LORAWAN: &str = "1";
const SET_BY_HAND: &str = "0";
/// Nobody counts the messages of a device.
const UNCOUNTED: &str = "0";

/// Yes or no, as the API of 2019 writes it.
pub(super) const fn flag(is_so: bool) -> &'static str {
    if is_so { "1" } else { "0" }
}

/// Where a device is, as texts; 0, 0 where nobody said.
pub(super) fn place(device: &Device) -> [String; 2] {
    let GeoPoint { latitude, longitude } = device.place.unwrap_or(GeoPoint { latitude: 0.0, longitude: 0.0 });
    [latitude.to_string(), longitude.to_string()]
}

/// Milliseconds since 1970; what is not known is 1970 itself.
fn time(at: Option<Timestamp>) -> String {
    at.unwrap_or(Timestamp::EPOCH).as_millis().to_string()
}

impl DeviceShape {
    /// A device and how it is doing.
    pub(super) async fn get(api: &ApiState, caller: &Caller, device: &Device) -> Result<(Self, Running), Refusal> {
        let statuses = Statuses::get(api, device).await?;
        let running = Running::get(api, device, &statuses).await?;
        let [lat, lon] = place(device);
        let bound = time(Some(device.bound_at));
        let shape = Self {
            dev_eui: device.eui.to_string(),
            dev_name: device.name.clone(),
            dev_area: "",
            dev_country: device.notes.country.clone(),
            online_status: flag(running.is_online),
            description: device.notes.description.clone(),
            activate_time: bound.clone(),
            latestmsg_time: time(running.heard),
            production_time: time(None),
            reg_time: bound.clone(),
            bind_time: bound,
            frequency: device.frequency.clone(),
            position: Position { lat, lon, alt: device.notes.altitude_m.map(|metres| metres.to_string()) },
            position_source: SET_BY_HAND,
            device_network: LORAWAN,
            ver_hardware: statuses.version(MeasurementId::HARDWARE_VERSION),
            ver_software: statuses.version(MeasurementId::FIRMWARE_VERSION),
            antenna_placement: device.notes.antenna.map(|antenna| antenna.to_string()).unwrap_or_default(),
            org_id: caller.org_text(),
        };
        Ok((shape, running))
    }
}

impl NodeShape {
    pub(super) async fn get(api: &ApiState, caller: &Caller, device: &Device) -> Result<Self, Refusal> {
        let (device, running) = DeviceShape::get(api, caller, device).await?;
        Ok(Self { device, battery_status: flag(running.is_battery_good), msg_count: UNCOUNTED })
    }
}
