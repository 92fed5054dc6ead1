use std::{
    collections::{BTreeMap, HashMap},
    sync::atomic::Ordering::Relaxed,
};

use model::{Day, OrgId, Position};
use rusqlite::params;
use store::Error;

use super::{
    Janitor,
    seal::{mark_saved, save},
};
use crate::{bytes::put_u64, devices::SHARDS, error::sqlite, log};

/// States written in one transaction.
const STATES_AT_ONCE: usize = 256;

impl Janitor {
    /// Writes the state of every device that changed, so that replay starts here.
    pub(super) fn checkpoint(&mut self) -> Result<(), Error> {
        let log_bytes = self.shared.log_bytes.load(Relaxed);
        let (head, um, changed, um_by_day, commits) = {
            let mut ledger = self.shared.ledger();
            let changed = std::mem::take(&mut ledger.um_changed);
            let days = changed.iter().filter_map(|(org, _)| Some((*org, ledger.um_by_day.get(org)?.clone())));
            let days: BTreeMap<_, _> = days.collect();
            (ledger.head, ledger.um.clone(), changed, days, ledger.commits.clone())
        };
        let written = self.write_all(head, &um, &um_by_day, &commits);
        let mut ledger = self.shared.ledger();
        if let Err(cause) = written {
            ledger.um_changed.extend(changed);
            return Err(cause);
        }
        for (org, written) in commits {
            if let Some(commits) = ledger.commits.get_mut(&org) {
                commits.drain(..written.len());
            }
        }
        ledger.commits.retain(|_, commits| !commits.is_empty());
        drop(ledger);
        self.shared.log_bytes.fetch_sub(log_bytes, Relaxed);
        self.shared.counters.checkpoints.fetch_add(1, Relaxed);
        Ok(())
    }

    fn write_all(
        &mut self,
        head: Position,
        um: &HashMap<OrgId, u64>,
        um_by_day: &BTreeMap<OrgId, Vec<(Day, u64)>>,
        commits: &HashMap<OrgId, Vec<Position>>,
    ) -> Result<(), Error> {
        for shard in 0..SHARDS {
            self.save_shard(shard)?;
        }
        // All that was written without waiting for the disk is made durable by this commit,
        // because it is in the same write-ahead log.
        self.wait_for_disk(true)?;
        let written = self.write_checkpoint(head, um, um_by_day, commits);
        self.wait_for_disk(false)?;
        written
    }

    fn save_shard(&mut self, shard: usize) -> Result<(), Error> {
        let dirty: Vec<_> = {
            let shard = self.shared.devices.read(shard);
            shard.iter().filter(|(_, state)| state.is_dirty()).map(|(device, _)| *device).collect()
        };
        for devices in dirty.chunks(STATES_AT_ONCE) {
            let mut saved = Vec::with_capacity(devices.len());
            let transaction = self.connection.transaction().map_err(sqlite)?;
            for device in devices {
                let state = self.shared.devices.read(shard).get(device).cloned();
                let Some(state) = state else { continue };
                save(&transaction, *device, &state)?;
                saved.push((*device, state.through, state.decodings));
            }
            transaction.commit().map_err(sqlite)?;
            for (device, through, decodings) in saved {
                self.shared.devices.change(device, |state| mark_saved(state, through, &decodings));
            }
        }
        Ok(())
    }

    fn write_checkpoint(
        &mut self,
        head: Position,
        um: &HashMap<OrgId, u64>,
        um_by_day: &BTreeMap<OrgId, Vec<(Day, u64)>>,
        commits: &HashMap<OrgId, Vec<Position>>,
    ) -> Result<(), Error> {
        let transaction = self.connection.transaction().map_err(sqlite)?;
        {
            let sql = "INSERT OR REPLACE INTO org_log (org, last, commits) VALUES (?, ?, ?)";
            let mut insert = transaction.prepare_cached(sql).map_err(sqlite)?;
            for (org, commits) in commits {
                let Some(last) = commits.last() else { continue };
                let (mut bytes, mut before) = (Vec::with_capacity(commits.len() * 2), 0);
                for commit in commits {
                    put_u64(&mut bytes, commit.get() - before);
                    before = commit.get();
                }
                insert.execute(params![org.get() as i64, last.get() as i64, bytes]).map_err(sqlite)?;
            }
            let sql = "INSERT OR REPLACE INTO org_um (org, um) VALUES (?, ?)";
            let mut upsert = transaction.prepare_cached(sql).map_err(sqlite)?;
            for (org, um) in um {
                upsert.execute(params![org.get() as i64, *um as i64]).map_err(sqlite)?;
            }
            let sql = "INSERT OR REPLACE INTO org_um_day (org, day, um) VALUES (?, ?, ?)";
            let mut upsert = transaction.prepare_cached(sql).map_err(sqlite)?;
            let sql = "DELETE FROM org_um_day WHERE org = ? AND day < ?";
            let mut forget = transaction.prepare_cached(sql).map_err(sqlite)?;
            for (org, days) in um_by_day {
                for (day, um) in days {
                    upsert.execute(params![org.get() as i64, day.get(), *um as i64]).map_err(sqlite)?;
                }
                let oldest = days.first().map(|(day, _)| day.get());
                forget.execute(params![org.get() as i64, oldest]).map_err(sqlite)?;
            }
            log::set_meta(&transaction, "checkpoint", head.get()).map_err(sqlite)?;
        }
        transaction.commit().map_err(sqlite)
    }
}
