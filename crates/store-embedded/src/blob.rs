//! What one commit writes: several entries in one blob.
//!
//! A version byte, the position of the first entry, a table with the place, length and checksum of
//! every entry, the table's own checksum, then the entries. A damaged entry is known by its
//! checksum and costs nobody else's; a damaged table costs the blob.

use model::Position;

use crate::bytes::{Damaged, Take, put_u64};

const VERSION: u8 = 1;

/// An entry ready to be written: encoded and summed by whoever appends it, so that the writer has
/// less to do.
#[derive(Debug)]
pub(crate) struct Sealed {
    pub(crate) bytes: Vec<u8>,
    pub(crate) sum: u32,
}

impl Sealed {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        let sum = crc32fast::hash(&bytes);
        Self { bytes, sum }
    }
}

/// Writes a blob of entries with their positions, which ascend.
pub(crate) fn write<'a>(entries: impl Iterator<Item = (Position, &'a [u8], u32)> + Clone) -> Vec<u8> {
    let size: usize = entries.clone().map(|(_, bytes, _)| bytes.len() + 12).sum();
    let mut out = Vec::with_capacity(size + 32);
    out.push(VERSION);
    let mut before = None;
    put_u64(&mut out, entries.clone().count() as u64);
    for (position, bytes, sum) in entries.clone() {
        let step = match before {
            Some(before) => position.get() - before,
            None => position.get(),
        };
        before = Some(position.get());
        put_u64(&mut out, step);
        put_u64(&mut out, bytes.len() as u64);
        out.extend_from_slice(&sum.to_le_bytes());
    }
    let sum = crc32fast::hash(&out);
    out.extend_from_slice(&sum.to_le_bytes());
    for (_, bytes, _) in entries {
        out.extend_from_slice(bytes);
    }
    out
}

/// A blob whose table is whole.
#[derive(Debug)]
pub(crate) struct Blob<'a> {
    table: Vec<(Position, u32, &'a [u8])>,
}

impl<'a> Blob<'a> {
    pub(crate) fn open(bytes: &'a [u8]) -> Result<Self, Damaged> {
        let mut take = Take(bytes);
        if take.u8()? != VERSION {
            return Err(Damaged("the log has an unknown version"));
        }
        let count = take.count()?;
        let mut places = Vec::with_capacity(count);
        let mut position = 0_u64;
        for _ in 0..count {
            position = position.checked_add(take.u64()?).ok_or(Damaged("a position is too large"))?;
            let len = usize::try_from(take.u64()?).map_err(|_| Damaged("an entry is too long"))?;
            places.push((Position::from_raw(position), len, u32::from_le_bytes(take.array()?)));
        }
        let table_len = bytes.len() - take.0.len();
        if crc32fast::hash(&bytes[..table_len]) != u32::from_le_bytes(take.array()?) {
            return Err(Damaged("the checksum of its table differs"));
        }
        let table = places.into_iter().map(|(position, len, sum)| Ok((position, sum, take.slice(len)?)));
        let table = table.collect::<Result<_, Damaged>>()?;
        if take.is_empty() { Ok(Self { table }) } else { Err(Damaged("the blob goes on after its end")) }
    }

    /// Position and checksum of every entry, with its bytes, or that they are damaged.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (Position, u32, Result<&'a [u8], Damaged>)> {
        self.table.iter().map(|(position, sum, bytes)| {
            let whole = crc32fast::hash(bytes) == *sum;
            (*position, *sum, if whole { Ok(*bytes) } else { Err(Damaged("the checksum of an entry differs")) })
        })
    }

    /// The entry at a position, if the blob has it.
    pub(crate) fn entry(&self, position: Position) -> Option<Result<&'a [u8], Damaged>> {
        let at = self.table.binary_search_by_key(&position, |(position, _, _)| *position).ok()?;
        let (_, sum, bytes) = self.table[at];
        Some(if crc32fast::hash(bytes) == sum { Ok(bytes) } else { Err(Damaged("the checksum of an entry differs")) })
    }

    /// The position of its last entry.
    pub(crate) fn last(&self) -> Option<Position> {
        self.table.last().map(|(position, _, _)| *position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob() -> Vec<u8> {
        let entries = [Sealed::new(vec![1, 2, 3]), Sealed::new(Vec::new()), Sealed::new(vec![9; 300])];
        let positions = [7, 8, 1_000].map(Position::from_raw);
        write(positions.iter().zip(&entries).map(|(position, sealed)| (*position, sealed.bytes.as_slice(), sealed.sum)))
    }

    #[test]
    fn entries_read_back_with_their_positions() {
        let bytes = blob();
        let blob = Blob::open(&bytes).unwrap();
        let entries: Vec<_> =
            blob.entries().map(|(position, _, bytes)| (position.get(), bytes.unwrap().len())).collect();
        assert_eq!(entries, [(7, 3), (8, 0), (1_000, 300)]);
        assert_eq!(blob.entry(Position::from_raw(7)), Some(Ok([1, 2, 3].as_slice())));
        assert_eq!(blob.entry(Position::from_raw(9)), None);
        assert_eq!(blob.last(), Some(Position::from_raw(1_000)));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let bytes = blob();
        for bit in 0..bytes.len() * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let noticed = match Blob::open(&bad) {
                Err(_) => true,
                Ok(blob) => blob.entries().any(|(_, _, entry)| entry.is_err()),
            };
            assert!(noticed, "bit {bit}");
        }
        for len in 0..bytes.len() {
            assert!(Blob::open(&bytes[..len]).is_err(), "cut at {len}");
        }
    }

    #[test]
    fn a_damaged_entry_costs_only_itself() {
        let mut bytes = blob();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        let blob = Blob::open(&bytes).unwrap();
        let whole: Vec<_> = blob.entries().map(|(_, _, entry)| entry.is_ok()).collect();
        assert_eq!(whole, [true, true, false]);
    }
}
