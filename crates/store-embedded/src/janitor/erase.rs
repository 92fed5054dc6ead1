use model::{DeviceId, OrgId, Position};
use store::Error;

use super::Janitor;
use crate::{
    devices::Devices,
    entry,
    error::sqlite,
    folder::Database,
    log,
    writer::{Command, truncate_wal},
};

impl Janitor {
    /// Erases everything a device ever sent, from the log first, so that no replay brings it back.
    pub(super) fn purge(&mut self, org: OrgId, device: DeviceId) -> Result<(), Error> {
        let is_anothers = self.shared.devices.read(Devices::shard(device)).get(&device).is_some_and(|it| it.org != org);
        if is_anothers {
            return Ok(());
        }
        self.keep_all_frames()?;
        let after = self.shared.ledger().head;
        let reader = self.shared.folder.reader(Database::Log)?;
        let mut commits = Vec::new();
        log::each_after(&reader, Position::START, |commit| {
            let Ok(blob) = commit.blob() else { return Ok(true) };
            let is_its = |bytes| entry::owner(bytes) == Ok((org, Some(device)));
            if blob.entries().any(|(_, _, bytes)| bytes.is_ok_and(is_its)) {
                commits.push(commit.position);
            }
            Ok(true)
        })?;
        drop(reader);
        // What came in since is the writer's to look through; it can miss nothing.
        self.ask(|reply| Command::Erase { commits, after, org, device, reply })?;
        self.wait_for_disk(true)?;
        let transaction = self.connection.transaction().map_err(sqlite)?;
        for table in ["chunk", "device", "decoding", "frame"] {
            let sql = format!("DELETE FROM {table} WHERE device = ?");
            transaction.execute(&sql, [device.0 as i64]).map_err(sqlite)?;
        }
        transaction.commit().map_err(sqlite)?;
        self.wait_for_disk(false)?;
        // What was erased must not be read in the write-ahead log either; a reader may be in the
        // way, then it is overwritten later.
        drop(truncate_wal(&self.connection));
        let state = self.shared.devices.write(Devices::shard(device)).remove(&device);
        if let Some(state) = state {
            self.shared.count_open(state.open.bytes(), 0);
        }
        Ok(())
    }
}
