//! Any bytes as a backup: as they are, and behind the line that names the format.

#![no_main]

use libfuzzer_sys::fuzz_target;
use store_embedded::backup::check_bytes;

fuzz_target!(|bytes: &[u8]| {
    let _as_they_are = check_bytes(bytes);
    let _behind_the_line = check_bytes(&[b"senstation backup 1\n", bytes].concat());
});
