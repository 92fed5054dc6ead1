use model::{DeviceId, OrgId, Timestamp};
use rusqlite::{Connection, params};
use store::{Error, ExpireKind, StoredFrame};

use super::{
    Janitor,
    merge::{delete_chunk, read_rows, sketches},
    seal::{insert_chunk, save},
    trim::insert_frames,
};
use crate::{
    devices::Devices,
    error::{damaged_bytes, sqlite},
    frames,
};

impl Janitor {
    /// Removes what is older than `before` and says how much that was.
    pub(super) fn expire(&mut self, org: OrgId, before: Timestamp, kind: ExpireKind) -> Result<u64, Error> {
        // Frames in the log are found through the rows of their uplinks, which may be removed now.
        self.keep_all_frames()?;
        match kind {
            ExpireKind::Rows => {
                let mut removed = 0;
                for device in self.shared.devices.list(Some(org)) {
                    removed += self.expire_rows(device, before)?;
                }
                Ok(removed)
            }
            ExpireKind::Frames => self.expire_frames(org, before),
        }
    }

    fn expire_rows(&mut self, device: DeviceId, before: Timestamp) -> Result<u64, Error> {
        let has_old_open_rows = self
            .shared
            .devices
            .change(device, |state| state.open.summary().is_some_and(|summary| summary.first_measured_at < before));
        if has_old_open_rows == Some(true) {
            self.seal(&[device])?;
        }
        let transaction = self.connection.transaction().map_err(sqlite)?;
        let mut removed = 0;
        for sketch in sketches(&transaction, device)? {
            if sketch.first_ms >= before.as_millis() {
                continue;
            }
            if sketch.last_ms < before.as_millis() {
                removed += sketch.rows;
            } else {
                // A damaged chunk, named by now, stays until all of it is old.
                let Ok(mut rows) = read_rows(&transaction, sketch, device) else { continue };
                rows.retain(|row| row.measured_at >= before);
                removed += sketch.rows - rows.len();
                insert_chunk(&transaction, device, &rows)?;
            }
            delete_chunk(&transaction, sketch)?;
        }
        // The newest values go with the rows they came from, on disk in the same step.
        let state = self.shared.devices.read(Devices::shard(device)).get(&device).cloned();
        if let Some(mut state) = state {
            state.last.retain(|last| last.measured_at >= before);
            save(&transaction, device, &state)?;
        }
        transaction.commit().map_err(sqlite)?;
        self.shared.devices.change(device, |state| {
            state.last.retain(|last| last.measured_at >= before);
            state.changes += 1;
        });
        Ok(removed as u64)
    }

    fn expire_frames(&mut self, org: OrgId, before: Timestamp) -> Result<u64, Error> {
        let transaction = self.connection.transaction().map_err(sqlite)?;
        let old = params![org.get() as i64, before.as_millis()];
        let sql = "SELECT COALESCE(SUM(frames), 0) FROM frame WHERE org = ? AND first_ms < ?2 AND last_ms < ?2";
        let mut removed: i64 = transaction.query_row(sql, old, |row| row.get(0)).map_err(sqlite)?;
        let sql = "DELETE FROM frame WHERE org = ? AND first_ms < ?2 AND last_ms < ?2";
        transaction.execute(sql, old).map_err(sqlite)?;
        for (id, device, bytes) in cut_blobs(&transaction, org, before)? {
            let stored = match frames::decode(&bytes) {
                Ok(stored) => stored,
                Err(cause) => {
                    // It stays until all of it is old.
                    drop(damaged_bytes(format!("frames {id} of device {device}"), cause));
                    continue;
                }
            };
            let (kept, old): (Vec<StoredFrame>, Vec<_>) =
                stored.into_iter().partition(|frame| frame.received_at >= before);
            removed += old.len() as i64;
            transaction.execute("DELETE FROM frame WHERE id = ?", [id]).map_err(sqlite)?;
            if !kept.is_empty() {
                insert_frames(&transaction, org, device, &kept)?;
            }
        }
        transaction.commit().map_err(sqlite)?;
        Ok(removed as u64)
    }
}

/// An organization's blobs of frames that begin before a time and end behind it.
fn cut_blobs(connection: &Connection, org: OrgId, before: Timestamp) -> Result<Vec<(i64, DeviceId, Vec<u8>)>, Error> {
    let sql = "SELECT id, device, bytes FROM frame WHERE org = ? AND first_ms < ?";
    let mut select = connection.prepare_cached(sql).map_err(sqlite)?;
    let blobs = select.query_map(params![org.get() as i64, before.as_millis()], |row| {
        Ok((row.get(0)?, DeviceId(row.get::<_, i64>(1)? as u64), row.get(2)?))
    });
    blobs.map_err(sqlite)?.collect::<Result<_, _>>().map_err(sqlite)
}
