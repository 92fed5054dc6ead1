//! The HTTP integration of Helium's first Console.
//!
//! It is kept for those who still run one; Helium's hosts of today run ChirpStack v4, whose messages
//! `/ingest/chirpstack` takes.

use model::{Frame, Source, Timestamp};
use serde::Deserialize;

use super::{
    Message, Post,
    fields::{self, Head},
    lenient::{Lenient, Number},
};
use crate::{MessageKind, Refusal};

const EXPECTED: &str = "the JSON of an uplink of Helium's Console, which has a field `dev_eui`";

#[derive(Deserialize)]
struct Up {
    dev_eui: String,
    #[serde(default)]
    id: Lenient<String>,
    #[serde(default)]
    name: Lenient<String>,
    #[serde(default)]
    fcnt: Lenient<Number>,
    #[serde(default)]
    port: Option<Number>,
    #[serde(default)]
    payload: Option<String>,
    /// In milliseconds since 1970.
    #[serde(default)]
    reported_at: Lenient<Number>,
    #[serde(default)]
    hotspots: Lenient<Vec<Lenient<Hotspot>>>,
    #[serde(default)]
    metadata: Lenient<Metadata>,
}

#[derive(Deserialize)]
struct Hotspot {
    #[serde(default)]
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    rssi: Lenient<Number>,
    #[serde(default)]
    snr: Lenient<Number>,
    /// In megahertz.
    #[serde(default)]
    frequency: Lenient<Number>,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    labels: Lenient<Vec<Lenient<Label>>>,
}

#[derive(Deserialize)]
struct Label {
    name: String,
}

/// Reads an uplink; other messages, such as that of a join, carry no payload.
///
/// **Errors**: a body that is not its JSON.
pub fn read(post: &Post<'_>, source: &Source, received_at: Timestamp) -> Result<Message, Refusal> {
    let up: Up = post.json(EXPECTED)?;
    let eui = fields::eui("dev_eui", &up.dev_eui)?;
    let Some(data) = up.payload.filter(|data| !data.is_empty()) else { return Ok(Message::Other) };
    let first = up.hotspots.0.as_ref().and_then(|hotspots| hotspots.iter().find_map(|hotspot| hotspot.0.as_ref()));
    let hertz = first.and_then(|hotspot| hotspot.frequency.0).map(|mhz| Number((mhz.0 * 1e6).round()));
    let frame = Frame {
        f_port: fields::f_port("port", up.port)?,
        f_cnt: up.fcnt.0.and_then(Number::whole),
        payload: fields::payload("payload", &data)?,
        frequency_hz: hertz.and_then(Number::whole).unwrap_or_default(),
        data_rate: None,
        receptions: fields::receptions(up.hotspots, |heard: Hotspot| {
            let name = if heard.name.is_empty() { heard.id } else { heard.name };
            fields::reception(&name, heard.rssi.0, heard.snr.0)
        }),
        fault: None,
    };
    let labels = up.metadata.0.and_then(|metadata| metadata.labels.0).unwrap_or_default();
    let head = Head {
        eui,
        id: up.id.0.unwrap_or_default(),
        sent_at: up.reported_at.0.map(|ms| Timestamp::from_millis(ms.0 as i64)),
        model_hints: labels.into_iter().take(8).filter_map(|label| Some(label.0?.name)).collect(),
        name: up.name.0.unwrap_or_default(),
    };
    Ok(Message::Uplink(head.into_uplink(MessageKind::Uplink, source, received_at, frame)))
}
