//! T1000-E, which has no clock: its readings are of the moment they were heard.

use super::{fields::Fields, record, settings};
use crate::{Decoded, Error, frames::Frames};

const EVENTS: u32 = 5003;

pub(super) fn frame(id: u8, frames: &mut Frames<'_>, out: &mut Decoded) -> Result<(), Error> {
    match id {
        0x1E => {
            let fields = &mut Fields::of(frames.take_slice(13)?);
            settings::about(fields, out);
            settings::byte(3965, fields, out);
            settings::word(3900, fields, out);
            settings::byte(3974, fields, out);
            settings::byte(3941, fields, out);
            settings::byte(3972, fields, out);
            settings::byte(3973, fields, out);
        }
        0x1F | 0x22 => {
            let fields = &mut Fields::of(frames.take_slice(if id == 0x1F { 21 } else { 15 })?);
            head(id, fields, out);
            record::place(None, fields, out);
        }
        0x20 | 0x21 | 0x23 | 0x24 => {
            let (count, mut fields) = record::listed(frames, if id < 0x22 { 14 } else { 8 })?;
            head(id, &mut fields, out);
            let measurement = if matches!(id, 0x20 | 0x23) { record::WIFI } else { record::BLUETOOTH };
            let _count = fields.u8();
            record::scan(None, measurement, count, &mut fields, out);
        }
        _ => {
            let fields = &mut Fields::of(frames.take_slice(if id == 0x25 { 13 } else { 7 })?);
            head(id, fields, out);
        }
    }
    Ok(())
}

/// Events, battery, air, and what moves it, in the frames that have it.
fn head(id: u8, fields: &mut Fields<'_>, out: &mut Decoded) {
    record::events(None, EVENTS, fields.u8().into(), out);
    record::battery(None, fields, out);
    record::air(None, fields, out);
    if matches!(id, 0x1F..=0x21 | 0x25) {
        record::acceleration(None, fields, out);
    }
}
