//! Any program, given any bytes.
//!
//! **Shape**: f_port; how long the program is, in two bytes, little endian; the program as UTF-8; payload.

#![no_main]

use codec::script::{self, Call};
use libfuzzer_sys::fuzz_target;
use model::Timestamp;

fuzz_target!(|input: &[u8]| {
    let &[f_port, low, high, ref rest @ ..] = input else { return };
    let (source, payload) = rest.split_at(usize::from(u16::from_le_bytes([low, high])).min(rest.len()));
    let Ok(source) = std::str::from_utf8(source) else { return };
    let call = Call { f_port, payload, received_at: Timestamp::from_millis(0) };
    let Ok(answer) = script::run(source, call) else { return };
    for (path, value) in answer.values {
        assert!(value.as_number().is_none_or(f64::is_finite), "{path}: {value:?}");
    }
});
