//! The one thread that writes the log: it commits whatever has gathered, applies it to the
//! devices' states, and only then answers.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Instant,
};

use model::{DedupKey, DeviceId, OrgId, Position, Timestamp};
use rusqlite::{Connection, ErrorCode};
use rustc_hash::FxHashMap;
use store::{Appended, DEDUP_WINDOW_MS, Entry, Error, StoredUplink};
use tokio::sync::{mpsc, oneshot};

use crate::{
    blob::{self, Sealed},
    company::Company,
    devices::Devices,
    entry::{self, Logged},
    error::{sqlite, stopped},
    folder::{self, Database},
    janitor::Job,
    log::{self, Commit},
    recover,
    shared::Shared,
    state::DeviceState,
};

/// Rows a device gathers before they are sealed: a day of readings every five minutes.
pub(crate) const ROWS_SEALED: usize = 288;
/// Most bytes of entries in one commit.
const COMMIT_BYTES_MAX: usize = 4 << 20;
/// Write-ahead log written before it is copied back by the janitor, and at the latest by us.
const WAL_BYTES: u64 = 8 << 20;
const WAL_BYTES_MAX: u64 = 64 << 20;

pub(crate) type Reply<T> = oneshot::Sender<Result<T, Error>>;

pub(crate) enum Command {
    Append {
        entries: Vec<(Entry, Sealed)>,
        reply: Reply<Vec<Appended>>,
    },
    /// Deletes the commits up to the one that starts at `start`, whose last entry is `last`.
    Trim {
        start: Position,
        last: Position,
        reply: Reply<()>,
    },
    /// Erases a device's entries from the commits that start at these positions, and from every
    /// commit after `after`.
    Erase {
        commits: Vec<Position>,
        after: Position,
        org: OrgId,
        device: DeviceId,
        reply: Reply<()>,
    },
    /// Gives some disk space back; answers whether there is more to give.
    GiveBack {
        reply: Reply<bool>,
    },
    /// Finds out whether writing works again.
    Probe {
        reply: Reply<()>,
    },
    Stop {
        reply: Reply<()>,
    },
    Quit,
}

pub(crate) struct Writer {
    shared: Arc<Shared>,
    /// `None` after a failure, until the log has been opened anew.
    connection: Option<Connection>,
    next: Position,
    commands: mpsc::Receiver<Command>,
    jobs: mpsc::Sender<Job>,
    wal_bytes: u64,
    wal_bytes_asked: u64,
    company: Company,
}

/// An append that waits for its commit.
struct Waiting {
    outcomes: Vec<Appended>,
    reply: Reply<Vec<Appended>>,
}

/// What one commit will hold.
#[derive(Default)]
struct Batch {
    entries: Vec<(Position, Entry, Sealed)>,
    /// Keys are hashes already.
    keys: FxHashMap<(OrgId, DeviceId, DedupKey), (Position, Timestamp)>,
    waiting: Vec<Waiting>,
    bytes: usize,
    duplicates: u64,
}

impl Writer {
    pub(crate) fn new(
        shared: Arc<Shared>,
        connection: Connection,
        next: Position,
        commands: mpsc::Receiver<Command>,
        jobs: mpsc::Sender<Job>,
    ) -> Self {
        let (wal_bytes, wal_bytes_asked, company) = (0, 0, Company::default());
        Self { shared, connection: Some(connection), next, commands, jobs, wal_bytes, wal_bytes_asked, company }
    }

    pub(crate) fn run(mut self) {
        while let Some(command) = self.commands.blocking_recv() {
            let Some(other) = self.gather(command) else { continue };
            match other {
                Command::Append { .. } => {}
                Command::Trim { start, last, reply } => {
                    self.wal_bytes += WAL_BYTES / 8;
                    drop(reply.send(self.trim(start, last)));
                }
                Command::Erase { commits, after, org, device, reply } => {
                    drop(reply.send(self.erase(commits, after, org, device)));
                }
                Command::GiveBack { reply } => {
                    self.wal_bytes += WAL_BYTES;
                    drop(reply.send(self.with_connection(|connection| folder::give_back(connection))));
                    self.copy_wal_back();
                }
                Command::Probe { reply } => drop(reply.send(self.probe())),
                Command::Stop { reply } => {
                    let closed = self.connection.take().map_or(Ok(()), |connection| {
                        truncate_wal(&connection)?;
                        connection.close().map_err(|(_, cause)| sqlite(cause))
                    });
                    drop(reply.send(closed));
                    return;
                }
                Command::Quit => return,
            }
        }
    }

