//! Webhooks of The Things Stack v3, with JSON as their format.
//!
//! Each kind of message may have a path of its own; what a message is shows in its one field of
//! that name as well. Zeros and empty fields are left out, and a field mask may leave out any field.
//! Messages have no id; the frame counter and the time at which the stack received the uplink, which
//! a repetition has too, tell them apart.

use model::{Frame, Source, Timestamp};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

use super::{
    Message, Post,
    fields::{self, Head},
    lenient::{Lenient, Number},
    message::unexpected,
};
use crate::{MessageKind, Refusal};

/// What the stack calls its messages in topics, and the field that each has.
const KINDS: [(&str, &str); 11] = [
    ("up", "uplink_message"),
    ("up/normalized", "uplink_normalized"),
    ("join", "join_accept"),
    ("down/ack", "downlink_ack"),
    ("down/nack", "downlink_nack"),
    ("down/sent", "downlink_sent"),
    ("down/failed", "downlink_failed"),
    ("down/queued", "downlink_queued"),
    ("down/invalidated", "downlink_queue_invalidated"),
    ("location/solved", "location_solved"),
    ("service/data", "service_data"),
];

/// A live event of the Console, which wraps what a webhook would post.
#[derive(Deserialize)]
struct Event<'a> {
    #[serde(default)]
    name: Lenient<String>,
    #[serde(default, borrow)]
    data: Option<&'a RawValue>,
}

/// Which kinds a message has the field of.
#[derive(Deserialize)]
struct Kinds {
    uplink_message: Option<IgnoredAny>,
    uplink_normalized: Option<IgnoredAny>,
    join_accept: Option<IgnoredAny>,
    downlink_ack: Option<IgnoredAny>,
    downlink_nack: Option<IgnoredAny>,
    downlink_sent: Option<IgnoredAny>,
    downlink_failed: Option<IgnoredAny>,
    downlink_queued: Option<IgnoredAny>,
    downlink_queue_invalidated: Option<IgnoredAny>,
    location_solved: Option<IgnoredAny>,
    service_data: Option<IgnoredAny>,
}

impl Kinds {
    /// In the order of [`KINDS`].
    fn present(&self) -> [bool; KINDS.len()] {
        [
            &self.uplink_message,
            &self.uplink_normalized,
            &self.join_accept,
            &self.downlink_ack,
            &self.downlink_nack,
            &self.downlink_sent,
            &self.downlink_failed,
            &self.downlink_queued,
            &self.downlink_queue_invalidated,
            &self.location_solved,
            &self.service_data,
        ]
        .map(Option::is_some)
    }
}

#[derive(Deserialize)]
struct Up {
    #[serde(default)]
    end_device_ids: Lenient<Ids>,
    #[serde(default)]
    received_at: Lenient<String>,
    uplink_message: UplinkMessage,
    #[serde(default)]
    simulated: bool,
}

#[derive(Deserialize)]
struct Ids {
    #[serde(default)]
    device_id: String,
    #[serde(default)]
    dev_eui: String,
}

#[derive(Deserialize)]
struct UplinkMessage {
    #[serde(default)]
    f_port: Option<Number>,
    #[serde(default)]
    f_cnt: Lenient<Number>,
    #[serde(default)]
    frm_payload: Option<String>,
    #[serde(default)]
    decoded_payload: Option<IgnoredAny>,
    #[serde(default)]
    rx_metadata: Lenient<Vec<Lenient<RxMetadata>>>,
    #[serde(default)]
    settings: Lenient<Settings>,
    #[serde(default)]
    received_at: Lenient<String>,
    #[serde(default)]
    version_ids: Lenient<VersionIds>,
}

#[derive(Deserialize)]
struct RxMetadata {
    gateway_ids: GatewayIds,
    #[serde(default)]
    rssi: Lenient<Number>,
    #[serde(default)]
    snr: Lenient<Number>,
}

#[derive(Deserialize)]
struct GatewayIds {
    #[serde(default)]
    gateway_id: String,
    #[serde(default)]
    eui: String,
}

#[derive(Deserialize)]
struct Settings {
    #[serde(default)]
    frequency: Lenient<Number>,
}

