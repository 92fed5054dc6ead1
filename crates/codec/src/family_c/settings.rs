//! How a tracker is set up: statuses of the device.

use model::{MeasurementId, Value};

use super::{digits::push_hex, fields::Fields, record::battery};
use crate::{Decoded, Version};

/// Adds a one-byte setting.
pub(super) fn byte(status: u32, fields: &mut Fields<'_>, out: &mut Decoded) {
    out.status(MeasurementId(status), f64::from(fields.u8()));
}

/// Adds a two-byte setting.
pub(super) fn word(status: u32, fields: &mut Fields<'_>, out: &mut Decoded) {
    out.status(MeasurementId(status), f64::from(fields.u16()));
}

/// Battery, firmware, hardware, in this order.
pub(super) fn about(fields: &mut Fields<'_>, out: &mut Decoded) {
    battery(None, fields, out);
    let firmware = Version::new(fields.u8(), fields.u8());
    out.versions(Version::new(fields.u8(), fields.u8()), firmware);
}

/// Heartbeat, periodic and event interval, in minutes; the one that the work mode goes by.
pub(super) fn intervals(mode: u8, fields: &mut Fields<'_>, out: &mut Decoded) -> Option<u16> {
    let minutes = [fields.u16(), fields.u16(), fields.u16()];
    for (status, minutes) in (3942..).zip(minutes) {
        out.status(MeasurementId(status), f64::from(minutes));
    }
    minutes.get(usize::from(mode)).copied()
}

pub(super) fn report_interval(minutes: Option<u16>, out: &mut Decoded) {
    if let Some(minutes) = minutes {
        out.status(MeasurementId::REPORT_INTERVAL, f64::from(minutes));
    }
}

/// When moving, resting and a shock are events.
pub(super) fn movement(fields: &mut Fields<'_>, out: &mut Decoded) {
    byte(3946, fields, out);
    word(3947, fields, out);
    word(3948, fields, out);
    byte(3949, fields, out);
    word(3950, fields, out);
    byte(3951, fields, out);
    word(3952, fields, out);
}

/// When temperature and light are events.
pub(super) fn air(fields: &mut Fields<'_>, out: &mut Decoded) {
    byte(3953, fields, out);
    word(3954, fields, out);
    word(3955, fields, out);
    for status in [3956, 3957] {
        if let Some(tenths) = fields.i16() {
            out.status(MeasurementId(status), f64::from(tenths) / 10.0);
        }
    }
    byte(3958, fields, out);
    byte(3959, fields, out);
    word(3960, fields, out);
    word(3961, fields, out);
    for status in [3962, 3963] {
        // As everywhere in these frames, this number stands for none.
        let percent = fields.u16();
        if percent != 0x8000 {
            out.status(MeasurementId(status), f64::from(percent));
        }
    }
    byte(3964, fields, out);
}

/// Which beacons count, as the hexadecimal start of their identity.
pub(super) fn beacon_filter(fields: &mut Fields<'_>, out: &mut Decoded) {
    let length = usize::from(fields.u8());
    let mut hex = String::with_capacity(2 * length.min(16));
    for byte in fields.array::<16>().into_iter().take(length) {
        push_hex(&mut hex, b"0123456789abcdef", byte);
    }
    out.status(MeasurementId(3979), Value::text(hex));
}
