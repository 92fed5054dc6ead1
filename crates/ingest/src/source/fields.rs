//! What network servers say about an uplink, each in its own words.

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use model::{DeviceEui, Frame, Reception, Source, Timestamp, Uplink};

use super::lenient::{Lenient, Number};
use crate::{MessageKind, Refusal, dedup_key};

/// The tag by which an operator tells the model of a device.
pub(crate) const MODEL_TAG: &str = "sensecap_model";

/// How many of the gateways that heard an uplink are kept, the first ones.
pub(crate) const RECEPTIONS_MAX: usize = 64;

/// Standard base64, with or without its padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Who sent a message, and when.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Head {
    pub(crate) eui: DeviceEui,
    /// What the sender tells its messages apart by; empty where it does not.
    pub(crate) id: String,
    /// `None` where nothing is said, so that it was just now.
    pub(crate) sent_at: Option<Timestamp>,
    pub(crate) model_hints: Vec<String>,
    pub(crate) name: String,
}

impl Head {
    pub(crate) fn into_uplink(
        mut self,
        kind: MessageKind,
        source: &Source,
        received_at: Timestamp,
        frame: Frame,
    ) -> Uplink {
        let sent_at = self.sent_at.unwrap_or(received_at);
        self.name.retain(|c| !c.is_control());
        Uplink {
            org: source.org,
            source: source.id,
            eui: self.eui,
            sent_at,
            received_at,
            dedup: dedup_key(source.id, kind, Some(&self.id), self.eui, frame.f_cnt, sent_at),
            frame,
            model_hints: self.model_hints,
            name_hint: self.name,
        }
    }
}

pub(crate) fn eui(field: &str, text: &str) -> Result<DeviceEui, Refusal> {
    text.parse().map_err(|_| malformed(&format!("`{field}` is not 16 hex digits")))
}

/// An RFC 3339 time; the epoch, which nobody believes, where it is none.
pub(crate) fn timestamp(text: &str) -> Timestamp {
    text.parse::<jiff::Timestamp>().map_or(Timestamp::EPOCH, |at| Timestamp::from_millis(at.as_millisecond()))
}

/// The bytes of a payload.
pub(crate) fn payload(field: &str, text: &str) -> Result<Box<[u8]>, Refusal> {
    let bytes = BASE64.decode(text.trim()).map_err(|_| malformed(&format!("`{field}` is not base64")))?;
    Ok(bytes.into())
}

/// A port; 0 where none is said, as network servers leave zeros out.
pub(crate) fn f_port(field: &str, number: Option<Number>) -> Result<u8, Refusal> {
    let out_of_range = || malformed(&format!("`{field}` is not a number from 0 to 255"));
    number.map_or(Ok(0), |number| number.whole().ok_or_else(out_of_range))
}

pub(crate) fn reception(gateway: &str, rssi: Option<Number>, snr: Option<Number>) -> Reception {
    let number = |field: Option<Number>| field.map_or(0.0, |number| number.0.clamp(-1_000.0, 1_000.0));
    Reception {
        gateway: gateway.chars().take(64).collect::<String>().into(),
        rssi_dbm: number(rssi) as i16,
        snr_db: number(snr) as f32,
    }
}

/// The gateways of a list, as far as they can be read.
pub(crate) fn receptions<T>(list: Lenient<Vec<Lenient<T>>>, read: impl Fn(T) -> Reception) -> Vec<Reception> {
    list.0.unwrap_or_default().into_iter().filter_map(|entry| entry.0.map(&read)).take(RECEPTIONS_MAX).collect()
}

pub(crate) fn malformed(what: &str) -> Refusal {
    Refusal::Malformed(format!("{what}; send what the network server sends, unchanged"))
}
