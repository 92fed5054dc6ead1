//! From readings by row to cells by series.

use std::collections::HashMap;

use model::{Row, SeriesKey, Value};

use crate::ValueRef;

/// The cells of one series.
pub(crate) struct Gathered<'r> {
    pub(crate) series: SeriesKey,
    /// The row of each cell, ascending.
    pub(crate) rows: Vec<u16>,
    pub(crate) cells: Cells<'r>,
}

pub(crate) enum Cells<'r> {
    Numbers(Vec<f64>),
    Mixed(Vec<ValueRef<'r>>),
}

const SERIES_USUAL: usize = 32;

/// Gathers the cells of every series, ascending by series; of two readings of one series in one row
/// the later wins.
pub(crate) fn transpose(rows: &[Row]) -> Vec<Gathered<'_>> {
    let mut all: Vec<Gathered<'_>> = Vec::new();
    let mut index_of: HashMap<SeriesKey, usize> = HashMap::new();
    for (row_index, row) in (0u16..).zip(rows) {
        let mut guess = 0;
        for reading in &row.readings {
            // Devices send the same series in the same order again and again.
            let index = match all.get(guess) {
                Some(gathered) if gathered.series == reading.series => guess,
                _ => *index_of.entry(reading.series).or_insert_with(|| {
                    // Far more series than a device has are most likely series of few rows.
                    let capacity = if all.len() < SERIES_USUAL { rows.len() } else { 0 };
                    all.push(Gathered::new(reading.series, capacity));
                    all.len() - 1
                }),
            };
            guess = index + 1;
            all[index].put(row_index, &reading.value);
        }
    }
    all.sort_unstable_by_key(|gathered| gathered.series);
    all
}

impl<'r> Gathered<'r> {
    fn new(series: SeriesKey, capacity: usize) -> Self {
        Self { series, rows: Vec::with_capacity(capacity), cells: Cells::Numbers(Vec::with_capacity(capacity)) }
    }

    fn put(&mut self, row: u16, value: &'r Value) {
        let again = self.rows.last() == Some(&row);
        if !again {
            self.rows.push(row);
        }
        match (&mut self.cells, ValueRef::from(value)) {
            (Cells::Numbers(numbers), ValueRef::Number(number)) => {
                if again {
                    numbers.pop();
                }
                numbers.push(number);
            }
            (Cells::Mixed(cells), value) => {
                if again {
                    cells.pop();
                }
                cells.push(value);
            }
            (Cells::Numbers(numbers), value) => {
                if again {
                    numbers.pop();
                }
                let mut cells: Vec<_> = numbers.iter().copied().map(ValueRef::Number).collect();
                cells.push(value);
                self.cells = Cells::Mixed(cells);
            }
        }
    }
}