    /// Commits this append, all that wait behind it and those that are expected; gives back the
    /// first command that is none.
    fn gather(&mut self, first: Command) -> Option<Command> {
        let (mut batch, since) = (Batch::default(), Instant::now());
        let is_append = matches!(first, Command::Append { .. });
        // Before anything is admitted: what is on disk after all makes a duplicate of what is sent again.
        let ready = if is_append { self.get_ready() } else { Ok(()) };
        let mut next = Some(first);
        let mut has_waited = false;
        while let Some(Command::Append { entries, reply }) = next {
            self.admit(&mut batch, entries, reply);
            if self.commands.is_empty() && !has_waited {
                has_waited = true;
                let missing = self.company.missing(batch.waiting.len(), batch.bytes);
                self.shared.bell.wait(since, missing, || self.commands.len());
            }
            next = if batch.bytes < COMMIT_BYTES_MAX { self.commands.try_recv().ok() } else { None };
        }
        if !batch.waiting.is_empty() {
            self.commit(batch, ready);
        }
        next
    }

    /// Gives new entries their positions and tells duplicates where the first stands.
    fn admit(&mut self, batch: &mut Batch, entries: Vec<(Entry, Sealed)>, reply: Reply<Vec<Appended>>) {
        let mut outcomes = Vec::with_capacity(entries.len());
        for (entry, sealed) in entries {
            if let Entry::Uplink(uplink) = &entry {
                if let Some(position) = self.first_of_duplicate(batch, uplink) {
                    batch.duplicates += 1;
                    outcomes.push(Appended { position, duplicate: true });
                    continue;
                }
                batch.keys.insert((uplink.org, uplink.device, uplink.dedup), (self.next, uplink.received_at));
            }
            outcomes.push(Appended { position: self.next, duplicate: false });
            batch.bytes += sealed.bytes.len();
            batch.entries.push((self.next, entry, sealed));
            self.next = Position::from_raw(self.next.get() + 1);
        }
        batch.waiting.push(Waiting { outcomes, reply });
    }

    fn first_of_duplicate(&self, batch: &Batch, uplink: &StoredUplink) -> Option<Position> {
        let (org, device, key, at) = (uplink.org, uplink.device, uplink.dedup, uplink.received_at);
        let here = batch.keys.get(&(org, device, key)).filter(|(_, first)| at.since_ms(*first) < DEDUP_WINDOW_MS);
        match here {
            Some((position, _)) => Some(*position),
            None => self.shared.devices.peek(org, device, |state| state.recent.find(key, at)).flatten(),
        }
    }

    fn commit(&mut self, batch: Batch, ready: Result<(), Error>) {
        let written = self.write(&batch, ready);
        let Batch { entries, waiting, bytes, duplicates, .. } = batch;
        match written {
            // Before anybody can know that it is there.
            Ok(Some(commit)) => self.shared.tail().push(commit),
            Ok(None) => {}
            Err(cause) => {
                let reason = cause.to_string();
                self.shared.block(Some(reason.clone()));
                tracing::error!("{} entries were not stored: {reason}", entries.len());
                for waiting in waiting {
                    drop(waiting.reply.send(Err(unavailable(&cause))));
                }
                return;
            }
        }
        let counters = &self.shared.counters;
        counters.duplicates.fetch_add(duplicates, Relaxed);
        if let (Some((start, ..)), Some((last, ..))) = (entries.first(), entries.last()) {
            let (start, last) = (*start, *last);
            counters.commits.fetch_add(1, Relaxed);
            counters.uplinks.fetch_add(entries.len() as u64, Relaxed);
            self.shared.log_bytes.fetch_add(bytes as u64, Relaxed);
            let mut orgs = BTreeSet::new();
            let mut um = Vec::with_capacity(entries.len());
            for (position, entry, _) in entries {
                orgs.insert(entry.org());
                um.push((entry.org(), entry.received_at(), entry.um()));
                self.apply(entry, position);
            }
            let mut ledger = self.shared.ledger();
            for (org, received_at, um) in um {
                ledger.count_um(org, received_at, um);
            }
            ledger.commit(start, last, &orgs);
            drop(ledger);
            self.shared.head.send_replace(last);
        }
        self.company.met(waiting.len(), self.commands.len());
        for waiting in waiting {
            drop(waiting.reply.send(Ok(waiting.outcomes)));
        }
        self.copy_wal_back();
    }

