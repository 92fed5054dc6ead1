//! The plain reference: the contract in ordered maps, for tests to hold backends against.

mod codecs;
mod mirrors;
mod people;
mod registry;
mod sources;
mod streams;
mod tables;
mod telemetry;
mod unbound;
mod usage;

use std::sync::{Mutex, MutexGuard};

use model::Position;
use tokio::sync::watch;

use crate::Error;

/// A store in memory with no thought of speed: what it answers is what every backend answers.
#[derive(Debug, Default)]
pub struct Reference {
    registry: Mutex<tables::Tables>,
    log: Mutex<telemetry::Log>,
    /// The last position, for those who wait for the next.
    head: watch::Sender<Position>,
}

impl Reference {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> Result<MutexGuard<'_, T>, Error> {
    mutex.lock().map_err(|_| Error::internal("a thread panicked while it held the tables"))
}
