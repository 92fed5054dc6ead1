//! The one thread that writes sealed rows: sealing, checkpoints, trimming, merging, retention.
//! None of it holds up a commit.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use model::{DeviceId, OrgId, Timestamp};
use rusqlite::Connection;
use store::{Error, ExpireKind};
use tokio::sync::mpsc;

use crate::{
    backup::Frozen,
    devices::SHARDS,
    error::{is_in_doubt, sqlite},
    settings::Durability,
    shared::Shared,
    writer::{Command, ROWS_SEALED, Reply, copy_wal, truncate_wal},
};

mod checkpoint;
mod erase;
mod expire;
mod merge;
mod seal;
mod trim;

pub(crate) use expire::Slice;

/// Something to keep in order, as [`crate::EmbeddedStore::chore`] takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chore {
    /// Whatever is due; to be called about every second.
    Maintain {
        /// The time.
        now: Timestamp,
    },
    /// Seal every open row.
    SealAll,
    /// Write every device's state, so that a restart need not read the log.
    Checkpoint,
    /// Drop what the log need not keep any longer.
    Trim {
        /// The time.
        now: Timestamp,
    },
    /// Merge small and overlapping chunks of every device.
    MergeAll,
}

pub(crate) enum Job {
    Seal(DeviceId),
    CopyLogBack,
    Run(Chore, Reply<()>),
    Expire { org: OrgId, device: DeviceId, before: Timestamp, kind: ExpireKind, reply: Reply<Slice> },
    CountOld { org: OrgId, device: DeviceId, before: Timestamp, kind: ExpireKind, reply: Reply<u64> },
    Purge { org: OrgId, device: DeviceId, reply: Reply<()> },
    Freeze { reply: Reply<Frozen> },
    Stop { reply: Reply<()> },
    Quit,
}

pub(crate) struct Janitor {
    shared: Arc<Shared>,
    connection: Connection,
    /// To copy the log's write-ahead log back beside the writer.
    log: Connection,
    jobs: mpsc::Receiver<Job>,
    writer: mpsc::Sender<Command>,
    /// The shard that is looked through next.
    shard: usize,
    checkpoint_at: Option<Timestamp>,
    trim_at: Option<Timestamp>,
}

/// Devices sealed in one transaction.
const SEALED_AT_ONCE: usize = 64;
/// Chunks a device gathers before they are merged: at one a day, a week.
const CHUNKS_MERGED: u32 = 7;
const TRIM_INTERVAL_MS: i64 = 60_000;

impl Janitor {
    pub(crate) fn new(
        shared: Arc<Shared>,
        connection: Connection,
        log: Connection,
        jobs: mpsc::Receiver<Job>,
        writer: mpsc::Sender<Command>,
    ) -> Self {
        Self { shared, connection, log, jobs, writer, shard: 0, checkpoint_at: None, trim_at: None }
    }

    pub(crate) fn run(mut self) {
        let mut next = self.jobs.blocking_recv();
        while let Some(job) = next.take() {
            match job {
                Job::Seal(device) => {
                    let mut devices = vec![device];
                    while devices.len() < SEALED_AT_ONCE {
                        match self.jobs.try_recv() {
                            Ok(Job::Seal(device)) => devices.push(device),
                            other => {
                                next = other.ok();
                                break;
                            }
                        }
                    }
                    self.seal_or_warn(&devices);
                }
                Job::CopyLogBack => {
                    if let Err(cause) = copy_wal(&self.log) {
                        tracing::warn!("the log's write-ahead log cannot be copied back: {cause}");
                    }
                }
                Job::Run(chore, reply) => drop(reply.send(self.chore(chore))),
                Job::Expire { org, device, before, kind, reply } => {
                    let expired = self.expire(org, device, before, kind);
                    self.note(&expired);
                    drop(reply.send(expired));
                }
                Job::CountOld { org, device, before, kind, reply } => {
                    let counted = self.count_old(org, device, before, kind);
                    self.note(&counted);
                    drop(reply.send(counted));
                }
                Job::Purge { org, device, reply } => {
                    let purged = self.purge(org, device);
                    self.note(&purged);
                    drop(reply.send(purged));
                }
                // Nothing moves between the databases while this thread is here.
                Job::Freeze { reply } => drop(reply.send(Frozen::begin(self.shared.folder.path()))),
                Job::Stop { reply } => {
                    let closed = self.chore(Chore::Checkpoint).and_then(|()| truncate_wal(&self.connection));
                    drop(self.connection.close().map_err(|(_, cause)| sqlite(cause)));
                    drop(reply.send(closed));
                    return;
                }
                Job::Quit => return,
            }
            if next.is_none() {
                next = self.jobs.blocking_recv();
            }
        }
    }

