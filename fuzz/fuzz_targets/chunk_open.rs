//! Any bytes as a chunk: as they are, and with the checksum that belongs to them.

#![no_main]

use chunk::{Chunk, Column};
use libfuzzer_sys::fuzz_target;

fn read(bytes: &[u8]) {
    let Ok(chunk) = Chunk::open(bytes) else { return };
    let (mut numbers, mut column) = (Vec::new(), Column::new());
    let _origins = chunk.origins(&mut numbers);
    for key in chunk.series() {
        if chunk.column(key, &mut column).is_ok() {
            column.iter().for_each(|(row, _)| assert!(row < chunk.summary().rows));
        }
    }
    let _rows = chunk.rows();
}

fuzz_target!(|bytes: &[u8]| {
    read(bytes);
    let mut bytes = bytes.to_vec();
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    read(&bytes);
});
