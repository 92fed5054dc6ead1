//! Any bytes as the report of a device.

#![no_main]

use libfuzzer_sys::fuzz_target;
use model::{DeviceEui, Timestamp};

fuzz_target!(|body: &[u8]| {
    let eui = DeviceEui::from_raw(0x2CF7_F120_0410_0005);
    let _read = ingest::read_device_report(eui, body, Timestamp::from_millis(1_783_651_185_000));
});
