use model::{Row, SeriesKey};

use crate::{Error, Summary, ValueRef, plain, varint};

/// The rows that a device has not sealed yet, compressed as they arrive.
///
/// **Shape**: any order of rows; readings of a row come back sorted by series, each series once:
/// the last wins.
#[derive(Debug, Default, Clone)]
pub struct OpenRows {
    rows: Vec<Row>,
}

impl OpenRows {
    /// No rows; nothing is allocated before the first.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends one row.
    pub fn push(&mut self, row: &Row) {
        let mut bytes = vec![0];
        varint::put(&mut bytes, 1);
        plain::put_row(&mut bytes, row);
        plain::close(&mut bytes);
        self.rows.extend(plain::rows(&bytes).unwrap_or_default());
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Bytes of heap held.
    pub fn bytes(&self) -> usize {
        self.rows.iter().map(|row| 64 + row.readings.capacity() * 32).sum()
    }

    /// What is known without decoding; `None` when there are no rows.
    pub fn summary(&self) -> Option<Summary> {
        plain::summary(&self.rows)
    }

    /// Decodes everything, in the order it was appended.
    pub fn rows(&self) -> Vec<Row> {
        self.rows.clone()
    }

    /// Calls `f` with `measured_at` in milliseconds, position, origin and value of each reading of
    /// one series, in the order of appending.
    pub fn fold_series(&self, key: SeriesKey, mut f: impl FnMut(i64, u64, u64, ValueRef<'_>)) {
        for row in &self.rows {
            for reading in row.readings.iter().filter(|reading| reading.series == key) {
                let (at, value) = (row.measured_at.as_millis(), ValueRef::from(&reading.value));
                f(at, row.position.get(), row.origin().get(), value);
            }
        }
    }

    /// The rows as bytes for a checkpoint; see [`OpenRows::decode`].
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![0];
        varint::put(&mut out, self.rows.len() as u64);
        for row in &self.rows {
            plain::put_row(&mut out, row);
        }
        plain::close(&mut out);
        out
    }

    /// Takes up what [`OpenRows::encode`] made, ready for further rows.
    ///
    /// **Errors**: any changed, missing or added byte.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        plain::rows(bytes).map(|rows| Self { rows })
    }
}
