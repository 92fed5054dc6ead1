use std::collections::{BTreeMap, BTreeSet};

use model::{ChannelIndex, Device, MeasurementId};
use serde::Serialize;
use store::Select;

use crate::{ApiState, error::Refusal, sensor_type};

/// A channel as clients read it.
#[derive(Debug, Serialize)]
pub(crate) struct Channel {
    pub(crate) channel_index: u16,
    pub(crate) sensor_id: String,
    sensor_status: u8,
    pub(crate) sensor_type: String,
    pub(crate) channel_name: String,
    pub(crate) measurement_ids: Vec<String>,
}

const NORMAL: u8 = 1;

/// The channels of a device: those that somebody described, and those that readings came from.
pub(crate) async fn channels(api: &ApiState, device: &Device) -> Result<Vec<Channel>, Refusal> {
    let mut measured: BTreeMap<_, BTreeSet<MeasurementId>> = BTreeMap::new();
    for described in &device.channels {
        measured.entry(described.index).or_default().extend(&described.measurements);
    }
    for latest in api.store().latest(device.org, device.id, Select::READINGS).await? {
        measured.entry(latest.series.channel).or_default().insert(latest.series.measurement);
    }
    let channels = measured.into_iter().map(|(index, measurements)| {
        let described = device.channels.iter().find(|channel| channel.index == index);
        let measurements: Vec<MeasurementId> = measurements.into_iter().collect();
        let sensor_type = described.and_then(|channel| channel.sensor_type.clone());
        Channel {
            channel_index: index.0,
            sensor_id: described.map(|channel| channel.sensor_id.clone()).unwrap_or_default(),
            sensor_status: NORMAL,
            sensor_type: sensor_type.unwrap_or_else(|| sensor_type::infer(&device.model, &measurements).to_owned()),
            channel_name: channel_name(device, index),
            measurement_ids: measurements.iter().map(ToString::to_string).collect(),
        }
    });
    Ok(channels.collect())
}

/// What a channel is called.
pub(crate) fn channel_name(device: &Device, index: ChannelIndex) -> String {
    let described = device.channels.iter().find(|channel| channel.index == index);
    let name = described.map(|channel| channel.name.as_str()).filter(|name| !name.is_empty());
    name.map_or_else(|| format!("Channel {index}"), str::to_owned)
}
