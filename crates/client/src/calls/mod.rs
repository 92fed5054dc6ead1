//! The calls of the API, by what they are about.

pub(crate) mod data;
pub(crate) mod devices;
pub(crate) mod groups;

use model::Timestamp;
use serde::{Deserialize, Deserializer, de::Error};

/// What a call answers that returns nothing.
pub(crate) type Nothing = serde_json::Value;

/// A time as the contract writes it; none for an empty one and for 1970.
pub(crate) fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?.unwrap_or_default();
    if text.is_empty() {
        return Ok(None);
    }
    let instant: jiff::Timestamp = text.parse().map_err(|_| D::Error::custom(format!("`{text}` is no time")))?;
    Ok(Some(Timestamp::from_millis(instant.as_millisecond())).filter(|at| *at != Timestamp::EPOCH))
}

/// A number that may be written as a text.
pub(crate) fn loose<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::Number(number) => number.as_f64().map(|number| number as i64),
        serde_json::Value::String(text) if text.is_empty() => Some(0),
        serde_json::Value::String(text) => text.parse().ok(),
        serde_json::Value::Null => Some(0),
        _ => None,
    }
    .ok_or_else(|| D::Error::custom("a whole number is needed"))
}
