//! How the bytes of a chunk are divided.
//!
//! **Shape**: the version; a varint with the rows; the first `measured_at`, zigzag varint, and how
//! much later the last is; the lowest position and how much higher the highest is; six varints with
//! the bytes of the shared columns in the order of [`Shared`]; a varint with how many presences, and
//! they; a varint with how many series, and for each an [`Entry`]; the shared columns, the columns of
//! the series; possibly zeros; the CRC-32 of all that, four bytes. Integers are little-endian.
//!
//! The zeros are there when hardly any bytes stand for very much content, so that a reader may
//! refuse bytes that claim more than [`weight_max`].

use model::{ChannelIndex, MeasurementId, SeriesKey};

use crate::{
    Error,
    varint::{Input, put, put_signed},
};

/// The version of this form.
pub(crate) const VERSION: u8 = 1;

/// How many shared columns there are.
pub(crate) const SHARED: usize = 6;

/// The columns that all series share. Each is integers; `Received` is counted from `measured_at`,
/// and `Replaces`, from the row's own position: a presence of its own, then only the rows that
/// replace one; nothing at all when none does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shared {
    Times,
    Received,
    Positions,
    Replaces,
    Codecs,
    Flags,
}

/// What a cell weighs beside its text: about the memory it takes when decoded.
pub(crate) const CELL_WEIGHT: usize = 32;

/// The most that `bytes` of a chunk may weigh when decoded.
pub(crate) const fn weight_max(bytes: usize) -> usize {
    bytes.saturating_mul(1_024).saturating_add(64 << 20)
}

/// Where the column of a series is.
///
/// **Shape**: a varint whose lowest bit says that the channel changes, whose next one that a
/// presence is named, and whose rest is the distance of the measurement to the one before, zigzag;
/// if so a varint with how much higher the channel is; if so a varint with the index of the presence;
/// a varint with the bytes of the column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'a> {
    pub(crate) series: SeriesKey,
    pub(crate) presence: Option<usize>,
    pub(crate) column: &'a [u8],
}

const NEW_CHANNEL: u64 = 1;
const PRESENCE: u64 = 2;

pub(crate) const BEFORE_FIRST: SeriesKey = SeriesKey { channel: ChannelIndex(0), measurement: MeasurementId(0) };

pub(crate) fn put_entry(
    out: &mut Vec<u8>,
    before: SeriesKey,
    series: SeriesKey,
    presence: Option<usize>,
    bytes: usize,
) {
    let distance = i64::from(series.measurement.0) - i64::from(before.measurement.0);
    let channels = u64::from(series.channel.0 - before.channel.0);
    let bits = if channels > 0 { NEW_CHANNEL } else { 0 } | if presence.is_some() { PRESENCE } else { 0 };
    put(out, crate::varint::zigzag(distance) << 2 | bits);
    if channels > 0 {
        put(out, channels);
    }
    if let Some(presence) = presence {
        put(out, presence as u64);
    }
    put(out, bytes as u64);
}

/// Reads an entry; its column is still empty, and the bytes it will have come beside it.
pub(crate) fn read_entry<'a>(
    input: &mut Input<'a>,
    before: Option<SeriesKey>,
    presences: usize,
) -> Result<(Entry<'a>, usize), Error> {
    let start = before.unwrap_or(BEFORE_FIRST);
    let head = input.number()?;
    let channels = if head & NEW_CHANNEL == 0 { 0 } else { input.count(usize::from(u16::MAX - start.channel.0))? };
    let measurement = i64::from(start.measurement.0).checked_add(crate::varint::unzigzag(head >> 2));
    let measurement = measurement.and_then(|id| u32::try_from(id).ok()).ok_or(input.malformed())?;
    let channel = ChannelIndex(start.channel.0 + channels as u16);
    let series = SeriesKey { channel, measurement: MeasurementId(measurement) };
    if before.is_some_and(|before| before >= series) {
        return Err(input.malformed());
    }
    let presence = match head & PRESENCE {
        0 => None,
        _ => Some(input.count(presences.checked_sub(1).ok_or(input.malformed())?)?),
    };
    Ok((Entry { series, presence, column: &[] }, input.count(input.rest().len())?))
}

/// Appends a summary's two ranges.
pub(crate) fn put_ranges(out: &mut Vec<u8>, times: (i64, i64), positions: (u64, u64)) {
    put_signed(out, times.0);
    put(out, times.1.wrapping_sub(times.0) as u64);
    put(out, positions.0);
    put(out, positions.1 - positions.0);
}
