//! T1000-A to T1000-D.

use super::{fields::Fields, record, settings};
use crate::{Decoded, Error, frames::Frames};

/// What a record holds beside its time, in this order.
struct Record {
    found: Found,
    has_air: bool,
    has_acceleration: bool,
}

enum Found {
    Place,
    Wifi,
    Bluetooth,
    /// The parts of a satellite scan come in other frames.
    Shard,
}

const fn record(found: Found, has_air: bool, has_acceleration: bool) -> Record {
    Record { found, has_air, has_acceleration }
}

pub(super) fn frame(id: u8, frames: &mut Frames<'_>, out: &mut Decoded) -> Result<(), Error> {
    let record = match id {
        0x06 => record(Found::Place, true, false),
        0x07 => record(Found::Wifi, true, false),
        0x08 => record(Found::Bluetooth, true, false),
        0x09 => record(Found::Place, false, false),
        0x0A => record(Found::Wifi, false, false),
        0x0B => record(Found::Bluetooth, false, false),
        0x0F => record(Found::Shard, true, false),
        0x10 => record(Found::Shard, false, false),
        0x1A => record(Found::Place, true, true),
        0x1B => record(Found::Wifi, true, true),
        0x1C => record(Found::Bluetooth, true, true),
        0x11 => return nothing_found(false, frames, out),
        0x1D => return nothing_found(true, frames, out),
        _ => return set_up(id, frames, out),
    };
    located(&record, frames, out)
}

fn located(record: &Record, frames: &mut Frames<'_>, out: &mut Decoded) -> Result<(), Error> {
    let found_bytes = match record.found {
        Found::Place => 8,
        Found::Wifi => 28,
        Found::Bluetooth => 21,
        Found::Shard => 3,
    };
    let air_bytes = if record.has_air { 4 } else { 0 };
    let acceleration_bytes = if record.has_acceleration { 6 } else { 0 };
    let mut fields = Fields::of(frames.take_slice(10 + found_bytes + air_bytes + acceleration_bytes)?);
    let (events, motion, at) = (fields.u24(), fields.u8(), Some(fields.time()));
    record::events(at, record::EVENTS, events, out);
    record::motion(motion, out);
    match record.found {
        Found::Place => record::place(at, &mut fields, out),
        Found::Wifi => record::scan(at, record::WIFI, 4, &mut fields, out),
        Found::Bluetooth => record::scan(at, record::BLUETOOTH, 3, &mut fields, out),
        Found::Shard => {}
    }
    if record.has_air {
        record::air(at, &mut fields, out);
    }
    if record.has_acceleration {
        record::acceleration(at, &mut fields, out);
    }
    record::battery(at, &mut fields, out);
    if matches!(record.found, Found::Shard) {
        record::shard(&mut fields, out);
    }
    Ok(())
}

/// 11, 1D: it was not located, or need not be.
fn nothing_found(has_acceleration: bool, frames: &mut Frames<'_>, out: &mut Decoded) -> Result<(), Error> {
    let mut fields = Fields::of(frames.take_slice(if has_acceleration { 20 } else { 14 })?);
    let (status, events, at) = (fields.u8(), fields.u24(), Some(fields.time()));
    record::positioning(at, status, out);
    record::events(at, record::EVENTS, events, out);
    record::air(at, &mut fields, out);
    if has_acceleration {
        record::acceleration(at, &mut fields, out);
    }
    record::battery(at, &mut fields, out);
    Ok(())
}

/// 01 to 05: how it is set up.
fn set_up(id: u8, frames: &mut Frames<'_>, out: &mut Decoded) -> Result<(), Error> {
    let bytes = match id {
        0x01 => 47,
        0x02 => 16,
        0x03 => 32,
        0x04 => 10,
        _ => 5,
    };
    let fields = &mut Fields::of(frames.take_slice(bytes)?);
    match id {
        0x01 | 0x02 => {
            settings::about(fields, out);
            settings::byte(3940, fields, out);
            settings::byte(3965, fields, out);
            for status in 3942..=3944 {
                settings::word(status, fields, out);
            }
            settings::byte(3945, fields, out);
            settings::byte(3941, fields, out);
        }
        0x04 => {
            let mode = fields.u8();
            out.status(model::MeasurementId(3940), f64::from(mode));
            settings::byte(3965, fields, out);
            let minutes = settings::intervals(mode, fields, out);
            settings::byte(3941, fields, out);
            settings::report_interval(minutes, out);
        }
        0x05 => {
            record::battery(None, fields, out);
            settings::byte(3940, fields, out);
            settings::byte(3965, fields, out);
            settings::byte(3941, fields, out);
        }
        _ => {}
    }
    if matches!(id, 0x01 | 0x03) {
        settings::movement(fields, out);
        settings::air(fields, out);
    }
    Ok(())
}
