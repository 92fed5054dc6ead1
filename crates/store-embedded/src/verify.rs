//! Reads everything that is at rest, and names what is not as it was written.

use std::collections::HashMap;

use chunk::Chunk;
use model::{DeviceId, OrgId, Position};
use rusqlite::{Connection, params};
use store::Error;

use crate::{
    backup::{Frozen, Progress},
    bytes::Take,
    entry::{self, Logged},
    error::sqlite,
    frames, log,
    state::DeviceState,
};

/// Findings that are named; more are only counted.
const FINDINGS_MAX: usize = 1_000;

/// What was read, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verified {
    /// Entries of the log.
    pub entries: u64,
    /// Devices with a saved state.
    pub devices: u64,
    /// Chunks of sealed rows.
    pub chunks: u64,
    /// Sealed rows.
    pub rows: u64,
    /// Raw frames that have left the log.
    pub frames: u64,
    /// What is damaged, in words; the first thousand.
    pub findings: Vec<String>,
    /// How many findings there are.
    pub finding_count: u64,
}

impl Verified {
    /// Whether nothing was found.
    pub fn is_whole(&self) -> bool {
        self.finding_count == 0
    }

    fn find(&mut self, what: impl Into<String>) {
        self.finding_count += 1;
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(what.into());
        }
    }
}

impl Frozen {
    /// Reads the log, saved states, chunks, frames and the registry to the end.
    ///
    /// **Errors**: `Unavailable` if `progress` wants no more. Damage is no error but a finding.
    pub fn verify(&self, progress: Progress<'_>) -> Result<Verified, Error> {
        let mut walk = Walk { found: Verified::default(), owners: HashMap::new(), done: 0, total: 0, progress };
        for (_, connection) in self.databases() {
            let sql = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
            walk.total += connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap_or_default() as u64;
        }
        let [(log_name, log), (rows_name, rows), (registry_name, registry)] = self.databases();
        walk.pages(log_name, log);
        let read = walk.log(log);
        walk.note("the log", read)?;
        walk.pages(rows_name, rows);
        let read = walk.states(rows);
        walk.note("the saved states", read)?;
        let read = walk.chunks(rows);
        walk.note("the chunks", read)?;
        let read = walk.frames(rows);
        walk.note("the frames", read)?;
        let read = walk.lists(rows);
        walk.note("the lists of commits", read)?;
        walk.pages(registry_name, registry);
        let read = walk.registry(registry);
        walk.note("the registry", read)?;
        walk.marks(self);
        Ok(walk.found)
    }
}

struct Walk<'a> {
    found: Verified,
    /// Whose devices have sent something, as their states say.
    owners: HashMap<DeviceId, OrgId>,
    done: u64,
    total: u64,
    progress: Progress<'a>,
}

