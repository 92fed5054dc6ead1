use std::sync::atomic::Ordering::Relaxed;

use crate::{EmbeddedStore, devices::SHARDS, folder::Database};

/// How a store is doing, for metrics and the readiness check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// Why nothing can be written just now, if so.
    pub blocked: Option<String>,
    /// Commits of the log since the start.
    pub commits: u64,
    /// Entries appended since the start.
    pub entries: u64,
    /// Duplicates met since the start.
    pub duplicates: u64,
    /// Chunks sealed since the start.
    pub chunks_sealed: u64,
    /// Merges since the start.
    pub merges: u64,
    /// Checkpoints since the start.
    pub checkpoints: u64,
    /// Damaged pieces met at the start.
    pub damaged: u64,
    /// Devices that ever sent something.
    pub devices: u64,
    /// Memory of rows that are not sealed, in bytes.
    pub open_bytes: u64,
    /// Memory of all device states, in bytes.
    pub state_bytes: u64,
    /// Files on disk, in bytes.
    pub disk_bytes: u64,
    /// The last position there is.
    pub head: u64,
    /// Everything up to here has left the log.
    pub trimmed: u64,
}

impl EmbeddedStore {
    /// How the store is doing.
    pub fn stats(&self) -> Stats {
        let (mut devices, mut state_bytes) = (0, 0);
        for shard in 0..SHARDS {
            let shard = self.shared.devices.read(shard);
            devices += shard.len() as u64;
            state_bytes += shard.values().map(|state| state.heap_bytes() as u64).sum::<u64>();
        }
        let folder = &self.shared.folder;
        let file_bytes = |database| {
            std::fs::metadata(folder.file(database)).map_or(0, |file| file.len()) + folder.wal_bytes(database)
        };
        let counters = &self.shared.counters;
        Stats {
            blocked: self.blocked(),
            commits: counters.commits.load(Relaxed),
            entries: counters.uplinks.load(Relaxed),
            duplicates: counters.duplicates.load(Relaxed),
            chunks_sealed: counters.chunks_sealed.load(Relaxed),
            merges: counters.merges.load(Relaxed),
            checkpoints: counters.checkpoints.load(Relaxed),
            damaged: counters.damaged.load(Relaxed),
            devices,
            open_bytes: self.shared.open_bytes.load(Relaxed),
            state_bytes,
            disk_bytes: file_bytes(Database::Log) + file_bytes(Database::Rows),
            head: self.shared.ledger().head.get(),
            trimmed: self.shared.trimmed.load(Relaxed),
        }
    }
}
