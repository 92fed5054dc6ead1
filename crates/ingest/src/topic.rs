//! What network servers publish in an organization's private space of the station's own broker.

use model::{Source, Timestamp};
use store::{Error, Store};

use crate::{Notes, Refusal, accept, accept_status, chirpstack};

/// What a topic says about what is published under it.
enum Kind<'a> {
    /// An event of ChirpStack's MQTT integration.
    ChirpStack { event: &'a str },
}

impl<'a> Kind<'a> {
    fn of(topic: &'a str) -> Option<Self> {
        let levels: Vec<&str> = topic.split('/').collect();
        match levels[..] {
            ["application", _, "device", _, "event", event] => Some(Self::ChirpStack { event }),
            _ => None,
        }
    }
}

/// Takes what is published under a topic that uplinks are known to come by; anything else is none of
/// its business. What is refused is kept with the source's health: whoever publishes it again is
/// refused again.
///
/// **Errors**: the store failed, so that it has to be published again.
pub async fn accept_topic(
    store: &dyn Store,
    notes: &Notes,
    source: &Source,
    topic: &str,
    payload: &[u8],
    received_at: Timestamp,
) -> Result<(), Error> {
    let Some(kind) = Kind::of(topic) else { return Ok(()) };
    let taken = match kind {
        Kind::ChirpStack { event } => take_chirpstack(store, source, event, payload, received_at).await,
    };
    match taken {
        Ok(()) => notes.count_message(source, received_at),
        Err(Refusal::Store(error @ (Error::Unavailable(_) | Error::Internal(_)))) => return Err(error),
        Err(refusal) => {
            refusal.log(source.kind, Some(source));
            notes.keep_refusal(source, received_at, &refusal);
        }
    }
    Ok(())
}

async fn take_chirpstack(
    store: &dyn Store,
    source: &Source,
    event: &str,
    payload: &[u8],
    received_at: Timestamp,
) -> Result<(), Refusal> {
    match chirpstack::read(event, payload, source, received_at)? {
        chirpstack::Event::Uplink(uplink) => accept(store, source, uplink).await.map(drop),
        chirpstack::Event::Status(report) => accept_status(store, source, report).await.map(drop),
        chirpstack::Event::Other => Ok(()),
    }
}
