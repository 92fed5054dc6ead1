//! `GET /api/events`: what happens, as it happens.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    response::sse::{Event, KeepAlive, Sse},
};
use futures_util::stream::{Stream, unfold};
use model::OrgId;
use serde::Serialize;
use tokio::{
    sync::{
        broadcast::{Receiver, error::RecvError},
        watch,
    },
    time::sleep,
};
use utoipa::ToSchema;

use crate::{PortalState, actor::Actor, live::LiveUplink, view};

/// How often something is sent when nothing happens.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How often a quiet listener is asked for again: whoever is signed out hears nothing more.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// An uplink that has just been stored.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UplinkEvent {
    eui: String,
    /// The source that brought it.
    source: String,
    received_at: String,
    /// `online`, as it was heard just now.
    state: &'static str,
    readings: Vec<LiveReading>,
}

/// A reading of an uplink.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LiveReading {
    channel: u16,
    measurement: u32,
    value: String,
    measured_at: String,
}

pub(crate) async fn follow(
    State(portal): State<PortalState>,
    actor: Actor,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let listener = Listener { uplinks: portal.live().subscribe(), ended: portal.live().ended(), portal, actor };
    let stream = unfold(listener, |mut listener| async move {
        let event = listener.next().await?;
        Some((Ok(event), listener))
    });
    Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

/// A page or a program that listens.
struct Listener {
    uplinks: Receiver<Arc<LiveUplink>>,
    ended: watch::Receiver<bool>,
    portal: PortalState,
    actor: Actor,
}

impl Listener {
    /// The next event, or `None` when there are no more for this listener.
    async fn next(&mut self) -> Option<Event> {
        loop {
            tokio::select! {
                () = over(&mut self.ended) => return None,
                event = next(&mut self.uplinks, self.actor.org) => {
                    return if self.actor.is_still_known(&self.portal).await { event } else { None };
                }
                () = sleep(LOOK_AGAIN) => {
                    if !self.actor.is_still_known(&self.portal).await {
                        return None;
                    }
                }
            }
        }
    }
}

/// Waits until nothing more will come.
async fn over(ended: &mut watch::Receiver<bool>) {
    // Whoever would have said so being gone says it too.
    let _over = ended.wait_for(|ended| *ended).await;
}

/// The next uplink of an organization. A page that was too slow has missed some, and goes on.
async fn next(uplinks: &mut Receiver<Arc<LiveUplink>>, org: OrgId) -> Option<Event> {
    loop {
        match uplinks.recv().await {
            Ok(uplink) if uplink.org == org => {
                let event = Event::default().event("uplink").json_data(shape(&uplink));
                return event.ok();
            }
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return None,
        }
    }
}

fn shape(uplink: &LiveUplink) -> UplinkEvent {
    let readings = uplink.rows.iter().flat_map(|(measured_at, readings)| {
        readings.iter().map(|reading| LiveReading {
            channel: reading.series.channel.0,
            measurement: reading.series.measurement.0,
            value: view::value(&reading.value),
            measured_at: measured_at.to_string(),
        })
    });
    UplinkEvent {
        eui: uplink.eui.to_string(),
        source: uplink.source.to_string(),
        received_at: uplink.received_at.to_string(),
        state: "online",
        readings: readings.collect(),
    }
}
