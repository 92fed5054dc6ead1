//! JSON that other people's programs write: numbers as text, fields that are something else than
//! they were last year.

use std::fmt;

use serde::{Deserialize, Deserializer, de};
use serde_json::value::RawValue;

/// A field that is taken if it has the expected shape, and is as if absent otherwise.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Lenient<T>(pub(crate) Option<T>);

impl<T> Default for Lenient<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        Ok(Self(serde_json::from_str(raw.get()).ok()))
    }
}

/// A number, or a text that is one: Protobuf's JSON writes 64-bit numbers as text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Number(pub(crate) f64);

impl Number {
    /// The number, if it is whole and not negative and fits.
    pub(crate) fn whole<T: TryFrom<u64>>(self) -> Option<T> {
        let is_exact = self.0.fract() == 0.0 && (0.0..9_007_199_254_740_992.0).contains(&self.0);
        is_exact.then_some(self.0 as u64).and_then(|whole| T::try_from(whole).ok())
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Number, E> {
                Ok(Number(number as f64))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Number, E> {
                Ok(Number(number as f64))
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Number, E> {
                Ok(Number(number))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Number, E> {
                let number = text.trim().parse().ok().filter(|number: &f64| number.is_finite());
                number.map(Number).ok_or_else(|| E::invalid_value(de::Unexpected::Other("another text"), &self))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

/// Whether brackets outside of strings nest deeper than so many.
pub(crate) fn nests_deeper(json: &[u8], depth_max: usize) -> bool {
    // Most bodies have too few brackets, wherever they stand, and to count them is quick.
    let brackets = json.iter().filter(|byte| matches!(byte, b'{' | b'[')).count();
    brackets > depth_max && depth(json) > depth_max
}

/// How deep the brackets outside of strings nest.
fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut is_quoted, mut is_escaped) = (false, false);
    for byte in json {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b'{' | b'[' if !is_quoted => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !is_quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_within_strings_do_not_nest() {
        assert_eq!(depth(br#"{"a":[{"b":"}}[[["}],"c":"\"[["}"#), 3);
        assert_eq!(depth(b"]]]["), 1);
        assert_eq!(depth(b"7"), 0);
        assert!(!nests_deeper(br#"{"a":[{"b":"}}[[["}],"c":"\"[["}"#, 3));
        assert!(nests_deeper(br#"{"a":[{"b":"}}[[["}],"c":"\"[["}"#, 2));
        assert!(!nests_deeper(b"[[]]", 2));
    }

    #[test]
    fn numbers_may_be_text() {
        let read = |json| serde_json::from_str::<Number>(json).ok().map(|number| number.0);
        assert_eq!(read("7"), Some(7.0));
        assert_eq!(read("-7.5"), Some(-7.5));
        assert_eq!(read("\" 868100000 \""), Some(868_100_000.0));
        for json in ["\"\"", "\"NaN\"", "\"inf\"", "null", "true", "[]"] {
            assert_eq!(read(json), None, "{json}");
        }
    }

    #[test]
    fn a_whole_number_fits_or_is_none() {
        assert_eq!(Number(255.0).whole(), Some(255_u8));
        assert_eq!(Number(256.0).whole::<u8>(), None);
        assert_eq!(Number(-1.0).whole::<u8>(), None);
        assert_eq!(Number(0.5).whole::<u8>(), None);
    }

    #[test]
    fn a_field_of_another_shape_is_absent() {
        let read = |json| serde_json::from_str::<Lenient<Vec<Number>>>(json).unwrap().0;
        assert_eq!(read("[1]"), Some(vec![Number(1.0)]));
        assert_eq!(read("{\"a\":[1]}"), None);
        assert_eq!(read("null"), None);
    }
}
