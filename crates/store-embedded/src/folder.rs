//! The data folder: who holds it, and its database files.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, config::DbConfig};
use store::Error;

use crate::{
    error::sqlite,
    migrate::{self, Migration},
    settings::Durability,
};

const LOG: &[Migration] = &[(1, "001_log", include_str!("../migrations/log/001_log.sql"))];
const ROWS: &[Migration] = &[
    (1, "001_rows", include_str!("../migrations/rows/001_rows.sql")),
    (2, "002_um_by_day", include_str!("../migrations/rows/002_um_by_day.sql")),
    (3, "003_frame_by_start", include_str!("../migrations/rows/003_frame_by_start.sql")),
];

/// A data folder held by this process, until it is dropped.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    lock: File,
}

/// Which of the folder's databases.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Database {
    Log,
    Rows,
}

impl Folder {
    /// Creates the folder if need be and takes it for this process.
    pub(crate) fn lock(path: &Path) -> Result<Self, Error> {
        create(path)?;
        let cannot = |cause| Error::Unavailable(format!("cannot lock `{}`: {cause}", path.display()));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut lock = options.open(path.join("lock")).map_err(|cause| cannot(cause.to_string()))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = lock.read_to_string(&mut holder);
                return Err(cannot(format!("process {} is using it; stop it first", holder.trim())));
            }
            Err(TryLockError::Error(cause)) => return Err(cannot(cause.to_string())),
        }
        let write_pid = |lock: &mut File| -> std::io::Result<()> {
            lock.set_len(0)?;
            lock.rewind()?;
            writeln!(lock, "{}", std::process::id())
        };
        write_pid(&mut lock).map_err(|cause| cannot(cause.to_string()))?;
        Ok(Self { path: path.to_owned(), lock })
    }

    /// Lets another process have the folder.
    pub(crate) fn unlock(&self) -> Result<(), Error> {
        self.lock.unlock().map_err(Error::internal)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn file(&self, database: Database) -> PathBuf {
        self.path.join(match database {
            Database::Log => "log.db",
            Database::Rows => "rows.db",
        })
    }

    /// Bytes of the write-ahead log of a database.
    pub(crate) fn wal_bytes(&self, database: Database) -> u64 {
        let mut name = self.file(database).into_os_string();
        name.push("-wal");
        std::fs::metadata(name).map_or(0, |file| file.len())
    }

    /// Opens a database to write it, at its newest schema.
    pub(crate) fn writer(&self, database: Database, durability: Durability) -> Result<Connection, Error> {
        let file = self.file(database);
        // Only a file that is not there yet is opened by us: closing one that SQLite has open
        // would drop this process's locks on it.
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file) {
            Err(cause) if cause.kind() != std::io::ErrorKind::AlreadyExists => {
                return Err(Error::Unavailable(format!("cannot open `{}`: {cause}", file.display())));
            }
            Ok(_) | Err(_) => {}
        }
        let mut connection = Connection::open(&file).map_err(sqlite)?;
        let (page_bytes, migrations) = match database {
            Database::Log => (4_096, LOG),
            Database::Rows => (8_192, ROWS),
        };
        // A busy handler sleeps; nobody else writes these files, so it only ever waits for a
        // reader that finishes a checkpoint.
        connection.busy_timeout(Duration::from_secs(5)).map_err(sqlite)?;
        connection.pragma_update(None, "page_size", page_bytes).map_err(sqlite)?;
        connection.pragma_update(None, "auto_vacuum", "incremental").map_err(sqlite)?;
        // What is erased must not be found in a page that is free again.
        connection.pragma_update(None, "secure_delete", "on").map_err(sqlite)?;
        connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(())).map_err(sqlite)?;
        let synchronous = match (durability, database) {
            (Durability::Off, _) => "off",
            (Durability::Full, Database::Log) => "full",
            // The log covers what a power cut takes from here, until a checkpoint waits for it.
            (Durability::Full, Database::Rows) => "normal",
        };
        connection.pragma_update(None, "synchronous", synchronous).map_err(sqlite)?;
        // The log's write-ahead log is copied back off the writer's path.
        let pages = match database {
            Database::Log => 0,
            Database::Rows => 2_000,
        };
        connection.pragma_update(None, "wal_autocheckpoint", pages).map_err(sqlite)?;
        migrate::run(&mut connection, migrations)
            .map_err(|cause| Error::internal(format!("`{}`: {cause}", file.display())))?;
        tune(&connection)?;
        Ok(connection)
    }

    /// Opens a database only to copy its write-ahead log back.
    pub(crate) fn copier(&self, database: Database) -> Result<Connection, Error> {
        let connection = Connection::open(self.file(database)).map_err(sqlite)?;
        connection.pragma_update(None, "wal_autocheckpoint", 0).map_err(sqlite)?;
        Ok(connection)
    }

    /// Opens a database to read it.
    pub(crate) fn reader(&self, database: Database) -> Result<Connection, Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(self.file(database), flags).map_err(sqlite)?;
        connection.busy_timeout(Duration::from_secs(5)).map_err(sqlite)?;
        connection.pragma_update(None, "mmap_size", 256 << 20).map_err(sqlite)?;
        tune(&connection)?;
        Ok(connection)
    }
}

/// Pages given back at once, so that nobody waits long.
const PAGES_GIVEN_BACK: i64 = 2_048;

/// Gives some disk space back where more than half of a file is empty (what is less is soon used
/// again); whether there is more to give.
pub(crate) fn give_back(connection: &Connection) -> Result<bool, Error> {
    let count = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(sqlite);
    let (pages, empty) = (count("page_count")?, count("freelist_count")?);
    let is_worth_it = |empty: i64, pages: i64| empty > PAGES_GIVEN_BACK && empty > pages / 2;
    if is_worth_it(empty, pages) {
        let mut vacuum =
            connection.prepare(&format!("PRAGMA incremental_vacuum({PAGES_GIVEN_BACK})")).map_err(sqlite)?;
        let mut steps = vacuum.query([]).map_err(sqlite)?;
        while steps.next().map_err(sqlite)?.is_some() {}
        let (pages, left) = (count("page_count")?, count("freelist_count")?);
        return Ok(left < empty && is_worth_it(left, pages));
    }
    Ok(false)
}

fn tune(connection: &Connection) -> Result<(), Error> {
    connection.set_prepared_statement_cache_capacity(64);
    // Else a cached statement with a range is compiled again for each new value.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop).map_err(sqlite)
}

/// Creates a folder that only its owner can enter.
pub(crate) fn create(path: &Path) -> Result<(), Error> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|cause| Error::Unavailable(format!("cannot create `{}`: {cause}", path.display())))
}
