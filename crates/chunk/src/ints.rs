//! A column of integers.
//!
//! **Shape**: a byte with the mode; the first number less `origin`, zigzag varint. A constant column
//! ends here. If the mode has the step bit, a varint with the greatest common divisor of all
//! distances from the first number; distances below count in it. Then one of
//! - plain: per block the least number less the least of the block before, zigzag varint, and the
//!   distances from it;
//! - delta: the usual difference between neighbours, zigzag varint, and blocks of what the
//!   differences are away from it, zigzag; the first number has a difference of its own to itself.
//!
//! All arithmetic wraps, so that every column of 64-bit numbers fits.

use crate::{
    Error,
    block::{BLOCK, put_block, read_block},
    varint::{Input, put, put_signed, unzigzag, zigzag},
};

const CONSTANT: u8 = 0;
const PLAIN: u8 = 1;
const DELTA: u8 = 2;
const STEP: u8 = 4;

/// Appends a column of at least one number; `origin` is something the reader knows as well.
pub(crate) fn put_ints(out: &mut Vec<u8>, numbers: &[i64], origin: i64) {
    let Some(first) = numbers.first().copied() else { return };
    let step = step(numbers, first);
    let Some(step) = std::num::NonZeroU64::new(step) else {
        out.push(CONSTANT);
        put_signed(out, first.wrapping_sub(origin));
        return;
    };
    let step = step.get() as i64;
    let distances: Vec<i64> = match step {
        1 => numbers.iter().map(|number| number.wrapping_sub(first)).collect(),
        _ => numbers.iter().map(|number| number.wrapping_sub(first) / step).collect(),
    };
    let (plain, delta) = (plain(&distances), delta(&distances));
    let (mode, blocks) = if plain.len() < delta.len() { (PLAIN, plain) } else { (DELTA, delta) };
    out.push(if step == 1 { mode } else { mode | STEP });
    put_signed(out, first.wrapping_sub(origin));
    if step != 1 {
        put(out, step as u64);
    }
    out.extend_from_slice(&blocks);
}

/// The greatest common divisor of the distances from `first`; 0 when there is none.
fn step(numbers: &[i64], first: i64) -> u64 {
    let mut step = 0u64;
    for number in numbers {
        let distance = number.wrapping_sub(first).unsigned_abs();
        if step == 1 || step > i64::MAX as u64 {
            return 1;
        }
        if step == 0 || distance % step != 0 {
            let mut other = distance;
            while other != 0 {
                (step, other) = (other, step % other);
            }
        }
    }
    if step > i64::MAX as u64 { 1 } else { step }
}

fn plain(distances: &[i64]) -> Vec<u8> {
    let mut out = Vec::with_capacity(distances.len() * 2);
    let mut before = 0i64;
    let mut block = [0; BLOCK];
    for part in distances.chunks(BLOCK) {
        let least = part.iter().copied().min().unwrap_or_default();
        put_signed(&mut out, least.wrapping_sub(before));
        before = least;
        for (cell, distance) in block.iter_mut().zip(part) {
            *cell = distance.wrapping_sub(least) as u64;
        }
        put_block(&mut out, &block[..part.len()]);
    }
    out
}

fn delta(distances: &[i64]) -> Vec<u8> {
    let mut before = 0i64;
    let mut deltas: Vec<i64> = Vec::with_capacity(distances.len());
    for distance in distances {
        deltas.push(distance.wrapping_sub(before));
        before = *distance;
    }
    let mut ordered = deltas.clone();
    let middle = ordered.len() / 2;
    let usual = *ordered.select_nth_unstable(middle).1;

    let mut out = Vec::with_capacity(distances.len() * 2);
    put_signed(&mut out, usual);
    let mut block = [0; BLOCK];
    // The first difference is 0 and would be the only one far from the usual.
    if let Some(first) = deltas.first_mut() {
        *first = usual;
    }
    for part in deltas.chunks(BLOCK) {
        for (cell, delta) in block.iter_mut().zip(part) {
            *cell = zigzag(delta.wrapping_sub(usual));
        }
        put_block(&mut out, &block[..part.len()]);
    }
    out
}

/// Reads a column block by block.
pub(crate) struct Ints<'a> {
    input: Input<'a>,
    mode: u8,
    step: i64,
    /// What [`plain`] counts from, or the number before.
    base: i64,
    usual: i64,
    left: usize,
    block: [u64; BLOCK],
}

