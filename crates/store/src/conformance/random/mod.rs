//! Random operations against a backend and the plain reference, every answer compared.
//!
//! [`run`] drives both with the operations that a seed makes: batches with late, repeated, odd and
//! empty rows, new decodings, retention, erasing, the control plane, queries of every kind, and
//! [`Step`]s that only a backend has, such as a crash. [`Ledger`] is for tests that kill a whole
//! process: it writes what can be checked afterwards by whoever has the lines it printed.

mod control;
mod driver;
mod ledger;
mod ledger_check;
mod people;
mod query;
mod rng;
mod values;
mod world;

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use model::Timestamp;

pub use driver::run;
pub use ledger::{InvalidLine, Ledger};
pub use ledger_check::{Checked, check};
pub use rng::Rng;

use crate::Store;

/// A store under test, and what can be done to it that the contract does not know.
#[async_trait]
pub trait Subject: Send {
    /// The store as it is now; asked for anew for every operation.
    fn store(&self) -> Arc<dyn Store>;

    /// Does something that must not change any answer, except that `follow` may answer `Trimmed`.
    /// What a backend does not have, it passes over; what fails, panics.
    async fn step(&mut self, step: Step);
}

/// Something that happens to a backend and must not show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// The periodic work of whatever kind, at this time.
    Maintain {
        /// The clock.
        now: Timestamp,
    },
    /// Open rows become chunks.
    Seal,
    /// Open rows are written down, so that the log before them is not needed.
    Checkpoint,
    /// The log forgets what is written down.
    Trim,
    /// Small chunks become larger ones.
    Merge,
    /// The store is closed properly and opened again.
    Restart,
    /// The store is dropped where it stands and opened again.
    Crash,
}

/// What a run has done, so that a test can see that it did something.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Entries that were stored.
    pub appended: u64,
    /// Uplinks found to be duplicates.
    pub duplicates: u64,
    /// New decodings among the entries.
    pub redecodes: u64,
    /// Queries whose answer held something.
    pub answered: u64,
    /// Rows and frames removed by retention.
    pub expired: u64,
    /// Devices erased.
    pub purged: u64,
    /// Entries that followers got.
    pub followed: u64,
    /// Times that a follower was told that the log is shorter.
    pub trimmed: u64,
    /// Steps of the backend.
    pub steps: u64,
}

impl Summary {
    /// Adds up what several runs have done.
    pub fn add(&mut self, other: &Self) {
        self.appended += other.appended;
        self.duplicates += other.duplicates;
        self.redecodes += other.redecodes;
        self.answered += other.answered;
        self.expired += other.expired;
        self.purged += other.purged;
        self.followed += other.followed;
        self.trimmed += other.trimmed;
        self.steps += other.steps;
    }
}

/// Backend and reference differ.
pub struct Failure {
    /// The seed of the run.
    pub seed: u64,
    /// The number of the operation, from 0.
    pub operation: usize,
    /// What was done, and how the answers differ.
    pub what: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}, operation {}: {}", self.seed, self.operation, self.what)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl std::error::Error for Failure {}
