use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Component, Path},
};

use model::Position;
use rusqlite::{
    Connection, OpenFlags, ToSql, params_from_iter,
    types::{ToSqlOutput, ValueRef},
};
use store::Error;

use super::{
    BackupError, BackupSummary, DATABASES, Frozen, Progress,
    read::{Cell, Record, check, each_record},
};
use crate::{
    error::sqlite,
    folder::{self, Folder},
    log,
    verify::Verified,
};

/// Where a store is restored.
const SCRATCH: &str = "restoring";
/// Where it waits, whole, until it is in its place.
const READY: &str = "restored";
/// How far positions are skipped: more uplinks than the station can have taken in after the backup
/// was made, whose positions somebody may remember.
const POSITIONS_SKIPPED: u64 = 1 << 40;

/// Makes a store of a backup in a folder, after the whole backup has been read and found as it was
/// written, and verifies it. Positions go on well behind all that the station of the backup may have
/// given since. With `overwrite` it takes the place of the store that the folder holds; a crash
/// leaves either the old one or the new one.
///
/// **Errors**: whatever is wrong with the backup, before anything is written; `Occupied`; `Store`
/// with `Unavailable` if a process holds the folder.
pub fn restore(
    file: &Path,
    to: &Path,
    overwrite: bool,
    progress: Progress<'_>,
) -> Result<(BackupSummary, Verified), BackupError> {
    let held = if to.exists() { Some(Folder::lock(to)?) } else { None };
    if held.is_some() {
        finish_install(to)?;
    }
    if !overwrite && DATABASES.iter().any(|name| to.join(name).exists()) {
        return Err(BackupError::Occupied(to.to_owned()));
    }
    check(file, &mut |done, total| progress(done, total * 3))?;
    let _held = match held {
        Some(held) => held,
        None => Folder::lock(to)?,
    };
    let scratch = to.join(SCRATCH);
    // What an earlier restore that was cut off has left.
    remove_folder(&scratch)?;
    let made = fill_and_verify(file, &scratch, &mut |done, total| progress(total / 2 + done, total + total / 2));
    let made = match made {
        Ok(made) => made,
        Err(error) => {
            remove_folder(&scratch)?;
            return Err(error);
        }
    };
    fs::rename(&scratch, to.join(READY))?;
    File::open(to)?.sync_all()?;
    finish_install(to)?;
    Ok(made)
}

/// Restores a backup into a folder that is not there yet, verifies what came of it, and removes it
/// again: what a restore would do, without anybody's store being touched.
///
/// **Errors**: as [`restore`].
pub fn rehearse(file: &Path, scratch: &Path, progress: Progress<'_>) -> Result<(BackupSummary, Verified), BackupError> {
    check(file, &mut |done, total| progress(done, total * 3))?;
    folder::create(scratch.parent().unwrap_or(scratch))?;
    let made = fill_and_verify(file, scratch, &mut |done, total| progress(total / 2 + done, total + total / 2));
    remove_folder(scratch)?;
    made
}

fn fill_and_verify(file: &Path, into: &Path, progress: Progress<'_>) -> Result<(BackupSummary, Verified), BackupError> {
    let summary = fill(file, into, &mut |done, total| progress(done, total * 2))?;
    let verified = Frozen::begin(into)?.verify(&mut |done, total| progress(total + done, total * 2))?;
    Ok((summary, verified))
}

/// Makes the databases and files of a backup in a folder that has none.
fn fill(file: &Path, into: &Path, progress: Progress<'_>) -> Result<BackupSummary, BackupError> {
    if into.exists() {
        return Err(BackupError::Occupied(into.to_owned()));
    }
    folder::create(into)?;
    let mut target: Option<Target> = None;
    let summary = each_record(file, progress, |record| match record {
        Record::Database { name, page_size, auto_vacuum } => {
            let next = Target::create(into, name, page_size, auto_vacuum)?;
            target.replace(next).map_or(Ok(()), Target::finish)
        }
        Record::File { name, bytes } => write_file(into, name, bytes),
        record => target.as_mut().ok_or(BackupError::Content("its records are out of order"))?.take(record),
    })?;
    target.map_or(Ok(()), Target::finish)?;
    for name in DATABASES {
        if !into.join(name).exists() {
            return Err(BackupError::Content("it lacks a database"));
        }
    }
    skip_positions(into, summary.position)?;
    File::open(into)?.sync_all()?;
    Ok(summary)
}

