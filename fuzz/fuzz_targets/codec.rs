//! Any bytes through any codec.
//!
//! **Shape**: model index, modulo the number of codecs; f_port; payload.

#![no_main]

use codec::Codec;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let &[index, f_port, ref payload @ ..] = input else { return };
    let codecs = Codec::all();
    let Ok(decoded) = codecs[usize::from(index) % codecs.len()].decode(f_port, payload) else { return };
    for reading in decoded.rows.iter().flat_map(|row| &row.readings) {
        assert!(reading.value.as_number().is_none_or(f64::is_finite), "{reading:?}");
    }
});
