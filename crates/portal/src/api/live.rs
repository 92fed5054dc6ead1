//! `GET /api/live`: an organization's stream for browsers, under the topics and filters of MQTT.

use std::{collections::VecDeque, convert::Infallible, time::Duration};

use axum::{
    extract::State,
    http::HeaderMap,
    response::sse::{Event, KeepAlive, Sse},
};
use futures_util::{
    StreamExt,
    stream::{Stream, unfold},
};
use model::Position;
use serde::Serialize;
use store::Error;
use tokio::{sync::watch, time::sleep};
use utoipa::ToSchema;

use crate::{PortalState, actor::Actor, fault::Fault, fields::Asked, state::LiveMessages};

/// How often something is sent when nothing happens.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How often a quiet listener is asked for again: whoever is signed out hears nothing more.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// What a browser says that it has seen last.
const LAST_EVENT_ID: &str = "last-event-id";
/// Most filters of one listener.
const FILTERS_MAX: usize = 20;

/// A reading or status as MQTT tells it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LiveMessage)]
pub(crate) struct MessageEvent {
    /// Such as `/device_sensor_data/ORG_ID/EUI/CHANNEL/vs/MEASUREMENT_ID`.
    topic: String,
    /// `{"value": …, "timestamp": …}`, as MQTT sends it.
    #[schema(value_type = Object)]
    payload: Box<serde_json::value::RawValue>,
}

pub(crate) async fn follow(
    State(portal): State<PortalState>,
    actor: Actor,
    Asked(asked): Asked,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Fault> {
    let filters: Vec<String> = asked.all("filter").map(str::to_owned).collect();
    if filters.len() > FILTERS_MAX {
        return Err(Fault::Invalid(|texts| texts.fault_filter));
    }
    let after = match headers.get(LAST_EVENT_ID).map(|id| id.to_str().unwrap_or_default()).filter(|id| !id.is_empty()) {
        Some(id) => {
            Some(id.parse().map(Position::from_raw).map_err(|_| Fault::Invalid(|texts| texts.fault_last_event))?)
        }
        None => None,
    };
    let messages = portal.station().live(actor.org, &filters, after);
    let messages = messages.ok_or(Fault::Invalid(|texts| texts.fault_filter))?;
    let ended = portal.live().ended();
    let listener = Listener { messages, waiting: VecDeque::new(), ended, portal, actor };
    let stream = unfold(listener, |mut listener| async move {
        let event = listener.next().await?;
        Some((Ok(event), listener))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// A page or a program that listens.
struct Listener {
    messages: LiveMessages,
    waiting: VecDeque<Event>,
    ended: watch::Receiver<bool>,
    portal: PortalState,
    actor: Actor,
}

impl Listener {
    /// The next event, or `None` when there are no more for this listener.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            let messages = tokio::select! {
                // Whoever would have said so being gone says it too.
                _ = self.ended.wait_for(|ended| *ended) => return None,
                messages = self.messages.next() => Some(messages?),
                () = sleep(LOOK_AGAIN) => None,
            };
            if !self.actor.is_still_known(&self.portal).await {
                return None;
            }
            if let Some(messages) = messages {
                self.take(messages).await;
            }
        }
    }

    /// The last message of an uplink carries its place: whoever comes back in between hears all of it
    /// again.
    async fn take(&mut self, messages: Result<(Position, Vec<(String, String)>), Error>) {
        match messages {
            Ok((position, messages)) => {
                let last = messages.len().saturating_sub(1);
                for (at, (topic, payload)) in messages.into_iter().enumerate() {
                    let Ok(payload) = serde_json::value::RawValue::from_string(payload) else { continue };
                    let Ok(event) = Event::default().event("message").json_data(MessageEvent { topic, payload }) else {
                        continue;
                    };
                    let event = if at == last { event.id(position.get().to_string()) } else { event };
                    self.waiting.push_back(event);
                }
            }
            Err(Error::Trimmed { .. }) => self.waiting.push_back(Event::default().event("gap").data("{}")),
            Err(error) => {
                tracing::warn!(org = %self.actor.org, "a listener has to wait: {error}");
                sleep(LOOK_AGAIN).await;
            }
        }
    }
}
