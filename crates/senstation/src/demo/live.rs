//! What the fleet sends from now on.

use std::{sync::Arc, time::Duration};

use store::Store;
use tokio::{sync::watch, time::interval};

use super::{Fleet, Owner, history::last_heard};
use crate::clock;

/// Sends what is due, until the station stops.
pub(super) async fn run(store: Arc<dyn Store>, owner: Arc<Owner>, mut fleet: Fleet, mut stop: watch::Receiver<bool>) {
    let mut ticks = interval(Duration::from_secs(1));
    let mut at = match last_heard(&*store, &owner).await {
        Ok(at) => at,
        Err(error) => return tracing::error!("the fleet stays silent: {error}"),
    };
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            _ = ticks.tick() => {}
        }
        let now = clock::now();
        for uplink in fleet.uplinks(&owner, at, now) {
            let eui = uplink.eui;
            match ingest::accept(&*store, &owner.source, uplink).await {
                Ok(accepted) => tracing::debug!(%eui, stored = accepted.stored, "sent"),
                // Such as a device that somebody removed.
                Err(refusal) => tracing::warn!(%eui, "not stored: {refusal}"),
            }
        }
        at = at.max(now);
    }
}
