use model::{DeviceId, OrgId, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};
use store::{Error, ExpireKind, StoredFrame};

use super::{
    Janitor,
    merge::{Sketch, delete_chunk, read_rows, sketch},
    seal::{insert_chunk, save},
    trim::insert_frames,
};
use crate::{
    devices::Devices,
    error::{damaged_bytes, sqlite},
    frames,
};

/// Chunks, or blobs of frames, that are removed in one transaction, so that nobody waits for long.
const SLICE: usize = 32;

/// What one step has removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slice {
    pub(crate) removed: u64,
    /// Whether nothing is left to remove.
    pub(crate) is_last: bool,
}

impl Slice {
    const NOTHING: Self = Self { removed: 0, is_last: true };
}

impl Janitor {
    /// Removes some of what is older than `before`.
    pub(super) fn expire(
        &mut self,
        org: OrgId,
        device: DeviceId,
        before: Timestamp,
        kind: ExpireKind,
    ) -> Result<Slice, Error> {
        if !self.has_old(org, device, before, kind)? {
            return Ok(Slice::NOTHING);
        }
        // Frames in the log are found through the rows of their uplinks, which may be removed now.
        self.keep_all_frames()?;
        match kind {
            ExpireKind::Rows => self.expire_rows(device, before),
            ExpireKind::Frames => self.expire_frames(org, device, before),
        }
    }

    /// How much would be removed.
    pub(super) fn count_old(
        &mut self,
        org: OrgId,
        device: DeviceId,
        before: Timestamp,
        kind: ExpireKind,
    ) -> Result<u64, Error> {
        if !self.has_old(org, device, before, kind)? {
            return Ok(0);
        }
        match kind {
            ExpireKind::Rows => {
                let open = self.shared.devices.peek(org, device, |state| state.open.rows()).unwrap_or_default();
                let mut count = open.iter().filter(|row| row.measured_at < before).count();
                for sketch in old_sketches(&self.connection, device, before, usize::MAX)? {
                    count += if sketch.last_ms < before.as_millis() {
                        sketch.rows
                    } else {
                        let rows = read_rows(&self.connection, sketch, device).unwrap_or_default();
                        rows.iter().filter(|row| row.measured_at < before).count()
                    };
                }
                Ok(count as u64)
            }
            ExpireKind::Frames => {
                self.keep_all_frames()?;
                let mut count = 0;
                for blob in old_blobs(&self.connection, org, device, before, usize::MAX)? {
                    count += match blob.bytes {
                        None => blob.frames,
                        Some(bytes) => {
                            let stored = frames::decode(&bytes).unwrap_or_default();
                            stored.iter().filter(|frame| frame.received_at < before).count() as u64
                        }
                    };
                }
                Ok(count)
            }
        }
    }

    /// Whether there may be anything to remove; mostly there is not.
    fn has_old(&self, org: OrgId, device: DeviceId, before: Timestamp, kind: ExpireKind) -> Result<bool, Error> {
        let in_memory = self.shared.devices.peek(org, device, |state| match kind {
            ExpireKind::Rows => {
                state.open.summary().is_some_and(|summary| summary.first_measured_at < before)
                    || state.last.iter().any(|last| last.measured_at < before)
            }
            // Some may be in the log still.
            ExpireKind::Frames => state.through > self.shared.frames_through(),
        });
        let sql = match (in_memory, kind) {
            (None, _) => return Ok(false),
            (Some(true), _) => return Ok(true),
            (Some(false), ExpireKind::Rows) => "SELECT 1 FROM chunk WHERE device = ? AND first_ms < ? LIMIT 1",
            (Some(false), ExpireKind::Frames) => "SELECT 1 FROM frame WHERE device = ? AND first_ms < ? LIMIT 1",
        };
        let mut select = self.connection.prepare_cached(sql).map_err(sqlite)?;
        let found = select.query_row(params![device.0 as i64, before.as_millis()], |_| Ok(())).optional();
        Ok(found.map_err(sqlite)?.is_some())
    }