impl<'a> Ints<'a> {
    /// A column of `numbers` numbers that fills `input`.
    pub(crate) fn new(mut input: Input<'a>, numbers: usize, origin: i64) -> Result<Self, Error> {
        let mode = input.byte()?;
        let first = origin.wrapping_add(input.signed()?);
        let step = if mode & STEP == 0 { 1 } else { input.number()? as i64 };
        let mut ints =
            Self { input, mode: mode & !STEP, step, base: first, usual: 0, left: numbers, block: [0; BLOCK] };
        match ints.mode {
            CONSTANT | PLAIN => {}
            DELTA => {
                ints.usual = ints.input.signed()?.wrapping_mul(step);
                ints.base = first.wrapping_sub(ints.usual);
            }
            _ => return Err(input.malformed()),
        }
        Ok(ints)
    }

    /// The next up to [`BLOCK`] numbers, at the start of `out`; none at the end.
    pub(crate) fn next_block<'o>(&mut self, out: &'o mut [i64; BLOCK]) -> Result<&'o [i64], Error> {
        let out = &mut out[..self.left.min(BLOCK)];
        if out.is_empty() {
            self.input.finish()?;
            return Ok(out);
        }
        self.left -= out.len();
        let block = &mut self.block[..out.len()];
        match self.mode {
            CONSTANT => out.fill(self.base),
            PLAIN => {
                self.base = self.base.wrapping_add(self.input.signed()?.wrapping_mul(self.step));
                read_block(&mut self.input, block)?;
                for (out, distance) in out.iter_mut().zip(block) {
                    *out = self.base.wrapping_add((*distance as i64).wrapping_mul(self.step));
                }
            }
            _ => {
                read_block(&mut self.input, block)?;
                let (mut number, step, usual) = (self.base, self.step, self.usual);
                for (out, delta) in out.iter_mut().zip(block) {
                    number = number.wrapping_add(unzigzag(*delta).wrapping_mul(step).wrapping_add(usual));
                    *out = number;
                }
                self.base = number;
            }
        }
        Ok(out)
    }
}

/// Reads a column of `numbers` numbers that fills `bytes` into `out`, as `T`.
pub(crate) fn read_ints<T>(
    input: Input<'_>,
    numbers: usize,
    origin: i64,
    out: &mut Vec<T>,
    as_t: impl Fn(i64) -> T,
) -> Result<(), Error> {
    let mut ints = Ints::new(input, numbers, origin)?;
    let mut block = [0; BLOCK];
    out.clear();
    out.reserve(numbers);
    loop {
        let part = ints.next_block(&mut block)?;
        if part.is_empty() {
            return Ok(());
        }
        out.extend(part.iter().map(|number| as_t(*number)));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(numbers: &[i64]) -> usize {
        let mut out = Vec::new();
        put_ints(&mut out, numbers, 1_000);
        let mut back = vec![7];
        read_ints(Input::new(&out, "ints"), numbers.len(), 1_000, &mut back, |number| number).unwrap();
        assert_eq!(back, numbers);
        out.len()
    }

    proptest! {
        #[test]
        fn any_column_comes_back(
            numbers in proptest::collection::vec((any::<i64>(), 0..3usize), 1..400),
            (usual, rare) in (0..64u32, 0..64u32),
            step in prop_oneof![Just(1), 1..2_000i64, any::<i64>()],
        ) {
            let shift = |kind: usize| if kind == 0 { rare } else { usual };
            let numbers: Vec<i64> =
                numbers.into_iter().map(|(number, kind)| (number >> shift(kind)).wrapping_mul(step)).collect();
            check(&numbers);
            let mut sum = 0i64;
            let sums: Vec<i64> = numbers.iter().map(|number| { sum = sum.wrapping_add(*number); sum }).collect();
            check(&sums);
        }
    }

    #[test]
    fn the_ends_of_the_range_come_back() {
        check(&[i64::MIN, i64::MAX]);
        check(&[i64::MAX, i64::MIN, 0, -1, i64::MIN, i64::MIN]);
        check(&[0, i64::MIN, 0, i64::MIN]);
    }

    #[test]
    fn regular_columns_are_nearly_free() {
        assert!(check(&[42; 4_032]) <= 4);
        assert!(check(&(0..4_032).map(|tick| tick * 300_000).collect::<Vec<_>>()) <= 60);
        let whole_seconds: Vec<i64> = (0..128).map(|tick| (tick * 300 + tick * tick % 7) * 1_000).collect();
        assert!(check(&whole_seconds) <= 128 * 4 / 8 + 12);
    }
}
