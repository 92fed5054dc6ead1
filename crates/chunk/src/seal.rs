use std::collections::HashMap;

use model::{Position, Row};

use crate::{
    ValueRef,
    ints::put_ints,
    layout::{BEFORE_FIRST, CELL_WEIGHT, SHARED, VERSION, put_entry, put_ranges, weight_max},
    mixed::put_mixed,
    numbers::put_numbers,
    presence::put_presence,
    transpose::{Cells, Gathered, transpose},
    varint::put,
};

/// How many rows a chunk can hold.
pub const ROWS_MAX: usize = 65_535;

/// Turns rows into a chunk.
///
/// **Shape**: sorted by `measured_at`, then position; rows of one uplink and time in the order they
/// have in it. Readings of a row come back sorted by series, each series once: the last wins.
///
/// **Panics**: if the rows are not sorted, none, or more than [`ROWS_MAX`].
///
/// **Example**
/// ```
/// # use model::{CodecVersion, Position, Reading, Row, RowFlags, Timestamp};
/// let row = Row {
///     measured_at: Timestamp::from_millis(1_783_651_184_319),
///     received_at: Timestamp::from_millis(1_783_651_184_500),
///     position: Position::from_raw(17),
///     replaces: None,
///     codec: CodecVersion(1),
///     flags: RowFlags::NONE,
///     readings: vec![Reading::new(1, 4097, 21.4)],
/// };
/// let bytes = chunk::seal(&[row.clone()]);
/// assert_eq!(chunk::Chunk::open(&bytes)?.rows()?, [row]);
/// # Ok::<(), chunk::Error>(())
/// ```
pub fn seal(rows: &[Row]) -> Vec<u8> {
    assert!((1..=ROWS_MAX).contains(&rows.len()), "a chunk holds 1 to {ROWS_MAX} rows, not {}", rows.len());
    assert!(rows.is_sorted_by_key(|row| (row.measured_at, row.position)), "the rows of a chunk are sorted");

    let (mut body, mut shared) = (Vec::with_capacity(rows.len() * 8), [0; SHARED]);
    let positions = rows.iter().map(|row| row.position.get());
    let positions = (positions.clone().min().unwrap_or_default(), positions.max().unwrap_or_default());
    let times = (rows[0].measured_at.as_millis(), rows[rows.len() - 1].measured_at.as_millis());
    put_shared(&mut body, &mut shared, rows, times.0, positions.0);

    let (mut presences, mut entries) = (Presences::default(), Vec::new());
    let (mut series_count, mut before, mut weight) = (0u64, BEFORE_FIRST, 0usize);
    for Gathered { series, rows: present, cells } in transpose(rows) {
        let start = body.len();
        weight += present.len() * CELL_WEIGHT;
        match &cells {
            Cells::Numbers(numbers) => put_numbers(&mut body, numbers),
            Cells::Mixed(cells) => {
                weight += cells.iter().map(text_bytes).sum::<usize>();
                put_mixed(&mut body, cells);
            }
        }
        let presence = presences.index_of(present, rows.len());
        put_entry(&mut entries, before, series, presence, body.len() - start);
        (series_count, before) = (series_count + 1, series);
    }

    let mut out = vec![VERSION];
    put(&mut out, rows.len() as u64);
    put_ranges(&mut out, times, positions);
    for bytes in shared {
        put(&mut out, bytes as u64);
    }
    put(&mut out, presences.indices.len() as u64);
    out.extend_from_slice(&presences.bytes);
    put(&mut out, series_count);
    out.extend_from_slice(&entries);
    out.extend_from_slice(&body);
    if weight > weight_max(out.len()) {
        let missing = (weight - weight_max(out.len())).div_ceil(1_024);
        out.resize(out.len() + missing, 0);
    }
    let sum = crc32fast::hash(&out);
    out.extend_from_slice(&sum.to_le_bytes());
    out
}

fn text_bytes(cell: &ValueRef<'_>) -> usize {
    match cell {
        ValueRef::Number(_) => 0,
        ValueRef::Text(text) | ValueRef::Json(text) => text.len(),
    }
}

fn put_shared(body: &mut Vec<u8>, bytes: &mut [usize; SHARED], rows: &[Row], first_at: i64, lowest: u64) {
    let mut numbers = Vec::with_capacity(rows.len());
    let (mut start, mut next) = (body.len(), bytes.iter_mut());
    let mut close = |body: &Vec<u8>| {
        if let Some(bytes) = next.next() {
            *bytes = body.len() - start;
        }
        start = body.len();
    };
    let mut put_column = |body: &mut Vec<u8>, origin: i64, cell: &dyn Fn(&Row) -> i64| {
        numbers.clear();
        numbers.extend(rows.iter().map(cell));
        put_ints(body, &numbers, origin);
    };

    put_column(body, first_at, &|row| row.measured_at.as_millis());
    close(body);
    put_column(body, 0, &|row| row.received_at.as_millis().wrapping_sub(row.measured_at.as_millis()));
    close(body);
    put_column(body, lowest as i64, &|row| row.position.get() as i64);
    close(body);
    put_replaces(body, rows);
    close(body);
    put_column(body, 0, &|row| i64::from(row.codec.0));
    close(body);
    put_column(body, 0, &|row| i64::from(row.flags.0));
    close(body);
}

fn put_replaces(body: &mut Vec<u8>, rows: &[Row]) {
    let distance = |row: &Row, replaced: Position| row.position.get().wrapping_sub(replaced.get()) as i64;
    let replaced = rows.iter().zip(0u16..).filter_map(|(row, index)| Some((index, distance(row, row.replaces?))));
    let (present, distances): (Vec<_>, Vec<_>) = replaced.unzip();
    if !present.is_empty() {
        put_presence(body, &present, rows.len());
        put_ints(body, &distances, 0);
    }
}

/// Each presence once, although several columns share it.
#[derive(Default)]
struct Presences {
    indices: HashMap<Vec<u16>, usize>,
    bytes: Vec<u8>,
}

impl Presences {
    /// The index of a presence; none when every row is present.
    fn index_of(&mut self, present: Vec<u16>, rows: usize) -> Option<usize> {
        if present.len() == rows {
            return None;
        }
        let next = self.indices.len();
        let bytes = &mut self.bytes;
        Some(*self.indices.entry(present).or_insert_with_key(|present| {
            put_presence(bytes, present, rows);
            next
        }))
    }
}
