//! What the fleet sends from now on.

use std::{sync::Arc, time::Duration};

use ingest::Scripts;
use model::Timestamp;
use store::Store;
use tokio::{sync::watch, time::interval};

use super::{Fleet, Owner};
use crate::clock;

/// Sends what is due after `at`, until the station stops.
pub(super) async fn run(
    store: Arc<dyn Store>,
    owner: Arc<Owner>,
    mut fleet: Fleet,
    mut at: Timestamp,
    mut stop: watch::Receiver<bool>,
) {
    // The models of the fleet are built in.
    let scripts = Scripts::here();
    let mut ticks = interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            _ = ticks.tick() => {}
        }
        let now = clock::now();
        for uplink in fleet.uplinks(&owner, at, now) {
            let eui = uplink.eui;
            match ingest::accept(&*store, &scripts, &owner.source, uplink).await {
                Ok(accepted) => tracing::debug!(%eui, stored = accepted.stored, "sent"),
                // Such as a device that somebody removed.
                Err(refusal) => tracing::warn!(%eui, "not stored: {refusal}"),
            }
        }
        at = at.max(now);
    }
}
