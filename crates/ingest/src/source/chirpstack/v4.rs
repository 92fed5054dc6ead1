//! The JSON of version 4.

use std::collections::BTreeMap;

use model::{DeviceEui, Frame, MeasurementId, Reading, Source, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::{
    Message,
    fields::{self, Head, MODEL_TAG},
    lenient::{Lenient, Number},
};
use crate::{MessageKind, Refusal, StatusReport};

/// The body of `event=up`, as far as it matters here.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Up {
    #[serde(default, alias = "deduplication_id")]
    deduplication_id: Lenient<String>,
    #[serde(default)]
    time: Lenient<String>,
    #[serde(alias = "device_info")]
    device_info: DeviceInfo,
    #[serde(default, alias = "f_cnt")]
    f_cnt: Lenient<Number>,
    #[serde(default, alias = "f_port")]
    f_port: Option<Number>,
    #[serde(default)]
    dr: Lenient<Number>,
    #[serde(default)]
    data: Option<String>,
    #[serde(default, alias = "rx_info")]
    rx_info: Lenient<Vec<Lenient<RxInfo>>>,
    #[serde(default, alias = "tx_info")]
    tx_info: Lenient<TxInfo>,
    #[serde(default, alias = "join_server_context")]
    join_server_context: Lenient<Map<String, Value>>,
}

/// The body of `event=status`, as far as it matters here.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Status {
    #[serde(default, alias = "deduplication_id")]
    deduplication_id: Lenient<String>,
    #[serde(default)]
    time: Lenient<String>,
    #[serde(alias = "device_info")]
    device_info: DeviceInfo,
    #[serde(default)]
    margin: Option<Number>,
    #[serde(default, alias = "external_power_source")]
    external_power_source: bool,
    #[serde(default, alias = "battery_level_unavailable")]
    battery_level_unavailable: bool,
    #[serde(default, alias = "battery_level")]
    battery_level: Option<Number>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeviceInfo {
    #[serde(alias = "dev_eui")]
    dev_eui: String,
    #[serde(default, alias = "device_name")]
    device_name: Lenient<String>,
    #[serde(default, alias = "device_profile_name")]
    device_profile_name: Lenient<String>,
    #[serde(default)]
    tags: Lenient<BTreeMap<String, Lenient<String>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RxInfo {
    #[serde(alias = "gateway_id")]
    gateway_id: String,
    #[serde(default)]
    rssi: Lenient<Number>,
    #[serde(default)]
    snr: Lenient<Number>,
}

#[derive(Debug, Deserialize)]
struct TxInfo {
    frequency: Number,
}

/// An uplink, if the event carries bytes.
pub(super) fn up(up: Up, source: &Source, received_at: Timestamp) -> Result<Message, Refusal> {
    let eui = up.device_info.eui()?;
    let Some(data) = up.data.filter(|data| !data.is_empty()) else { return Ok(Message::Other) };
    if up.join_server_context.0.is_some_and(|context| !context.is_empty()) {
        return Err(Refusal::Encrypted(eui));
    }
    let frame = Frame {
        f_port: fields::f_port("fPort", up.f_port)?,
        f_cnt: up.f_cnt.0.and_then(Number::whole),
        payload: fields::payload("data", &data)?,
        frequency_hz: up.tx_info.0.and_then(|tx_info| tx_info.frequency.whole()).unwrap_or_default(),
        data_rate: up.dr.0.and_then(Number::whole),
        receptions: fields::receptions(up.rx_info, |heard: RxInfo| {
            fields::reception(&heard.gateway_id, heard.rssi.0, heard.snr.0)
        }),
        fault: None,
    };
    let head = up.device_info.into_head(eui, up.deduplication_id, up.time);
    Ok(Message::Uplink(head.into_uplink(MessageKind::Uplink, source, received_at, frame)))
}

/// What the device told the network server about itself, if anything.
pub(super) fn status(status: Status, source: &Source, received_at: Timestamp) -> Result<Message, Refusal> {
    let eui = status.device_info.eui()?;
    let has_battery = !status.external_power_source && !status.battery_level_unavailable;
    let battery = status.battery_level.filter(|_| has_battery).map(|percent| percent.0);
    let head = status.device_info.into_head(eui, status.deduplication_id, status.time);
    Ok(statuses(head, battery, status.margin.map(|db| db.0), source, received_at))
}

/// Battery in percent and signal in dB, as a message.
pub(super) fn statuses(
    head: Head,
    battery: Option<f64>,
    margin: Option<f64>,
    source: &Source,
    received_at: Timestamp,
) -> Message {
    // The device counts in 254ths; what is behind the point is no measurement.
    let battery = battery.map(|percent| percent.clamp(0.0, 100.0).round());
    let statuses: Vec<Reading> = [(MeasurementId::BATTERY, battery), (MeasurementId::SIGNAL, margin)]
        .into_iter()
        .filter_map(|(status, value)| Some(Reading::status(status.0, value?)))
        .collect();
    if statuses.is_empty() {
        return Message::Other;
    }
    let uplink = head.into_uplink(MessageKind::Status, source, received_at, Frame::default());
    Message::Reports(vec![StatusReport { uplink, statuses }])
}

impl DeviceInfo {
    fn eui(&self) -> Result<DeviceEui, Refusal> {
        fields::eui("deviceInfo.devEui", &self.dev_eui)
    }

    fn into_head(self, eui: DeviceEui, id: Lenient<String>, time: Lenient<String>) -> Head {
        let tag = self.tags.0.and_then(|mut tags| tags.remove(MODEL_TAG)).and_then(|tag| tag.0);
        Head {
            eui,
            id: id.0.unwrap_or_default(),
            sent_at: time.0.map(|time| fields::timestamp(&time)),
            model_hints: tag.into_iter().chain(self.device_profile_name.0).collect(),
            name: self.device_name.0.unwrap_or_default(),
        }
    }
}
