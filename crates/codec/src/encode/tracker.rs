use model::Timestamp;

use crate::encode::field;

/// What a tracker reports at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackerRecord {
    /// The tracker's clock, whole seconds from 1970 to 2106; a T1000-E has none.
    pub at: Timestamp,
    /// Bit 0 is event 1, "Start moving", and so on; cut to the bits of the model.
    pub events: u32,
    /// Which stretch of moving this is; 0 is none.
    pub motion: u8,
    /// What it found out about its place.
    pub found: Found,
    /// Temperature in ℃ and light in %, where the sensors are on; a T2000 has none.
    pub air: Option<(f64, f64)>,
    /// Acceleration in mg, where it is reported.
    pub acceleration_mg: Option<[f64; 3]>,
    /// Battery.
    pub percent: u8,
}

/// What a tracker found out about its place.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// Degrees.
    Place {
        /// East is positive.
        longitude: f64,
        /// North is positive.
        latitude: f64,
    },
    /// Wi-Fi access points and their signal in dBm; a T1000 lists four.
    Wifi(Vec<([u8; 6], i8)>),
    /// Bluetooth beacons and their signal in dBm; a T1000 lists three.
    Bluetooth(Vec<([u8; 6], i8)>),
    /// Nothing, for this reason: a positioning status.
    Nothing(u8),
}

/// A record of a T1000-A to T1000-D.
///
/// A T1000 that reports acceleration, or that was not located, reports air too: sensors that are off
/// have no value.
pub fn t1000(record: &TrackerRecord) -> Vec<u8> {
    let has_acceleration = record.acceleration_mg.is_some();
    let has_air = has_acceleration || record.air.is_some() || matches!(record.found, Found::Nothing(_));
    let id = match (&record.found, has_acceleration, has_air) {
        (Found::Place { .. }, true, _) => 0x1A,
        (Found::Place { .. }, _, true) => 0x06,
        (Found::Place { .. }, ..) => 0x09,
        (Found::Wifi(_), true, _) => 0x1B,
        (Found::Wifi(_), _, true) => 0x07,
        (Found::Wifi(_), ..) => 0x0A,
        (Found::Bluetooth(_), true, _) => 0x1C,
        (Found::Bluetooth(_), _, true) => 0x08,
        (Found::Bluetooth(_), ..) => 0x0B,
        (Found::Nothing(_), true, _) => 0x1D,
        (Found::Nothing(_), ..) => 0x11,
    };
    let mut frame = vec![id];
    let [_, events @ ..] = record.events.to_be_bytes();
    push_head(record, &events, &mut frame);
    match &record.found {
        Found::Place { longitude, latitude } => push_place(*longitude, *latitude, &mut frame),
        Found::Wifi(heard) => push_slots(heard, 4, &mut frame),
        Found::Bluetooth(heard) => push_slots(heard, 3, &mut frame),
        Found::Nothing(_) => {}
    }
    if has_air {
        push_air(record.air, &mut frame);
    }
    push_acceleration(record.acceleration_mg, &mut frame);
    frame.push(record.percent);
    frame
}

/// A record of a T1000-E, which has no clock and does not number its moves.
pub fn t1000_e(record: &TrackerRecord) -> Vec<u8> {
    let id = match (&record.found, record.acceleration_mg.is_some()) {
        (Found::Place { .. }, true) => 0x1F,
        (Found::Wifi(_), true) => 0x20,
        (Found::Bluetooth(_), true) => 0x21,
        (Found::Place { .. }, false) => 0x22,
        (Found::Wifi(_), false) => 0x23,
        (Found::Bluetooth(_), false) => 0x24,
        (Found::Nothing(_), true) => 0x25,
        (Found::Nothing(_), false) => 0x26,
    };
    let [.., events] = record.events.to_be_bytes();
    let mut frame = vec![id, events, record.percent];
    push_air(record.air, &mut frame);
    push_acceleration(record.acceleration_mg, &mut frame);
    match &record.found {
        Found::Place { longitude, latitude } => push_place(*longitude, *latitude, &mut frame),
        Found::Wifi(heard) | Found::Bluetooth(heard) => push_list(heard, &mut frame),
        Found::Nothing(_) => {}
    }
    frame
}

/// A record of a T2000.
pub fn t2000(record: &TrackerRecord) -> Vec<u8> {
    let id = match (&record.found, record.acceleration_mg.is_some()) {
        (Found::Place { .. }, true) => 0x2B,
        (Found::Wifi(_), true) => 0x2C,
        (Found::Bluetooth(_), true) => 0x2D,
        (Found::Place { .. }, false) => 0x2E,
        (Found::Wifi(_), false) => 0x2F,
        (Found::Bluetooth(_), false) => 0x30,
        (Found::Nothing(_), true) => 0x31,
        (Found::Nothing(_), false) => 0x32,
    };
    let mut frame = vec![id];
    let [_, _, events @ ..] = record.events.to_be_bytes();
    push_head(record, &events, &mut frame);
    push_acceleration(record.acceleration_mg, &mut frame);
    match &record.found {
        Found::Place { longitude, latitude } => {
            push_place(*longitude, *latitude, &mut frame);
            frame.push(record.percent);
        }
        Found::Wifi(heard) | Found::Bluetooth(heard) => {
            frame.push(record.percent);
            push_list(heard, &mut frame);
        }
        Found::Nothing(_) => frame.push(record.percent),
    }
    frame
}

/// Events, which stretch of moving it is or why it was not located, and when.
fn push_head(record: &TrackerRecord, events: &[u8], frame: &mut Vec<u8>) {
    if let Found::Nothing(status) = record.found {
        frame.push(status);
        frame.extend(events);
    } else {
        frame.extend(events);
        frame.push(record.motion);
    }
    frame.extend(field::seconds(record.at).to_be_bytes());
}

fn push_place(longitude: f64, latitude: f64, frame: &mut Vec<u8>) {
    for degrees in [longitude, latitude] {
        frame.extend(field::i32(degrees, 1e6).to_be_bytes());
    }
}

/// Sensors that are off have no value.
fn push_air(air: Option<(f64, f64)>, frame: &mut Vec<u8>) {
    let (tenths, percent) = air.map_or((i16::MIN, 1 << 15), |(celsius, percent)| {
        (field::i16(celsius, 10.0).max(i16::MIN + 1), field::u16(percent, 1.0))
    });
    frame.extend(tenths.to_be_bytes());
    frame.extend(percent.to_be_bytes());
}

fn push_acceleration(acceleration_mg: Option<[f64; 3]>, frame: &mut Vec<u8>) {
    for axis in acceleration_mg.into_iter().flatten() {
        frame.extend(field::i16(axis, 1.0).max(i16::MIN + 1).to_be_bytes());
    }
}

/// A fixed number of slots, empty ones last.
fn push_slots(heard: &[([u8; 6], i8)], slots: usize, frame: &mut Vec<u8>) {
    let empty = ([0xFF; 6], -1);
    for (address, dbm) in heard.iter().chain(std::iter::repeat(&empty)).take(slots) {
        frame.extend(address);
        frame.extend(dbm.to_be_bytes());
    }
}

/// As many as there are, after their number.
fn push_list(heard: &[([u8; 6], i8)], frame: &mut Vec<u8>) {
    /// What fits into the longest message.
    const MAX: usize = 30;
    let heard = &heard[..heard.len().min(MAX)];
    frame.push(heard.len() as u8);
    push_slots(heard, heard.len(), frame);
}
