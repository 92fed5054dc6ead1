//! Any bytes as the checkpoint of open rows: as they are, and with the checksum that belongs to them.

#![no_main]

use chunk::OpenRows;
use libfuzzer_sys::fuzz_target;

fn read(bytes: &[u8]) {
    let Ok(open) = OpenRows::decode(bytes) else { return };
    let rows = open.rows();
    assert_eq!(rows.len(), open.len());
    let (mut times, mut columns) = (Vec::new(), Vec::new());
    if open.columns(|_| true, &mut times, &mut columns) {
        assert!(rows.iter().map(|row| row.measured_at.as_millis()).eq(times));
        let cells: usize = columns.iter().map(|(_, column)| column.len()).sum();
        assert_eq!(cells, rows.iter().map(|row| row.readings.len()).sum::<usize>());
    }
}

fuzz_target!(|bytes: &[u8]| {
    read(bytes);
    let mut bytes = bytes.to_vec();
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    read(&bytes);
});