    fn expire_rows(&mut self, device: DeviceId, before: Timestamp) -> Result<Slice, Error> {
        let has_old_open_rows = self
            .shared
            .devices
            .change(device, |state| state.open.summary().is_some_and(|summary| summary.first_measured_at < before));
        if has_old_open_rows == Some(true) {
            self.seal(&[device])?;
        }
        let transaction = self.connection.transaction().map_err(sqlite)?;
        let old = old_sketches(&transaction, device, before, SLICE)?;
        let (mut removed, mut deleted) = (0, 0);
        for sketch in &old {
            if sketch.last_ms < before.as_millis() {
                removed += sketch.rows;
            } else {
                // A damaged chunk, named by now, stays until all of it is old.
                let Ok(mut rows) = read_rows(&transaction, *sketch, device) else { continue };
                rows.retain(|row| row.measured_at >= before);
                removed += sketch.rows - rows.len();
                insert_chunk(&transaction, device, &rows)?;
            }
            delete_chunk(&transaction, *sketch)?;
            deleted += 1;
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
        // Where a whole slice is damaged, what lies behind it waits with it.
        Ok(Slice { removed: removed as u64, is_last: old.len() < SLICE || deleted == 0 })
    }

    fn expire_frames(&mut self, org: OrgId, device: DeviceId, before: Timestamp) -> Result<Slice, Error> {
        let transaction = self.connection.transaction().map_err(sqlite)?;
        let old = old_blobs(&transaction, org, device, before, SLICE)?;
        let (mut removed, mut deleted) = (0, 0);
        for blob in &old {
            match &blob.bytes {
                None => removed += blob.frames,
                Some(bytes) => {
                    let stored = match frames::decode(bytes) {
                        Ok(stored) => stored,
                        Err(cause) => {
                            // It stays until all of it is old.
                            drop(damaged_bytes(format!("frames {} of device {device}", blob.id), cause));
                            continue;
                        }
                    };
                    let (kept, old): (Vec<StoredFrame>, Vec<_>) =
                        stored.into_iter().partition(|frame| frame.received_at >= before);
                    removed += old.len() as u64;
                    insert_frames(&transaction, org, device, &kept)?;
                }
            }
            transaction.execute("DELETE FROM frame WHERE id = ?", [blob.id]).map_err(sqlite)?;
            deleted += 1;
        }
        transaction.commit().map_err(sqlite)?;
        Ok(Slice { removed, is_last: old.len() < SLICE || deleted == 0 })
    }
}

/// A device's chunks that begin before a time, by ascending start.
fn old_sketches(
    connection: &Connection,
    device: DeviceId,
    before: Timestamp,
    limit: usize,
) -> Result<Vec<Sketch>, Error> {
    let sql = "SELECT id, first_ms, last_ms, rows FROM chunk WHERE device = ? AND first_ms < ?
               ORDER BY first_ms, last_ms LIMIT ?";
    let mut select = connection.prepare_cached(sql).map_err(sqlite)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let sketches = select.query_map(params![device.0 as i64, before.as_millis(), limit], sketch);
    sketches.map_err(sqlite)?.collect::<Result<_, _>>().map_err(sqlite)
}

/// A blob of frames that begins before a time.
struct Blob {
    id: i64,
    frames: u64,
    /// Read where it ends behind that time.
    bytes: Option<Vec<u8>>,
}

fn old_blobs(
    connection: &Connection,
    org: OrgId,
    device: DeviceId,
    before: Timestamp,
    limit: usize,
) -> Result<Vec<Blob>, Error> {
    let sql = "SELECT id, frames, iif(last_ms < ?3, NULL, bytes) FROM frame
               WHERE device = ?2 AND first_ms < ?3 AND org = ?1 ORDER BY first_ms, id LIMIT ?4";
    let mut select = connection.prepare_cached(sql).map_err(sqlite)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let blobs = select.query_map(params![org.get() as i64, device.0 as i64, before.as_millis(), limit], |row| {
        let frames: i64 = row.get(1)?;
        Ok(Blob { id: row.get(0)?, frames: frames as u64, bytes: row.get(2)? })
    });
    blobs.map_err(sqlite)?.collect::<Result<_, _>>().map_err(sqlite)
}
