use model::{Reading, Row, SeriesKey};

use super::{
    OpenRows,
    bit_stream::BitWriter,
    form::{AGAIN_BYTES_MAX, Escape},
    rice::Rice,
    state::{Slot, State, TextAt},
};
use crate::{ValueRef, decimal, varint::zigzag};

impl OpenRows {
    /// Appends one row.
    pub fn push(&mut self, row: &Row) {
        self.learn(row.measured_at, row.position, row.replaces.is_some());
        let Self { state, stream, spare, texts, .. } = self;
        let mut writer = BitWriter::new(stream, *spare);
        if has_usual_series(&state.slots, &row.readings) {
            put_head(&mut writer, state, row, None);
            put_clocks(&mut writer, state, row);
            let mut readings = row.readings.iter();
            for slot in 0..state.slots.len() {
                if state.slots[slot].is_present()
                    && let Some(reading) = readings.next()
                {
                    put_value(&mut writer, state, texts, slot, (&reading.value).into());
                }
            }
        } else {
            let readings = last_of_each(&row.readings);
            put_head(&mut writer, state, row, changes(&state.slots, &readings, &row.readings));
            put_clocks(&mut writer, state, row);
            for slot in 0..state.slots.len() {
                if let Some(reading) = find(&readings, state.slots[slot].series()) {
                    put_value(&mut writer, state, texts, slot, (&reading.value).into());
                }
            }
        }
        *spare = writer.finish();
    }
}

/// Whether a row has the same series as the one before, in the order of the slots.
fn has_usual_series(slots: &[Slot], readings: &[Reading]) -> bool {
    let usual = slots.iter().filter(|slot| slot.is_present());
    usual.map(Slot::series).eq(readings.iter().map(|reading| reading.series))
}

/// The last reading of each series, ascending.
fn last_of_each(readings: &[Reading]) -> Vec<&Reading> {
    let mut sorted: Vec<&Reading> = readings.iter().rev().collect();
    sorted.sort_by_key(|reading| reading.series);
    sorted.dedup_by_key(|reading| reading.series);
    sorted
}

fn find<'r>(sorted: &[&'r Reading], series: SeriesKey) -> Option<&'r Reading> {
    sorted.binary_search_by_key(&series, |reading| reading.series).ok().map(|index| sorted[index])
}

/// What differs from the series of the row before.
struct Changes {
    new: Vec<SeriesKey>,
    present: Vec<bool>,
}

/// None when only the order differs.
fn changes(slots: &[Slot], sorted: &[&Reading], readings: &[Reading]) -> Option<Changes> {
    let mut present: Vec<bool> = slots.iter().map(|slot| find(sorted, slot.series()).is_some()).collect();
    let known = present.iter().filter(|present| **present).count();
    if known == sorted.len() && slots.iter().map(Slot::is_present).eq(present.iter().copied()) {
        return None;
    }
    let mut new = Vec::new();
    if known < sorted.len() {
        let mut seen: Vec<SeriesKey> = slots.iter().map(Slot::series).collect();
        seen.sort_unstable();
        let is_new = |reading: &&&Reading| seen.binary_search(&reading.series).is_err();
        new.extend(sorted.iter().filter(is_new).map(|reading| reading.series));
        // In the order of the row, so that the next row like it is written without sorting.
        let place = |series: &SeriesKey| readings.iter().position(|reading| reading.series == *series);
        new.sort_by_cached_key(place);
        present.resize(slots.len() + new.len(), true);
    }
    Some(Changes { new, present })
}

