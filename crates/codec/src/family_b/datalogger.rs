//! The data logger S2100.

use crate::{
    Decoded, Error, Event, UnknownId, Version,
    family_b::device::{battery, report_interval},
};

/// Two channels and their values, the body of 30 to 33.
pub(super) struct Pair {
    pub(super) channels: [u8; 2],
    /// 0 in 32, which has none.
    pub(super) flags: u8,
    pub(super) thousandths: [i32; 2],
}

impl From<[u8; 11]> for Pair {
    fn from([id, channels, flags, a3, a2, a1, a0, b3, b2, b1, b0]: [u8; 11]) -> Self {
        Self { flags, ..Self::from([id, channels, a3, a2, a1, a0, b3, b2, b1, b0]) }
    }
}

impl From<[u8; 10]> for Pair {
    fn from([_, channels, a3, a2, a1, a0, b3, b2, b1, b0]: [u8; 10]) -> Self {
        let thousandths = [[a3, a2, a1, a0], [b3, b2, b1, b0]].map(i32::from_be_bytes);
        Self { channels: [channels >> 4, channels & 0x0F], flags: 0, thousandths }
    }
}

/// 30 to 33: values of two channels.
pub(super) fn pair(at: usize, pair: Pair, out: &mut Decoded) -> Result<(), Error> {
    let [first, second] = pair.channels;
    let measurements = [custom(first, at + 1)?, custom(second, at + 1)?];
    for (measurement, thousandths) in measurements.into_iter().zip(pair.thousandths) {
        if let Some(measurement) = measurement {
            out.number(1, measurement, f64::from(thousandths) / 1000.0);
        }
    }
    flags(pair.flags, out);
    Ok(())
}

/// The measurement of a logger's channel 1 to 10; 0 means that there is none.
pub(super) fn custom(channel: u8, at: usize) -> Result<Option<u32>, Error> {
    match channel {
        0 => Ok(None),
        1..=10 => Ok(Some(4164 + u32::from(channel))),
        _ => Err(Error::Unknown { what: UnknownId::Channel(channel), at }),
    }
}

/// Notes the flags of a log, if any is set.
pub(super) fn flags(raw: u8, out: &mut Decoded) {
    if raw != 0 {
        out.events.push(Event::LogFlags { raw });
    }
}

/// 34: wiring.
pub(super) fn wiring(frame: [u8; 5], out: &mut Decoded) {
    let [_, protocol, gpio_mode, analog_type, analog_interface] = frame;
    out.events.push(Event::DataLogger { protocol, gpio_mode, analog_type, analog_interface });
}

/// 35 to 38: two settings of a channel, statuses 3920 and 3921 for channel 1 and so on.
pub(super) fn thresholds(at: usize, frame: [u8; 10], out: &mut Decoded) -> Result<(), Error> {
    let [_, channel, a3, a2, a1, a0, b3, b2, b1, b0] = frame;
    let Some(measurement) = custom(channel >> 4, at + 1)? else { return Ok(()) };
    let first = 3920 + 2 * (measurement - 4165);
    for (status, thousandths) in (first..).zip([[a3, a2, a1, a0], [b3, b2, b1, b0]].map(i32::from_be_bytes)) {
        out.number(0, status, f64::from(thousandths) / 1000.0);
    }
    Ok(())
}

/// 39: battery, versions and intervals.
pub(super) fn info(frame: [u8; 10], out: &mut Decoded) {
    let [id, percent, hw1, hw0, fw1, fw0, m1, m0, t1, t0] = frame;
    battery([id, percent], out);
    out.versions(Version::new(hw1, hw0), Version::new(fw1, fw0));
    report_interval([m1, m0], out);
    out.events.push(Event::ThresholdInterval { raw: u16::from_be_bytes([t1, t0]) });
}
