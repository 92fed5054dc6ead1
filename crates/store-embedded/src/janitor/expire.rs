use model::{DeviceId, OrgId, Timestamp};
use rusqlite::params;
use store::{Error, ExpireKind, StoredFrame};

use super::{
    Janitor,
    merge::{delete_chunk, read_rows, sketches},
    seal::{insert_chunk, save},
    trim::insert_frames,
};
use crate::{
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
                let mut rows = read_rows(&transaction, sketch, device)?;
                rows.retain(|row| row.measured_at >= before);
                removed += sketch.rows - rows.len();
                insert_chunk(&transaction, device, &rows)?;
            }
            delete_chunk(&transaction, sketch)?;
        }
        // The newest values go with the rows they came from, on disk in the same step.
        let last = self.shared.devices.change(device, |state| {
            state.last.retain(|last| last.measured_at >= before);
            state.clone()
        });
        if let Some(state) = last {
            save(&transaction, device, &state)?;
        }
        transaction.commit().map_err(sqlite)?;
        Ok(removed as u64)
    }

    fn expire_frames(&mut self, org: OrgId, before: Timestamp) -> Result<u64, Error> {
        let transaction = self.connection.transaction().map_err(sqlite)?;
        let mut removed = 0;
        {
            let sql = "SELECT id, device, bytes FROM frame WHERE org = ? AND first_ms < ?";
            let mut select = transaction.prepare_cached(sql).map_err(sqlite)?;
            let mut delete = transaction.prepare_cached("DELETE FROM frame WHERE id = ?").map_err(sqlite)?;
            let mut found = select.query(params![org.get() as i64, before.as_millis()]).map_err(sqlite)?;
            let mut cut = Vec::new();
            while let Some(row) = found.next().map_err(sqlite)? {
                let (id, device): (i64, i64) = (row.get(0).map_err(sqlite)?, row.get(1).map_err(sqlite)?);
                let bytes: Vec<u8> = row.get(2).map_err(sqlite)?;
                let stored = frames::decode(&bytes).map_err(|cause| damaged_bytes(format!("frames {id}"), cause))?;
                let (kept, old): (Vec<StoredFrame>, Vec<_>) =
                    stored.into_iter().partition(|frame| frame.received_at >= before);
                removed += old.len();
                cut.push((id, DeviceId(device as u64), kept));
            }
            for (id, device, kept) in cut {
                delete.execute([id]).map_err(sqlite)?;
                if !kept.is_empty() {
                    insert_frames(&transaction, org, device, &kept)?;
                }
            }
        }
        transaction.commit().map_err(sqlite)?;
        Ok(removed as u64)
    }
}