fn remove_folder(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Moves what a restore has made ready to its place, where that was interrupted.
pub(crate) fn finish_install(folder: &Path) -> io::Result<()> {
    let ready = folder.join(READY);
    if !ready.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(&ready)? {
        let name = entry?.file_name();
        let place = folder.join(&name);
        // What belongs to the old database must not meet the new one.
        for companion in ["-wal", "-shm", "-journal"] {
            let mut companion_name = place.clone().into_os_string();
            companion_name.push(companion);
            match fs::remove_file(companion_name) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        fs::rename(ready.join(&name), place)?;
    }
    File::open(folder)?.sync_all()?;
    fs::remove_dir(&ready)?;
    File::open(folder)?.sync_all()
}

/// A database that is being filled.
struct Target {
    connection: Connection,
    insert: String,
    schema: Vec<String>,
}

impl Target {
    fn create(into: &Path, name: &str, page_size: u64, auto_vacuum: u64) -> Result<Self, BackupError> {
        if !DATABASES.contains(&name) {
            return Err(BackupError::Content("it has a database of another name"));
        }
        let path = into.join(name);
        drop(OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?);
        let connection = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        for (name, value) in [("page_size", page_size), ("auto_vacuum", auto_vacuum)] {
            connection.pragma_update(None, name, value as i64)?;
        }
        // Nothing is lost if this is: the store is made anew then. It is waited for at the end.
        connection.pragma_update_and_check(None, "journal_mode", "off", |_| Ok(()))?;
        for (name, value) in [("synchronous", "off"), ("foreign_keys", "off"), ("trusted_schema", "off")] {
            connection.pragma_update(None, name, value)?;
        }
        connection.execute_batch("BEGIN")?;
        Ok(Self { connection, insert: String::new(), schema: Vec::new() })
    }

    fn take(&mut self, record: Record<'_>) -> Result<(), BackupError> {
        match record {
            Record::Table { name, sql, columns } => {
                let quoted = name.replace('"', "\"\"");
                let places = vec!["?"; columns].join(", ");
                self.insert = format!("INSERT INTO \"{quoted}\" VALUES ({places})");
                if name == "sqlite_sequence" {
                    // It is there already, and counts what was filled in.
                    self.connection.execute_batch("DELETE FROM sqlite_sequence")?;
                } else {
                    self.define(sql, "CREATE TABLE ")?;
                }
            }
            Record::Row(cells) => {
                let mut insert = self.connection.prepare_cached(&self.insert)?;
                insert.execute(params_from_iter(cells))?;
            }
            // An index is made at once when its table is full.
            Record::Schema(sql) => self.schema.push(sql.to_owned()),
            Record::Database { .. } | Record::File { .. } => {}
        }
        Ok(())
    }

    /// Runs the one statement that a table or an index was made by.
    fn define(&self, sql: &str, starts: &str) -> Result<(), BackupError> {
        if !sql.starts_with(starts) {
            return Err(BackupError::Content("it defines something unknown"));
        }
        // Refuses what has a second statement behind it.
        Ok(self.connection.prepare(sql)?.execute([]).map(drop)?)
    }

    fn finish(self) -> Result<(), BackupError> {
        for sql in &self.schema {
            let starts = if sql.starts_with("CREATE UNIQUE INDEX ") { "CREATE UNIQUE INDEX " } else { "CREATE INDEX " };
            self.define(sql, starts)?;
        }
        self.connection.execute_batch("COMMIT")?;
        let path = self.connection.path().unwrap_or_default().to_owned();
        self.connection.close().map_err(|(_, cause)| cause)?;
        Ok(File::open(path)?.sync_all()?)
    }
}

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(number),
            Self::Real(number) => ValueRef::Real(number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(blob) => ValueRef::Blob(blob),
        }))
    }
}

fn write_file(into: &Path, name: &str, bytes: &[u8]) -> Result<(), BackupError> {
    let mut components = Path::new(name).components();
    if !matches!((components.next(), components.next()), (Some(Component::Normal(_)), None)) {
        return Err(BackupError::Content("a file of it lies elsewhere"));
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(into.join(name))?;
    file.write_all(bytes)?;
    Ok(file.sync_all()?)
}

fn skip_positions(into: &Path, position: Position) -> Result<(), Error> {
    let connection = Connection::open(into.join("log.db")).map_err(sqlite)?;
    let floor = position.get().max(log::meta(&connection, "floor")?).saturating_add(POSITIONS_SKIPPED);
    log::set_meta(&connection, "floor", floor).map_err(sqlite)?;
    connection.close().map_err(|(_, cause)| sqlite(cause))
}
