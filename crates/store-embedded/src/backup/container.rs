//! The file that a backup is: blocks with checksums, compressed where that pays, and one sum over all.
//!
//! **Shape**: a line that names the format, then blocks: a kind, the lengths of the content and of
//! the bytes that follow, a CRC-32 of the three and of the bytes (little-endian, 13 bytes in all),
//! and the bytes. A block of kind [`END`] has the SHA-256 of everything before it, and nothing
//! comes behind it.

use std::io::{self, Read, Write};

use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use sha2::{Digest, Sha256};

use super::BackupError;

pub(super) const MAGIC: &[u8] = b"senstation backup 1\n";
/// What every version of the format starts with.
const FAMILY: &[u8] = b"senstation backup ";
const STORED: u8 = 0;
const DEFLATED: u8 = 1;
const END: u8 = 2;
const HEAD_BYTES: usize = 13;
/// A block is closed once it has so much.
const BLOCK_BYTES: usize = 1 << 20;
/// No record is larger: the largest is a commit of the log.
const BLOCK_BYTES_MAX: usize = 1 << 30;
/// Blocks that are not even tried after one that compression did not make smaller: chunks and
/// frames, which are most of a store, are compressed already.
const UNTRIED: u32 = 7;

/// Writes a backup, a record at a time.
pub(super) struct Writer<W> {
    out: Hashing<W>,
    block: Vec<u8>,
    untried: u32,
}

impl<W: Write> Writer<W> {
    pub(super) fn new(out: W) -> io::Result<Self> {
        let mut out = Hashing { inner: out, sum: Sha256::new(), bytes: 0 };
        out.write_all(MAGIC)?;
        Ok(Self { out, block: Vec::with_capacity(BLOCK_BYTES + BLOCK_BYTES / 8), untried: 0 })
    }

    /// Adds a record, which `f` appends to what it is given.
    pub(super) fn record(&mut self, f: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        f(&mut self.block);
        if self.block.len() >= BLOCK_BYTES { self.close_block() } else { Ok(()) }
    }

    /// Ends a block here, so that what comes next may compress as it likes.
    pub(super) fn close_block(&mut self) -> io::Result<()> {
        if self.block.is_empty() {
            return Ok(());
        }
        if self.block.len() > BLOCK_BYTES_MAX {
            return Err(io::Error::other("a record is too large for a backup"));
        }
        let deflated = if self.untried == 0 { deflate(&self.block)? } else { None };
        let len = self.block.len() as u32;
        match deflated {
            Some(deflated) => write_block(&mut self.out, DEFLATED, len, &deflated)?,
            None => {
                self.untried = if self.untried == 0 { UNTRIED } else { self.untried - 1 };
                write_block(&mut self.out, STORED, len, &self.block)?;
            }
        }
        self.block.clear();
        Ok(())
    }

    /// Ends the backup; gives what was written to, and how many bytes that were.
    pub(super) fn finish(mut self) -> io::Result<(W, u64)> {
        self.close_block()?;
        let sum: [u8; 32] = self.out.sum.clone().finalize().into();
        write_block(&mut self.out, END, 32, &sum)?;
        self.out.flush()?;
        Ok((self.out.inner, self.out.bytes))
    }
}

/// A block's content deflated, if that is worth it.
fn deflate(block: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let mut encoder = DeflateEncoder::new(Vec::with_capacity(block.len()), Compression::fast());
    encoder.write_all(block)?;
    let deflated = encoder.finish()?;
    Ok((deflated.len() < block.len() - block.len() / 4).then_some(deflated))
}

fn write_block(out: &mut impl Write, kind: u8, len: u32, bytes: &[u8]) -> io::Result<()> {
    let mut head = [0; HEAD_BYTES];
    head[0] = kind;
    head[1..5].copy_from_slice(&len.to_le_bytes());
    head[5..9].copy_from_slice(&(bytes.len() as u32).to_le_bytes());
    let mut crc = crc32fast::Hasher::new();
    crc.update(&head[..9]);
    crc.update(bytes);
    head[9..].copy_from_slice(&crc.finalize().to_le_bytes());
    out.write_all(&head)?;
    out.write_all(bytes)
}

/// Reads a backup, a block at a time.
pub(super) struct Reader<R> {
    input: Hashing<R>,
    is_at_end: bool,
}

impl<R: Read> Reader<R> {
    /// **Errors**: `Foreign` if it is no backup, or one of another version.
    pub(super) fn new(input: R) -> Result<Self, BackupError> {
        let mut input = Hashing { inner: input, sum: Sha256::new(), bytes: 0 };
        let mut magic = [0; MAGIC.len()];
        let read = read_full(&mut input, &mut magic)?;
        if magic[..read] != *MAGIC {
            return Err(match magic.starts_with(FAMILY) && read == magic.len() {
                true => BackupError::Newer,
                false => BackupError::Foreign,
            });
        }
        Ok(Self { input, is_at_end: false })
    }

