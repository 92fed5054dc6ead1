//! The one thread that writes sealed rows: sealing, checkpoints, trimming, merging, retention.
//! None of it holds up a commit.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use model::{DeviceId, OrgId, Timestamp};
use rusqlite::Connection;
use store::{Error, ExpireKind};
use tokio::sync::mpsc;

use crate::{
    devices::SHARDS,
    error::sqlite,
    shared::Shared,
    writer::{Command, ROWS_SEALED, Reply, copy_wal, truncate_wal},
};

mod checkpoint;
mod erase;
mod expire;
mod merge;
mod seal;
mod trim;

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
    Expire { org: OrgId, before: Timestamp, kind: ExpireKind, reply: Reply<u64> },
    Purge { org: OrgId, device: DeviceId, reply: Reply<()> },
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
/// Chunks a device gathers before they are merged: at one a day, a fortnight.
const CHUNKS_MERGED: u32 = 14;
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
                Job::Expire { org, before, kind, reply } => drop(reply.send(self.expire(org, before, kind))),
                Job::Purge { org, device, reply } => drop(reply.send(self.purge(org, device))),
                Job::Stop { reply } => {
                    let closed = self.checkpoint().and_then(|()| truncate_wal(&self.connection));
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
            self.ask(|reply| Command::Probe { reply })?;
        }
        let settings = &self.shared.settings;
        let log_bytes = self.shared.log_bytes.load(Relaxed);
        let since = *self.checkpoint_at.get_or_insert(now);
        let is_due = log_bytes > 0 && now.since_ms(since) >= settings.checkpoint_interval_ms;
        // A checkpoint writes every device that changed; where that is a lot, the log may grow by
        // a like amount before it pays.
        let enough = settings.checkpoint_bytes.max(self.shared.open_bytes.load(Relaxed) / 4);
        if is_due || log_bytes >= enough {
            self.checkpoint_at = Some(now);
            self.checkpoint()?;
        }
        let since = *self.trim_at.get_or_insert(now);
        if now.since_ms(since) >= TRIM_INTERVAL_MS {
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
        if let Err(cause) = self.seal(devices) {
            tracing::warn!("{} devices could not be sealed and stay in memory: {cause}", devices.len());
            self.unqueue(devices);
        }
    }

    /// Lets devices that could not be sealed ask again.
    fn unqueue(&self, devices: &[DeviceId]) {
        for device in devices {
            self.shared.devices.change(*device, |state| state.is_queued = false);
        }
    }
}
