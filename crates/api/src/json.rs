//! JSON by hand, for answers of a thousand points.

use model::{Timestamp, Value};
use serde::de::IgnoredAny;

/// A string, quoted and escaped.
pub(crate) fn text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&text.as_bytes()[plain..at]);
        plain = at + 1;
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(br"\n"),
            b'\r' => out.extend_from_slice(br"\r"),
            b'\t' => out.extend_from_slice(br"\t"),
            control => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                let digits = [HEX[usize::from(control >> 4)], HEX[usize::from(control & 15)]];
                out.extend_from_slice(br"\u00");
                out.extend_from_slice(&digits);
            }
        }
    }
    out.extend_from_slice(&text.as_bytes()[plain..]);
    out.push(b'"');
}

/// A number that has no fraction.
pub(crate) fn whole(out: &mut Vec<u8>, number: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// A number: without a fraction if it has none, else the shortest decimal that reads back as the
/// same number; without an exponent between 1e-20 and 1e22. What JSON has no number for is `null`.
pub(crate) fn number(out: &mut Vec<u8>, number: f64) {
    const WHOLE_MAX: f64 = 1e15;
    if !number.is_finite() {
        out.extend_from_slice(b"null");
    } else if number.abs() < WHOLE_MAX && number.trunc() == number {
        whole(out, number as i64);
    } else {
        let mut buffer = zmij::Buffer::new();
        let shortest = buffer.format_finite(number);
        match shortest.split_once('e') {
            None => out.extend_from_slice(shortest.strip_suffix(".0").unwrap_or(shortest).as_bytes()),
            Some((digits, exponent)) => match exponent.parse() {
                Ok(exponent @ -20..=21) => without_exponent(out, digits, exponent),
                _ => out.extend_from_slice(shortest.as_bytes()),
            },
        }
    }
}

/// Writes `d.ddd` times ten to the power of `exponent` as a plain decimal.
fn without_exponent(out: &mut Vec<u8>, number: &str, exponent: i32) {
    let unsigned = number.strip_prefix('-').unwrap_or(number);
    if unsigned.len() < number.len() {
        out.push(b'-');
    }
    let (units, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = units.bytes().chain(fraction.bytes());
    let count = units.len() + fraction.len();
    // How many digits stand before the point.
    let point = units.len() as i32 + exponent;
    if point <= 0 {
        out.extend_from_slice(b"0.");
        out.extend(std::iter::repeat_n(b'0', point.unsigned_abs() as usize));
        out.extend(digits);
    } else {
        let point = point as usize;
        for (at, digit) in digits.enumerate() {
            if at == point {
                out.push(b'.');
            }
            out.push(digit);
        }
        out.extend(std::iter::repeat_n(b'0', point.saturating_sub(count)));
    }
}

/// An instant, quoted.
pub(crate) fn time(out: &mut Vec<u8>, at: Timestamp) {
    out.push(b'"');
    out.extend_from_slice(&at.iso());
    out.push(b'"');
}

/// The value of a reading: a number, a string, or the list that it is.
pub(crate) fn value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Number(given) => number(out, *given),
        Value::Text(given) => text(out, given),
        // One list that is no JSON would make the whole answer unreadable.
        Value::Json(raw) if serde_json::from_str::<IgnoredAny>(raw).is_ok() => out.extend_from_slice(raw.as_bytes()),
        Value::Json(raw) => text(out, raw),
    }
}

/// Writes items between brackets, with commas.
pub(crate) fn list<T>(out: &mut Vec<u8>, items: impl IntoIterator<Item = T>, mut write: impl FnMut(&mut Vec<u8>, T)) {
    out.push(b'[');
    let mut first = true;
    for item in items {
        if !first {
            out.push(b',');
        }
        first = false;
        write(out, item);
    }
    out.push(b']');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[track_caller]
    fn check(given: f64, expected: &str) {
        assert_eq!(written(|out| number(out, given)), expected);
    }

    #[test]
    fn numbers_have_a_fraction_only_if_they_need_one() {
        check(0.0, "0");
        check(-0.0, "0");
        check(26.0, "26");
        check(-26.52, "-26.52");
        check(21.4, "21.4");
        check(0.1 + 0.2, "0.30000000000000004");
        check(101_325.5, "101325.5");
        check(999_999_999_999_999.0, "999999999999999");
    }

    #[test]
    fn numbers_have_an_exponent_only_where_it_would_be_absurd_without() {
        check(1e15, "1000000000000000");
        check(1.234_567_8e20, "123456780000000000000");
        check(-1.5e16, "-15000000000000000");
        check(1e-7, "0.0000001");
        check(-1.25e-9, "-0.00000000125");
        check(1e300, "1e+300");
        check(f64::NAN, "null");
        check(f64::NEG_INFINITY, "null");
    }

    #[test]
    fn a_list_that_is_no_json_becomes_a_string() {
        let raw = Value::Json(r#"[{"mac":"AA","rssi":-70}]"#.into());
        assert_eq!(written(|out| value(out, &raw)), r#"[{"mac":"AA","rssi":-70}]"#);
        assert_eq!(written(|out| value(out, &Value::Json("[1,".into()))), r#""[1,""#);
        assert_eq!(written(|out| value(out, &Value::text("1.6"))), r#""1.6""#);
    }

    proptest! {
        #[test]
        fn every_finite_number_reads_back_to_the_last_bit(bits: u64) {
            let given = f64::from_bits(bits);
            prop_assume!(given.is_finite());
            let text = written(|out| number(out, given));
            prop_assert_eq!(serde_json::from_str::<f64>(&text).unwrap(), given, "{}", text);
        }

        #[test]
        fn ordinary_numbers_are_plain_decimals(given in -1e12..1e12, scale in 0i32..8) {
            let given = f64::round(given * 10f64.powi(scale)) / 10f64.powi(scale);
            let text = written(|out| number(out, given));
            prop_assert!(!text.contains(['e', 'E']) && !text.ends_with(".0"), "{}", text);
            prop_assert_eq!(serde_json::from_str::<f64>(&text).unwrap(), given);
        }

        #[test]
        fn every_text_reads_back(given: String) {
            let text = written(|out| text(out, &given));
            prop_assert_eq!(serde_json::from_str::<String>(&text).unwrap(), given);
        }

        #[test]
        fn every_list_reads_back(given: Vec<i64>) {
            let text = written(|out| list(out, &given, |out, item| whole(out, *item)));
            prop_assert_eq!(serde_json::from_str::<Vec<i64>>(&text).unwrap(), given);
        }
    }
}
