//! What both writing and reading know after each row.

use model::{ChannelIndex, CodecVersion, MeasurementId, RowFlags, SeriesKey};

use super::{
    rice::Rice,
    track::{Level, Track},
};
use crate::decimal::ScaleIndex;

/// State that the next row is written against.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct State {
    pub(crate) at: Track,
    pub(crate) position: Track,
    pub(crate) delay: Level,
    pub(crate) at_rice: Rice,
    pub(crate) position_rice: Rice,
    pub(crate) delay_rice: Rice,
    pub(crate) flags: RowFlags,
    pub(crate) codec: CodecVersion,
    /// The series, in the order of their first readings.
    pub(crate) slots: Vec<Slot>,
    /// The last text of a series; boxed because most devices have none.
    #[expect(clippy::box_collection, reason = "a pointer is 16 bytes less, a million times")]
    pub(crate) texts: Option<Box<Vec<LastText>>>,
}

/// The last text of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LastText {
    pub(crate) slot: u32,
    pub(crate) text: TextAt,
}

/// Where a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TextAt {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) is_json: bool,
}

/// One series: 16 bytes, of which there are as many as all devices have series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    /// The last number, as an integer of the scale.
    pub(crate) last: i64,
    measurement: u32,
    channel: u16,
    pub(crate) rice: Rice,
    /// The index of the scale, and above it whether the last row has a reading.
    bits: u8,
}

const PRESENT: u8 = 0x80;

impl Slot {
    pub(crate) fn new(series: SeriesKey) -> Self {
        Self { last: 0, measurement: series.measurement.0, channel: series.channel.0, rice: Rice::new(2), bits: 0 }
    }

    #[inline]
    pub(crate) fn series(&self) -> SeriesKey {
        SeriesKey { channel: ChannelIndex(self.channel), measurement: MeasurementId(self.measurement) }
    }

    #[inline]
    pub(crate) fn is_present(&self) -> bool {
        self.bits & PRESENT != 0
    }

    pub(crate) fn set_present(&mut self, present: bool) {
        self.bits = self.bits & !PRESENT | if present { PRESENT } else { 0 };
    }

    #[inline]
    pub(crate) fn scale(&self) -> ScaleIndex {
        self.bits & !PRESENT
    }

    pub(crate) fn rescale(&mut self, scale: ScaleIndex) {
        self.bits = self.bits & PRESENT | scale;
    }
}

impl Default for State {
    fn default() -> Self {
        Self {
            at: Track::default(),
            position: Track::default(),
            delay: Level::default(),
            at_rice: Rice::new(10),
            position_rice: Rice::new(4),
            delay_rice: Rice::new(9),
            flags: RowFlags::NONE,
            codec: CodecVersion::default(),
            slots: Vec::new(),
            texts: None,
        }
    }
}

impl State {
    /// The last text of a series.
    pub(crate) fn last_text(&self, slot: usize) -> Option<TextAt> {
        self.texts.as_ref()?.iter().find(|last| last.slot as usize == slot).map(|last| last.text)
    }

    pub(crate) fn set_last_text(&mut self, slot: usize, text: TextAt) {
        let texts = self.texts.get_or_insert_default();
        match texts.iter_mut().find(|last| last.slot as usize == slot) {
            Some(last) => last.text = text,
            None => texts.push(LastText { slot: slot as u32, text }),
        }
    }

    /// Bytes of heap held.
    pub(crate) fn heap_bytes(&self) -> usize {
        let texts = self
            .texts
            .as_ref()
            .map_or(0, |texts| size_of::<Vec<LastText>>() + texts.capacity() * size_of::<LastText>());
        self.slots.capacity() * size_of::<Slot>() + texts
    }
}
