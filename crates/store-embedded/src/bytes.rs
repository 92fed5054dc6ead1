//! Varints and values as bytes: the small alphabet of the log, device states and frames.

use model::Value;
use thiserror::Error;

/// Bytes that are not what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("damaged: {0}")]
pub(crate) struct Damaged(pub(crate) &'static str);

pub(crate) fn put_u64(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

pub(crate) fn put_i64(out: &mut Vec<u8>, number: i64) {
    put_u64(out, ((number << 1) ^ (number >> 63)) as u64);
}

pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_u64(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Tags of values: up to this one, a decimal with so many fraction digits.
const DECIMAL_MAX: u8 = 6;
const RAW: u8 = 7;
const TEXT: u8 = 8;
const JSON: u8 = 9;

const POWERS: [f64; DECIMAL_MAX as usize + 1] = [1.0, 10.0, 100.0, 1_000.0, 10_000.0, 100_000.0, 1_000_000.0];

/// The shortest decimal that divides back to exactly this number.
fn as_decimal(number: f64) -> Option<(u8, i64)> {
    for (digits, power) in POWERS.iter().enumerate() {
        let scaled = number * power;
        if scaled.abs() >= 9.0e15 {
            return None;
        }
        let integer = (scaled + 0.5_f64.copysign(scaled)) as i64;
        if (integer as f64 / power).to_bits() == number.to_bits() {
            return Some((digits as u8, integer));
        }
    }
    None
}

pub(crate) fn put_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Number(number) => {
            if let Some((digits, integer)) = as_decimal(*number) {
                out.push(digits);
                put_i64(out, integer);
            } else {
                out.push(RAW);
                out.extend_from_slice(&number.to_bits().to_le_bytes());
            }
        }
        Value::Text(text) => {
            out.push(TEXT);
            put_bytes(out, text.as_bytes());
        }
        Value::Json(text) => {
            out.push(JSON);
            put_bytes(out, text.as_bytes());
        }
    }
}

/// Reads from the front of some bytes.
#[derive(Debug, Clone)]
pub(crate) struct Take<'a>(pub(crate) &'a [u8]);

impl<'a> Take<'a> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Damaged> {
        let (first, rest) = self.0.split_first().ok_or(Damaged("it ends early"))?;
        self.0 = rest;
        Ok(*first)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Damaged> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            number |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Damaged("a number is too long"))
    }

    pub(crate) fn i64(&mut self) -> Result<i64, Damaged> {
        let folded = self.u64()?;
        Ok((folded >> 1) as i64 ^ -((folded & 1) as i64))
    }

    /// A number that counts things of at least one byte each, so that what it counts can be
    /// allocated without fear.
    pub(crate) fn count(&mut self) -> Result<usize, Damaged> {
        let count = self.u64()?;
        if count > self.0.len() as u64 { Err(Damaged("a count is too large")) } else { Ok(count as usize) }
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Damaged> {
        let (array, rest) = self.0.split_first_chunk().ok_or(Damaged("it ends early"))?;
        self.0 = rest;
        Ok(*array)
    }

    pub(crate) fn slice(&mut self, len: usize) -> Result<&'a [u8], Damaged> {
        let (slice, rest) = self.0.split_at_checked(len).ok_or(Damaged("it ends early"))?;
        self.0 = rest;
        Ok(slice)
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Damaged> {
        let len = self.count()?;
        self.slice(len)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, Damaged> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Damaged("a text is not UTF-8"))
    }

    pub(crate) fn value(&mut self) -> Result<Value, Damaged> {
        Ok(match self.u8()? {
            digits @ 0..=DECIMAL_MAX => Value::Number(self.i64()? as f64 / POWERS[usize::from(digits)]),
            RAW => Value::Number(f64::from_bits(u64::from_le_bytes(self.array()?))),
            TEXT => Value::Text(self.text()?.into()),
            JSON => Value::Json(self.text()?.into()),
            _ => return Err(Damaged("a value has an unknown tag")),
        })
    }
}

/// Puts a CRC-32 behind everything written so far.
pub(crate) fn close(out: &mut Vec<u8>) {
    let sum = crc32fast::hash(out);
    out.extend_from_slice(&sum.to_le_bytes());
}

/// Checks the CRC-32 at the end and gives what stands before it.
pub(crate) fn open(bytes: &[u8]) -> Result<Take<'_>, Damaged> {
    let (body, sum) = bytes.split_last_chunk::<4>().ok_or(Damaged("it is too short"))?;
    if crc32fast::hash(body) == u32::from_le_bytes(*sum) {
        Ok(Take(body))
    } else {
        Err(Damaged("the checksum differs"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn reads_back(value: &Value) {
        let mut out = Vec::new();
        put_value(&mut out, value);
        let mut take = Take(&out);
        let back = take.value();
        assert!(back.as_ref().is_ok_and(|back| back.same(value)) && take.is_empty(), "{value:?} came back as {back:?}");
    }

    #[test]
    fn odd_numbers_read_back_to_the_last_bit() {
        let odd = [
            0.0,
            -0.0,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::MIN_POSITIVE,
            f64::MAX,
            0.1 + 0.2,
            1e15,
            9.1e15,
        ];
        for number in odd {
            reads_back(&Value::Number(number));
        }
    }

    proptest! {
        #[test]
        fn numbers_read_back(bits: u64, integer in -10_000_000_i64..10_000_000, digits in 0_usize..6) {
            reads_back(&Value::Number(f64::from_bits(bits)));
            reads_back(&Value::Number(integer as f64 / POWERS[digits]));
        }

        #[test]
        fn integers_read_back(unsigned: u64, signed: i64) {
            let mut out = Vec::new();
            put_u64(&mut out, unsigned);
            put_i64(&mut out, signed);
            let mut take = Take(&out);
            prop_assert_eq!(take.u64(), Ok(unsigned));
            prop_assert_eq!(take.i64(), Ok(signed));
        }

        #[test]
        fn any_bytes_are_a_value_or_damaged(bytes: Vec<u8>) {
            let _ = Take(&bytes).value();
            let _ = Take(&bytes).text();
        }
    }
}
