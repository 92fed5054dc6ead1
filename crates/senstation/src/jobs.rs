//! What must be done every now and then.

use std::{sync::Arc, time::Duration};

use api::ApiState;
use ingest::Notes;
use portal::PortalState;
use store::{ExpireKind, Store};
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval},
};

use crate::{clock, config::Retention, door::Identity, station::Station};

const POLL: Duration = Duration::from_millis(250);
const ADOPT: Duration = Duration::from_millis(500);
const FLUSH: Duration = Duration::from_secs(1);
const MAINTAIN: Duration = Duration::from_secs(1);
const RETAIN: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Notices what commands have changed.
pub(crate) async fn poll(station: Arc<Station>, stop: watch::Receiver<bool>) {
    every(POLL, stop, "the registry cannot be read", || std::future::ready(station.poll())).await;
}

/// Makes what was kept of devices before they were bound their history.
pub(crate) async fn adopt(station: Arc<Station>, stop: watch::Receiver<bool>) {
    let adopt = || {
        let station = Arc::clone(&station);
        async move { ingest::adopt_all(&*station.store(), station.scripts()).await }
    };
    unless_told(stop.clone(), every(ADOPT, stop, "what unbound devices sent cannot be decoded", adopt)).await;
}

/// Writes down what keys have read.
pub(crate) async fn flush(api: ApiState, stop: watch::Receiver<bool>) {
    let flush = || {
        let api = api.clone();
        async move { api.meter().flush(api.store()).await }
    };
    every(FLUSH, stop, "what keys have read cannot be written down", flush).await;
}

/// Writes down how sources have been doing.
pub(crate) async fn note(notes: Arc<Notes>, station: Arc<Station>, stop: watch::Receiver<bool>) {
    let flush = || {
        let (notes, station) = (Arc::clone(&notes), Arc::clone(&station));
        async move { notes.flush(&*station.store()).await }
    };
    every(FLUSH, stop, "how sources are doing cannot be written down", flush).await;
}

/// Shows open pages what goes on.
pub(crate) async fn watch_log(portal: PortalState, stop: watch::Receiver<bool>) {
    portal.live().run(portal.store(), clock::now, stop).await;
}

/// Removes sessions and invites that are too old.
pub(crate) async fn expire(portal: PortalState, stop: watch::Receiver<bool>) {
    let expire = || {
        let portal = portal.clone();
        async move { portal::expire(&portal).await }
    };
    every(RETAIN, stop, "old sessions cannot be removed", expire).await;
}

/// Warns of a certificate that clients refuse, or soon will.
pub(crate) async fn watch_certificate(identity: Arc<Identity>, stop: watch::Receiver<bool>) {
    let warn = || {
        identity.warn(clock::now());
        std::future::ready(Ok(()))
    };
    every(DAY, stop, "the certificate cannot be looked at", warn).await;
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
    let remove = || remove_old(station.store(), retention.clone());
    // Years of data take minutes to remove; the next start goes on with what is left.
    unless_told(stop.clone(), every(RETAIN, stop, "old data cannot be removed", remove)).await;
}

/// Does some work, which may be left where it is, until told to stop.
async fn unless_told(mut stop: watch::Receiver<bool>, work: impl Future<Output = ()>) {
    tokio::select! {
        _ = stop.wait_for(|stop| *stop) => {}
        () = work => {}
    }
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

#[cfg(test)]
mod tests {
    use model::{CodecVersion, DedupKey, DeviceKind, OrgId, Organization, Reading, RowFlags, SourceId, Window};
    use store::{Binding, Entry, NewRow, Reference, Registry, RowQuery, StoredUplink, Telemetry};

    use super::*;

    const ORG: OrgId = OrgId::from_raw(100_000_000_000);

    /// A store with one row of each age in days, and how to count what is left of them.
    async fn store_with_rows(ages_days: &[i64]) -> (Arc<Reference>, RowQuery) {
        let store = Arc::new(Reference::new());
        let now = clock::now();
        store.create_organization(Organization { id: ORG, name: String::new(), created_at: now }).await.unwrap();
        let binding = Binding {
            org: ORG,
            eui: "2CF7F12004100005".parse().unwrap(),
            kind: DeviceKind::Node,
            model: "S2101".to_owned(),
            name: String::new(),
            group: None,
            place: None,
            frequency: String::new(),
            code: String::new(),
            bound_at: now,
        };
        let device = store.bind_device(binding).await.unwrap();
        let uplink = |age_days: &i64| {
            let at = now.minus_ms(age_days * 24 * 3_600_000);
            let readings = vec![Reading::new(1, 4097, 21.4)];
            Entry::Uplink(StoredUplink {
                org: ORG,
                device: device.id,
                eui: device.eui,
                source: SourceId::from_raw(1),
                dedup: DedupKey(u128::try_from(*age_days).unwrap()),
                received_at: at,
                codec: CodecVersion(1),
                frame: None,
                rows: vec![NewRow { measured_at: at, flags: RowFlags::NONE, readings }],
            })
        };
        store.append(ages_days.iter().map(uplink).collect()).await.unwrap();
        (store, RowQuery { device: device.id, window: Window::ALL, limit: 100, hidden: true })
    }

    #[tokio::test]
    async fn readings_are_kept_as_long_as_the_settings_say() {
        let (store, query) = store_with_rows(&[1, 6, 10]).await;
        let left = async |readings_days| {
            remove_old(store.clone(), Retention { readings_days, frames_days: 0 }).await.unwrap();
            store.rows(ORG, query).await.unwrap().len()
        };
        assert_eq!(left(0).await, 3, "0 keeps everything");
        assert_eq!(left(7).await, 2);
        assert_eq!(left(2).await, 1);
    }

    #[tokio::test]
    async fn a_long_job_is_left_when_told_to_stop() {
        let (stop, stopped) = watch::channel(false);
        let begun = tokio::sync::Notify::new();
        let endless = || {
            begun.notify_one();
            std::future::pending()
        };
        let job = unless_told(stopped.clone(), every(RETAIN, stopped, "it cannot be done", endless));
        let told = async {
            begun.notified().await;
            stop.send_replace(true);
        };
        let both = async { tokio::join!(job, told) };
        assert!(tokio::time::timeout(Duration::from_secs(30), both).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_runs_again_and_again_until_told_to_stop() {
        let (stop, stopped) = watch::channel(false);
        let mut runs = 0;
        let work = || {
            runs += 1;
            if runs == 5 {
                stop.send_replace(true);
            }
            std::future::ready(Err(store::Error::Unavailable(format!("try {}", runs / 2))))
        };
        every(Duration::from_secs(1), stopped, "it cannot be done", work).await;
        assert_eq!(runs, 5);
    }
}
