//! The two JSON encodings of version 3: its own, with EUIs in hex, and that of Protobuf, with EUIs
//! in base64.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use model::{DeviceEui, Frame, Source, Timestamp};
use serde::Deserialize;

use super::{
    super::{
        Message, Post,
        fields::{self, Head, MODEL_TAG},
        lenient::{Lenient, Number},
    },
    v4,
};
use crate::{MessageKind, Refusal};

/// The body of `event=up`, as far as it matters here.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Up {
    #[serde(default)]
    f_cnt: Lenient<Number>,
    #[serde(default)]
    f_port: Option<Number>,
    #[serde(default)]
    data: Option<String>,
    #[serde(default)]
    dr: Lenient<Number>,
    #[serde(default)]
    rx_info: Lenient<Vec<Lenient<RxInfo>>>,
    #[serde(default)]
    tx_info: Lenient<TxInfo>,
}

/// The body of `event=status`, as far as it matters here.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    #[serde(default)]
    margin: Option<Number>,
    #[serde(default)]
    external_power_source: bool,
    #[serde(default)]
    battery_level_unavailable: bool,
    #[serde(default)]
    battery_level: Option<Number>,
}

/// What both bodies say about their device.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Device {
    #[serde(rename = "devEUI", alias = "dev_eui")]
    dev_eui: String,
    #[serde(default)]
    device_name: Lenient<String>,
    #[serde(default)]
    device_profile_name: Lenient<String>,
    #[serde(default)]
    tags: Lenient<BTreeMap<String, Lenient<String>>>,
    #[serde(default)]
    published_at: Lenient<String>,
}

#[derive(Debug, Deserialize)]
struct RxInfo {
    #[serde(default, rename = "gatewayID")]
    gateway_id: String,
    #[serde(default)]
    time: Lenient<String>,
    #[serde(default)]
    rssi: Lenient<Number>,
    #[serde(default, rename = "loRaSNR")]
    snr: Lenient<Number>,
    #[serde(default, rename = "uplinkID")]
    uplink_id: Lenient<String>,
}

#[derive(Debug, Deserialize)]
struct TxInfo {
    #[serde(default)]
    frequency: Lenient<Number>,
    #[serde(default)]
    dr: Lenient<Number>,
}

/// An uplink, if the event carries bytes.
pub(super) fn up(post: &Post<'_>, source: &Source, received_at: Timestamp) -> Result<Message, Refusal> {
    const EXPECTED: &str = "the JSON of ChirpStack v3's event `up`";
    let (device, up): (Device, Up) = (post.json(EXPECTED)?, post.json(EXPECTED)?);
    let eui = device.eui()?;
    let Some(data) = up.data.filter(|data| !data.is_empty()) else { return Ok(Message::Other) };
    let heard: Vec<RxInfo> = up.rx_info.0.unwrap_or_default().into_iter().filter_map(|heard| heard.0).collect();
    let (frequency, dr) = up.tx_info.0.map_or((None, None), |tx_info| (tx_info.frequency.0, tx_info.dr.0));
    let f_cnt: Option<u32> = up.f_cnt.0.and_then(Number::whole);
    let frame = Frame {
        f_port: fields::f_port("fPort", up.f_port)?,
        f_cnt,
        payload: fields::payload("data", &data)?,
        frequency_hz: frequency.and_then(Number::whole).unwrap_or_default(),
        data_rate: up.dr.0.or(dr).and_then(Number::whole),
        receptions: heard
            .iter()
            .take(fields::RECEPTIONS_MAX)
            .map(|heard| fields::reception(&as_hex(&heard.gateway_id), heard.rssi.0, heard.snr.0))
            .collect(),
        fault: None,
    };
    // Version 3 has no id for the uplink as a whole, but for each time that a gateway heard it.
    let uplink_id = heard.iter().find_map(|heard| heard.uplink_id.0.as_deref()).filter(|id| !id.is_empty());
    let id = uplink_id.map(|id| format!("{eui} {} {id}", f_cnt.unwrap_or_default())).unwrap_or_default();
    let heard_at = heard.iter().find_map(|heard| heard.time.0.clone());
    let head = device.into_head(eui, id, heard_at);
    Ok(Message::Uplink(head.into_uplink(MessageKind::Uplink, source, received_at, frame)))
}

/// What the device told the network server about itself, if anything.
pub(super) fn status(post: &Post<'_>, source: &Source, received_at: Timestamp) -> Result<Message, Refusal> {
    const EXPECTED: &str = "the JSON of ChirpStack v3's event `status`";
    let (device, status): (Device, Status) = (post.json(EXPECTED)?, post.json(EXPECTED)?);
    let eui = device.eui()?;
    let has_battery = !status.external_power_source && !status.battery_level_unavailable;
    let battery = status.battery_level.filter(|_| has_battery).map(|percent| percent.0);
    let head = device.into_head(eui, String::new(), None);
    Ok(v4::statuses(head, battery, status.margin.map(|db| db.0), source, received_at))
}

impl Device {
    fn eui(&self) -> Result<DeviceEui, Refusal> {
        fields::eui("devEUI", &as_hex(&self.dev_eui))
    }

    fn into_head(self, eui: DeviceEui, id: String, heard_at: Option<String>) -> Head {
        let tag = self.tags.0.and_then(|mut tags| tags.remove(MODEL_TAG)).and_then(|tag| tag.0);
        Head {
            eui,
            id,
            sent_at: heard_at.or(self.published_at.0).map(|time| fields::timestamp(&time)),
            model_hints: tag.into_iter().chain(self.device_profile_name.0).collect(),
            name: self.device_name.0.unwrap_or_default(),
        }
    }
}

/// An EUI in hex, also where Protobuf's JSON wrote its eight bytes in base64.
fn as_hex(eui: &str) -> String {
    match BASE64_STANDARD.decode(eui).as_deref() {
        Ok(bytes) if eui.len() == 12 && bytes.len() == 8 => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        _ => eui.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_eui_is_hex_or_the_base64_of_eight_bytes() {
        for (eui, hex) in [
            ("LPfxIEEAAAU=", "2cf7f12041000005"),
            ("2cf7f12004100005", "2cf7f12004100005"),
            ("LPfxIEEA", "LPfxIEEA"),
            ("", ""),
        ] {
            assert_eq!(as_hex(eui), hex);
        }
    }
}
