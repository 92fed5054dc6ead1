use std::collections::{BTreeMap, BTreeSet};

use chunk::Chunk;
use model::{Position, Row};
use rusqlite::params;
use store::{Error, FrameQuery, StoredFrame};

use crate::{
    entry,
    error::{damaged, damaged_bytes, sqlite},
    frames, log,
    readers::Reader,
};

/// Positions looked up in the log at once.
const POSITIONS_AT_ONCE: usize = 256;

/// The newest raw frames of a window: out of the log, where the positions of the device's rows say
/// where to look, then out of what has left the log.
pub(crate) fn frames(
    reader: &Reader,
    query: FrameQuery,
    open: &[Row],
    kept_through: Position,
) -> Result<Vec<StoredFrame>, Error> {
    let mut found: BTreeMap<Position, StoredFrame> = BTreeMap::new();
    if query.limit == 0 {
        return Ok(Vec::new());
    }
    let mut positions = sealed_positions(reader, query, kept_through)?;
    let meant = open.iter().filter(|row| query.window.contains(row.received_at) && row.position > kept_through);
    positions.extend(meant.map(|row| row.position));
    let positions: Vec<_> = positions.into_iter().rev().collect();
    for positions in positions.chunks(POSITIONS_AT_ONCE) {
        for commit in log::holding(&reader.log, positions)? {
            let blob = commit.blob()?;
            for position in positions {
                let Some(bytes) = blob.entry(*position) else { continue };
                let uplink = bytes.and_then(entry::decode_frame);
                let uplink =
                    uplink.map_err(|cause| damaged_bytes(format!("the log's entry at position {position}"), cause))?;
                if let Some(uplink) = uplink
                    && let Some(frame) = uplink.frame
                {
                    let stored = StoredFrame { position: *position, received_at: uplink.received_at, frame };
                    found.insert(*position, stored);
                }
            }
        }
        if found.len() >= query.limit {
            break;
        }
    }
    if found.len() < query.limit {
        kept(reader, query, &mut found)?;
    }
    Ok(found.into_values().rev().take(query.limit).collect())
}

/// Positions of sealed rows that are still in the log and were received in the window.
fn sealed_positions(reader: &Reader, query: FrameQuery, after: Position) -> Result<BTreeSet<Position>, Error> {
    let mut found = BTreeSet::new();
    let sql = "SELECT id, bytes FROM chunk WHERE device = ? AND last_position > ?";
    let mut select = reader.rows.prepare_cached(sql).map_err(sqlite)?;
    let mut chunks = select.query(params![query.device.0 as i64, after.get() as i64]).map_err(sqlite)?;
    while let Some(row) = chunks.next().map_err(sqlite)? {
        let id: i64 = row.get(0).map_err(sqlite)?;
        let bytes: Vec<u8> = row.get(1).map_err(sqlite)?;
        let rows = Chunk::open(&bytes).and_then(|chunk| chunk.rows());
        let rows = rows.map_err(|cause| damaged(format!("chunk {id} of device {}", query.device), cause))?;
        let meant = rows.iter().filter(|row| row.position > after && query.window.contains(row.received_at));
        found.extend(meant.map(|row| row.position));
    }
    Ok(found)
}

/// Adds frames that have left the log, newest first, until there are enough.
fn kept(reader: &Reader, query: FrameQuery, found: &mut BTreeMap<Position, StoredFrame>) -> Result<(), Error> {
    let sql = "SELECT id, bytes FROM frame WHERE device = ? AND last_ms >= ? AND first_ms < ?
               ORDER BY last_position DESC";
    let mut select = reader.rows.prepare_cached(sql).map_err(sqlite)?;
    let window = query.window;
    let values = params![query.device.0 as i64, window.start.as_millis(), window.end.as_millis()];
    let mut blobs = select.query(values).map_err(sqlite)?;
    while let Some(row) = blobs.next().map_err(sqlite)? {
        let id: i64 = row.get(0).map_err(sqlite)?;
        let bytes: Vec<u8> = row.get(1).map_err(sqlite)?;
        let stored = frames::decode(&bytes)
            .map_err(|cause| damaged_bytes(format!("frames {id} of device {}", query.device), cause))?;
        let meant = stored.into_iter().filter(|frame| window.contains(frame.received_at));
        found.extend(meant.map(|frame| (frame.position, frame)));
        if found.len() >= query.limit {
            break;
        }
    }
    Ok(())
}
