//! What the threads of a store and its readers have in common.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use model::{Day, OrgId, Position, Timestamp};
use store::USAGE_DAYS;
use tokio::sync::watch;

use crate::{company::Bell, devices::Devices, folder::Folder, settings::Settings, tail::Tail};

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) folder: Folder,
    pub(crate) settings: Settings,
    pub(crate) devices: Devices,
    pub(crate) ledger: Mutex<Ledger>,
    tail: Mutex<Tail>,
    /// The ledger's head, for those who wait for the next.
    pub(crate) head: watch::Sender<Position>,
    /// Everything up to here has left the log.
    pub(crate) trimmed: AtomicU64,
    /// Frames up to here are in the frame table.
    pub(crate) frames_through: AtomicU64,
    /// Bytes of rows that are not sealed.
    pub(crate) open_bytes: AtomicU64,
    /// Bytes of log since the last checkpoint.
    pub(crate) log_bytes: AtomicU64,
    pub(crate) counters: Counters,
    pub(crate) bell: Bell,
    /// Why nothing can be written, while nothing can.
    blocked: Mutex<Option<String>>,
    /// Why nothing is written any more until the store is opened anew.
    failed: OnceLock<String>,
}

/// What changes with every commit, always all of it together.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// The last entry that is durable and in the devices' states.
    pub(crate) head: Position,
    /// Data uploaded, by organization.
    pub(crate) um: HashMap<OrgId, u64>,
    /// The same by day, ascending, of the newest days that any were uploaded on.
    pub(crate) um_by_day: HashMap<OrgId, Vec<(Day, u64)>>,
    /// Which of those have changed since the last checkpoint.
    pub(crate) um_changed: BTreeSet<(OrgId, Day)>,
    /// Commits since the last checkpoint that hold entries of an organization.
    pub(crate) commits: HashMap<OrgId, Vec<Position>>,
}

/// Counts since the start.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) commits: AtomicU64,
    pub(crate) uplinks: AtomicU64,
    pub(crate) duplicates: AtomicU64,
    pub(crate) chunks_sealed: AtomicU64,
    pub(crate) merges: AtomicU64,
    pub(crate) checkpoints: AtomicU64,
    pub(crate) damaged: AtomicU64,
}

impl Shared {
    pub(crate) fn new(folder: Folder, settings: Settings) -> Self {
        Self {
            folder,
            settings,
            devices: Devices::new(),
            ledger: Mutex::default(),
            tail: Mutex::default(),
            head: watch::Sender::default(),
            trimmed: AtomicU64::new(0),
            frames_through: AtomicU64::new(0),
            open_bytes: AtomicU64::new(0),
            log_bytes: AtomicU64::new(0),
            counters: Counters::default(),
            bell: Bell::new(),
            blocked: Mutex::default(),
            failed: OnceLock::new(),
        }
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tail(&self) -> MutexGuard<'_, Tail> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn block(&self, reason: Option<String>) {
        *self.blocked.lock().unwrap_or_else(PoisonError::into_inner) = reason;
    }

    pub(crate) fn fail(&self, reason: String) {
        tracing::error!("{reason}");
        drop(self.failed.set(reason));
    }

    pub(crate) fn failed(&self) -> Option<String> {
        self.failed.get().cloned()
    }

    /// Why nothing can be written, while nothing can.
    pub(crate) fn blocked(&self) -> Option<String> {
        self.failed().or_else(|| self.blocked.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    pub(crate) fn trimmed(&self) -> Position {
        Position::from_raw(self.trimmed.load(Relaxed))
    }

    pub(crate) fn frames_through(&self) -> Position {
        Position::from_raw(self.frames_through.load(Relaxed))
    }

    pub(crate) fn count_open(&self, before: usize, after: usize) {
        if after >= before {
            self.open_bytes.fetch_add((after - before) as u64, Relaxed);
        } else {
            self.open_bytes.fetch_sub((before - after) as u64, Relaxed);
        }
    }
}

impl Ledger {
    /// Counts data that were uploaded on a day.
    pub(crate) fn count_um(&mut self, org: OrgId, received_at: Timestamp, um: u64) {
        if um == 0 {
            return;
        }
        *self.um.entry(org).or_default() += um;
        let (day, days) = (Day::of(received_at), self.um_by_day.entry(org).or_default());
        match days.binary_search_by_key(&day, |(day, _)| *day) {
            Ok(at) => days[at].1 += um,
            Err(at) => days.insert(at, (day, um)),
        }
        if days.len() > USAGE_DAYS {
            days.remove(0);
        }
        self.um_changed.insert((org, day));
    }

    /// Takes in what one commit holds.
    pub(crate) fn commit(&mut self, start: Position, last: Position, orgs: &BTreeSet<OrgId>) {
        self.head = last;
        for org in orgs {
            self.commits.entry(*org).or_default().push(start);
        }
    }
}
