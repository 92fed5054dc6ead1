//! What must be done every now and then.

use std::{sync::Arc, time::Duration};

use api::ApiState;
use ingest::Notes;
use model::{Deed, Retention, Timestamp};
use portal::{
    PortalState,
    retention::{Deed::Remove, Old, apply},
};
use store::Store;
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval},
};

use crate::{clock, disk::Disk, door::Identity, last_retention::LastRetention, station::Station};

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

/// Measures how fast the disk fills.
pub(crate) async fn watch_disk(disk: Arc<Disk>, stop: watch::Receiver<bool>) {
    let measure = || {
        let disk = Arc::clone(&disk);
        async move {
            let measured = tokio::task::spawn_blocking(move || disk.measure(clock::now())).await;
            measured.map_err(store::Error::internal)?.map_err(store::Error::internal)
        }
    };
    every(RETAIN, stop, "how fast the disk fills cannot be measured", measure).await;
}

/// Removes what is older than groups, organizations and the settings want it kept.
pub(crate) async fn retain(
    station: Arc<Station>,
    retention: Retention,
    last: Arc<LastRetention>,
    stop: watch::Receiver<bool>,
) {
    let remove = || remove_if_believed(station.store(), retention, &last, clock::now());
    // Years of data take minutes to remove; the next start goes on with what is left.
    unless_told(stop.clone(), every(RETAIN, stop, "old data is not removed", remove)).await;
}

/// Does some work, which may be left where it is, until told to stop.
async fn unless_told(mut stop: watch::Receiver<bool>, work: impl Future<Output = ()>) {
    tokio::select! {
        _ = stop.wait_for(|stop| *stop) => {}
        () = work => {}
    }
}

/// Removes what is too old, unless the clock is not to be believed.
async fn remove_if_believed(
    store: Arc<dyn Store>,
    station: Retention,
    last: &LastRetention,
    now: Timestamp,
) -> Result<(), store::Error> {
    let Some(doubt) = last.doubt(now).map_err(store::Error::internal)? else {
        last.tell(None);
        return remove_old(store, station, now).await;
    };
    // Where everything is kept for ever, nobody needs to know.
    let is_trouble = removes_anything(&*store, station, now).await?;
    last.tell(is_trouble.then(|| doubt.clone()));
    if is_trouble { Err(store::Error::Unavailable(doubt)) } else { Ok(()) }
}

/// Whether anybody wants anything to be removed some day.
async fn removes_anything(store: &dyn Store, station: Retention, now: Timestamp) -> Result<bool, store::Error> {
    let mut after = None;
    while let Some(org) = store.list_organizations(after, 1).await?.pop() {
        let rules = store.get_retention(org.id).await?;
        let said = rules.groups.into_values().chain([Retention::default()]);
        let holds = said.map(|said| said.or(rules.organization).or(station));
        let mut kept = holds.flat_map(|holds| [holds.readings, holds.frames]);
        if kept.any(|keep| keep.is_some_and(|keep| keep.cut(now).is_some())) {
            return Ok(true);
        }
        after = Some(org.id);
    }
    Ok(false)
}

async fn remove_old(store: Arc<dyn Store>, station: Retention, now: Timestamp) -> Result<(), store::Error> {
    let mut after = None;
    while let Some(org) = store.list_organizations(after, 1).await?.pop() {
        let org = org.id;
        let rules = store.get_retention(org).await?;
        let Old { devices, rows, frames } = apply(&*store, org, &rules, station, None, now, Remove).await?;
        if devices > 0 {
            tracing::info!(%org, devices, rows, frames, "removed what is older than it is to be kept");
            let deed = Deed {
                org,
                at: now,
                actor: "station".to_owned(),
                address: String::new(),
                action: "retention.remove".to_owned(),
                subject: org.to_string(),
                detail: format!("{rows} rows and {frames} frames of {devices} devices"),
            };
            store.record(deed).await?;
        }
        after = Some(org);
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
    use model::{CodecVersion, DedupKey, DeviceKind, Keep, OrgId, Organization, Reading, RowFlags, SourceId, Window};
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
            let retention = Retention { readings: Keep::days(readings_days).ok(), frames: None };
            remove_old(store.clone(), retention, clock::now()).await.unwrap();
            store.rows(ORG, query).await.unwrap().len()
        };
        assert_eq!(left(0).await, 3, "0 keeps everything");
        assert_eq!(left(7).await, 2);
        assert_eq!(left(2).await, 1);
        let deeds = store.list_deeds(ORG, None, 10).await.unwrap();
        let told: Vec<_> = deeds.iter().map(|(_, deed)| (deed.actor.as_str(), deed.detail.as_str())).collect();
        assert_eq!(told, [("station", "1 rows and 0 frames of 1 devices"); 2]);
    }

    #[tokio::test]
    async fn a_clock_that_ran_ahead_removes_nothing() {
        let (store, query) = store_with_rows(&[1, 10]).await;
        let folder = tempfile::tempdir().unwrap();
        let last = LastRetention::new(folder.path());
        let week = Retention { readings: Keep::days(7).ok(), frames: None };
        let run = async |retention, days_ahead: i64| {
            let now = clock::now().plus_ms(days_ahead * 24 * 3_600_000);
            let done = remove_if_believed(store.clone(), retention, &last, now).await;
            let left = store.rows(ORG, query).await.unwrap().len();
            (done.is_ok(), last.trouble().is_some(), left)
        };
        assert_eq!(run(week, 0).await, (true, false, 1));
        assert_eq!(run(week, 3_650).await, (false, true, 1));
        assert_eq!(run(Retention::default(), 3_650).await, (true, false, 1), "nothing is to be removed");
        assert_eq!(run(week, 3_650).await, (false, true, 1));
        let rules = Retention { readings: Keep::days(30).ok(), frames: None };
        store.set_retention(ORG, None, rules).await.unwrap();
        assert_eq!(run(Retention::default(), 3_650).await, (false, true, 1), "an organization's word counts");
        assert_eq!(run(week, 1).await, (true, false, 1), "the clock was put right");
        assert_eq!(run(week, 20).await, (true, false, 1));
        assert_eq!(run(week, 45).await, (true, false, 0), "time goes by");
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
