//! ChirpStack's HTTP integration: version 4 with JSON or Protobuf as its encoding, and version 3
//! with either of its JSON encodings.
//!
//! It posts every event of every device to one address, tells the kind in the query, does not wait
//! longer than five seconds and does not repeat: what is refused is lost there. Which version it is
//! shows in the body: version 4 keeps the device in `deviceInfo`, version 3 in `devEUI`.

mod protobuf;
mod v3;
mod v4;

use model::{Source, Timestamp};
use serde::{Deserialize, de::IgnoredAny};

use super::{Message, Post};
use crate::Refusal;

/// The events that ChirpStack posts; `error` is of version 3, `log` and `integration` of version 4.
const EVENTS: [&str; 9] = ["up", "status", "join", "ack", "txack", "log", "location", "integration", "error"];

/// The field by which a body of version 3 is known.
#[derive(Deserialize)]
struct Version {
    #[serde(default, rename = "devEUI", alias = "dev_eui")]
    dev_eui: Option<IgnoredAny>,
}

/// Reads the body of an event.
///
/// **Errors**: an unknown event, a body that is not its JSON or Protobuf, and a payload that is
/// still encrypted.
pub fn read(post: &Post<'_>, source: &Source, received_at: Timestamp) -> Result<Message, Refusal> {
    match post.event {
        "up" | "status" => {}
        known if EVENTS.contains(&known) => return Ok(Message::Other),
        _ => {
            let names = EVENTS.map(|name| format!("`{name}`")).join(", ");
            return Err(Refusal::Malformed(format!("say which event this is as `?event=`: one of {names}")));
        }
    }
    if post.is_protobuf() {
        return protobuf::read(post, source, received_at);
    }
    let is_up = post.event == "up";
    let expected =
        if is_up { "the JSON of ChirpStack v4's event `up`" } else { "the JSON of ChirpStack v4's event `status`" };
    let read = match is_up {
        true => post.json(expected).map(|up| v4::up(up, source, received_at)),
        false => post.json(expected).map(|status| v4::status(status, source, received_at)),
    };
    // Most stations run version 4, whose bodies are read once.
    read.unwrap_or_else(|refusal| match post.json::<Version>(expected) {
        Ok(Version { dev_eui: Some(_) }) if is_up => v3::up(post, source, received_at),
        Ok(Version { dev_eui: Some(_) }) => v3::status(post, source, received_at),
        _ => Err(refusal),
    })
}
