//! Numbers of a fixed width, one after the other, lowest bit first: for the last block of a column,
//! which a packer of whole blocks would have to fill up, and for numbers above 32 bits.

/// The most numbers packed at once.
pub(crate) const NUMBERS_MAX: usize = 128;

const PADDING: usize = 16;

/// How many bytes `numbers` of `width` bits take.
pub(crate) const fn packed_bytes(numbers: usize, width: u32) -> usize {
    (numbers * width as usize).div_ceil(8)
}

/// Appends the lowest `width` bits of each number.
pub(crate) fn pack(out: &mut Vec<u8>, numbers: &[u64], width: u32) {
    if width == 0 {
        return;
    }
    let end = out.len() + packed_bytes(numbers.len(), width);
    let (mut gathered, mut bits) = (0u128, 0);
    for number in numbers {
        gathered |= u128::from(number & mask(width)) << bits;
        bits += width;
        if bits >= 64 {
            out.extend_from_slice(&(gathered as u64).to_le_bytes());
            gathered >>= 64;
            bits -= 64;
        }
    }
    out.extend_from_slice(&(gathered as u64).to_le_bytes());
    out.truncate(end);
}

/// Reads numbers of `width` bits from exactly the bytes that [`pack`] wrote.
pub(crate) fn unpack(packed: &[u8], width: u32, numbers: &mut [u64]) {
    let mut padded = [0; NUMBERS_MAX * 8 + PADDING];
    padded[..packed.len()].copy_from_slice(packed);
    let mut bit = 0;
    for number in numbers {
        let at = bit / 8;
        let shift = bit % 8;
        *number = if width <= 56 {
            let mut word = [0; 8];
            word.copy_from_slice(&padded[at..at + 8]);
            u64::from_le_bytes(word) >> shift
        } else {
            let mut word = [0; 16];
            word.copy_from_slice(&padded[at..at + 16]);
            (u128::from_le_bytes(word) >> shift) as u64
        } & mask(width);
        bit += width as usize;
    }
}

/// The lowest `width` bits, of which there are at most 64.
pub(crate) const fn mask(width: u32) -> u64 {
    if width == 0 { 0 } else { u64::MAX >> (64 - width) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_width_and_length_comes_back() {
        let mut state = 1u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state ^ (state >> 29)
        };
        for width in 0..=64 {
            for length in [1, 2, 7, 31, 100, 127, NUMBERS_MAX] {
                let numbers: Vec<u64> = (0..length).map(|_| next() & mask(width)).collect();
                let mut packed = Vec::new();
                pack(&mut packed, &numbers, width);
                assert_eq!(packed.len(), packed_bytes(length, width));
                let mut back = vec![0; length];
                unpack(&packed, width, &mut back);
                assert_eq!(back, numbers, "{width} bits");
            }
        }
    }
}
