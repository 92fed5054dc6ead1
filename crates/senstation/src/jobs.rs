//! What must be done every now and then.

use std::{sync::Arc, time::Duration};

use api::ApiState;
use store::{ExpireKind, Store};
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval},
};

use crate::{clock, config::Retention, station::Station};

const POLL: Duration = Duration::from_millis(250);
const FLUSH: Duration = Duration::from_secs(1);
const MAINTAIN: Duration = Duration::from_secs(1);
const RETAIN: Duration = Duration::from_secs(3_600);

/// Notices what commands have changed.
pub(crate) async fn poll(station: Arc<Station>, stop: watch::Receiver<bool>) {
    every(POLL, stop, "the registry cannot be read", || std::future::ready(station.poll())).await;
}

/// Writes down what keys have read.
pub(crate) async fn flush(api: ApiState, stop: watch::Receiver<bool>) {
    let flush = || {
        let api = api.clone();
        async move { api.meter().flush(api.store()).await }
    };
    every(FLUSH, stop, "what keys have read cannot be written down", flush).await;
}

/// Lets the store do what is due.
pub(crate) async fn maintain(station: Arc<Station>, stop: watch::Receiver<bool>) {
    let maintain = || {
        let station = Arc::clone(&station);
        async move { station.maintain(clock::now()).await }
    };
    every(MAINTAIN, stop, "the store cannot be kept in order", maintain).await;
}

/// Removes what is older than the settings want it kept.
pub(crate) async fn retain(station: Arc<Station>, retention: Retention, stop: watch::Receiver<bool>) {
    every(RETAIN, stop, "old data cannot be removed", || remove_old(station.store(), retention.clone())).await;
}

async fn remove_old(store: Arc<dyn Store>, retention: Retention) -> Result<(), store::Error> {
    const DAY_MS: i64 = 24 * 3_600_000;
    let kinds = [(ExpireKind::Rows, retention.readings_days), (ExpireKind::Frames, retention.frames_days)];
    let mut after = None;
    while let Some(org) = store.list_organizations(after, 1).await?.pop() {
        for (kind, days) in kinds.into_iter().filter(|(_, days)| *days > 0) {
            let before = clock::now().minus_ms(i64::from(days) * DAY_MS);
            let count = store.expire(org.id, before, kind).await?;
            if count > 0 {
                tracing::info!(org = %org.id, count, ?kind, %before, "removed what is older");
            }
        }
        after = Some(org.id);
    }
    Ok(())
}

/// Does something again and again until told to stop. A failure is logged once, until it changes.
async fn every<F: Future<Output = Result<(), store::Error>>>(
    period: Duration,
    mut stop: watch::Receiver<bool>,
    trouble: &str,
    mut work: impl FnMut() -> F,
) {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = String::new();
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            _ = ticks.tick() => {}
        }
        let now = match work().await {
            Ok(()) => String::new(),
            Err(store::Error::Internal(cause)) => cause.to_string(),
            Err(error) => error.to_string(),
        };
        if now != last {
            if now.is_empty() {
                tracing::info!("no longer: {trouble}");
            } else {
                tracing::warn!("{trouble}: {now}");
            }
            last = now;
        }
    }
}
