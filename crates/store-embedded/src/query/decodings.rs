use std::collections::BTreeMap;

use model::Position;
use rusqlite::params;
use store::Error;

use crate::{
    error::sqlite,
    scan::{Direction, Scan},
};

/// The last decoding, at or before a position, of each uplink that was decoded again.
pub(crate) fn decodings(scan: Scan<'_>, through: Position) -> Result<Vec<(Position, Position)>, Error> {
    let mut found: BTreeMap<Position, Position> = BTreeMap::new();
    let mut add = |origin, position| {
        if position <= through {
            let last = found.entry(origin).or_insert(position);
            *last = position.max(*last);
        }
    };
    let Some(rows) = scan.rows.filter(|_| scan.has_decodings()) else { return Ok(Vec::new()) };
    for (origin, position) in scan.fresh_decodings() {
        add(origin, position);
    }
    {
        // Rows of these may have expired.
        let sql = "SELECT origin, position FROM decoding WHERE device = ?";
        let mut select = rows.prepare_cached(sql).map_err(sqlite)?;
        let mut stored = select.query(params![scan.device.0 as i64]).map_err(sqlite)?;
        while let Some(row) = stored.next().map_err(sqlite)? {
            let (origin, position): (i64, i64) = (row.get(0).map_err(sqlite)?, row.get(1).map_err(sqlite)?);
            add(Position::from_raw(origin as u64), Position::from_raw(position as u64));
        }
    }
    scan.rows(Direction::OldestFirst, true, |rows| {
        for row in rows {
            if let Some(origin) = row.replaces {
                add(origin, row.position);
            }
        }
        Ok(true)
    })?;
    Ok(found.into_iter().collect())
}
