use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use model::OrgId;

/// Counts since the start.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) refused: Count,
    by_org: Mutex<HashMap<OrgId, Arc<Counts>>>,
}

/// Those of one organization.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) sent: Count,
    pub(crate) received: Count,
    pub(crate) dropped: Count,
    pub(crate) missed: Count,
    pub(crate) oversized: Count,
    pub(crate) trimmed: Count,
}

#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// How a broker, or an organization's part of it, is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    /// Clients that are connected.
    pub sessions: u64,
    /// Connections that were turned away; of one organization none are counted.
    pub refused: u64,
    /// Messages sent.
    pub sent: u64,
    /// Messages that clients published.
    pub received: u64,
    /// Those of them that are nobody's to publish, and were dropped.
    pub dropped: u64,
    /// Uplinks and messages that readers at QoS 0 missed because they were too slow.
    pub missed: u64,
    /// Messages that were larger than their reader takes.
    pub oversized: u64,
    /// How often a reader came back to find that the log no longer reached back so far.
    pub trimmed: u64,
    /// How many entries of the log the last of those readers is behind that miss nothing.
    pub lag: u64,
}

impl Counters {
    /// The counts of an organization.
    pub(crate) fn of(&self, org: OrgId) -> Arc<Counts> {
        Arc::clone(self.by_org.lock().unwrap_or_else(PoisonError::into_inner).entry(org).or_default())
    }

    /// Those of every organization that had a client.
    pub(crate) fn all(&self) -> Vec<(OrgId, Arc<Counts>)> {
        let by_org = self.by_org.lock().unwrap_or_else(PoisonError::into_inner);
        by_org.iter().map(|(org, counts)| (*org, Arc::clone(counts))).collect()
    }
}

impl Figures {
    /// Adds what was counted for an organization.
    pub(crate) fn add(&mut self, counts: &Counts) {
        self.sent += counts.sent.get();
        self.received += counts.received.get();
        self.dropped += counts.dropped.get();
        self.missed += counts.missed.get();
        self.oversized += counts.oversized.get();
        self.trimmed += counts.trimmed.get();
    }

    /// Adds a client that is connected, and how far it is behind if it misses nothing.
    pub(crate) fn add_session(&mut self, lag: Option<u64>) {
        self.sessions += 1;
        self.lag = self.lag.max(lag.unwrap_or_default());
    }
}