    /// Opens the log anew if it was closed after a failure, or explains why it cannot be written.
    fn get_ready(&mut self) -> Result<(), Error> {
        match self.shared.failed() {
            Some(reason) => Err(Error::Unavailable(reason)),
            None if self.connection.is_none() => self.reopen(),
            None => Ok(()),
        }
    }

    /// Makes a batch durable, or explains why nothing of it is promised; `None` if there is nothing new in it.
    fn write(&mut self, batch: &Batch, ready: Result<(), Error>) -> Result<Option<Commit>, Error> {
        let Some((start, ..)) = batch.entries.first() else { return Ok(None) };
        ready?;
        let connection = self.connection.as_ref().ok_or_else(stopped)?;
        let entries = batch.entries.iter();
        let bytes =
            blob::write(entries.clone().map(|(position, _, sealed)| (*position, &sealed.bytes[..], sealed.sum)));
        let received = entries.map(|(_, entry, _)| entry.received_at().as_millis());
        self.wal_bytes += bytes.len() as u64 + 8_192;
        let commit = Commit { position: *start, received_ms: received.max().unwrap_or_default(), bytes };
        match log::insert(connection, &commit) {
            Ok(()) => {
                self.shared.block(None);
                Ok(Some(commit))
            }
            Err(cause) => {
                // A full disk leaves the log as it was. After any other failure nobody knows what
                // the disk has, so nothing is written until the log has been read again.
                if cause.sqlite_error_code() != Some(ErrorCode::DiskFull) {
                    self.connection = None;
                }
                Err(sqlite(cause))
            }
        }
    }

    /// Writes next to nothing, to find out whether writing works again while nobody tries.
    fn probe(&mut self) -> Result<(), Error> {
        if self.connection.is_none() {
            self.reopen()?;
        }
        let trimmed = self.shared.trimmed().get();
        self.with_connection(|connection| log::set_meta(connection, "trimmed", trimmed).map_err(sqlite))?;
        self.shared.block(None);
        Ok(())
    }

    /// Does something with the log's database; after a failure, which may have left the disk in
    /// doubt, nothing more is written before it has been opened anew.
    fn with_connection<T>(&mut self, f: impl FnOnce(&mut Connection) -> Result<T, Error>) -> Result<T, Error> {
        let done = f(self.connection.as_mut().ok_or_else(stopped)?);
        if let Err(cause) = &done {
            tracing::error!("the log could not be written: {cause}");
            self.connection = None;
        }
        done
    }

    /// Opens the log anew after a failure. What was written but never answered, and is there
    /// after all, is taken in; positions that were given away are not given again.
    fn reopen(&mut self) -> Result<(), Error> {
        let connection = self.shared.folder.writer(Database::Log, self.shared.settings.durability)?;
        // The write-ahead log may hold pages that the disk does not; copying it back and starting
        // it anew makes sure that what follows does not stand on them.
        truncate_wal(&connection)?;
        let after = self.shared.ledger().head;
        self.shared.tail().clear();
        recover::replay(&self.shared, &connection, after)?;
        self.connection = Some(connection);
        (self.wal_bytes, self.wal_bytes_asked) = (0, 0);
        tracing::warn!("the log has been opened anew after a failure");
        Ok(())
    }

    fn apply(&self, entry: Entry, position: Position) {
        let Some((org, device)) = device_of(&entry) else { return };
        let mut shard = self.shared.devices.write(Devices::shard(device));
        let state = shard.entry(device).or_insert_with(|| DeviceState::new(org));
        let before = state.open.bytes();
        state.apply(entry, position);
        self.shared.count_open(before, state.open.bytes());
        if state.open.len() >= ROWS_SEALED && !state.is_queued {
            state.is_queued = self.jobs.try_send(Job::Seal(device)).is_ok();
        }
    }

    /// Keeps the write-ahead log short: the janitor copies most of it back beside us; the rest,
    /// which must find the log at rest, is ours now and then.
    fn copy_wal_back(&mut self) {
        if self.wal_bytes - self.wal_bytes_asked > WAL_BYTES {
            self.wal_bytes_asked = self.wal_bytes;
            // If there is no place, the next eight megabytes ask again.
            drop(self.jobs.try_send(Job::CopyLogBack));
        }
        if self.wal_bytes > WAL_BYTES_MAX
            && let Some(connection) = &self.connection
        {
            match copy_wal(connection) {
                Ok(true) => (self.wal_bytes, self.wal_bytes_asked) = (0, 0),
                // A reader is in the way; the next commits try again, not all of them.
                Ok(false) => {
                    self.wal_bytes -= WAL_BYTES / 2;
                    self.wal_bytes_asked = self.wal_bytes_asked.min(self.wal_bytes);
                }
                Err(cause) => tracing::warn!("the log's write-ahead log cannot be copied back: {cause}"),
            }
        }
    }

