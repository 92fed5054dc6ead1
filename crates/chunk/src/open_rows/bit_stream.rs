//! Bits in a vector of bytes, lowest first.

use crate::{Error, bits::mask};

/// The most that one call writes or reads.
pub(crate) const BITS_MAX: u32 = 32;

/// Writes behind the bits that are there already.
pub(crate) struct BitWriter<'s> {
    stream: &'s mut Vec<u8>,
    gathered: u64,
    bits: u32,
}

impl<'s> BitWriter<'s> {
    /// `spare` is how many bits of the last byte are free.
    pub(crate) fn new(stream: &'s mut Vec<u8>, spare: u8) -> Self {
        let mut writer = Self { stream, gathered: 0, bits: 0 };
        if spare > 0 {
            writer.gathered = u64::from(writer.stream.pop().unwrap_or_default());
            writer.bits = 8 - u32::from(spare);
        }
        writer
    }

    /// Writes a number that has at most `bits` bits, of which there are at most [`BITS_MAX`].
    #[inline]
    pub(crate) fn put(&mut self, number: u64, bits: u32) {
        self.gathered |= number << self.bits;
        self.bits += bits;
        if self.bits >= 32 {
            make_room(self.stream);
            self.stream.extend_from_slice(&(self.gathered as u32).to_le_bytes());
            self.gathered >>= 32;
            self.bits -= 32;
        }
    }

    /// Six bits with the length of a number, then the number.
    pub(crate) fn put_long(&mut self, number: u64) {
        let length = 63 - (number | 1).leading_zeros();
        self.put(u64::from(length), 6);
        self.put(number & mask(BITS_MAX), BITS_MAX.min(length + 1));
        if length >= BITS_MAX {
            self.put(number >> BITS_MAX, length + 1 - BITS_MAX);
        }
    }

    /// Writes what is left and gives the bits of the last byte that are free.
    pub(crate) fn finish(self) -> u8 {
        let bytes = self.bits.div_ceil(8);
        make_room(self.stream);
        self.stream.extend_from_slice(&self.gathered.to_le_bytes()[..bytes as usize]);
        (bytes * 8 - self.bits) as u8
    }
}

/// Grows by an eighth instead of twofold: there may be millions of streams.
#[inline]
fn make_room(stream: &mut Vec<u8>) {
    if stream.capacity() - stream.len() < 8 {
        stream.reserve_exact((stream.len() / 8).max(64));
    }
}

/// Reads bits from the start.
pub(crate) struct BitReader<'s> {
    stream: &'s [u8],
    bit: usize,
    end: usize,
}

impl<'s> BitReader<'s> {
    pub(crate) fn new(stream: &'s [u8], spare: u8) -> Self {
        Self { stream, bit: 0, end: (stream.len() * 8).saturating_sub(usize::from(spare)) }
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.bit >= self.end
    }

    /// An error if more bits were read than there are; they read as 0.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.bit <= self.end { Ok(()) } else { Err(Error::Malformed("bit stream")) }
    }

    /// At least the next 57 bits, without taking them.
    #[inline]
    pub(crate) fn peek(&self) -> u64 {
        let at = self.bit / 8;
        let word = match self.stream.get(at..at + 8).and_then(|bytes| bytes.first_chunk()) {
            Some(bytes) => u64::from_le_bytes(*bytes),
            None => self.last_word(at),
        };
        word >> (self.bit % 8)
    }

    #[cold]
    fn last_word(&self, at: usize) -> u64 {
        let mut word = [0; 8];
        let rest = self.stream.get(at..).unwrap_or_default();
        word[..rest.len()].copy_from_slice(rest);
        u64::from_le_bytes(word)
    }

    #[inline]
    pub(crate) fn skip(&mut self, bits: u32) {
        self.bit += bits as usize;
    }

    #[inline]
    pub(crate) fn take(&mut self, bits: u32) -> u64 {
        let number = self.peek() & mask(bits);
        self.skip(bits);
        number
    }

    pub(crate) fn take_long(&mut self) -> u64 {
        let length = self.take(6) as u32;
        let low = self.take(BITS_MAX.min(length + 1));
        if length < BITS_MAX { low } else { low | self.take(length + 1 - BITS_MAX) << BITS_MAX }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_any_length_come_back_across_interruptions() {
        let mut stream = Vec::new();
        let mut spare = 0;
        for bit in 0..64 {
            let mut writer = BitWriter::new(&mut stream, spare);
            writer.put(u64::from(bit % 2 == 0), 1);
            writer.put_long(u64::MAX >> bit);
            writer.put_long(1 << bit);
            writer.put(5, 3);
            spare = writer.finish();
        }
        let mut reader = BitReader::new(&stream, spare);
        for bit in 0..64 {
            assert_eq!(reader.take(1), u64::from(bit % 2 == 0));
            assert_eq!(reader.take_long(), u64::MAX >> bit);
            assert_eq!(reader.take_long(), 1 << bit);
            assert_eq!(reader.take(3), 5);
        }
        assert!(reader.is_at_end());
        assert_eq!(reader.check(), Ok(()));
        reader.take(1);
        assert!(reader.check().is_err());
    }
}
