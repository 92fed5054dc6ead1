//! JSON by hand, for answers of a thousand points.

use model::{IsoTimes, Timestamp, Value, write_decimal};
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

/// A number as [`write_decimal`] has it. What JSON has no number for is `null`.
pub(crate) fn number(out: &mut Vec<u8>, number: f64) {
    if number.is_finite() { write_decimal(out, number) } else { out.extend_from_slice(b"null") }
}

/// An instant, quoted.
pub(crate) fn time(out: &mut Vec<u8>, times: &mut IsoTimes, at: Timestamp) {
    out.push(b'"');
    out.extend_from_slice(times.of(at));
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

    #[test]
    fn what_json_has_no_number_for_is_null() {
        for (given, expected) in [(21.4, "21.4"), (f64::NAN, "null"), (f64::NEG_INFINITY, "null")] {
            assert_eq!(written(|out| number(out, given)), expected);
        }
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
