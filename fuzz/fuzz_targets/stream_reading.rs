//! Any message of another station's stream: a topic, a line break, and the rest as payload.

#![no_main]

use client::StreamReading;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let topic = String::from_utf8_lossy(&bytes[..end]);
    let payload = bytes.get(end + 1..).unwrap_or_default();
    if let Some(reading) = StreamReading::parse("7", &topic, payload) {
        assert!(topic.starts_with("/device_sensor_data/7/"), "{topic}");
        // What was read can be written down.
        let _written = (reading.time.to_string(), reading.device.to_string());
    }
});
