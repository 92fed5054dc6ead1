//! Messages that come by MQTT: which topics there are, and what a topic says about a message.

use model::{Source, SourceKind, Timestamp};

use super::{aws, chirpstack, helium, http, message::Post, message::Read, tts, webhook::store_message};
use crate::{Accepted, BODY_BYTES_MAX, IngestState, Refusal};

/// What is usually subscribed to at a broker for a kind of source; empty where nothing is usual.
pub fn usual_topics(kind: SourceKind) -> &'static [&'static str] {
    match kind {
        SourceKind::ChirpStack => &["application/+/device/+/event/up", "application/+/device/+/event/status"],
        SourceKind::Tts => &["v3/+/devices/+/up"],
        SourceKind::Helium | SourceKind::Aws | SourceKind::Http | SourceKind::Mqtt | SourceKind::Demo => &[],
    }
}

/// What reads the messages of a kind of source; `None` where topics say how.
fn reader(kind: SourceKind) -> Option<Read> {
    match kind {
        SourceKind::ChirpStack => Some(chirpstack::read),
        SourceKind::Tts => Some(tts::read),
        SourceKind::Helium => Some(helium::read),
        SourceKind::Aws => Some(aws::read),
        SourceKind::Http => Some(http::read),
        SourceKind::Mqtt | SourceKind::Demo => None,
    }
}

/// Whose topic it is, and what it says that the message is: `up` of
/// `application/3/device/2cf7f12004100005/event/up` and of `v3/farm@ttn/devices/greenhouse-1/up`.
fn known(topic: &str) -> Option<(SourceKind, &str)> {
    let mut levels = topic.splitn(5, '/');
    match [levels.next()?, levels.next()?, levels.next()?, levels.next()?, levels.next()?] {
        ["application", _, "device", _, event] => Some((SourceKind::ChirpStack, event.strip_prefix("event/")?)),
        ["v3", _, "devices", _, event] => Some((SourceKind::Tts, event)),
        _ => None,
    }
}

/// Takes a message that was published into the store.
///
/// It is read by the kind of its source, or, for a source of kind `mqtt`, by its topic; `None` for
/// one that carries nothing to store, or whose topic is none that is known.
///
/// **Errors**: nothing of it is stored, for the reason given. [`Refusal::is_for_now`] tells whether
/// the same message may be taken later.
pub async fn accept_published(
    state: &IngestState,
    source: &Source,
    topic: &str,
    body: &[u8],
    received_at: Timestamp,
) -> Result<Option<Accepted>, Refusal> {
    let taken = take(state, source, topic, body, received_at).await;
    match &taken {
        Ok(_) => state.notes.count_message(source, received_at),
        Err(refusal) => {
            refusal.log(source.kind, Some(source));
            state.notes.keep_refusal(source, received_at, refusal);
        }
    }
    taken
}

async fn take(
    state: &IngestState,
    source: &Source,
    topic: &str,
    body: &[u8],
    received_at: Timestamp,
) -> Result<Option<Accepted>, Refusal> {
    if body.len() > BODY_BYTES_MAX {
        return Err(Refusal::TooLarge { max: BODY_BYTES_MAX });
    }
    let known = known(topic);
    let Some(read) = reader(source.kind).or_else(|| reader(known?.0)) else { return Ok(None) };
    // ChirpStack may be set to publish Protobuf, whose first byte is never a bracket.
    let is_json = body.iter().find(|byte| !byte.is_ascii_whitespace()).is_none_or(|byte| b"{[".contains(byte));
    let content_type = if is_json { "application/json" } else { "application/octet-stream" };
    let event = known.map_or("", |(_, event)| event);
    store_message(state, source, read(&Post { event, content_type, body }, source, received_at)?).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_says_what_its_message_is() {
        for (topic, expected) in [
            ("application/3/device/2cf7f12004100005/event/up", Some((SourceKind::ChirpStack, "up"))),
            ("v3/farm@ttn/devices/greenhouse-1/up", Some((SourceKind::Tts, "up"))),
            ("v3/farm@ttn/devices/greenhouse-1/down/ack", Some((SourceKind::Tts, "down/ack"))),
            ("application/3/device/2cf7f12004100005/command/down", None),
            ("application/3/device", None),
            ("farm/greenhouse", None),
            ("", None),
        ] {
            assert_eq!(known(topic), expected, "{topic}");
        }
    }

    #[test]
    fn what_is_usual_can_be_subscribed_to() {
        for topic in SourceKind::ALL.into_iter().flat_map(usual_topics) {
            assert!(model::is_topic_filter(topic), "{topic}");
        }
    }
}
