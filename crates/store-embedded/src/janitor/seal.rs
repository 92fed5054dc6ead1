use std::{collections::BTreeMap, sync::atomic::Ordering::Relaxed};

use chunk::OpenRows;
use model::{DeviceId, Position, Row, Timestamp};
use rusqlite::{Connection, params};
use store::Error;

use super::Janitor;
use crate::{devices::Devices, error::sqlite, state::DeviceState};

/// Most rows of a chunk: a week of readings every five minutes. Larger ones make long queries
/// cheaper and short ones, which decode a whole chunk too, dearer.
pub(super) const CHUNK_ROWS_MAX: usize = 2_016;
/// Late rows further apart than this go to different chunks, so that none spans what lies between.
const LATE_GAP_MS: i64 = 24 * 3_600_000;

impl Janitor {
    /// Moves the open rows of some devices into chunks, in one transaction.
    pub(super) fn seal(&mut self, devices: &[DeviceId]) -> Result<(), Error> {
        for devices in each_once(devices).chunks(super::SEALED_AT_ONCE) {
            let mut sealed = Vec::with_capacity(devices.len());
            let transaction = self.connection.transaction().map_err(sqlite)?;
            for device in devices {
                let state = self.shared.devices.read(Devices::shard(*device)).get(device).cloned();
                let Some(mut state) = state.filter(|state| !state.open.is_empty()) else { continue };
                let rows = state.open.rows();
                let mut chunks = 0;
                for rows in partition(rows, state.sealed_until) {
                    insert_chunk(&transaction, *device, &rows)?;
                    chunks += 1;
                    state.sealed_until = state.sealed_until.max(last_measured_at(&rows));
                }
                let count = state.open.len();
                state.open = OpenRows::new();
                state.unmerged += chunks;
                save(&transaction, *device, &state)?;
                self.shared.counters.chunks_sealed.fetch_add(chunks.into(), Relaxed);
                sealed.push((*device, count, state));
            }
            transaction.commit().map_err(sqlite)?;
            for (device, count, saved) in sealed {
                let queue = self.shared.devices.change(device, |state| {
                    let before = state.open.bytes();
                    let tail = state.open.rows().split_off(count);
                    state.open = OpenRows::new();
                    for row in &tail {
                        state.open.push(row);
                    }
                    state.open_since = tail.first().map_or(Timestamp::MAX, |row| row.received_at);
                    state.sealed_until = saved.sealed_until;
                    state.unmerged = saved.unmerged;
                    mark_saved(state, saved.through, &saved.decodings);
                    state.is_queued = false;
                    self.shared.count_open(before, state.open.bytes());
                });
                debug_assert!(queue.is_some(), "only this thread removes devices");
            }
        }
        Ok(())
    }
}

/// Every device once. One may be asked for twice: when all are sealed while a wish for it waits, the
/// next of its rows are wished for again.
fn each_once(devices: &[DeviceId]) -> Vec<DeviceId> {
    let mut devices = devices.to_vec();
    devices.sort_unstable();
    devices.dedup();
    devices
}

/// Rows in the order chunks have them, late ones apart from the others.
fn partition(mut rows: Vec<Row>, sealed_until: Timestamp) -> Vec<Vec<Row>> {
    rows.sort_by_key(|row| (row.measured_at, row.position));
    let on_time = rows.split_off(rows.partition_point(|row| row.measured_at <= sealed_until));
    let mut parts: Vec<Vec<Row>> = Vec::new();
    for row in rows {
        match parts.last_mut() {
            Some(part)
                if part.len() < CHUNK_ROWS_MAX && row.measured_at.since_ms(last_measured_at(part)) <= LATE_GAP_MS =>
            {
                part.push(row);
            }
            _ => parts.push(vec![row]),
        }
    }
    parts.extend(on_time.chunks(CHUNK_ROWS_MAX).map(<[Row]>::to_vec));
    parts
}

fn last_measured_at(rows: &[Row]) -> Timestamp {
    rows.last().map_or(Timestamp::MIN, |row| row.measured_at)
}

/// Writes rows, which are sorted, as one chunk.
pub(super) fn insert_chunk(connection: &Connection, device: DeviceId, rows: &[Row]) -> Result<(), Error> {
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(()) };
    let last_position = rows.iter().map(|row| row.position).max().unwrap_or_default();
    let sql = "INSERT INTO chunk (device, first_ms, last_ms, last_position, rows, bytes) VALUES (?, ?, ?, ?, ?, ?)";
    let mut insert = connection.prepare_cached(sql).map_err(sqlite)?;
    let values = params![
        device.0 as i64,
        first.measured_at.as_millis(),
        last.measured_at.as_millis(),
        last_position.get() as i64,
        rows.len() as i64,
        chunk::seal(rows),
    ];
    insert.execute(values).map(drop).map_err(sqlite)
}

/// Writes a device's state, and its decodings into their table.
pub(super) fn save(connection: &Connection, device: DeviceId, state: &DeviceState) -> Result<(), Error> {
    let sql = "INSERT OR REPLACE INTO device (device, org, bytes) VALUES (?, ?, ?)";
    let mut upsert = connection.prepare_cached(sql).map_err(sqlite)?;
    upsert.execute(params![device.0 as i64, state.org.get() as i64, state.encode()]).map_err(sqlite)?;
    let sql = "INSERT OR REPLACE INTO decoding (device, origin, position) VALUES (?, ?, ?)";
    let mut upsert = connection.prepare_cached(sql).map_err(sqlite)?;
    for (origin, position) in &state.decodings {
        upsert.execute(params![device.0 as i64, origin.get() as i64, position.get() as i64]).map_err(sqlite)?;
    }
    Ok(())
}

/// Notes in a state that it was written as it stood at a position.
pub(super) fn mark_saved(state: &mut DeviceState, through: Position, decodings: &BTreeMap<Position, Position>) {
    state.saved_through = through;
    state.decodings.retain(|origin, position| decodings.get(origin) != Some(position));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_is_asked_for_twice_is_sealed_once() {
        assert_eq!(each_once(&[3, 1, 3, 2, 1].map(DeviceId)), [1, 2, 3].map(DeviceId));
    }
}
