use chunk::{Chunk, OpenRows, seal};
use proptest::{prelude::*, strategy::ValueTree};

use crate::arbitrary::{rows, sorted_rows};

fn open_rows(rows: &[model::Row]) -> Vec<u8> {
    let mut open = OpenRows::new();
    rows.iter().for_each(|row| open.push(row));
    open.encode()
}

/// Reads everything there is to read, so that a panic would show.
fn read_all(bytes: &[u8]) {
    if let Ok(chunk) = Chunk::open(bytes) {
        let _ = chunk.rows();
    }
    if let Ok(open) = OpenRows::decode(bytes) {
        open.rows();
        open.columns(|_| true, &mut Vec::new(), &mut Vec::new());
    }
}

proptest! {
    #[test]
    fn any_bytes_are_refused_or_read(mut bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        read_all(&bytes);
        if let Some((body, sum)) = bytes.split_last_chunk_mut::<4>() {
            *sum = crc32fast::hash(body).to_le_bytes();
            read_all(&bytes);
        }
    }

    #[test]
    fn content_that_a_faulty_writer_made_is_refused_or_read(
        rows in sorted_rows(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        for mut bytes in [seal(&rows), open_rows(&rows)] {
            let end = bytes.len() - 4;
            for (at, byte) in &changes {
                bytes[at.index(end)] = *byte;
            }
            let sum = crc32fast::hash(&bytes[..end]).to_le_bytes();
            bytes[end..].copy_from_slice(&sum);
            read_all(&bytes);
        }
    }

    #[test]
    fn a_truncated_or_lengthened_form_is_refused(rows in rows(), cut in any::<prop::sample::Index>()) {
        let mut sorted = rows.clone();
        sorted.sort_by_key(|row| (row.measured_at, row.position));
        let (mut sealed, mut open) = (seal(&sorted), open_rows(&rows));
        prop_assert!(Chunk::open(&sealed[..cut.index(sealed.len())]).is_err());
        prop_assert!(OpenRows::decode(&open[..cut.index(open.len())]).is_err());
        sealed.push(0);
        open.push(0);
        prop_assert!(Chunk::open(&sealed).is_err());
        prop_assert!(OpenRows::decode(&open).is_err());
    }
}

#[test]
fn every_flipped_bit_is_noticed() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..8 {
        let mut rows = sorted_rows().new_tree(&mut runner).unwrap().current();
        rows.truncate(40);
        let (mut sealed, mut open) = (seal(&rows), open_rows(&rows));
        for bit in 0..sealed.len() * 8 {
            sealed[bit / 8] ^= 1 << (bit % 8);
            assert!(Chunk::open(&sealed).is_err(), "bit {bit}");
            sealed[bit / 8] ^= 1 << (bit % 8);
        }
        for bit in 0..open.len() * 8 {
            open[bit / 8] ^= 1 << (bit % 8);
            assert!(OpenRows::decode(&open).is_err(), "bit {bit}");
            open[bit / 8] ^= 1 << (bit % 8);
        }
    }
}
