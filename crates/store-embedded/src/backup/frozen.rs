use std::path::Path;

use model::Position;
use rusqlite::{Connection, OpenFlags};
use store::Error;

use super::DATABASES;
use crate::{error::sqlite, folder::Folder, log};

/// A store as it was at one moment, for as long as this is kept; the store itself goes on.
///
/// Meanwhile SQLite's write-ahead logs grow by what is written.
#[derive(Debug)]
pub struct Frozen {
    pub(super) rows: Connection,
    pub(super) log: Connection,
    pub(super) registry: Connection,
    /// Taken where no store is open.
    _folder: Option<Folder>,
}

impl Frozen {
    /// Takes a folder that no process holds, as it lies there: nothing is recovered or repaired.
    ///
    /// **Errors**: `Unavailable` if another process holds it (its id is named) or it is no store.
    pub fn open(path: &Path) -> Result<Self, Error> {
        if !DATABASES.iter().all(|name| path.join(name).exists()) {
            return Err(Error::Unavailable(format!("there is no station in `{}`", path.display())));
        }
        let folder = Folder::lock(path)?;
        Ok(Self { _folder: Some(folder), ..Self::begin(path)? })
    }

    /// Begins a reading transaction on each database, one after the other. The caller sees to it
    /// that nothing moves from one to another meanwhile; the log comes after the rows, so that it
    /// reaches at least as far, and the registry last, so that it knows every device.
    pub(crate) fn begin(path: &Path) -> Result<Self, Error> {
        let [rows, log, registry] = DATABASES.map(|name| freeze(&path.join(name)));
        Ok(Self { rows: rows?, log: log?, registry: registry?, _folder: None })
    }

    /// Everything up to here is in it.
    ///
    /// **Errors**: `Internal` if the databases cannot be read.
    pub fn position(&self) -> Result<Position, Error> {
        let mut position = log::meta(&self.rows, "checkpoint")?.max(log::meta(&self.log, "trimmed")?);
        if let Some((_, start)) = log::ends(&self.log)? {
            let last = log::find(&self.log, start)?.and_then(|commit| commit.blob().ok()?.last());
            position = position.max(last.unwrap_or(start).get());
        }
        Ok(Position::from_raw(position))
    }

    /// The databases with their names.
    pub(crate) fn databases(&self) -> [(&'static str, &Connection); 3] {
        let [rows, log, registry] = DATABASES;
        [(log, &self.log), (rows, &self.rows), (registry, &self.registry)]
    }

    /// Lets the write-ahead log of the log be copied back again, which is the one that grows.
    pub(super) fn thaw_log(&self) -> Result<(), Error> {
        self.log.execute_batch("COMMIT").map_err(sqlite)
    }
}

fn freeze(file: &Path) -> Result<Connection, Error> {
    // One that only reads cannot make the index of a write-ahead log that was left behind.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags).map_err(sqlite)?;
    connection.busy_timeout(std::time::Duration::from_secs(5)).map_err(sqlite)?;
    connection.pragma_update(None, "wal_autocheckpoint", 0).map_err(sqlite)?;
    connection.pragma_update(None, "mmap_size", 256 << 20).map_err(sqlite)?;
    // The transaction begins with what it reads first.
    connection.execute_batch("BEGIN").map_err(sqlite)?;
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())).map_err(sqlite)?;
    Ok(connection)
}
