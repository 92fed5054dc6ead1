use model::{Channel, ChannelIndex, DeviceEui, DeviceKind, GeoPoint, MeasurementId, OrgId, Timestamp};
use serde::Deserialize;
use store::{Binding, Store};

/// What lies beside an export: the devices that it has readings of.
#[derive(Debug, Clone, Deserialize)]
pub struct Manifest {
    /// The SHA-256 of the file, where it was written by a command.
    #[serde(default)]
    pub sha256: Option<String>,
    devices: Vec<Device>,
}

#[derive(Debug, Clone, Deserialize)]
struct Device {
    eui: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    name: String,
    model: String,
    #[serde(default)]
    frequency: String,
    latitude: Option<f64>,
    longitude: Option<f64>,
    #[serde(default)]
    channels: Vec<DeviceChannel>,
}

#[derive(Debug, Clone, Deserialize)]
struct DeviceChannel {
    index: u16,
    #[serde(default)]
    name: String,
    sensor_type: Option<String>,
    #[serde(default)]
    sensor_id: String,
    #[serde(default)]
    measurements: Vec<u32>,
}

impl Manifest {
    /// Binds the devices that the organization does not have, and describes their channels; gives
    /// their EUIs.
    ///
    /// **Errors**: as the store's; an EUI that is none is passed over.
    pub async fn bind_missing(
        &self,
        store: &dyn Store,
        org: OrgId,
        now: Timestamp,
    ) -> Result<Vec<DeviceEui>, store::Error> {
        let mut bound = Vec::new();
        for device in &self.devices {
            let Ok(eui) = device.eui.parse::<DeviceEui>() else { continue };
            if store.find_device(org, eui).await?.is_some() {
                continue;
            }
            store.bind_device(device.binding(org, eui, now)).await?;
            for channel in &device.channels {
                store.describe_channel(org, eui, channel.described(now)).await?;
            }
            bound.push(eui);
        }
        Ok(bound)
    }
}

impl Device {
    fn binding(&self, org: OrgId, eui: DeviceEui, now: Timestamp) -> Binding {
        let place = self.latitude.zip(self.longitude);
        Binding {
            org,
            eui,
            kind: if self.kind == "gateway" { DeviceKind::Gateway } else { DeviceKind::Node },
            model: self.model.clone(),
            name: self.name.clone(),
            group: None,
            place: place.map(|(latitude, longitude)| GeoPoint { latitude, longitude }),
            frequency: self.frequency.clone(),
            code: String::new(),
            bound_at: now,
        }
    }
}

impl DeviceChannel {
    fn described(&self, now: Timestamp) -> Channel {
        Channel {
            index: ChannelIndex(self.index),
            name: self.name.clone(),
            sensor_type: self.sensor_type.clone(),
            sensor_id: self.sensor_id.clone(),
            measurements: self.measurements.iter().map(|id| MeasurementId(*id)).collect(),
            created_at: now,
        }
    }
}
