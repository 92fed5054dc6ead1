use std::{collections::BTreeSet, marker::PhantomData};

use model::{Row, SeriesKey};

use crate::{Column, Error, Summary, ValueRef, column::Entry, plain};

/// A chunk, opened: its bytes are whole, and its columns can be decoded one by one.
#[derive(Debug)]
pub struct Chunk<'a> {
    rows: Vec<Row>,
    summary: Summary,
    bytes: PhantomData<&'a [u8]>,
}

impl<'a> Chunk<'a> {
    /// Opens what [`seal`](crate::seal) made.
    ///
    /// **Errors**: any changed, missing or added byte.
    pub fn open(bytes: &'a [u8]) -> Result<Self, Error> {
        let rows = plain::rows(bytes)?;
        let summary = plain::summary(&rows).ok_or(Error::Malformed("rows"))?;
        Ok(Self { rows, summary, bytes: PhantomData })
    }

    /// What is known without decoding.
    pub fn summary(&self) -> Summary {
        self.summary
    }

    /// The series that at least one row has a reading of, ascending.
    pub fn series(&self) -> impl Iterator<Item = SeriesKey> {
        let all: BTreeSet<_> =
            self.rows.iter().flat_map(|row| row.readings.iter().map(|reading| reading.series)).collect();
        all.into_iter()
    }

    /// Decodes `measured_at` of every row into `out`, which is cleared first.
    ///
    /// **Errors**: malformed content, which the checksum leaves only to a faulty writer.
    pub fn times(&self, out: &mut Vec<i64>) -> Result<(), Error> {
        out.clear();
        out.extend(self.rows.iter().map(|row| row.measured_at.as_millis()));
        Ok(())
    }

    /// Decodes the position of every row into `out`, which is cleared first.
    ///
    /// **Errors**: as [`Chunk::times`].
    pub fn positions(&self, out: &mut Vec<u64>) -> Result<(), Error> {
        out.clear();
        out.extend(self.rows.iter().map(|row| row.position.get()));
        Ok(())
    }

    /// Decodes the uplink that every row's readings come from into `out`, which is cleared first.
    ///
    /// **Errors**: as [`Chunk::times`].
    pub fn origins(&self, out: &mut Vec<u64>) -> Result<(), Error> {
        out.clear();
        out.extend(self.rows.iter().map(|row| row.origin().get()));
        Ok(())
    }

    /// Decodes one series into `column`; `false` if the chunk has no such series.
    ///
    /// **Errors**: as [`Chunk::times`].
    pub fn column(&self, key: SeriesKey, column: &mut Column) -> Result<bool, Error> {
        column.clear();
        let mut cells = Vec::new();
        for (index, row) in self.rows.iter().enumerate() {
            for reading in row.readings.iter().filter(|reading| reading.series == key) {
                column.rows.push(index as u16);
                cells.push(ValueRef::from(&reading.value));
            }
        }
        column.every_row = cells.len() == self.rows.len();
        column.only_numbers = cells.iter().all(|cell| cell.as_number().is_some());
        if column.only_numbers {
            column.numbers.extend(cells.iter().filter_map(|cell| cell.as_number()));
        } else {
            for cell in &cells {
                let start = column.texts.len() as u32;
                let entry = match *cell {
                    ValueRef::Number(number) => Entry::Number(number),
                    ValueRef::Text(text) => {
                        column.texts.push_str(text);
                        Entry::Text { start, end: start + text.len() as u32 }
                    }
                    ValueRef::Json(text) => {
                        column.texts.push_str(text);
                        Entry::Json { start, end: start + text.len() as u32 }
                    }
                };
                column.picks.push(column.entries.len() as u32);
                column.entries.push(entry);
            }
        }
        Ok(!cells.is_empty())
    }

    /// Decodes everything.
    ///
    /// **Shape**: the rows as they were sealed; the readings of each sorted by series.
    ///
    /// **Errors**: as [`Chunk::times`].
    pub fn rows(&self) -> Result<Vec<Row>, Error> {
        Ok(self.rows.clone())
    }
}
