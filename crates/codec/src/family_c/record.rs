//! What records of several trackers have in common.

use model::{MeasurementId, Timestamp, Value};

use super::{
    digits::{push_decimal, push_hex},
    fields::Fields,
};
use crate::{Decoded, Error, Event, frames::Frames};

pub(super) const LONGITUDE: u32 = 4197;
pub(super) const LATITUDE: u32 = 4198;
pub(super) const TEMPERATURE: u32 = 4097;
pub(super) const LIGHT: u32 = 4199;
pub(super) const EVENTS: u32 = 4200;
pub(super) const WIFI: u32 = 5001;
pub(super) const BLUETOOTH: u32 = 5002;
const ACCELERATION: [u32; 3] = [4210, 4211, 4212];
const POSITIONING: u32 = 3576;
const GNSS_NG: u32 = 6152;

/// A device without a clock has no time of its own.
pub(super) type Time = Option<Timestamp>;

/// Bytes of an address and how strong it was heard.
const HOTSPOT_BYTES: usize = 7;

pub(super) fn battery(at: Time, fields: &mut Fields<'_>, out: &mut Decoded) {
    out.status_at(at, MeasurementId::BATTERY, f64::from(fields.u8()));
}

/// Whether it was located, and if not, why.
pub(super) fn positioning(at: Time, status: u8, out: &mut Decoded) {
    out.status_at(at, MeasurementId(POSITIONING), f64::from(status));
}

pub(super) fn place(at: Time, fields: &mut Fields<'_>, out: &mut Decoded) {
    for measurement in [LONGITUDE, LATITUDE] {
        out.number_or_none_at(at, measurement, fields.i32().map(|millionths| f64::from(millionths) / 1e6));
    }
}

/// Temperature and light.
pub(super) fn air(at: Time, fields: &mut Fields<'_>, out: &mut Decoded) {
    out.number_or_none_at(at, TEMPERATURE, fields.i16().map(|tenths| f64::from(tenths) / 10.0));
    // Unsigned, but for the one number that stands for none.
    out.number_or_none_at(at, LIGHT, Some(fields.u16()).filter(|percent| *percent != 0x8000).map(f64::from));
}

pub(super) fn acceleration(at: Time, fields: &mut Fields<'_>, out: &mut Decoded) {
    for measurement in ACCELERATION {
        out.number_or_none_at(at, measurement, fields.i16().map(f64::from));
    }
}

/// What was heard around: a JSON array of addresses and their signal in dBm, as clients know it.
pub(super) fn scan(at: Time, measurement: u32, count: usize, fields: &mut Fields<'_>, out: &mut Decoded) {
    const ENTRY_CHARS_MAX: usize = r#"{"mac":"FF:FF:FF:FF:FF:FF","rssi":-128},"#.len();
    let mut json = String::with_capacity(2 + count * ENTRY_CHARS_MAX);
    json.push('[');
    for _ in 0..count {
        let [mac @ .., rssi] = fields.array::<HOTSPOT_BYTES>();
        if mac == [0xFF; 6] {
            continue;
        }
        json.push_str(if json.len() > 1 { r#",{"mac":""# } else { r#"{"mac":""# });
        for (place, byte) in mac.into_iter().enumerate() {
            if place > 0 {
                json.push(':');
            }
            push_hex(&mut json, b"0123456789ABCDEF", byte);
        }
        json.push_str(r#"","rssi":"#);
        if rssi.cast_signed() < 0 {
            json.push('-');
        }
        push_decimal(&mut json, rssi.cast_signed().unsigned_abs());
        json.push('}');
    }
    json.push(']');
    out.json_at(at, measurement, json);
}

/// The events whose bits are set: a JSON array, as clients know it.
pub(super) fn events(at: Time, measurement: u32, bits: u32, out: &mut Decoded) {
    const ENTRY_CHARS_MAX: usize = r#"{"id":32,"eventName":"Disassembled event."},"#.len();
    let mut json = String::with_capacity(2 + bits.count_ones() as usize * ENTRY_CHARS_MAX);
    json.push('[');
    for bit in (0..32_u8).filter(|bit| bits & 1 << bit != 0) {
        json.push_str(if json.len() > 1 { r#",{"id":"# } else { r#"{"id":"# });
        push_decimal(&mut json, bit + 1);
        json.push_str(r#","eventName":""#);
        json.push_str(event_name(bit));
        json.push_str(r#""}"#);
    }
    json.push(']');
    out.json_at(at, measurement, json);
}

fn event_name(bit: u8) -> &'static str {
    match bit {
        0 => "Start moving event.",
        1 => "End moving event.",
        2 => "Motionless event.",
        3 => "Shock event.",
        4 => "Temperature event.",
        5 => "Light event.",
        6 => "SOS event.",
        7 => "Press once event.",
        8 => "Disassembled event.",
        _ => "Unlisted event.",
    }
}

/// The number of a stretch of moving; 0 while there is none.
pub(super) fn motion(number: u8, out: &mut Decoded) {
    if number != 0 {
        out.events.push(Event::Motion { number });
    }
}

/// Which part of a satellite scan comes in which frame.
pub(super) fn shard(fields: &mut Fields<'_>, out: &mut Decoded) {
    let bits = fields.u8();
    out.events.push(Event::GnssShard { count: bits >> 4, index: bits & 0x0F, group: fields.u16() });
}

/// 0E, 12: a part of a satellite scan, which only its maker can read.
pub(super) fn gnss_ng(frames: &mut Frames<'_>, out: &mut Decoded) -> Result<(), Error> {
    const HEAD: usize = 5;
    let length = frames.peek(HEAD)?[HEAD - 1];
    let mut fields = Fields::of(frames.take_slice(HEAD + usize::from(length))?);
    shard(&mut fields, out);
    let length = fields.u8();
    let mut hex = String::with_capacity(2 * usize::from(length));
    for byte in fields.bytes(length.into()) {
        push_hex(&mut hex, b"0123456789abcdef", *byte);
    }
    out.put_at(None, GNSS_NG, Value::text(hex));
    Ok(())
}

/// A frame of a head and a counted list of what was heard; the count is the head's last byte.
pub(super) fn listed<'a>(frames: &mut Frames<'a>, head: usize) -> Result<(usize, Fields<'a>), Error> {
    let count = frames.peek(head)?.last().copied().map_or(0, usize::from);
    Ok((count, Fields::of(frames.take_slice(head + count * HOTSPOT_BYTES)?)))
}
