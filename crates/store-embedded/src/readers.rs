//! Connections that read, a few, off the threads that serve requests.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use store::Error;
use tokio::sync::Semaphore;

use crate::{error::stopped, folder::Database, shared::Shared};

/// Readers at once; each has its page caches, and two cores do not profit from more.
const READERS: usize = 4;

#[derive(Debug)]
pub(crate) struct Readers {
    idle: Mutex<Vec<Reader>>,
    permits: Arc<Semaphore>,
}

/// A connection to each database.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) log: Connection,
    pub(crate) rows: Connection,
}

impl Readers {
    pub(crate) fn new() -> Self {
        Self { idle: Mutex::default(), permits: Arc::new(Semaphore::new(READERS)) }
    }

    /// Runs `f` with a reader on a thread that may wait for the disk.
    pub(crate) async fn with<T: Send + 'static>(
        self: &Arc<Self>,
        shared: &Arc<Shared>,
        f: impl FnOnce(&Shared, &Reader) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| stopped())?;
        let (readers, shared) = (Arc::clone(self), Arc::clone(shared));
        let answer = tokio::task::spawn_blocking(move || {
            // Held by the work, not by who waits for it, and may go away.
            let _permit = permit;
            let idle = readers.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let reader = match idle {
                Some(reader) => reader,
                None => {
                    Reader { log: shared.folder.reader(Database::Log)?, rows: shared.folder.reader(Database::Rows)? }
                }
            };
            let answer = f(&shared, &reader);
            readers.idle.lock().unwrap_or_else(PoisonError::into_inner).push(reader);
            answer
        });
        answer.await.map_err(Error::internal)?
    }

    /// Closes the idle ones, so that nothing holds the write-ahead logs.
    pub(crate) fn close(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
