//! The developer's kit WM1110.

use super::{fields::Fields, record};
use crate::{Decoded, Error, UnknownId, frames::Frames};

/// Id, length, status and time of a custom frame, and each of its values.
const CUSTOM_BYTES: usize = 9;
const VALUE_BYTES: usize = 4;
const VALUES_MAX: usize = 10;
const FIRST_VALUE: u32 = 4165;
const STATUS: u32 = 4208;

pub(super) fn frame(id: u8, frames: &mut Frames<'_>, out: &mut Decoded) -> Result<(), Error> {
    match id {
        0x13..=0x15 => {
            let bytes = match id {
                0x13 => 12,
                0x14 => 37,
                _ => 30,
            };
            let fields = &mut Fields::of(frames.take_slice(bytes)?);
            let (bits, motion, at) = (fields.u24(), fields.u8(), Some(fields.time()));
            record::events(at, record::EVENTS, bits, out);
            record::motion(motion, out);
            match id {
                0x13 => record::shard(fields, out),
                0x14 => record::scan(at, record::WIFI, 4, fields, out),
                _ => record::scan(at, record::BLUETOOTH, 3, fields, out),
            }
        }
        0x16 => {
            let fields = &mut Fields::of(frames.take_slice(9)?);
            let (status, bits, at) = (fields.u8(), fields.u24(), Some(fields.time()));
            record::positioning(at, status, out);
            record::events(at, record::EVENTS, bits, out);
        }
        0x17 => return custom(frames, out),
        _ => climate(&mut Fields::of(frames.take_slice(28)?), out),
    }
    Ok(())
}

/// 17: values of the owner's own making. A value that is missing leaves its place empty.
fn custom(frames: &mut Frames<'_>, out: &mut Decoded) -> Result<(), Error> {
    let at = frames.at();
    let bytes = frames.peek(2)?[1];
    let count = usize::from(bytes).checked_sub(CUSTOM_BYTES).filter(|rest| rest.is_multiple_of(VALUE_BYTES));
    let count = count.map(|rest| rest / VALUE_BYTES).filter(|count| (1..=VALUES_MAX).contains(count));
    let count = count.ok_or(Error::Unknown { what: UnknownId::Length(bytes), at: at + 1 })?;
    let fields = &mut Fields::of(frames.take_slice(usize::from(bytes))?);
    let _bytes = fields.u8();
    let (status, at) = (fields.u24(), Some(fields.time()));
    out.number_or_none_at(at, STATUS, some_u24(status));
    for measurement in (FIRST_VALUE..).take(count) {
        out.number_or_none_at(at, measurement, Some(fields.u32()).filter(|raw| *raw != 1 << 31).map(f64::from));
    }
    Ok(())
}

/// 18: air, light, noise and what moves it.
fn climate(fields: &mut Fields<'_>, out: &mut Decoded) {
    let (bits, at) = (fields.u24(), Some(fields.time()));
    record::events(at, record::EVENTS, bits, out);
    out.number_or_none_at(at, record::TEMPERATURE, fields.i16().map(|tenths| f64::from(tenths) / 10.0));
    out.number_or_none_at(at, 4098, Some(fields.u8()).filter(|percent| *percent != 0x80).map(f64::from));
    out.number_or_none_at(at, 4101, some_u24(fields.u24()));
    out.number_or_none_at(at, 4115, some_u16(fields.u16()));
    out.number_or_none_at(at, 4190, some_u16(fields.u16()).map(|hundredths| hundredths / 100.0));
    out.number_or_none_at(at, 4206, some_u16(fields.u16()));
    out.number_or_none_at(at, 4207, some_u16(fields.u16()));
    for measurement in 4150..=4152 {
        out.number_or_none_at(at, measurement, fields.i16().map(|hundredths| f64::from(hundredths) / 100.0));
    }
}

fn some_u16(raw: u16) -> Option<f64> {
    Some(raw).filter(|raw| *raw != 1 << 15).map(f64::from)
}

fn some_u24(raw: u32) -> Option<f64> {
    Some(raw).filter(|raw| *raw != 1 << 23).map(f64::from)
}
