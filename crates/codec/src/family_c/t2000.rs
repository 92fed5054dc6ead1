//! T2000.

use model::MeasurementId;

use super::{
    fields::Fields,
    record::{self, Time},
    settings,
};
use crate::{Decoded, Error, frames::Frames};

pub(super) fn frame(id: u8, frames: &mut Frames<'_>, out: &mut Decoded) -> Result<(), Error> {
    match id {
        0x27..=0x2A => return set_up(id, frames, out),
        0x2B | 0x2E => {
            let fields = &mut Fields::of(frames.take_slice(if id == 0x2B { 23 } else { 17 })?);
            let at = head(id, fields, out);
            record::place(at, fields, out);
            record::battery(at, fields, out);
        }
        0x2C | 0x2D | 0x2F | 0x30 => {
            let (count, mut fields) = record::listed(frames, if id < 0x2E { 16 } else { 10 })?;
            let at = head(id, &mut fields, out);
            record::battery(at, &mut fields, out);
            let measurement = if matches!(id, 0x2C | 0x2F) { record::WIFI } else { record::BLUETOOTH };
            let _count = fields.u8();
            record::scan(at, measurement, count, &mut fields, out);
        }
        _ => {
            let fields = &mut Fields::of(frames.take_slice(if id == 0x31 { 15 } else { 9 })?);
            let (status, bits, at) = (fields.u8(), fields.u16(), Some(fields.time()));
            record::positioning(at, status, out);
            events(at, bits, out);
            if id == 0x31 {
                record::acceleration(at, fields, out);
            }
            record::battery(at, fields, out);
        }
    }
    Ok(())
}

/// Events, time, and what moves it, in the frames that have it.
fn head(id: u8, fields: &mut Fields<'_>, out: &mut Decoded) -> Time {
    let (bits, motion, at) = (fields.u16(), fields.u8(), Some(fields.time()));
    events(at, bits, out);
    record::motion(motion, out);
    if id < 0x2E {
        record::acceleration(at, fields, out);
    }
    at
}

/// Only if there are any: most of its records are of no event.
fn events(at: Time, bits: u16, out: &mut Decoded) {
    if bits != 0 {
        record::events(at, record::EVENTS, bits.into(), out);
    }
}

/// 27 to 2A: how it is set up.
fn set_up(id: u8, frames: &mut Frames<'_>, out: &mut Decoded) -> Result<(), Error> {
    let bytes = match id {
        0x27 => 46,
        0x28 => 30,
        0x29 => 12,
        _ => 6,
    };
    let fields = &mut Fields::of(frames.take_slice(bytes)?);
    match id {
        0x27 => settings::about(fields, out),
        0x2A => record::battery(None, fields, out),
        _ => {}
    }
    if id != 0x29 {
        let mode = fields.u8();
        out.status(MeasurementId(3940), f64::from(mode));
        settings::byte(3965, fields, out);
        let minutes = if id == 0x2A { None } else { settings::intervals(mode, fields, out) };
        settings::byte(3974, fields, out);
        settings::byte(3976, fields, out);
        if id != 0x2A {
            settings::byte(3977, fields, out);
            settings::report_interval(minutes, out);
        }
    }
    if matches!(id, 0x27 | 0x29) {
        settings::movement(fields, out);
    }
    if matches!(id, 0x27 | 0x28) {
        settings::byte(3978, fields, out);
        settings::beacon_filter(fields, out);
    }
    Ok(())
}
