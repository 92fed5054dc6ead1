//! The weather station S2120.

use crate::Decoded;

/// 01, 4A: air, light and wind speed.
pub(super) fn air_light_wind(frame: [u8; 11], out: &mut Decoded) {
    let [_, t1, t0, humidity, l3, l2, l1, l0, uv, w1, w0] = frame;
    out.number(1, 4097, f64::from(i16::from_be_bytes([t1, t0])) / 10.0);
    out.number(1, 4098, f64::from(humidity));
    out.number(1, 4099, f64::from(u32::from_be_bytes([l3, l2, l1, l0])));
    out.number(1, 4190, f64::from(uv) / 10.0);
    out.number(1, 4105, f64::from(u16::from_be_bytes([w1, w0])) / 10.0);
}

/// 02, 4B: wind direction, rain and pressure.
pub(super) fn direction_rain_pressure(frame: [u8; 9], out: &mut Decoded) {
    let [_, d1, d0, r3, r2, r1, r0, p1, p0] = frame;
    out.number(1, 4104, f64::from(u16::from_be_bytes([d1, d0])));
    out.number(1, 4113, f64::from(u32::from_be_bytes([r3, r2, r1, r0])) / 1000.0);
    out.number(1, 4101, f64::from(u16::from_be_bytes([p1, p0])) * 10.0);
}

/// 4C: gust and accumulated rain, which newer firmware sends with 4A and 4B.
pub(super) fn gust_rain_total(frame: [u8; 7], out: &mut Decoded) {
    let [_, g1, g0, r3, r2, r1, r0] = frame;
    out.number(1, 4191, f64::from(u16::from_be_bytes([g1, g0])) / 10.0);
    out.number(1, 4213, f64::from(u32::from_be_bytes([r3, r2, r1, r0])) / 1000.0);
}
