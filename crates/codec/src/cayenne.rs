//! Cayenne LPP, which many devices of other makers and of one's own making speak.
//!
//! **Shape**: `channel u8 | type u8 | value`, big endian, one after the other, without a checksum. A
//! channel may have several types. Types that stand for a quantity of the catalogue are that; every
//! other is measurement 60000 + type, which a channel map can turn into what it is on a device.

use model::{ChannelIndex, CodecVersion, MeasurementId, Reading, SeriesKey, Value};

use crate::{Decoded, Error, UnknownId, codec::Family, frames::Frames};

/// On any port.
pub(crate) static FAMILY: Family = Family { version: CodecVersion(1), f_ports: &[], open: whole, frame };

const UNNAMED: u32 = 60_000;
const HEAD: usize = 2;

fn whole(payload: &[u8]) -> Result<&[u8], Error> {
    Ok(payload)
}

fn frame(frames: &mut Frames<'_>, out: &mut Decoded) -> Result<(), Error> {
    let at = frames.at();
    let &[channel, kind] = frames.peek(HEAD)? else { return Ok(()) };
    let shape = shape(kind).ok_or(Error::Unknown { what: UnknownId::Type(kind), at: at + 1 })?;
    let body = &frames.take_slice(HEAD + shape.width * shape.count + shape.more)?[HEAD..];
    let put = |measurement: u32, value: Value, out: &mut Decoded| {
        let series = SeriesKey { channel: ChannelIndex(channel.into()), measurement: MeasurementId(measurement) };
        out.put(None, Reading { series, value });
    };
    let numbers: Vec<f64> = body.chunks_exact(shape.width).take(shape.count).map(|raw| shape.number(raw)).collect();
    match (kind, numbers.as_slice()) {
        (136, [latitude, longitude]) => {
            put(4198, Value::Number(*latitude), out);
            put(4197, Value::Number(*longitude), out);
            let altitude = body.last_chunk::<3>().map_or(0, |raw| big_endian(raw, true));
            put(UNNAMED + 136, Value::Number(altitude as f64 / 100.0), out);
        }
        (115, [tenths]) => put(4101, Value::Number(tenths * 10.0), out),
        (_, [number]) => put(measurement(kind), Value::Number(*number), out),
        (_, several) => {
            let listed = several.iter().map(f64::to_string).collect::<Vec<_>>().join(",");
            put(measurement(kind), Value::Json(format!("[{listed}]").into()), out);
        }
    }
    Ok(())
}

fn measurement(kind: u8) -> u32 {
    match kind {
        101 => 4099,
        103 => 4097,
        104 => 4098,
        125 => 4100,
        other => UNNAMED + u32::from(other),
    }
}

/// How the value of a type stands in its bytes.
struct Shape {
    /// Bytes of each number.
    width: usize,
    is_signed: bool,
    /// How many numbers.
    count: usize,
    /// Bytes behind them.
    more: usize,
    per_unit: f64,
}

impl Shape {
    /// The double nearest to the decimal that is meant.
    fn number(&self, raw: &[u8]) -> f64 {
        big_endian(raw, self.is_signed) as f64 / self.per_unit
    }
}

const fn unsigned(width: usize, per_unit: f64) -> Shape {
    Shape { width, is_signed: false, count: 1, more: 0, per_unit }
}

const fn signed(width: usize, per_unit: f64) -> Shape {
    Shape { is_signed: true, ..unsigned(width, per_unit) }
}

fn shape(kind: u8) -> Option<Shape> {
    Some(match kind {
        // Digital, presence, percentage, switch.
        0 | 1 | 102 | 120 | 142 => unsigned(1, 1.0),
        // Analog.
        2 | 3 => signed(2, 100.0),
        // Generic, frequency, time.
        100 | 118 | 133 => unsigned(4, 1.0),
        // Light, concentration, power, direction.
        101 | 125 | 128 | 132 => unsigned(2, 1.0),
        103 => signed(2, 10.0),
        104 => unsigned(1, 2.0),
        // Acceleration in three axes.
        113 => Shape { count: 3, ..signed(2, 1000.0) },
        // Tenths of hectopascals.
        115 => unsigned(2, 1.0),
        116 => unsigned(2, 100.0),
        117 => unsigned(2, 1000.0),
        // Altitude.
        121 => signed(2, 1.0),
        // Distance and energy.
        130 | 131 => unsigned(4, 1000.0),
        // Turning about three axes.
        134 => Shape { count: 3, ..signed(2, 100.0) },
        135 => Shape { count: 3, ..unsigned(1, 1.0) },
        // A place, and its altitude.
        136 => Shape { count: 2, more: 3, ..signed(3, 10_000.0) },
        _ => return None,
    })
}

fn big_endian(raw: &[u8], is_signed: bool) -> i64 {
    let bits = raw.iter().fold(0_i64, |bits, byte| bits << 8 | i64::from(*byte));
    let unused = 64 - 8 * raw.len() as u32;
    if is_signed { bits << unused >> unused } else { bits }
}
