//! Numbers to fields: `as` cuts to the ends of the type, and makes 0 of NaN.

use model::Timestamp;

/// The nearest whole number of steps, `per_unit` of which make one.
fn steps(number: f64, per_unit: f64) -> f64 {
    (number * per_unit).round()
}

/// Whole seconds since 1970.
pub(super) fn seconds(at: Timestamp) -> u32 {
    u32::try_from(at.as_millis().div_euclid(1000).max(0)).unwrap_or(u32::MAX)
}

pub(super) fn u8(number: f64, per_unit: f64) -> u8 {
    steps(number, per_unit) as u8
}

pub(super) fn u16(number: f64, per_unit: f64) -> u16 {
    steps(number, per_unit) as u16
}

pub(super) fn u32(number: f64, per_unit: f64) -> u32 {
    steps(number, per_unit) as u32
}

pub(super) fn i16(number: f64, per_unit: f64) -> i16 {
    steps(number, per_unit) as i16
}

pub(super) fn i32(number: f64, per_unit: f64) -> i32 {
    steps(number, per_unit) as i32
}
