use std::sync::atomic::Ordering::Relaxed;

use chunk::Chunk;
use model::{DeviceId, Row};
use rusqlite::Connection;
use store::Error;

use super::{
    Janitor,
    seal::{CHUNK_ROWS_MAX, insert_chunk},
};
use crate::error::{damaged, sqlite};

/// Overlapping chunks with more rows than this together are left as they are, so that merging
/// needs little memory.
const MERGE_ROWS_MAX: usize = 100_000;

/// A chunk without its rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sketch {
    pub(super) id: i64,
    pub(super) first_ms: i64,
    pub(super) last_ms: i64,
    pub(super) rows: usize,
}

impl Janitor {
    /// Puts overlapping chunks of a device together, and small ones into larger ones. Rows stay as
    /// they are, superseded ones too.
    pub(super) fn merge(&mut self, device: DeviceId) -> Result<(), Error> {
        for group in groups(&sketches(&self.connection, device)?) {
            let transaction = self.connection.transaction().map_err(sqlite)?;
            let mut rows = Vec::new();
            for sketch in &group {
                rows.extend(read_rows(&transaction, *sketch, device)?);
                delete_chunk(&transaction, *sketch)?;
            }
            rows.sort_by_key(|row: &Row| (row.measured_at, row.position));
            let pieces = rows.len().div_ceil(CHUNK_ROWS_MAX);
            for rows in rows.chunks(rows.len().div_ceil(pieces.max(1)).max(1)) {
                insert_chunk(&transaction, device, rows)?;
            }
            transaction.commit().map_err(sqlite)?;
            self.shared.counters.merges.fetch_add(1, Relaxed);
        }
        self.shared.devices.change(device, |state| state.unmerged = 0);
        Ok(())
    }
}

/// Which chunks, sorted by their start, are worth putting together.
fn groups(sketches: &[Sketch]) -> Vec<Vec<Sketch>> {
    let mut groups: Vec<Vec<Sketch>> = Vec::new();
    let (mut rows, mut last_ms) = (0, i64::MIN);
    for sketch in sketches {
        let overlaps = sketch.first_ms <= last_ms && rows + sketch.rows <= MERGE_ROWS_MAX;
        match groups.last_mut() {
            Some(group) if overlaps || rows + sketch.rows <= CHUNK_ROWS_MAX => {
                group.push(*sketch);
                rows += sketch.rows;
            }
            _ => {
                groups.push(vec![*sketch]);
                rows = sketch.rows;
            }
        }
        last_ms = last_ms.max(sketch.last_ms);
    }
    groups.retain(|group| group.len() > 1);
    groups
}

/// A device's chunks by ascending start.
fn sketches(connection: &Connection, device: DeviceId) -> Result<Vec<Sketch>, Error> {
    let sql = "SELECT id, first_ms, last_ms, rows FROM chunk WHERE device = ? ORDER BY first_ms, last_ms";
    let mut select = connection.prepare_cached(sql).map_err(sqlite)?;
    let sketches = select.query_map([device.0 as i64], sketch);
    sketches.map_err(sqlite)?.collect::<Result<_, _>>().map_err(sqlite)
}

/// A chunk out of its columns `id, first_ms, last_ms, rows`.
pub(super) fn sketch(row: &rusqlite::Row<'_>) -> rusqlite::Result<Sketch> {
    let rows: i64 = row.get(3)?;
    Ok(Sketch { id: row.get(0)?, first_ms: row.get(1)?, last_ms: row.get(2)?, rows: rows as usize })
}

pub(super) fn read_rows(connection: &Connection, sketch: Sketch, device: DeviceId) -> Result<Vec<Row>, Error> {
    let mut select = connection.prepare_cached("SELECT bytes FROM chunk WHERE id = ?").map_err(sqlite)?;
    let bytes: Vec<u8> = select.query_row([sketch.id], |row| row.get(0)).map_err(sqlite)?;
    let rows = Chunk::open(&bytes).and_then(|chunk| chunk.rows());
    rows.map_err(|cause| damaged(format!("chunk {} of device {device}", sketch.id), cause))
}

pub(super) fn delete_chunk(connection: &Connection, sketch: Sketch) -> Result<(), Error> {
    let mut delete = connection.prepare_cached("DELETE FROM chunk WHERE id = ?").map_err(sqlite)?;
    delete.execute([sketch.id]).map(drop).map_err(sqlite)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(chunks: &[(i64, i64, usize)], expected: &[&[i64]]) {
        let sketches: Vec<_> = chunks
            .iter()
            .zip(1..)
            .map(|((first_ms, last_ms, rows), id)| Sketch { id, first_ms: *first_ms, last_ms: *last_ms, rows: *rows })
            .collect();
        let ids: Vec<Vec<i64>> =
            groups(&sketches).iter().map(|group| group.iter().map(|sketch| sketch.id).collect()).collect();
        assert_eq!(ids, expected);
    }

    #[test]
    fn small_neighbours_are_put_together_until_a_chunk_is_full() {
        check(&[(0, 9, 288), (10, 19, 288), (20, 29, 288)], &[&[1, 2, 3]]);
        check(&[(0, 9, 2_016), (10, 19, 288), (20, 29, 288)], &[&[2, 3]]);
        check(&[(0, 9, 2_000), (10, 19, 288)], &[]);
    }

    #[test]
    fn overlapping_chunks_are_put_together_however_full() {
        check(&[(0, 9, 2_016), (5, 5, 3), (10, 19, 2_016)], &[&[1, 2]]);
        check(&[(0, 100, 50), (5, 5, 2_016), (50, 60, 2_016)], &[&[1, 2, 3]]);
    }
}