    fn trim(&mut self, start: Position, last: Position) -> Result<(), Error> {
        let shared = Arc::clone(&self.shared);
        self.with_connection(|connection| {
            let transaction = connection.transaction().map_err(sqlite)?;
            transaction.execute("DELETE FROM log WHERE position <= ?", [start.get() as i64]).map_err(sqlite)?;
            log::set_meta(&transaction, "trimmed", last.get()).map_err(sqlite)?;
            // Readers that start now are told before the entries go.
            shared.trimmed.store(last.get(), Relaxed);
            transaction.commit().map_err(sqlite)
        })
    }

    fn erase(
        &mut self,
        mut commits: Vec<Position>,
        after: Position,
        org: OrgId,
        device: DeviceId,
    ) -> Result<(), Error> {
        self.shared.tail().clear();
        self.with_connection(|connection| {
            log::each_after(connection, after, |commit| {
                commits.push(commit.position);
                Ok(true)
            })?;
            let transaction = connection.transaction().map_err(sqlite)?;
            for position in commits {
                if let Some(commit) = log::find(&transaction, position)? {
                    erase_from(&transaction, &commit, org, device)?;
                }
            }
            transaction.commit().map_err(sqlite)?;
            // What was erased must not be read in the write-ahead log either.
            truncate_wal(connection)
        })
    }
}

/// Leaves of a device's entries in a commit only how many data they uploaded.
fn erase_from(connection: &Connection, commit: &Commit, org: OrgId, device: DeviceId) -> Result<(), Error> {
    // A commit whose table is damaged, named by now, goes when the log is trimmed.
    let Ok(blob) = commit.blob() else { return Ok(()) };
    let erased = |um, received_at| {
        let mut erased = Vec::new();
        entry::encode_erased(&mut erased, org, um, received_at);
        Sealed::new(erased)
    };
    let kept = blob.entries().map(|(position, sum, bytes)| {
        let sealed = match bytes.map(|bytes| (bytes, entry::owner(bytes))) {
            Ok((bytes, owner)) if owner != Ok((org, Some(device))) => Sealed { bytes: bytes.to_vec(), sum },
            Ok((bytes, _)) => match entry::decode(bytes) {
                Ok(Logged::Entry(entry)) => erased(entry.um(), entry.received_at()),
                _ => erased(0, Timestamp::EPOCH),
            },
            Err(_) => erased(0, Timestamp::EPOCH),
        };
        (position, sealed)
    });
    let kept: Vec<_> = kept.collect();
    let bytes = blob::write(kept.iter().map(|(position, sealed)| (*position, &sealed.bytes[..], sealed.sum)));
    let mut update = connection.prepare_cached("UPDATE log SET bytes = ? WHERE position = ?").map_err(sqlite)?;
    update.execute(rusqlite::params![bytes, commit.position.get() as i64]).map(drop).map_err(sqlite)
}

/// Copies the write-ahead log back as far as readers allow; whether nothing is left of it.
pub(crate) fn copy_wal(connection: &Connection) -> Result<bool, Error> {
    let counts = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
    });
    counts.map(|(busy, written, copied)| busy == 0 && written == copied).map_err(sqlite)
}

/// Copies the whole write-ahead log back and empties it.
pub(crate) fn truncate_wal(connection: &Connection) -> Result<(), Error> {
    let busy: i64 = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).map_err(sqlite)?;
    if busy == 0 { Ok(()) } else { Err(Error::Unavailable("a reader holds the write-ahead log".into())) }
}

pub(crate) fn device_of(entry: &Entry) -> Option<(OrgId, DeviceId)> {
    match entry {
        Entry::Uplink(uplink) => Some((uplink.org, uplink.device)),
        Entry::Redecode(redecode) => Some((redecode.org, redecode.device)),
        Entry::Message(_) => None,
    }
}

/// One refusal for everybody who waited for the same commit.
fn unavailable(cause: &Error) -> Error {
    match cause {
        Error::Unavailable(reason) => Error::Unavailable(reason.clone()),
        Error::Internal(cause) => Error::Unavailable(cause.to_string()),
        other => Error::Unavailable(other.to_string()),
    }
}