fn put_head(writer: &mut BitWriter<'_>, state: &mut State, row: &Row, changes: Option<Changes>) {
    if changes.is_none() && row.codec == state.codec && row.flags == state.flags && row.replaces.is_none() {
        return writer.put(1, 1);
    }
    writer.put(0, 1);
    writer.put(u64::from(changes.is_none()), 1);
    if let Some(Changes { new, present }) = changes {
        writer.put_long(new.len() as u64);
        // Few devices ever get a series later, so there is no room kept for one.
        state.slots.reserve_exact(new.len());
        for series in new {
            writer.put(u64::from(series.channel.0), 16);
            writer.put(u64::from(series.measurement.0), 32);
            state.slots.push(Slot::new(series));
        }
        for (slot, present) in state.slots.iter_mut().zip(present) {
            writer.put(u64::from(present), 1);
            slot.set_present(present);
        }
    }
    writer.put(u64::from(row.codec != state.codec), 1);
    if row.codec != state.codec {
        writer.put(u64::from(row.codec.0), 16);
        state.codec = row.codec;
    }
    writer.put(u64::from(row.flags != state.flags), 1);
    if row.flags != state.flags {
        writer.put(u64::from(row.flags.0), 8);
        state.flags = row.flags;
    }
    writer.put(u64::from(row.replaces.is_some()), 1);
    if let Some(replaced) = row.replaces {
        writer.put_long(zigzag(row.position.get().wrapping_sub(replaced.get()) as i64));
    }
}

fn put_clocks(writer: &mut BitWriter<'_>, state: &mut State, row: &Row) {
    let at = row.measured_at.as_millis();
    let delay = row.received_at.as_millis().wrapping_sub(at);
    let position = row.position.get() as i64;
    put_distance(writer, &mut state.at_rice, at.wrapping_sub(state.at.expected()));
    put_distance(writer, &mut state.delay_rice, delay.wrapping_sub(state.delay.expected()));
    put_distance(writer, &mut state.position_rice, position.wrapping_sub(state.position.expected()));
    state.at.learn(at);
    state.delay.learn(delay);
    state.position.learn(position);
}

fn put_distance(writer: &mut BitWriter<'_>, rice: &mut Rice, distance: i64) {
    let distance = zigzag(distance);
    if !rice.put(writer, distance) {
        writer.put_long(distance);
    }
}

#[inline]
fn put_value(writer: &mut BitWriter<'_>, state: &mut State, texts: &mut String, index: usize, value: ValueRef<'_>) {
    let slot = &mut state.slots[index];
    let number = match value {
        ValueRef::Number(number) => number,
        ValueRef::Text(text) => return put_text(writer, state, texts, index, text, Escape::Text),
        ValueRef::Json(text) => return put_text(writer, state, texts, index, text, Escape::Json),
    };
    if let Some(integer) = decimal::integer(number, decimal::scale(slot.scale())) {
        let distance = zigzag(integer.wrapping_sub(slot.last));
        slot.last = integer;
        if !slot.rice.put(writer, distance) {
            put_escape(writer, Escape::Far);
            writer.put_long(distance);
        }
        return;
    }
    slot.rice.escape(writer);
    let finer = decimal::scale_of(number, slot.scale() + 1);
    if let Some((finer, integer)) =
        finer.and_then(|finer| Some((finer, decimal::integer(number, decimal::scale(finer))?)))
    {
        put_escape(writer, Escape::Rescaled);
        writer.put(u64::from(finer), 4);
        writer.put_long(zigzag(integer));
        slot.rescale(finer);
        slot.last = integer;
    } else {
        put_escape(writer, Escape::Raw);
        writer.put(number.to_bits() & u64::from(u32::MAX), 32);
        writer.put(number.to_bits() >> 32, 32);
    }
}

fn put_escape(writer: &mut BitWriter<'_>, escape: Escape) {
    writer.put(escape as u64, 3);
}

fn put_text(writer: &mut BitWriter<'_>, state: &mut State, texts: &mut String, slot: usize, text: &str, kind: Escape) {
    state.slots[slot].rice.escape(writer);
    let is_json = kind == Escape::Json;
    let is_same = |last: &TextAt| last.is_json == is_json && texts.get(last.start..last.end) == Some(text);
    if text.len() <= AGAIN_BYTES_MAX && state.last_text(slot).is_some_and(|last| is_same(&last)) {
        return put_escape(writer, Escape::Again);
    }
    put_escape(writer, kind);
    writer.put_long(text.len() as u64);
    let start = texts.len();
    texts.push_str(text);
    state.set_last_text(slot, TextAt { start, end: texts.len(), is_json });
}
