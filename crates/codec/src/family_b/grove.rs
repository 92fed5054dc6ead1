//! Grove sensors on a data logger or kit.

use crate::Decoded;

/// 40, 41: light, sound and acceleration.
pub(super) fn light_sound_motion(frame: [u8; 11], out: &mut Decoded) {
    let [_, l1, l0, s1, s0, x1, x0, y1, y0, z1, z0] = frame;
    out.number(1, 4193, f64::from(u16::from_be_bytes([l1, l0])));
    out.number(1, 4192, f64::from(u16::from_be_bytes([s1, s0])));
    for (measurement, hundredths) in (4150..).zip([[x1, x0], [y1, y0], [z1, z0]]) {
        out.number(1, measurement, f64::from(i16::from_be_bytes(hundredths)) / 100.0);
    }
}

/// 42: air and soil.
pub(super) fn air_soil(frame: [u8; 11], out: &mut Decoded) {
    let [_, t1, t0, h1, h0, v1, v0, c1, c0, s1, s0] = frame;
    out.number(1, 4097, f64::from(i16::from_be_bytes([t1, t0])) / 100.0);
    out.number(1, 4098, f64::from(u16::from_be_bytes([h1, h0])) / 100.0);
    out.number(1, 4195, f64::from(u16::from_be_bytes([v1, v0])));
    out.number(1, 4100, f64::from(u16::from_be_bytes([c1, c0])));
    out.number(1, 4196, f64::from(u16::from_be_bytes([s1, s0])));
}
