use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, config::DbConfig};
use store::Error;
use tokio::sync::Semaphore;

use super::failure::Failure;

/// How long a statement waits for another process's transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// More than there are different statements.
const STATEMENTS_MAX: usize = 128;

/// Some connections to one database, opened as they are needed, for work off the async threads.
pub(super) struct Pool {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl Pool {
    pub(super) fn new(path: &Path, connections_max: usize) -> Self {
        let permits = Arc::new(Semaphore::new(connections_max));
        Self { path: path.to_owned(), idle: Mutex::default(), permits }
    }

    /// Waits for a connection and does the work on a blocking thread. The work is done to its end
    /// even if nobody waits for it any more.
    pub(super) async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&mut Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Error> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(Error::internal)?;
        let pool = Arc::clone(self);
        let work = move || {
            let _until_done = permit;
            let mut connection = pool.take()?;
            let outcome = work(&mut connection);
            // Not after a panic: the connection is closed then, and its transaction undone.
            pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            outcome
        };
        tokio::task::spawn_blocking(work).await.map_err(Error::internal)?.map_err(Error::from)
    }

    fn take(&self) -> Result<Connection, Failure> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| Ok(connect(&self.path)?), Ok)
    }
}

/// A connection to a database that exists.
pub(super) fn connect(path: &Path) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // Otherwise SQLite compiles a statement with a range anew for every value that it is given.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF")?;
    Ok(connection)
}
