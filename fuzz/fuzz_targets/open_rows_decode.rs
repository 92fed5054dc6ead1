//! Any bytes as the checkpoint of open rows: as they are, and with the checksum that belongs to them.

#![no_main]

use chunk::OpenRows;
use libfuzzer_sys::fuzz_target;

fn read(bytes: &[u8]) {
    let Ok(open) = OpenRows::decode(bytes) else { return };
    assert_eq!(open.rows().len(), open.len());
}

fuzz_target!(|bytes: &[u8]| {
    read(bytes);
    let mut bytes = bytes.to_vec();
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    read(&bytes);
});
