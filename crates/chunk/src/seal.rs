use model::Row;

use crate::{plain, varint};

/// How many rows a chunk can hold.
pub const ROWS_MAX: usize = 65_535;

/// Turns rows into a chunk.
///
/// **Shape**: sorted by `measured_at`, then position; rows of one uplink and time in the order they
/// have in it. Readings of a row come back sorted by series, each series once: the last wins.
///
/// **Panics**: if the rows are not sorted, none, or more than [`ROWS_MAX`].
pub fn seal(rows: &[Row]) -> Vec<u8> {
    assert!((1..=ROWS_MAX).contains(&rows.len()), "a chunk holds 1 to {ROWS_MAX} rows, not {}", rows.len());
    assert!(rows.is_sorted_by_key(|row| (row.measured_at, row.position)), "the rows of a chunk are sorted");
    let mut out = vec![0];
    varint::put(&mut out, rows.len() as u64);
    for row in rows {
        plain::put_row(&mut out, row);
    }
    plain::close(&mut out);
    out
}