    fn chore(&mut self, chore: Chore) -> Result<(), Error> {
        let done = self.do_chore(chore);
        self.note(&done);
        done
    }

    /// After a failure that may have left the disk in doubt, what was written without waiting for
    /// it may be gone. Then nothing more is acknowledged, no checkpoint is made and no log is
    /// dropped, until the store is opened anew and reads the log from its last good checkpoint.
    fn note<T>(&self, done: &Result<T, Error>) {
        if let Err(cause) = done
            && is_in_doubt(cause)
        {
            self.shared.fail(format!("the disk failed under `rows.db` ({cause}); restart the station"));
        }
    }

    fn do_chore(&mut self, chore: Chore) -> Result<(), Error> {
        if let Some(reason) = self.shared.failed() {
            return Err(Error::Unavailable(reason));
        }
        match chore {
            Chore::Maintain { now } => self.maintain(now),
            Chore::SealAll => self.seal(&self.shared.devices.list(None)),
            Chore::Checkpoint => self.checkpoint(),
            Chore::Trim { now } => self.trim(now),
            Chore::MergeAll => self.shared.devices.list(None).into_iter().try_for_each(|device| self.merge(device)),
        }
    }

    fn maintain(&mut self, now: Timestamp) -> Result<(), Error> {
        self.look_through_a_shard(now);
        if self.shared.blocked().is_some() {
            // It says itself why it still cannot be.
            drop(self.ask(|reply| Command::Probe { reply }));
        }
        let settings = &self.shared.settings;
        let log_bytes = self.shared.log_bytes.load(Relaxed);
        let has_waited = is_due(&mut self.checkpoint_at, now, settings.checkpoint_interval_ms);
        // A checkpoint writes every device that changed; where that is a lot, the log may grow by
        // a like amount before it pays.
        let enough = settings.checkpoint_bytes.max(self.shared.open_bytes.load(Relaxed) / 4);
        if log_bytes > 0 && has_waited || log_bytes >= enough {
            self.checkpoint_at = Some(now);
            self.checkpoint()?;
        }
        if is_due(&mut self.trim_at, now, TRIM_INTERVAL_MS) {
            self.trim_at = Some(now);
            self.trim(now)?;
        }
        Ok(())
    }

    /// Seals what is old or too much, and merges what has gathered, in a part of the devices.
    fn look_through_a_shard(&mut self, now: Timestamp) {
        let settings = &self.shared.settings;
        let (mut old, mut small) = (Vec::new(), Vec::new());
        let is_full = self.shared.open_bytes.load(Relaxed) > settings.open_bytes_max;
        for (device, state) in self.shared.devices.read(self.shard).iter() {
            let is_old = now.since_ms(state.open_since) > settings.open_age_max_ms;
            if !state.open.is_empty() && (is_old || is_full || state.open.len() >= ROWS_SEALED) {
                old.push(*device);
            }
            if state.unmerged >= CHUNKS_MERGED {
                small.push(*device);
            }
        }
        self.shard = (self.shard + 1) % SHARDS;
        for devices in old.chunks(SEALED_AT_ONCE) {
            self.seal_or_warn(devices);
        }
        for device in small {
            // One damaged chunk must not keep the other devices from being looked after.
            if let Err(cause) = self.merge(device) {
                tracing::warn!("the chunks of device {device} could not be merged: {cause}");
                self.shared.devices.change(device, |state| state.unmerged = 0);
            }
        }
    }

    fn seal_or_warn(&mut self, devices: &[DeviceId]) {
        let sealed = if self.shared.failed().is_some() { return } else { self.seal(devices) };
        self.note(&sealed);
        if let Err(cause) = sealed {
            tracing::warn!("{} devices could not be sealed and stay in memory: {cause}", devices.len());
            self.unqueue(devices);
        }
    }

    /// Whether the next commits wait for the disk. One that does makes durable what was written
    /// before it, because it is in the same write-ahead log.
    fn wait_for_disk(&self, waits: bool) -> Result<(), Error> {
        if self.shared.settings.durability == Durability::Off {
            return Ok(());
        }
        let synchronous = if waits { "full" } else { "normal" };
        self.connection.pragma_update(None, "synchronous", synchronous).map_err(sqlite)
    }

    /// Lets devices that could not be sealed ask again.
    fn unqueue(&self, devices: &[DeviceId]) {
        for device in devices {
            self.shared.devices.change(*device, |state| state.is_queued = false);
        }
    }
}

/// Whether an interval has passed since something was done last, or the clock was set back.
fn is_due(last: &mut Option<Timestamp>, now: Timestamp, interval_ms: i64) -> bool {
    let since_ms = now.since_ms(*last.get_or_insert(now));
    since_ms >= interval_ms || since_ms < 0
}
