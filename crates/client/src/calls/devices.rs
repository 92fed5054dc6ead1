use model::{DeviceEui, MeasurementId, Timestamp};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::{Value, json};

use super::{groups::nothing, loose, time};
use crate::{Answer, Client, Error};

/// The most devices that calls about several take.
const DEVICES_MAX: usize = 50;

/// Which kind of device is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceType {
    /// Gateways.
    Gateway,
    /// Nodes, which measure.
    Node,
}

/// A device of a list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Device {
    /// Its label.
    #[serde(deserialize_with = "eui")]
    pub device_eui: DeviceEui,
    /// What people call it.
    #[serde(default)]
    pub device_name: String,
}

/// Where a device is, in degrees.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Default)]
pub struct Place {
    /// North is positive.
    #[serde(default)]
    pub latitude: f64,
    /// East is positive.
    #[serde(default)]
    pub longitude: f64,
}

/// What there is to know of a device.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct DeviceInfo {
    /// Its label.
    #[serde(deserialize_with = "eui")]
    pub device_eui: DeviceEui,
    /// What people call it.
    #[serde(default)]
    pub device_name: String,
    /// Its frequency plan as free text.
    #[serde(default)]
    pub frequency: String,
    /// Where it is; 0, 0 where nobody knows.
    #[serde(default)]
    pub position: Place,
    /// As the device says.
    #[serde(default)]
    pub hardware_version: String,
    /// As the device says.
    #[serde(default)]
    pub software_version: String,
}

/// The channels of a device.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DeviceChannels {
    /// Its label.
    #[serde(deserialize_with = "eui")]
    pub device_eui: DeviceEui,
    /// Its channels.
    #[serde(default)]
    pub channels: Vec<Channel>,
}

/// A channel of a device.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Channel {
    /// Which socket.
    pub channel_index: u16,
    /// What people call it.
    #[serde(default)]
    pub channel_name: String,
    /// Identity of the sensor, if known.
    #[serde(default)]
    pub sensor_id: String,
    /// Kind of sensor, such as `1001`.
    #[serde(default)]
    pub sensor_type: String,
    /// What it measures.
    #[serde(default, deserialize_with = "ids")]
    pub measurement_ids: Vec<MeasurementId>,
}

/// How a device is doing.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RunningStatus {
    /// Its label.
    #[serde(deserialize_with = "eui")]
    pub device_eui: DeviceEui,
    /// When it was heard last, if ever.
    #[serde(default, deserialize_with = "time")]
    pub latest_message_time: Option<Timestamp>,
    /// 1 online, 0 offline.
    #[serde(default, deserialize_with = "loose")]
    pub online_status: i64,
    /// In percent.
    #[serde(default, deserialize_with = "loose")]
    pub battery_digit: i64,
    /// In minutes; −1 unknown.
    #[serde(default, deserialize_with = "loose")]
    pub report_frequency: i64,
}

/// A kind of sensor and what it measures.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SensorReference {
    /// Such as `1001`.
    pub sensor_type: String,
    /// What it is called.
    pub sensor_name: String,
    /// What it measures: objects with id, name and unit.
    pub sensor_measurement: Vec<Value>,
}

/// What a device is bound with.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Bind {
    /// The code on its label.
    pub code: String,
    /// What people are to call it.
    pub device_name: String,
    /// The group that it goes to; empty for the default one.
    pub group_uuid: String,
    /// Where it is.
    pub position: Place,
}

impl Client {
    /// The devices of all groups, or of one; an empty `group_uuid` is the default group.
    pub fn list_devices(&self, kind: DeviceType, group_uuid: Option<&str>) -> Result<Answer<Vec<Device>>, Error> {
        let kind = match kind {
            DeviceType::Gateway => "1",
            DeviceType::Node => "2",
        };
        let mut query = vec![("device_type", kind.to_owned())];
        query.extend(group_uuid.map(|uuid| ("group_uuid", uuid.to_owned())));
        self.get("list_devices", &query)
    }

    /// What there is to know of devices: any number, 50 in each call. The answers of all have the
    /// gateway's words of the last.
    pub fn view_devices(&self, devices: &[DeviceEui]) -> Result<Answer<Vec<DeviceInfo>>, Error> {
        self.by_fifty("view_devices", devices)
    }

    /// The channels of devices, likewise.
    pub fn list_device_channels(&self, devices: &[DeviceEui]) -> Result<Answer<Vec<DeviceChannels>>, Error> {
        self.by_fifty("list_device_channels", devices)
    }

    /// How devices are doing, likewise.
    pub fn view_device_running_status(&self, devices: &[DeviceEui]) -> Result<Answer<Vec<RunningStatus>>, Error> {
        self.by_fifty("view_device_running_status", devices)
    }

    /// Every kind of sensor that the station knows.
    pub fn list_measurement_reference(&self) -> Result<Answer<Vec<SensorReference>>, Error> {
        self.get("list_measurement_reference", &[])
    }

    /// Binds a device.
    pub fn bind_device(&self, eui: DeviceEui, bind: &Bind) -> Result<Answer<()>, Error> {
        nothing(self.change(
            "bind_device",
            &json!({
                "eui": eui.to_string(),
                "code": bind.code,
                "device_name": bind.device_name,
                "group_uuid": bind.group_uuid,
                "longitude": bind.position.longitude.to_string(),
                "latitude": bind.position.latitude.to_string(),
            }),
        ))
    }

    /// Unbinds devices, at most 50.
    pub fn delete_devices(&self, devices: &[DeviceEui]) -> Result<Answer<()>, Error> {
        nothing(self.change("delete_devices", &json!({ "device_euis": texts(devices) })))
    }

    /// Says how often devices are to report, in minutes.
    pub fn update_device_report_cycle(&self, devices: &[DeviceEui], minutes: u16) -> Result<Answer<()>, Error> {
        let body = json!({ "device_euis": texts(devices), "report_cycle": minutes });
        nothing(self.change("update_device_report_cycle", &body))
    }

    fn by_fifty<T: serde::de::DeserializeOwned>(
        &self,
        name: &str,
        devices: &[DeviceEui],
    ) -> Result<Answer<Vec<T>>, Error> {
        let mut all = Answer { data: Vec::new(), gateway: crate::Gateway::default() };
        for devices in devices.chunks(DEVICES_MAX) {
            let Answer { data, gateway } = self.look_up::<Vec<T>>(name, &json!({ "device_euis": texts(devices) }))?;
            all.data.extend(data);
            all.gateway = gateway;
        }
        Ok(all)
    }
}

fn texts(devices: &[DeviceEui]) -> Vec<String> {
    devices.iter().map(ToString::to_string).collect()
}

fn eui<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DeviceEui, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}

/// Measurement ids are texts; numbers are understood as well.
fn ids<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<MeasurementId>, D::Error> {
    let all = Vec::<Value>::deserialize(deserializer)?;
    all.iter().map(|id| measurement(id).ok_or_else(|| D::Error::custom(format!("`{id}` is no measurement")))).collect()
}

pub(super) fn measurement(id: &Value) -> Option<MeasurementId> {
    match id {
        Value::String(text) => text.parse().ok().map(MeasurementId),
        Value::Number(number) => number.as_u64().and_then(|id| id.try_into().ok()).map(MeasurementId),
        _ => None,
    }
}
