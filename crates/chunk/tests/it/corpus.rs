//! The fuzzer's corpus, replayed.

use std::{fs, path::Path};

use chunk::{Chunk, OpenRows};

/// Calls `read` with each file as it is and with its checksum added; gives how many were taken.
fn replay(target: &str, read: impl Fn(&[u8]) -> bool) -> usize {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut taken = 0;
    for file in fs::read_dir(folder).unwrap() {
        let mut bytes = fs::read(file.unwrap().path()).unwrap();
        taken += usize::from(read(&bytes));
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        taken += usize::from(read(&bytes));
    }
    taken
}

#[test]
fn nothing_in_the_corpus_breaks_a_chunk() {
    let read = |bytes: &[u8]| Chunk::open(bytes).and_then(|chunk| chunk.rows()).is_ok();
    assert!(replay("chunk_open", read) >= 4);
}

#[test]
fn nothing_in_the_corpus_breaks_open_rows() {
    let read = |bytes: &[u8]| OpenRows::decode(bytes).is_ok_and(|open| open.rows().len() == open.len());
    assert!(replay("open_rows_decode", read) >= 2);
}
