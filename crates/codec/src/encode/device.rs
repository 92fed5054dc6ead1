/// What a device says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Charge in percent.
    pub percent: u8,
    /// Major and minor number.
    pub hardware: (u8, u8),
    /// Major and minor number.
    pub firmware: (u8, u8),
    /// Minutes between reports.
    pub interval_min: u16,
}

/// The battery frame of S2120, S2100 and A1102. An S2120 only ever says 0 or 100.
pub fn battery(percent: u8) -> Vec<u8> {
    vec![0x03, percent]
}

/// The information frame of S2120 and S2100, with a day between looks at the place.
pub fn device_info(info: DeviceInfo) -> Vec<u8> {
    const GPS_INTERVAL_MIN: u16 = 1440;
    let mut frame = vec![0x04];
    about(info, &mut frame);
    frame.extend(GPS_INTERVAL_MIN.to_be_bytes());
    frame
}

/// Battery, versions, interval: what every information frame starts with.
pub(super) fn about(info: DeviceInfo, frame: &mut Vec<u8>) {
    let ((hw1, hw0), (fw1, fw0)) = (info.hardware, info.firmware);
    frame.extend([info.percent, hw1, hw0, fw1, fw0]);
    frame.extend(info.interval_min.to_be_bytes());
}
