use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counts since the start.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) refused: Count,
    pub(crate) sent: Count,
    pub(crate) received: Count,
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

    fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// How a broker is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// Readers that are connected.
    pub sessions: u64,
    /// Connections that were turned away.
    pub refused: u64,
    /// Messages sent.
    pub sent: u64,
    /// Messages that clients published, all of which are dropped.
    pub received: u64,
    /// Uplinks that readers at QoS 0 missed because they were too slow.
    pub missed: u64,
    /// Messages that were larger than their reader takes.
    pub oversized: u64,
    /// How often a reader came back to find that the log no longer reached back so far.
    pub trimmed: u64,
    /// How many entries of the log the last of those readers is behind that miss nothing.
    pub lag: u64,
}

impl Counters {
    pub(crate) fn figures(&self, sessions: u64, lag: u64) -> Figures {
        Figures {
            sessions,
            refused: self.refused.get(),
            sent: self.sent.get(),
            received: self.received.get(),
            missed: self.missed.get(),
            oversized: self.oversized.get(),
            trimmed: self.trimmed.get(),
            lag,
        }
    }
}
