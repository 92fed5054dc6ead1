mod bit_stream;
mod checkpoint;
mod form;
mod push;
mod replay;
mod rice;
mod state;
mod track;

use model::{Position, Reading, Row, SeriesKey, Timestamp};

use self::{replay::Replay, state::State};
use crate::{Column, Summary, ValueRef};

/// The rows that a device has not sealed yet, compressed as they arrive.
///
/// **Shape**: rows in any order of time; readings of a row come back sorted by series, each series
/// once: the last wins. A bit stream in which each row is written against the rows before it, so that
/// reading starts at the first row; texts beside it.
#[derive(Debug, Default, Clone)]
pub struct OpenRows {
    stream: Vec<u8>,
    texts: String,
    state: State,
    summary: Option<Summary>,
    /// Bits of the last byte of `stream` that are free.
    spare: u8,
}

/// Cells that room is made for beforehand.
const CELLS_AT_ONCE: usize = 1 << 16;

impl OpenRows {
    /// No rows; nothing is allocated before the first.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.summary.map_or(0, |summary| summary.rows)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.summary.is_none()
    }

    /// Bytes of heap held; the struct itself comes on top.
    pub fn bytes(&self) -> usize {
        self.stream.capacity() + self.texts.capacity() + self.state.heap_bytes()
    }

    /// What is known without decoding; `None` when there are no rows.
    pub fn summary(&self) -> Option<Summary> {
        self.summary
    }

    /// Decodes everything, in the order it was appended.
    pub fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::with_capacity(self.len());
        let mut replay = Replay::new(self);
        let mut usual = 0;
        while let Ok(Some(head)) = replay.head() {
            let mut readings = Vec::with_capacity(usual);
            let put = |replay: &Replay<'_>, slot, cell| {
                readings.push(Reading { series: replay.series(slot), value: replay.value(slot, cell).to_value() });
            };
            if replay.cells(put).is_err() {
                break;
            }
            if !readings.is_sorted_by_key(|reading| reading.series) {
                readings.sort_unstable_by_key(|reading| reading.series);
            }
            usual = readings.len();
            rows.push(Row {
                measured_at: Timestamp::from_millis(head.at),
                received_at: Timestamp::from_millis(head.at.wrapping_add(head.delay)),
                position: Position::from_raw(head.position),
                replaces: head.replaces.map(Position::from_raw),
                codec: head.codec,
                flags: head.flags,
                readings,
            });
        }
        rows
    }

    /// Fills `times` with `measured_at` in milliseconds of every row and `columns` with the series
    /// that `select` names, both ascending; `false`, and neither means anything, where rows are not in
    /// the order of time, each later than the one before, or a value is no number.
    pub fn columns(
        &self,
        select: impl Fn(SeriesKey) -> bool,
        times: &mut Vec<i64>,
        columns: &mut Vec<(SeriesKey, Column)>,
    ) -> bool {
        times.clear();
        columns.clear();
        if self.len() > usize::from(u16::MAX) {
            return false;
        }
        // Not where most series may have next to none of the cells.
        let is_small = self.state.slots.len().saturating_mul(self.len()) <= CELLS_AT_ONCE;
        let room = if is_small { self.len() } else { 0 };
        // A series that is in any row has a slot by now, and slots keep their places.
        let slots = self.state.slots.iter().map(|slot| {
            let key = slot.series();
            select(key).then(|| {
                columns.push((key, Column::with_room(room)));
                columns.len() - 1
            })
        });
        let column_of: Vec<Option<usize>> = slots.collect();
        times.reserve(self.len());
        let mut replay = Replay::new(self);
        loop {
            match replay.head() {
                Ok(Some(head)) if times.last().is_none_or(|last| *last < head.at) => times.push(head.at),
                Ok(None) => break,
                Ok(Some(_)) | Err(_) => return false,
            }
            let row = (times.len() - 1) as u16;
            let mut all_numbers = true;
            let take = |replay: &Replay<'_>, slot: usize, cell| {
                let Some(at) = column_of.get(slot).copied().flatten() else { return };
                match replay.value(slot, cell) {
                    ValueRef::Number(number) => columns[at].1.push(row, number),
                    ValueRef::Text(_) | ValueRef::Json(_) => all_numbers = false,
                }
            };
            if replay.cells(take).is_err() || !all_numbers {
                return false;
            }
        }
        for (_, column) in columns.iter_mut() {
            column.every_row = column.len() == times.len();
        }
        columns.sort_unstable_by_key(|(key, _)| *key);
        true
    }

    /// Takes a row into the summary.
    fn learn(&mut self, at: Timestamp, position: Position, is_replacement: bool) {
        let summary = self.summary.get_or_insert(Summary {
            rows: 0,
            first_measured_at: at,
            last_measured_at: at,
            lowest_position: position,
            highest_position: position,
            has_replacements: false,
        });
        summary.rows += 1;
        summary.first_measured_at = summary.first_measured_at.min(at);
        summary.last_measured_at = summary.last_measured_at.max(at);
        summary.lowest_position = summary.lowest_position.min(position);
        summary.highest_position = summary.highest_position.max(position);
        summary.has_replacements |= is_replacement;
    }
}
