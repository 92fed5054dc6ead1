//! A column of numbers: decimals as integers, or raw bits.
//!
//! **Shape** of decimals: a byte, 1 and above it four bits with the index of the scale; a varint with how
//! many numbers are no such decimal; for each the distance from the one before and its eight bytes;
//! the integers. Of raw numbers: a byte 0, then eight bytes each.

use crate::{
    Error, decimal,
    ints::{put_ints, read_ints},
    varint::{Input, put},
};

pub(crate) const RAW: u8 = 0;
pub(crate) const DECIMAL: u8 = 1;

/// Appends a column of at least one number.
pub(crate) fn put_numbers(out: &mut Vec<u8>, numbers: &[f64]) {
    let start = out.len();
    let mut integers = Vec::with_capacity(numbers.len());
    let mut odd = Vec::new();
    if let Some(index) = scale_of_most(numbers) {
        let scale = decimal::scale(index);
        let mut before = numbers.iter().find_map(|number| decimal::integer(*number, scale)).unwrap_or_default();
        for (index, number) in numbers.iter().enumerate() {
            match decimal::integer(*number, scale) {
                Some(integer) => before = integer,
                None => odd.push((index, number)),
            }
            integers.push(before);
        }
        out.push(DECIMAL | index << 4);
        put(out, odd.len() as u64);
        let mut next = 0;
        for (index, number) in odd {
            put(out, (index - next) as u64);
            out.extend_from_slice(&number.to_bits().to_le_bytes());
            next = index + 1;
        }
        put_ints(out, &integers, 0);
    }
    if out.len() == start || out.len() - start > 1 + numbers.len() * 8 {
        out.truncate(start);
        out.push(RAW);
        out.extend(numbers.iter().flat_map(|number| number.to_bits().to_le_bytes()));
    }
}

/// The coarsest scale that fits all that fit any; none when no number does.
fn scale_of_most(numbers: &[f64]) -> Option<decimal::ScaleIndex> {
    let mut index = 0;
    let mut found = false;
    for number in numbers {
        if decimal::integer(*number, decimal::scale(index)).is_some() {
            found = true;
        } else if let Some(finer) = decimal::scale_of(*number, index + 1) {
            index = finer;
            found = true;
        }
    }
    found.then_some(index)
}

/// Reads a column of `cells` numbers that fills `input`, whose first byte, `head`, has been read.
pub(crate) fn read_numbers(head: u8, mut input: Input<'_>, cells: usize, out: &mut Vec<f64>) -> Result<(), Error> {
    out.clear();
    if head == RAW {
        let bytes = input.take(cells * 8)?;
        out.extend(bytes.as_chunks().0.iter().map(|bits| f64::from_bits(u64::from_le_bytes(*bits))));
        return input.finish();
    }
    if head & 0xf != DECIMAL || head >> 4 > decimal::FINEST {
        return Err(input.malformed());
    }
    let odd = input.count(cells)?;
    let before_odd = input;
    for _ in 0..odd {
        input.number()?;
        input.take(8)?;
    }
    let scale = decimal::scale(head >> 4);
    read_ints(input, cells, 0, out, |integer| integer as f64 / scale)?;
    let (mut input, mut next) = (before_odd, 0usize);
    for _ in 0..odd {
        let index = next + input.count(cells)?;
        let number = f64::from_bits(u64::from_le_bytes(input.array()?));
        *out.get_mut(index).ok_or(input.malformed())? = number;
        next = index + 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(numbers: &[f64]) -> usize {
        let mut out = Vec::new();
        put_numbers(&mut out, numbers);
        let mut back = vec![7.0];
        read_numbers(out[0], Input::new(&out[1..], "numbers"), numbers.len(), &mut back).unwrap();
        let bits = |numbers: &[f64]| numbers.iter().map(|number| number.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&back), bits(numbers));
        out.len()
    }

    #[test]
    fn one_odd_number_costs_ten_bytes() {
        let mut numbers: Vec<f64> = (0..128).map(|tick| f64::from(200 + tick % 3) / 10.0).collect();
        let usual = check(&numbers);
        numbers[77] = f64::NAN;
        assert!(check(&numbers) <= usual + 10);
        numbers[0] = -0.0;
        assert!(check(&numbers) <= usual + 20);
    }

    #[test]
    fn full_doubles_cost_eight_bytes() {
        let numbers: Vec<f64> = (1..100).map(|tick| f64::from(tick).sqrt().sin()).collect();
        assert_eq!(check(&numbers), 1 + 99 * 8);
    }

    #[test]
    fn decimals_that_do_not_fit_with_the_others_come_back() {
        check(&[0.000_000_001, 2e15, 1.0]);
        check(&[2e15, 0.5]);
        check(&[f64::NAN]);
    }
}
