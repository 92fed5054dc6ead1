//! The log's database: commits in, commits out.

use std::collections::BTreeSet;

use model::Position;
use rusqlite::{Connection, OptionalExtension, params};
use store::Error;

use crate::{
    blob::Blob,
    error::{damaged_bytes, sqlite},
};

/// One commit as it lies on disk.
#[derive(Debug)]
pub(crate) struct Commit {
    pub(crate) position: Position,
    pub(crate) received_ms: i64,
    pub(crate) bytes: Vec<u8>,
}

impl Commit {
    pub(crate) fn blob(&self) -> Result<Blob<'_>, Error> {
        Blob::open(&self.bytes).map_err(|cause| damaged_bytes(self.name(), cause))
    }

    pub(crate) fn name(&self) -> String {
        format!("the log's commit at position {}", self.position)
    }
}

pub(crate) fn insert(connection: &Connection, commit: &Commit) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached("INSERT INTO log (position, received_ms, bytes) VALUES (?, ?, ?)")?;
    insert.execute(params![commit.position.get() as i64, commit.received_ms, commit.bytes])?;
    Ok(())
}

pub(crate) fn meta(connection: &Connection, name: &str) -> Result<u64, Error> {
    let mut select = connection.prepare_cached("SELECT value FROM meta WHERE name = ?").map_err(sqlite)?;
    let value: Option<i64> = select.query_row([name], |row| row.get(0)).optional().map_err(sqlite)?;
    Ok(value.unwrap_or_default() as u64)
}

pub(crate) fn set_meta(connection: &Connection, name: &str, value: u64) -> rusqlite::Result<()> {
    let mut upsert = connection.prepare_cached("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)")?;
    upsert.execute(params![name, value as i64])?;
    Ok(())
}

/// Calls `f` with each commit that may hold entries after a position, in order, until it says stop.
pub(crate) fn each_after(
    connection: &Connection,
    after: Position,
    mut f: impl FnMut(Commit) -> Result<bool, Error>,
) -> Result<(), Error> {
    // The commit that holds `after` itself may hold entries behind it.
    let sql = "SELECT position, received_ms, bytes FROM log
               WHERE position >= COALESCE((SELECT MAX(position) FROM log WHERE position <= ?1), ?1) ORDER BY position";
    let mut select = connection.prepare_cached(sql).map_err(sqlite)?;
    let mut rows = select.query([after.get() as i64]).map_err(sqlite)?;
    while let Some(row) = rows.next().map_err(sqlite)? {
        if !f(commit(row).map_err(sqlite)?)? {
            break;
        }
    }
    Ok(())
}

/// The commit that starts at a position, unless it has been trimmed.
pub(crate) fn find(connection: &Connection, position: Position) -> Result<Option<Commit>, Error> {
    let sql = "SELECT position, received_ms, bytes FROM log WHERE position = ?";
    let mut select = connection.prepare_cached(sql).map_err(sqlite)?;
    select.query_row([position.get() as i64], commit).optional().map_err(sqlite)
}

/// The commits that hold the entries at some positions, each once, in order.
pub(crate) fn holding(connection: &Connection, positions: &[Position]) -> Result<Vec<Commit>, Error> {
    let mut starts = BTreeSet::new();
    let sql = "SELECT MAX(position) FROM log WHERE position <= ?";
    let mut select = connection.prepare_cached(sql).map_err(sqlite)?;
    for position in positions {
        let start: Option<i64> = select.query_row([position.get() as i64], |row| row.get(0)).map_err(sqlite)?;
        starts.extend(start);
    }
    let commits = starts.into_iter().map(|start| find(connection, Position::from_raw(start as u64)));
    commits.filter_map(Result::transpose).collect()
}

/// First and last position that starts a commit, if there is any, and the bytes of all.
pub(crate) fn ends(connection: &Connection) -> Result<Option<(Position, Position)>, Error> {
    let sql = "SELECT MIN(position), MAX(position) FROM log";
    let ends: (Option<i64>, Option<i64>) =
        connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).map_err(sqlite)?;
    Ok(match ends {
        (Some(first), Some(last)) => Some((Position::from_raw(first as u64), Position::from_raw(last as u64))),
        _ => None,
    })
}

fn commit(row: &rusqlite::Row<'_>) -> rusqlite::Result<Commit> {
    let position: i64 = row.get(0)?;
    Ok(Commit { position: Position::from_raw(position as u64), received_ms: row.get(1)?, bytes: row.get(2)? })
}
