//! The Protobuf of version 4, as far as it matters here.

use std::collections::BTreeMap;

use model::{DeviceEui, Frame, Source, Timestamp};

use super::{
    super::{
        Message, Post,
        fields::{self, Head, MODEL_TAG, RECEPTIONS_MAX},
        lenient::Number,
        message::unexpected,
    },
    v4,
};
use crate::{MessageKind, Refusal};

#[derive(Clone, PartialEq, prost::Message)]
struct Up {
    #[prost(string, tag = "1")]
    deduplication_id: String,
    #[prost(message, optional, tag = "2")]
    time: Option<Time>,
    #[prost(message, optional, tag = "3")]
    device_info: Option<DeviceInfo>,
    #[prost(uint32, tag = "6")]
    dr: u32,
    #[prost(uint32, tag = "7")]
    f_cnt: u32,
    #[prost(uint32, tag = "8")]
    f_port: u32,
    #[prost(bytes = "vec", tag = "10")]
    data: Vec<u8>,
    #[prost(message, repeated, tag = "12")]
    rx_info: Vec<RxInfo>,
    #[prost(message, optional, tag = "13")]
    tx_info: Option<TxInfo>,
    /// Only whether there is any.
    #[prost(message, optional, tag = "15")]
    join_server_context: Option<JoinServerContext>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Status {
    #[prost(string, tag = "1")]
    deduplication_id: String,
    #[prost(message, optional, tag = "2")]
    time: Option<Time>,
    #[prost(message, optional, tag = "3")]
    device_info: Option<DeviceInfo>,
    #[prost(int32, tag = "5")]
    margin: i32,
    #[prost(bool, tag = "6")]
    external_power_source: bool,
    #[prost(bool, tag = "7")]
    battery_level_unavailable: bool,
    #[prost(float, tag = "8")]
    battery_level: f32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct DeviceInfo {
    #[prost(string, tag = "6")]
    device_profile_name: String,
    #[prost(string, tag = "7")]
    device_name: String,
    #[prost(string, tag = "8")]
    dev_eui: String,
    #[prost(btree_map = "string, string", tag = "9")]
    tags: BTreeMap<String, String>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct RxInfo {
    #[prost(string, tag = "1")]
    gateway_id: String,
    #[prost(int32, tag = "6")]
    rssi: i32,
    #[prost(float, tag = "7")]
    snr: f32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct TxInfo {
    #[prost(uint32, tag = "1")]
    frequency: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Time {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct JoinServerContext {}

/// An uplink or a status.
pub(super) fn read(post: &Post<'_>, source: &Source, received_at: Timestamp) -> Result<Message, Refusal> {
    if post.event == "up" { up(parse(post)?, source, received_at) } else { status(parse(post)?, source, received_at) }
}

fn parse<T: prost::Message + Default>(post: &Post<'_>) -> Result<T, Refusal> {
    T::decode(post.body)
        .map_err(|error| unexpected(&format!("the Protobuf of ChirpStack v4's event `{}`", post.event), &error))
}

fn up(up: Up, source: &Source, received_at: Timestamp) -> Result<Message, Refusal> {
    let info = up.device_info.unwrap_or_default();
    let eui = info.eui()?;
    if up.data.is_empty() {
        return Ok(Message::Other);
    }
    if up.join_server_context.is_some() {
        return Err(Refusal::Encrypted(eui));
    }
    let number = |number: f32| Some(Number(f64::from(number))).filter(|number| number.0.is_finite());
    let frame = Frame {
        f_port: fields::f_port("f_port", Some(Number(f64::from(up.f_port))))?,
        f_cnt: Some(up.f_cnt),
        payload: up.data.into(),
        frequency_hz: up.tx_info.map_or(0, |tx_info| tx_info.frequency),
        data_rate: u8::try_from(up.dr).ok(),
        receptions: up
            .rx_info
            .iter()
            .take(RECEPTIONS_MAX)
            .map(|heard| fields::reception(&heard.gateway_id, Some(Number(f64::from(heard.rssi))), number(heard.snr)))
            .collect(),
        fault: None,
    };
    let head = info.into_head(eui, up.deduplication_id, up.time);
    Ok(Message::Uplink(head.into_uplink(MessageKind::Uplink, source, received_at, frame)))
}

fn status(status: Status, source: &Source, received_at: Timestamp) -> Result<Message, Refusal> {
    let info = status.device_info.unwrap_or_default();
    let eui = info.eui()?;
    let has_battery = !status.external_power_source && !status.battery_level_unavailable;
    let battery = Some(f64::from(status.battery_level)).filter(|level| has_battery && level.is_finite());
    let head = info.into_head(eui, status.deduplication_id, status.time);
    Ok(v4::statuses(head, battery, Some(f64::from(status.margin)), source, received_at))
}

impl DeviceInfo {
    fn eui(&self) -> Result<DeviceEui, Refusal> {
        fields::eui("device_info.dev_eui", &self.dev_eui)
    }

    fn into_head(mut self, eui: DeviceEui, id: String, time: Option<Time>) -> Head {
        let tag = self.tags.remove(MODEL_TAG);
        let profile = Some(self.device_profile_name).filter(|name| !name.is_empty());
        let ms = |time: Time| time.seconds.saturating_mul(1_000).saturating_add(i64::from(time.nanos) / 1_000_000);
        Head {
            eui,
            id,
            sent_at: time.map(|time| Timestamp::from_millis(ms(time))),
            model_hints: tag.into_iter().chain(profile).collect(),
            name: self.device_name,
        }
    }
}
