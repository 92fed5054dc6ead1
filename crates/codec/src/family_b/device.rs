//! What every model says about itself.

use model::{ChannelIndex, MeasurementId};

use crate::{Decoded, Event, Version, sensor_error};

/// 03: battery.
pub(super) fn battery(frame: [u8; 2], out: &mut Decoded) {
    let [_, percent] = frame;
    out.status(MeasurementId::BATTERY, f64::from(percent));
}

/// 04: battery, versions and intervals.
pub(super) fn info(frame: [u8; 10], out: &mut Decoded) {
    let [_, percent, hw1, hw0, fw1, fw0, m1, m0, g1, g0] = frame;
    out.status(MeasurementId::BATTERY, f64::from(percent));
    out.versions(Version::new(hw1, hw0), Version::new(fw1, fw0));
    report_interval([m1, m0], out);
    out.events.push(Event::GpsInterval { interval_min: u16::from_be_bytes([g1, g0]) });
}

/// 05: intervals.
pub(super) fn intervals(frame: [u8; 5], out: &mut Decoded) {
    let [_, m1, m0, g1, g0] = frame;
    report_interval([m1, m0], out);
    out.events.push(Event::GpsInterval { interval_min: u16::from_be_bytes([g1, g0]) });
}

/// Minutes between measurements, which are minutes between reports.
pub(super) fn report_interval(minutes: [u8; 2], out: &mut Decoded) {
    out.status(MeasurementId::REPORT_INTERVAL, f64::from(u16::from_be_bytes(minutes)));
}

/// 06: what is wrong with the sensor.
pub(super) fn sensor_error(frame: [u8; 2], out: &mut Decoded) {
    let [_, code] = frame;
    out.events.push(Event::SensorError { code, name: sensor_error::name(code) });
}

/// 10: identity of a sensor, under `channel:4, status:1, kind:3`.
pub(super) fn sensor_info(frame: [u8; 10], out: &mut Decoded) {
    let [_, bits, eui @ ..] = frame;
    out.events.push(Event::SensorInfo {
        channel: ChannelIndex(u16::from(bits >> 4)),
        status: bits & 0b1000 != 0,
        kind: bits & 0b0111,
        eui: u64::from_be_bytes(eui),
    });
}
