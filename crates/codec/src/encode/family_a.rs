use crate::{
    encode::{DeviceInfo, field},
    family_a::KERMIT,
};

/// The battery record, which devices put before their readings every now and then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Battery {
    /// Charge in percent.
    pub percent: u8,
    /// Minutes between reports.
    pub interval_min: u16,
}

/// A payload of Gen1, S2101 to S2106 or A1101: `(channel, measurement, value)` for each reading.
///
/// A value of 2 000 000 is what a broken sensor sends.
pub fn family_a(readings: &[(u8, u16, f64)], battery: Option<Battery>) -> Vec<u8> {
    let mut payload = Vec::new();
    if let Some(battery) = battery {
        battery_record(battery, &mut payload);
    }
    for &(channel, measurement, value) in readings {
        record(channel, measurement, field::i32(value, 1000.0).to_le_bytes(), &mut payload);
    }
    with_checksum(payload)
}

/// The payload that a device of family A sends when it joins.
pub fn family_a_info(info: DeviceInfo) -> Vec<u8> {
    let mut payload = Vec::new();
    let ((hw1, hw0), (fw1, fw0)) = (info.hardware, info.firmware);
    record(0, 0x0000, [fw0, fw1, hw0, hw1], &mut payload);
    battery_record(Battery { percent: info.percent, interval_min: info.interval_min }, &mut payload);
    with_checksum(payload)
}

fn battery_record(battery: Battery, payload: &mut Vec<u8>) {
    let [[p0, p1], [i0, i1]] = [battery.percent.into(), battery.interval_min].map(u16::to_le_bytes);
    record(0, 0x0007, [p0, p1, i0, i1], payload);
}

fn record(channel: u8, data_id: u16, value: [u8; 4], payload: &mut Vec<u8>) {
    payload.push(channel);
    payload.extend(data_id.to_le_bytes());
    payload.extend(value);
}

fn with_checksum(mut payload: Vec<u8>) -> Vec<u8> {
    let checksum = KERMIT.checksum(&payload);
    payload.extend(checksum.to_le_bytes());
    payload
}