impl Walk<'_> {
    /// Goes on behind what cannot be read.
    fn note(&mut self, what: &str, read: Result<(), Error>) -> Result<(), Error> {
        match read {
            Err(Error::Unavailable(reason)) => Err(Error::Unavailable(reason)),
            Err(Error::Internal(cause)) => {
                self.found.find(format!("{what} cannot be read to the end: {cause}"));
                Ok(())
            }
            Err(other) => {
                self.found.find(format!("{what} cannot be read to the end: {other}"));
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    fn come_on(&mut self, bytes: usize) -> Result<(), Error> {
        self.done += bytes as u64;
        if (self.progress)(self.done.min(self.total), self.total) {
            Ok(())
        } else {
            Err(Error::Unavailable("it was stopped before its end".to_owned()))
        }
    }

    /// What SQLite itself keeps: pages, indices, types, references.
    fn pages(&mut self, name: &str, connection: &Connection) {
        let check = || -> rusqlite::Result<Vec<String>> {
            let mut select = connection.prepare("PRAGMA integrity_check(100)")?;
            let mut lines = select.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()?;
            lines.retain(|line| line != "ok");
            let mut select = connection.prepare("PRAGMA foreign_key_check")?;
            let mut rows = select.query([])?;
            while let Some(row) = rows.next()? {
                let (table, parent): (String, String) = (row.get(0)?, row.get(2)?);
                lines.push(format!("a row of `{table}` names one of `{parent}` that is not there"));
            }
            Ok(lines)
        };
        match check() {
            Ok(lines) => lines.into_iter().for_each(|line| self.found.find(format!("`{name}`: {line}"))),
            Err(cause) => self.found.find(format!("`{name}` cannot be read: {cause}")),
        }
    }

    fn registry(&mut self, connection: &Connection) -> Result<(), Error> {
        // It is read after the rows were, and has to know every device by then.
        let mut select = connection.prepare("SELECT id, org FROM device").map_err(sqlite)?;
        let known = select.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))).map_err(sqlite)?;
        let known = known.collect::<rusqlite::Result<HashMap<_, _>>>().map_err(sqlite)?;
        for (device, org) in std::mem::take(&mut self.owners) {
            match known.get(&(device.0 as i64)) {
                None => {
                    self.found.find(format!("the registry does not know device {device}, which has sent something"));
                }
                Some(owner) if *owner != org.get() as i64 => {
                    self.found.find(format!("device {device} is {org}'s, and another's in the registry"));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    fn log(&mut self, connection: &Connection) -> Result<(), Error> {
        let mut through = Position::START;
        log::each_after(connection, Position::START, |commit| {
            self.come_on(commit.bytes.len())?;
            let name = commit.name();
            let blob = match crate::blob::Blob::open(&commit.bytes) {
                Ok(blob) => blob,
                Err(cause) => {
                    self.found.find(format!("{name} is damaged: {}", cause.0));
                    return Ok(true);
                }
            };
            for (at, (position, _, bytes)) in blob.entries().enumerate() {
                self.found.entries += 1;
                if position <= through || at == 0 && position != commit.position {
                    self.found.find(format!("{name} holds position {position}, which belongs elsewhere"));
                }
                through = through.max(position);
                match bytes.and_then(entry::decode) {
                    Ok(Logged::Entry(_) | Logged::Erased { .. }) => {}
                    Err(cause) => {
                        self.found.find(format!("the log's entry at position {position} is damaged: {}", cause.0));
                    }
                }
            }
            Ok(true)
        })
    }

    fn states(&mut self, connection: &Connection) -> Result<(), Error> {
        each(connection, "SELECT device, org, bytes FROM device", |device, org: i64, bytes| {
            self.come_on(bytes.len())?;
            self.found.devices += 1;
            let (device, org) = (DeviceId(device as u64), OrgId::from_raw(org as u64));
            match DeviceState::decode(bytes) {
                Ok(state) if state.org == org => drop(self.owners.insert(device, org)),
                Ok(_) => self.found.find(format!("the saved state of device {device} is another organization's")),
                Err(cause) => {
                    self.found.find(format!("the saved state of device {device} is damaged: {}", cause.0));
                }
            }
            Ok(())
        })
    }

    fn chunks(&mut self, connection: &Connection) -> Result<(), Error> {
        let sql = "SELECT id, device, first_ms, last_ms, last_position, rows, bytes FROM chunk";
        self.blobs(connection, sql, "chunk", |found, bytes| {
            found.chunks += 1;
            let rows = Chunk::open(bytes).and_then(|chunk| chunk.rows()).map_err(|cause| cause.to_string())?;
            found.rows += rows.len() as u64;
            let ms = || rows.iter().map(|row| row.measured_at.as_millis());
            let positions = rows.iter().map(|row| row.position.get() as i64);
            Ok([ms().min(), ms().max(), positions.max(), Some(rows.len() as i64)])
        })
    }

    fn frames(&mut self, connection: &Connection) -> Result<(), Error> {
        let sql = "SELECT id, device, first_ms, last_ms, last_position, frames, bytes FROM frame";
        self.blobs(connection, sql, "blob of frames", |found, bytes| {
            let stored = frames::decode(bytes).map_err(|cause| cause.0.to_string())?;
            found.frames += stored.len() as u64;
            let ms = || stored.iter().map(|frame| frame.received_at.as_millis());
            let last = stored.last().map(|frame| frame.position.get() as i64);
            Ok([ms().min(), ms().max(), last, Some(stored.len() as i64)])
        })
    }

    /// Reads blobs that are listed with id, device, first and last time, last position and count, and holds what
    /// `read` finds in each against the last four.
    fn blobs(
        &mut self,
        connection: &Connection,
        sql: &str,
        name: &str,
        read: impl Fn(&mut Verified, &[u8]) -> Result<[Option<i64>; 4], String>,
    ) -> Result<(), Error> {
        let mut select = connection.prepare(sql).map_err(sqlite)?;
        let mut blobs = select.query([]).map_err(sqlite)?;
        while let Some(row) = blobs.next().map_err(sqlite)? {
            let number = |column| row.get::<_, i64>(column).map_err(sqlite);
            let (id, device) = (number(0)?, number(1)?);
            let listed = [number(2)?, number(3)?, number(4)?, number(5)?];
            let bytes =
                row.get_ref(6).map_err(sqlite)?.as_blob().map_err(|cause| Error::internal(cause.to_string()))?;
            self.come_on(bytes.len())?;
            match read(&mut self.found, bytes) {
                Ok(held) if held == listed.map(Some) => {}
                Ok(_) => self.found.find(format!("{name} {id} of device {device} holds other than is listed")),
                Err(cause) => self.found.find(format!("{name} {id} of device {device} is damaged: {cause}")),
            }
        }
        Ok(())
    }

    fn lists(&mut self, connection: &Connection) -> Result<(), Error> {
        each(connection, "SELECT org, last, commits FROM org_log", |org, last: i64, bytes| {
            let (mut take, mut commit) = (Take(bytes), 0_u64);
            let whole = loop {
                if take.is_empty() {
                    break commit == last as u64;
                }
                match take.u64() {
                    Ok(step) => commit = commit.wrapping_add(step),
                    Err(_) => break false,
                }
            };
            if !whole {
                self.found.find(format!("the list of commits of organization {org} up to {last} is damaged"));
            }
            Ok(())
        })
    }

    /// Marks that say how far one database relies on another.
    fn marks(&mut self, frozen: &Frozen) {
        let [(_, log), (_, rows), _] = frozen.databases();
        let marks =
            || Ok::<_, Error>((log::meta(log, "trimmed")?, log::meta(rows, "checkpoint")?, log::meta(rows, "frames")?));
        match marks() {
            Ok((trimmed, checkpoint, _)) if checkpoint < trimmed => {
                self.found.find(format!("the log was trimmed up to {trimmed}, and the rows reach {checkpoint}"));
            }
            Ok((trimmed, _, frames)) if frames < trimmed => {
                self.found.find(format!("the log was trimmed up to {trimmed}, and the frames reach {frames}"));
            }
            Ok(_) => {}
            Err(cause) => self.found.find(format!("how far the log was trimmed cannot be read: {cause}")),
        }
    }
}

/// Calls `f` with two numbers and a blob of every row.
fn each(
    connection: &Connection,
    sql: &str,
    mut f: impl FnMut(i64, i64, &[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut select = connection.prepare(sql).map_err(sqlite)?;
    let mut rows = select.query(params![]).map_err(sqlite)?;
    while let Some(row) = rows.next().map_err(sqlite)? {
        let (first, second) = (row.get(0).map_err(sqlite)?, row.get(1).map_err(sqlite)?);
        let bytes = row.get_ref(2).map_err(sqlite)?.as_blob().map_err(|cause| Error::internal(cause.to_string()))?;
        f(first, second, bytes)?;
    }
    Ok(())
}