#[derive(Deserialize)]
struct VersionIds {
    #[serde(default)]
    model_id: String,
}

/// Reads a message of any kind, or of the one that `post.event` names.
///
/// **Errors**: a kind that there is none of, a body that is not JSON of that kind, and an uplink that
/// does not say which device sent it.
pub fn read(post: &Post<'_>, source: &Source, received_at: Timestamp) -> Result<Message, Refusal> {
    let expected = match KINDS.iter().find(|(path, _)| *path == post.event) {
        Some((path, field)) => format!("a message `{path}` of The Things Stack v3, which has a field `{field}`"),
        None if post.event.is_empty() => {
            "a message of The Things Stack v3, such as one with `uplink_message`".to_owned()
        }
        None => {
            let paths = KINDS.map(|(path, _)| format!("`/ingest/tts/{path}`")).join(", ");
            return Err(Refusal::Malformed(format!("post to `/ingest/tts`, or to one of {paths}")));
        }
    };
    let event: Event<'_> = post.json(&expected)?;
    let body = match event.data {
        Some(data) if event.name.0.is_some_and(|name| name.starts_with("as.")) => data.get().as_bytes(),
        _ => post.body,
    };
    let post = Post { body, ..*post };
    let present = post.json::<Kinds>(&expected)?.present();
    let found = KINDS.iter().zip(present).find(|(_, is_present)| *is_present).map(|((path, _), _)| *path);
    match found {
        Some(path) if !post.event.is_empty() && path != post.event => {
            Err(unexpected(&expected, &format!("it is a message `{path}`")))
        }
        Some("up") => up(post.json(&expected)?, source, received_at),
        Some(_) => Ok(Message::Other),
        None => Err(unexpected(&expected, &"it has no such field")),
    }
}

fn up(up: Up, source: &Source, received_at: Timestamp) -> Result<Message, Refusal> {
    let ids = up.end_device_ids.0.filter(|ids| !ids.dev_eui.is_empty());
    let ids = ids.ok_or_else(|| {
        Refusal::Malformed(
            "the message does not say which device sent it: leave `end_device_ids` in the webhook's field mask, and \
             give the device a DevEUI"
                .to_owned(),
        )
    })?;
    let eui = fields::eui("end_device_ids.dev_eui", &ids.dev_eui)?;
    let message = up.uplink_message;
    let Some(data) = message.frm_payload.filter(|data| !data.is_empty()) else {
        let is_masked = message.decoded_payload.is_some() || message.f_port.is_some();
        return Ok(if is_masked {
            Message::Warning(format!(
                "an uplink of device `{eui}` without its bytes: if the webhook has a field mask, add \
                 `up.uplink_message.frm_payload` to it"
            ))
        } else {
            Message::Other
        });
    };
    let frequency = message.settings.0.and_then(|settings| settings.frequency.0);
    let frame = Frame {
        f_port: fields::f_port("uplink_message.f_port", message.f_port)?,
        f_cnt: message.f_cnt.0.and_then(Number::whole),
        payload: fields::payload("uplink_message.frm_payload", &data)?,
        frequency_hz: frequency.and_then(Number::whole).unwrap_or_default(),
        data_rate: None,
        receptions: fields::receptions(message.rx_metadata, |heard: RxMetadata| {
            let ids = heard.gateway_ids;
            let id = if ids.gateway_id.is_empty() { ids.eui } else { ids.gateway_id };
            fields::reception(&id, heard.rssi.0, heard.snr.0)
        }),
        fault: None,
    };
    let time = message.received_at.0.or(up.received_at.0);
    let model = message.version_ids.0.map(|ids| ids.model_id).filter(|model| !model.is_empty());
    let head = Head {
        eui,
        id: String::new(),
        sent_at: time.map(|time| fields::timestamp(&time)),
        model_hints: model.into_iter().collect(),
        name: ids.device_id,
    };
    let uplink = head.into_uplink(MessageKind::Uplink, source, received_at, frame);
    Ok(if up.simulated { Message::Simulated(uplink) } else { Message::Uplink(uplink) })
}
