use std::collections::BTreeMap;

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use model::{DeviceEui, Frame, MeasurementId, Reading, Reception, Source, Timestamp, Uplink};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Event;
use crate::{
    MessageKind, Refusal, StatusReport, dedup_key,
    source::lenient::{Lenient, Number},
};

/// The tag by which an operator tells the model of a device.
const MODEL_TAG: &str = "sensecap_model";

/// How many of the gateways that heard an uplink are kept, the first ones.
const RECEPTIONS_MAX: usize = 64;

/// Standard base64, with or without its padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

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
pub(super) fn up(up: Up, source: &Source, received_at: Timestamp) -> Result<Event, Refusal> {
    let eui = eui(&up.device_info)?;
    let Some(data) = up.data.filter(|data| !data.is_empty()) else { return Ok(Event::Other) };
    if up.join_server_context.0.is_some_and(|context| !context.is_empty()) {
        return Err(Refusal::Encrypted(eui));
    }
    let payload = BASE64.decode(data.trim()).map_err(|_| malformed("`data` is not base64"))?;
    let f_port = match up.f_port {
        None => 0,
        Some(f_port) => f_port.whole().ok_or_else(|| malformed("`fPort` is not a number from 0 to 255"))?,
    };
    let f_cnt = up.f_cnt.0.and_then(Number::whole);
    let receptions = up.rx_info.0.unwrap_or_default().into_iter().filter_map(|rx_info| rx_info.0.map(reception));
    let frame = Frame {
        f_port,
        f_cnt,
        payload: payload.into(),
        frequency_hz: up.tx_info.0.and_then(|tx_info| tx_info.frequency.whole()).unwrap_or_default(),
        data_rate: up.dr.0.and_then(Number::whole),
        receptions: receptions.take(RECEPTIONS_MAX).collect(),
        fault: None,
    };
    let head = Head { eui, id: up.deduplication_id.0, time: up.time.0, info: up.device_info };
    Ok(Event::Uplink(head.into_uplink(MessageKind::Uplink, source, received_at, frame)))
}

/// What the device told the network server about itself, if anything.
pub(super) fn status(status: Status, source: &Source, received_at: Timestamp) -> Result<Event, Refusal> {
    let eui = eui(&status.device_info)?;
    let has_battery = !status.external_power_source && !status.battery_level_unavailable;
    // The device counts in 254ths; what is behind the point is no measurement.
    let battery = status.battery_level.filter(|_| has_battery).map(|percent| percent.0.clamp(0.0, 100.0).round());
    let statuses: Vec<Reading> =
        [(MeasurementId::BATTERY, battery), (MeasurementId::SIGNAL, status.margin.map(|db| db.0))]
            .into_iter()
            .filter_map(|(status, value)| Some(Reading::status(status.0, value?)))
            .collect();
    if statuses.is_empty() {
        return Ok(Event::Other);
    }
    let head = Head { eui, id: status.deduplication_id.0, time: status.time.0, info: status.device_info };
    let uplink = head.into_uplink(MessageKind::Status, source, received_at, Frame::default());
    Ok(Event::Status(StatusReport { uplink, statuses }))
}

/// What both events say about who sent them, and when.
struct Head {
    eui: DeviceEui,
    id: Option<String>,
    time: Option<String>,
    info: DeviceInfo,
}

impl Head {
    fn into_uplink(self, kind: MessageKind, source: &Source, received_at: Timestamp, frame: Frame) -> Uplink {
        let sent_at = self.time.map_or(received_at, |time| timestamp(&time));
        let tag = self.info.tags.0.and_then(|mut tags| tags.remove(MODEL_TAG)).and_then(|tag| tag.0);
        Uplink {
            org: source.org,
            source: source.id,
            eui: self.eui,
            sent_at,
            received_at,
            dedup: dedup_key(source.id, kind, self.id.as_deref(), self.eui, frame.f_cnt, sent_at),
            frame,
            model_hints: tag.into_iter().chain(self.info.device_profile_name.0).collect(),
            name_hint: self.info.device_name.0.unwrap_or_default().chars().filter(|c| !c.is_control()).collect(),
        }
    }
}

fn eui(info: &DeviceInfo) -> Result<DeviceEui, Refusal> {
    info.dev_eui.parse().map_err(|_| malformed("`deviceInfo.devEui` is not 16 hex digits"))
}

/// An RFC 3339 time; the epoch, which nobody believes, where it is none.
fn timestamp(text: &str) -> Timestamp {
    text.parse::<jiff::Timestamp>().map_or(Timestamp::EPOCH, |at| Timestamp::from_millis(at.as_millisecond()))
}

fn reception(rx_info: RxInfo) -> Reception {
    let number = |field: Lenient<Number>| field.0.map_or(0.0, |number| number.0.clamp(-1_000.0, 1_000.0));
    Reception {
        gateway: rx_info.gateway_id.chars().take(64).collect::<String>().into(),
        rssi_dbm: number(rx_info.rssi) as i16,
        snr_db: number(rx_info.snr) as f32,
    }
}

fn malformed(what: &str) -> Refusal {
    Refusal::Malformed(format!("{what}; send the JSON of ChirpStack v4 unchanged"))
}
