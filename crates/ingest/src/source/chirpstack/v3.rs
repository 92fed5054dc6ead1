//! The two JSON encodings of version 3: its own, with EUIs in hex, and that of Protobuf, with EUIs
//! in base64.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use model::{DeviceEui, Frame, Source, Timestamp};
use serde::Deserialize;

use super::{
    super::{
        Message,
        fields::{self, Head, MODEL_TAG},
        lenient::Number,
    },
    v4,
};
use crate::{MessageKind, Refusal};

/// The body of `event=up`, as far as it matters here.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Up {
    #[serde(flatten)]
    device: Device,
    #[serde(default)]
    f_cnt: Option<Number>,
    #[serde(default)]
    f_port: Option<Number>,
    #[serde(default)]
    data: Option<String>,
    #[serde(default)]
    dr: Option<Number>,
    #[serde(default)]
    rx_info: Option<Vec<RxInfo>>,
    #[serde(default)]
    tx_info: Option<TxInfo>,
}

/// The body of `event=status`, as far as it matters here.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Status {
    #[serde(flatten)]
    device: Device,
    #[serde(default)]
    margin: Option<Number>,
    #[serde(default)]
    external_power_source: bool,
    #[serde(default)]
    battery_level_unavailable: bool,
    #[serde(default)]
    battery_level: Option<Number>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Device {
    #[serde(rename = "devEUI")]
    dev_eui: String,
    #[serde(default)]
    device_name: Option<String>,
    #[serde(default)]
    device_profile_name: Option<String>,
    #[serde(default)]
    tags: Option<BTreeMap<String, String>>,
    #[serde(default)]
    published_at: Option<String>,
}

#[derive(Debug, Deserialize)]
struct RxInfo {
    #[serde(default, rename = "gatewayID")]
    gateway_id: String,
    #[serde(default)]
    time: Option<String>,
    #[serde(default)]
    rssi: Option<Number>,
    #[serde(default, rename = "loRaSNR")]
    snr: Option<Number>,
    #[serde(default, rename = "uplinkID")]
    uplink_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct TxInfo {
    #[serde(default)]
    frequency: Option<Number>,
    #[serde(default)]
    dr: Option<Number>,
}

/// An uplink, if the event carries bytes.
pub(super) fn up(up: Up, source: &Source, received_at: Timestamp) -> Result<Message, Refusal> {
    let eui = up.device.eui()?;
    let Some(data) = up.data.filter(|data| !data.is_empty()) else { return Ok(Message::Other) };
    let heard = up.rx_info.unwrap_or_default();
    let (frequency, dr) = up.tx_info.map_or((None, None), |tx_info| (tx_info.frequency, tx_info.dr));
    let f_cnt: Option<u32> = up.f_cnt.and_then(Number::whole);
    let frame = Frame {
        f_port: fields::f_port("fPort", up.f_port)?,
        f_cnt,
        payload: fields::payload("data", &data)?,
        frequency_hz: frequency.and_then(Number::whole).unwrap_or_default(),
        data_rate: up.dr.or(dr).and_then(Number::whole),
        receptions: heard
            .iter()
            .take(fields::RECEPTIONS_MAX)
            .map(|heard| fields::reception(&as_hex(&heard.gateway_id), heard.rssi, heard.snr))
            .collect(),
        fault: None,
    };
    // Version 3 has no id for the uplink as a whole, but for each time that a gateway heard it.
    let uplink_id = heard.iter().find_map(|heard| heard.uplink_id.as_deref()).filter(|id| !id.is_empty());
    let id = uplink_id.map(|id| format!("{eui} {} {id}", f_cnt.unwrap_or_default())).unwrap_or_default();
    let heard_at = heard.iter().find_map(|heard| heard.time.clone());
    let head = up.device.into_head(eui, id, heard_at);
    Ok(Message::Uplink(head.into_uplink(MessageKind::Uplink, source, received_at, frame)))
}

/// What the device told the network server about itself, if anything.
pub(super) fn status(status: Status, source: &Source, received_at: Timestamp) -> Result<Message, Refusal> {
    let eui = status.device.eui()?;
    let has_battery = !status.external_power_source && !status.battery_level_unavailable;
    let battery = status.battery_level.filter(|_| has_battery).map(|percent| percent.0);
    let head = status.device.into_head(eui, String::new(), None);
    Ok(v4::statuses(head, battery, status.margin.map(|db| db.0), source, received_at))
}

impl Device {
    fn eui(&self) -> Result<DeviceEui, Refusal> {
        fields::eui("devEUI", &as_hex(&self.dev_eui))
    }

    fn into_head(self, eui: DeviceEui, id: String, heard_at: Option<String>) -> Head {
        let tag = self.tags.and_then(|mut tags| tags.remove(MODEL_TAG));
        Head {
            eui,
            id,
            sent_at: heard_at.or(self.published_at).map(|time| fields::timestamp(&time)),
            model_hints: tag.into_iter().chain(self.device_profile_name).collect(),
            name: self.device_name.unwrap_or_default(),
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
