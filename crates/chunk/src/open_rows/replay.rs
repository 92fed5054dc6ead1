use model::{ChannelIndex, CodecVersion, MeasurementId, RowFlags, SeriesKey};

use super::{
    OpenRows,
    bit_stream::BitReader,
    form::{AGAIN_BYTES_MAX, Escape},
    rice::Rice,
    state::{Slot, State, TextAt},
};
use crate::{Error, ValueRef, decimal, varint::unzigzag};

/// Reads the streams row by row.
pub(crate) struct Replay<'o> {
    reader: BitReader<'o>,
    texts: &'o str,
    texts_read: usize,
    state: State,
}

/// A row without its readings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    pub(crate) at: i64,
    pub(crate) delay: i64,
    pub(crate) position: u64,
    pub(crate) replaces: Option<u64>,
    pub(crate) codec: CodecVersion,
    pub(crate) flags: RowFlags,
}

/// A value as it stands in the stream; what it is follows from its slot and [`Replay::value`].
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cell {
    /// The slot's last integer.
    Integer,
    Raw(f64),
    Text(TextAt),
}

const ERROR: Error = Error::Malformed("open rows");

impl<'o> Replay<'o> {
    pub(crate) fn new(open: &'o OpenRows) -> Self {
        Self::of(&open.stream, open.spare, &open.texts)
    }

    pub(crate) fn of(stream: &'o [u8], spare: u8, texts: &'o str) -> Self {
        Self { reader: BitReader::new(stream, spare), texts, texts_read: 0, state: State::default() }
    }

    /// What comes before the values of a row; `None` at the end. [`Replay::cells`] must follow.
    pub(crate) fn head(&mut self) -> Result<Option<Head>, Error> {
        if self.reader.is_at_end() {
            return Ok(None);
        }
        let replaced = if self.reader.take(1) == 1 { None } else { self.unusual()? };
        let Self { state, reader, .. } = self;
        let at = state.at.expected().wrapping_add(distance(reader, &mut state.at_rice));
        let delay = state.delay.expected().wrapping_add(distance(reader, &mut state.delay_rice));
        let position = state.position.expected().wrapping_add(distance(reader, &mut state.position_rice));
        state.at.learn(at);
        state.delay.learn(delay);
        state.position.learn(position);
        self.reader.check()?;
        let replaces = replaced.map(|below| (position as u64).wrapping_sub(below as u64));
        let State { codec, flags, .. } = self.state;
        Ok(Some(Head { at, delay, position: position as u64, replaces, codec, flags }))
    }

    /// Reads what differs from the row before, and gives how far below the replaced position is.
    fn unusual(&mut self) -> Result<Option<i64>, Error> {
        let Self { state, reader, .. } = self;
        if reader.take(1) == 0 {
            for _ in 0..reader.take_long() {
                let channel = ChannelIndex(reader.take(16) as u16);
                let measurement = MeasurementId(reader.take(32) as u32);
                reader.check()?;
                state.slots.push(Slot::new(SeriesKey { channel, measurement }));
            }
            for slot in &mut state.slots {
                slot.set_present(reader.take(1) == 1);
            }
        }
        if reader.take(1) == 1 {
            state.codec = CodecVersion(reader.take(16) as u16);
        }
        if reader.take(1) == 1 {
            state.flags = RowFlags(reader.take(8) as u8);
        }
        let is_replacement = reader.take(1) == 1;
        reader.check()?;
        Ok(is_replacement.then(|| unzigzag(reader.take_long())))
    }

    /// Calls `f` with the slot of each value of the row whose head was read.
    pub(crate) fn cells(&mut self, mut f: impl FnMut(&Self, usize, Cell)) -> Result<(), Error> {
        for index in 0..self.state.slots.len() {
            let slot = &mut self.state.slots[index];
            if !slot.is_present() {
                continue;
            }
            let cell = match slot.rice.take(&mut self.reader) {
                Some(distance) => {
                    slot.last = slot.last.wrapping_add(unzigzag(distance));
                    Cell::Integer
                }
                None => self.escaped(index)?,
            };
            f(self, index, cell);
        }
        self.reader.check()
    }

    #[cold]
    fn escaped(&mut self, index: usize) -> Result<Cell, Error> {
        let Self { state, reader, .. } = self;
        let slot = &mut state.slots[index];
        let escape = reader.take(3);
        let is = |kind: Escape| escape == kind as u64;
        if is(Escape::Far) {
            slot.last = slot.last.wrapping_add(unzigzag(reader.take_long()));
            Ok(Cell::Integer)
        } else if is(Escape::Rescaled) {
            slot.rescale((reader.take(4) as u8).min(decimal::FINEST));
            slot.last = unzigzag(reader.take_long());
            Ok(Cell::Integer)
        } else if is(Escape::Raw) {
            Ok(Cell::Raw(f64::from_bits(reader.take(32) | reader.take(32) << 32)))
        } else if is(Escape::Text) || is(Escape::Json) {
            let start = self.texts_read;
            let end =
                usize::try_from(reader.take_long()).ok().and_then(|bytes| start.checked_add(bytes)).ok_or(ERROR)?;
            self.texts.get(start..end).ok_or(ERROR)?;
            self.texts_read = end;
            let text = TextAt { start, end, is_json: is(Escape::Json) };
            state.set_last_text(index, text);
            Ok(Cell::Text(text))
        } else if is(Escape::Again) {
            let last = state.last_text(index).filter(|last| last.end - last.start <= AGAIN_BYTES_MAX);
            last.map(Cell::Text).ok_or(ERROR)
        } else {
            Err(ERROR)
        }
    }

    pub(crate) fn series(&self, slot: usize) -> SeriesKey {
        self.state.slots[slot].series()
    }

    #[inline]
    pub(crate) fn value(&self, slot: usize, cell: Cell) -> ValueRef<'o> {
        match cell {
            Cell::Integer => {
                let slot = &self.state.slots[slot];
                ValueRef::Number(slot.last as f64 / decimal::scale(slot.scale()))
            }
            Cell::Raw(number) => ValueRef::Number(number),
            Cell::Text(TextAt { start, end, is_json }) => {
                let text = self.texts.get(start..end).unwrap_or_default();
                if is_json { ValueRef::Json(text) } else { ValueRef::Text(text) }
            }
        }
    }

    /// What the next row is written against, once all has been read.
    pub(crate) fn finish(self) -> Result<State, Error> {
        if self.texts_read == self.texts.len() { Ok(self.state) } else { Err(ERROR) }
    }
}

fn distance(reader: &mut BitReader<'_>, rice: &mut Rice) -> i64 {
    unzigzag(rice.take(reader).unwrap_or_else(|| reader.take_long()))
}