    /// The content of the next block; `None` at the end, whose sum is then the right one.
    pub(super) fn block(&mut self) -> Result<Option<Vec<u8>>, BackupError> {
        if self.is_at_end {
            return Ok(None);
        }
        let at = self.input.bytes;
        let sum: [u8; 32] = self.input.sum.clone().finalize().into();
        let mut head = [0; HEAD_BYTES];
        self.fill(&mut head)?;
        let number = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let (kind, len, stored) = (head[0], number(1) as usize, number(5) as usize);
        if kind > END || len > BLOCK_BYTES_MAX || stored > BLOCK_BYTES_MAX {
            return Err(BackupError::Altered(at));
        }
        let mut bytes = Vec::new();
        let read = (&mut self.input).take(stored as u64).read_to_end(&mut bytes)?;
        if read < stored {
            return Err(BackupError::Truncated);
        }
        let mut crc = crc32fast::Hasher::new();
        crc.update(&head[..9]);
        crc.update(&bytes);
        if crc.finalize() != number(9) {
            return Err(BackupError::Altered(at));
        }
        match kind {
            STORED if len == stored => Ok(Some(bytes)),
            DEFLATED => {
                let mut plain = Vec::new();
                let mut decoder = DeflateDecoder::new(bytes.as_slice()).take(len as u64 + 1);
                let inflated = decoder.read_to_end(&mut plain).is_ok() && plain.len() == len;
                if inflated { Ok(Some(plain)) } else { Err(BackupError::Altered(at)) }
            }
            END if bytes == sum => {
                let nothing = read_full(&mut self.input, &mut [0])? == 0;
                self.is_at_end = true;
                if nothing { Ok(None) } else { Err(BackupError::Altered(at)) }
            }
            _ => Err(BackupError::Altered(at)),
        }
    }

    /// How far the file has been read.
    pub(super) fn bytes(&self) -> u64 {
        self.input.bytes
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), BackupError> {
        if read_full(&mut self.input, buffer)? < buffer.len() { Err(BackupError::Truncated) } else { Ok(()) }
    }
}

/// Reads until the buffer is full or there is no more.
fn read_full(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut read = 0;
    while read < buffer.len() {
        match input.read(&mut buffer[read..]) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}

/// Sums up what passes.
struct Hashing<T> {
    inner: T,
    sum: Sha256,
    bytes: u64,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.sum.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.sum.update(&buffer[..read]);
        self.bytes += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn backup() -> Vec<u8> {
        let mut writer = Writer::new(Vec::new()).unwrap();
        writer.record(|out| out.extend_from_slice(&[7; 3_000])).unwrap();
        writer.close_block().unwrap();
        // What does not compress is kept as it is.
        let noise: Vec<u8> =
            (0..500_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).rotate_left(n).to_le_bytes()).collect();
        writer.record(|out| out.extend_from_slice(&noise)).unwrap();
        writer.finish().unwrap().0
    }

    fn read(bytes: &[u8]) -> Result<usize, BackupError> {
        let mut reader = Reader::new(bytes)?;
        let mut len = 0;
        while let Some(block) = reader.block()? {
            len += block.len();
        }
        Ok(len)
    }

    #[test]
    fn blocks_read_back() {
        let bytes = backup();
        assert_eq!(read(&bytes).unwrap(), 5_000);
        assert!(bytes.len() < 2_300, "the first block is compressed: {}", bytes.len());
        assert_eq!(read(&Writer::new(Vec::new()).unwrap().finish().unwrap().0).unwrap(), 0);
    }

    #[test]
    fn every_flipped_bit_every_cut_and_anything_behind_it_is_noticed() {
        let bytes = backup();
        for bit in 0..bytes.len() * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&bad).is_err(), "bit {bit}");
        }
        for len in 0..bytes.len() {
            let error = read(&bytes[..len]).unwrap_err();
            let expected = if len < MAGIC.len() { "no backup" } else { "ends early" };
            assert!(error.to_string().contains(expected), "cut at {len}: {error}");
        }
        assert!(read(&[bytes.as_slice(), b"\0"].concat()).is_err());
    }

    #[test]
    fn what_is_no_backup_or_a_newer_one_is_told_apart() {
        assert!(matches!(read(b"SQLite format 3\0 and so on and so on"), Err(BackupError::Foreign)));
        assert!(matches!(read(b"senstation backup 2\n and so on"), Err(BackupError::Newer)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_backup_or_refused(bytes: Vec<u8>) {
            let _ = read(&bytes);
            let _ = read(&[MAGIC, &bytes].concat());
        }
    }
}
