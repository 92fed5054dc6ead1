//! Small numbers in few bits: the quotient by a power of two as that many zeros and a one, then the
//! rest; the power follows what was seen before.

use super::bit_stream::{BitReader, BitWriter};
use crate::bits::mask;

/// As many zeros announce something else.
const ESCAPE_ZEROS: u32 = 12;
/// Steps that the power takes to change by one.
const STEPS: u32 = 8;
const POWER_MAX: u32 = 30;

/// The power of two that suits the numbers seen so far, in steps of an eighth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rice(u8);

impl Rice {
    pub(crate) const fn new(power: u8) -> Self {
        Self(power * STEPS as u8)
    }

    #[inline]
    fn power(self) -> u32 {
        u32::from(self.0) / STEPS
    }

    /// Writes a number, or announces an escape and says so with `false`.
    #[inline]
    pub(crate) fn put(&mut self, writer: &mut BitWriter<'_>, number: u64) -> bool {
        let power = self.power();
        let quotient = number >> power;
        if quotient >= u64::from(ESCAPE_ZEROS) {
            self.escape(writer);
            return false;
        }
        writer.put(1 << quotient, quotient as u32 + 1);
        writer.put(number & mask(power), power);
        self.follow(number);
        true
    }

    /// Announces what is no small number.
    pub(crate) fn escape(&mut self, writer: &mut BitWriter<'_>) {
        writer.put(0, ESCAPE_ZEROS);
        self.grow(2);
    }

    /// Reads a number; none when an escape is announced.
    #[inline]
    pub(crate) fn take(&mut self, reader: &mut BitReader<'_>) -> Option<u64> {
        let word = reader.peek();
        let zeros = word.trailing_zeros();
        if zeros >= ESCAPE_ZEROS {
            reader.skip(ESCAPE_ZEROS);
            self.grow(2);
            return None;
        }
        let power = self.power();
        let number = u64::from(zeros) << power | (word >> (zeros + 1)) & mask(power);
        reader.skip(zeros + 1 + power);
        self.follow(number);
        Some(number)
    }

    /// Without branches, which nobody could predict.
    #[inline]
    fn follow(&mut self, number: u64) {
        let power = self.power();
        let quotient = (number >> power) as u8;
        let is_small = number << 1 >> power == 0;
        self.grow(if quotient >= 2 { quotient - 1 } else { 0 });
        self.0 = self.0.saturating_sub(u8::from(is_small));
    }

    #[inline]
    fn grow(&mut self, steps: u8) {
        self.0 = (self.0 + steps).min((POWER_MAX * STEPS) as u8);
    }
}
