//! Up to 128 numbers packed to the width that suits most of them; those that need more are patched.
//!
//! **Shape**: a byte with the width in bits (0 to 64) and, as its highest bit, whether numbers are
//! patched; if so a byte with how many; the packed lowest bits of all; for each patched number a
//! byte with its index; for each patched number a varint with its bits above the width.

use bitpacking::{BitPacker, BitPacker4x};

use crate::{
    Error,
    bits::{mask, pack, packed_bytes, unpack},
    varint::{Input, put},
};

/// The most numbers in a block.
pub(crate) const BLOCK: usize = crate::bits::NUMBERS_MAX;

const PATCHED: u8 = 0x80;

/// Appends a block of 1 to [`BLOCK`] numbers.
pub(crate) fn put_block(out: &mut Vec<u8>, numbers: &[u64]) {
    let width = best_width(numbers);
    let patched = numbers.iter().filter(|number| **number > mask(width)).count();
    if patched == 0 {
        out.push(width as u8);
        put_packed(out, numbers, width);
        return;
    }
    out.extend_from_slice(&[width as u8 | PATCHED, patched as u8]);
    put_packed(out, numbers, width);
    let large = || numbers.iter().enumerate().filter(|(_, number)| **number > mask(width));
    out.extend(large().map(|(index, _)| index as u8));
    for (_, number) in large() {
        put(out, number >> width);
    }
}

/// Reads a block of `numbers.len()` numbers.
pub(crate) fn read_block(input: &mut Input<'_>, numbers: &mut [u64]) -> Result<(), Error> {
    let head = input.byte()?;
    let width = u32::from(head & !PATCHED);
    if width > 64 {
        return Err(input.malformed());
    }
    let patched = if head & PATCHED == 0 { 0 } else { usize::from(input.byte()?) };
    read_packed(input, numbers, width)?;
    if patched > 0 {
        let indices = input.take(patched)?;
        for index in indices {
            let above = input.number()?;
            let number = numbers.get_mut(usize::from(*index)).ok_or(input.malformed())?;
            *number |= above.checked_shl(width).ok_or(input.malformed())?;
        }
    }
    Ok(())
}

fn put_packed(out: &mut Vec<u8>, numbers: &[u64], width: u32) {
    if numbers.len() < BLOCK || width > 32 {
        return pack(out, numbers, width);
    }
    let mut low = [0; BLOCK];
    for (low, number) in low.iter_mut().zip(numbers) {
        *low = (*number & mask(width)) as u32;
    }
    let start = out.len();
    out.resize(start + packed_bytes(BLOCK, width), 0);
    BitPacker4x::new().compress(&low, &mut out[start..], width as u8);
}

fn read_packed(input: &mut Input<'_>, numbers: &mut [u64], width: u32) -> Result<(), Error> {
    let packed = input.take(packed_bytes(numbers.len(), width))?;
    if width == 0 {
        numbers.fill(0);
    } else if numbers.len() < BLOCK || width > 32 {
        unpack(packed, width, numbers);
    } else {
        let mut low = [0; BLOCK];
        BitPacker4x::new().decompress(packed, &mut low, width as u8);
        for (number, low) in numbers.iter_mut().zip(low) {
            *number = u64::from(low);
        }
    }
    Ok(())
}

/// The width that makes the block smallest.
fn best_width(numbers: &[u64]) -> u32 {
    let mut of_length = [0u32; 65];
    for number in numbers {
        of_length[64 - number.leading_zeros() as usize] += 1;
    }
    let longest = of_length.iter().rposition(|count| *count > 0).unwrap_or_default();
    let mut best = (packed_bytes(numbers.len(), longest as u32), longest);
    for width in 0..longest {
        let mut bytes = packed_bytes(numbers.len(), width as u32) + 1;
        for (above, count) in (1usize..).zip(&of_length[width + 1..=longest]) {
            bytes += *count as usize * (1 + above.div_ceil(7));
        }
        if bytes < best.0 {
            best = (bytes, width);
        }
    }
    best.1 as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_block_comes_back(
            numbers in proptest::collection::vec((any::<u64>(), 0..64u32), 1..=BLOCK),
            usual in 0..64u32,
            is_mixed in any::<bool>(),
        ) {
            let shift = |own: u32| if is_mixed && own < 4 { own } else { usual };
            let numbers: Vec<u64> = numbers.into_iter().map(|(number, own)| number >> shift(own)).collect();
            let mut out = Vec::new();
            put_block(&mut out, &numbers);
            let mut input = Input::new(&out, "block");
            let mut back = vec![7; numbers.len()];
            prop_assert_eq!(read_block(&mut input, &mut back), Ok(()));
            prop_assert_eq!(back, numbers);
            prop_assert_eq!(input.finish(), Ok(()));
        }
    }

    #[test]
    fn one_large_number_does_not_widen_the_block() {
        let mut numbers = [3; BLOCK];
        numbers[70] = 1_000_000;
        let mut out = Vec::new();
        put_block(&mut out, &numbers);
        assert_eq!(out.len(), 2 + BLOCK * 2 / 8 + 1 + 3);
    }
}
