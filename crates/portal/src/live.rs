//! What goes on just now: read from the log, told to open pages, and counted.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use model::{DeviceEui, OrgId, Position, Reading, SourceId, Timestamp};
use store::{Entry, Error, LogEntry, Scope, Store};
use tokio::{
    sync::{Notify, broadcast, watch},
    time::{sleep, timeout},
};

/// How many entries of the log are read at once.
const BATCH: usize = 512;
/// How long a store that failed is left alone.
const PAUSE: Duration = Duration::from_millis(500);
/// How long what comes gathers while no page is open, when it is only counted.
const GATHER: Duration = Duration::from_secs(1);
/// How many uplinks a page may be behind before it misses some.
const BEHIND_MAX: usize = 256;
const MINUTE_MS: i64 = 60_000;
const MINUTES: usize = 60;

/// An uplink that has just come.
#[derive(Debug, Clone)]
pub(crate) struct LiveUplink {
    pub(crate) org: OrgId,
    pub(crate) eui: DeviceEui,
    pub(crate) source: SourceId,
    pub(crate) received_at: Timestamp,
    /// When and what it measured, oldest row first.
    pub(crate) rows: Vec<(Timestamp, Vec<Reading>)>,
}

/// What goes on in the station.
pub struct Live {
    uplinks: broadcast::Sender<Arc<LiveUplink>>,
    /// Told when a page comes to listen.
    opened: Notify,
    counts: Mutex<HashMap<OrgId, Minutes>>,
    /// Whose uplink each source brought last; there are as many as sources that brought any.
    last: Mutex<HashMap<SourceId, DeviceEui>>,
    /// Since when everything is counted.
    since: Mutex<Option<Timestamp>>,
    /// Whether it is over, so that pages that listen let go.
    ended: watch::Sender<bool>,
}

impl Default for Live {
    fn default() -> Self {
        Self {
            uplinks: broadcast::channel(BEHIND_MAX).0,
            opened: Notify::new(),
            counts: Mutex::default(),
            last: Mutex::default(),
            since: Mutex::default(),
            ended: watch::Sender::new(false),
        }
    }
}

/// How many uplinks an organization had in the last minutes, the newest last.
#[derive(Debug, Default)]
struct Minutes(VecDeque<(i64, u64)>);

impl Minutes {
    fn add(&mut self, at: Timestamp) {
        let minute = at.as_millis().div_euclid(MINUTE_MS);
        match self.0.iter_mut().rev().find(|(other, _)| *other == minute) {
            Some((_, count)) => *count += 1,
            None => self.0.push_back((minute, 1)),
        }
        while self.0.len() > MINUTES + 1 {
            self.0.pop_front();
        }
    }

    fn in_last_hour(&self, now: Timestamp) -> u64 {
        let oldest = now.as_millis().div_euclid(MINUTE_MS) - MINUTES as i64;
        self.0.iter().filter(|(minute, _)| *minute > oldest).map(|(_, count)| count).sum()
    }
}

impl Live {
    /// Uplinks from now on, and maybe some of the last second. Whoever reads too slowly misses some.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Arc<LiveUplink>> {
        let uplinks = self.uplinks.subscribe();
        self.opened.notify_one();
        uplinks
    }

    /// Turns true when nothing more will come.
    pub(crate) fn ended(&self) -> watch::Receiver<bool> {
        self.ended.subscribe()
    }

    /// How many uplinks an organization had in the last hour.
    pub(crate) fn uplinks_in_last_hour(&self, org: OrgId, now: Timestamp) -> u64 {
        lock(&self.counts).get(&org).map_or(0, |minutes| minutes.in_last_hour(now))
    }

    /// The device whose uplink a source brought last, since the station was started.
    pub(crate) fn last_device(&self, source: SourceId) -> Option<DeviceEui> {
        lock(&self.last).get(&source).copied()
    }

    /// Since when uplinks are counted, if that is less than an hour.
    pub(crate) fn counts_since(&self, now: Timestamp) -> Option<Timestamp> {
        lock(&self.since).filter(|since| now.since_ms(*since) < MINUTES as i64 * MINUTE_MS)
    }

    /// Reads the log until told to stop; a failure is waited out.
    pub async fn run(&self, store: &dyn Store, now: fn() -> Timestamp, mut stop: watch::Receiver<bool>) {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => {}
            () = self.read_on(store, now) => {}
        }
        self.ended.send_replace(true);
    }

    async fn read_on(&self, store: &dyn Store, now: fn() -> Timestamp) {
        let mut at: Option<Position> = None;
        let mut failed = false;
        loop {
            let read = match at {
                None => self.begin(store, now()).await,
                Some(after) => self.read(store, after).await,
            };
            match read {
                Ok(next) => (at, failed) = (Some(next), false),
                Err(Error::Trimmed { oldest }) => at = Some(oldest),
                Err(error) => {
                    if !failed {
                        tracing::warn!("what goes on cannot be shown: {error}");
                    }
                    failed = true;
                    sleep(PAUSE).await;
                }
            }
        }
    }

    /// The end of the log, which is where reading starts.
    async fn begin(&self, store: &dyn Store, now: Timestamp) -> Result<Position, Error> {
        let head = store.head().await?;
        lock(&self.since).get_or_insert(now);
        Ok(head)
    }

    /// Reads what comes after a position, once something does.
    async fn read(&self, store: &dyn Store, after: Position) -> Result<Position, Error> {
        store.wait(after).await?;
        let followed = store.follow(Scope::All, after, BATCH).await?;
        // To read each commit by itself costs a busy station much of what the commit does.
        let gathers = followed.entries.len() < BATCH && self.uplinks.receiver_count() == 0;
        for entry in followed.entries {
            self.take(entry);
        }
        if gathers {
            let _opened = timeout(GATHER, self.opened.notified()).await;
        }
        Ok(followed.next)
    }

    fn take(&self, entry: LogEntry) {
        let Entry::Uplink(uplink) = entry.entry else { return };
        if uplink.source == SourceId::HISTORY {
            return;
        }
        lock(&self.counts).entry(uplink.org).or_default().add(uplink.received_at);
        lock(&self.last).insert(uplink.source, uplink.eui);
        if self.uplinks.receiver_count() == 0 {
            return;
        }
        let mut rows: Vec<_> = uplink.rows.into_iter().map(|row| (row.measured_at, row.readings)).collect();
        rows.sort_by_key(|(measured_at, _)| *measured_at);
        let (org, eui, source) = (uplink.org, uplink.eui, uplink.source);
        let live = LiveUplink { org, eui, source, received_at: uplink.received_at, rows };
        // Nobody may be left to hear it.
        let _heard = self.uplinks.send(Arc::new(live));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_has_sixty_minutes_and_forgets_the_rest() {
        let mut minutes = Minutes::default();
        let at = |minute: i64| Timestamp::from_millis(minute * MINUTE_MS + 1);
        for minute in 0..200 {
            minutes.add(at(minute));
            minutes.add(at(minute));
        }
        assert_eq!(minutes.in_last_hour(at(199)), 120);
        assert_eq!(minutes.in_last_hour(at(229)), 60);
        assert_eq!(minutes.in_last_hour(at(400)), 0);
        assert!(minutes.0.len() <= MINUTES + 1);
    }
}
