use std::{fs, path::PathBuf};

use codec::{Codec, Decoded, Error};
use model::Value;
use serde::Deserialize;

/// A payload and what it means.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fixture {
    pub(crate) note: String,
    /// Who published the payload; without it, it follows from the byte tables.
    #[serde(default, rename = "source")]
    _source: Option<String>,
    pub(crate) f_port: u8,
    pub(crate) hex: String,
    #[serde(default)]
    rows: Vec<Row>,
    #[serde(default)]
    events: Vec<String>,
    #[serde(default)]
    warnings: Vec<String>,
    /// Then there is nothing else.
    pub(crate) error: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    measured_at_ms: Option<i64>,
    readings: Vec<(u16, u32, Cell)>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Cell {
    Number(f64),
    Text(String),
}

/// Where the fixtures are: one file per model, named as it is in lower case.
pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// The fixtures of a codec.
pub(crate) fn of(codec: &Codec) -> Vec<Fixture> {
    let path = folder().join(codec.model().to_lowercase()).with_extension("json");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every fixture with its codec.
pub(crate) fn all() -> impl Iterator<Item = (&'static Codec, Fixture)> {
    Codec::all().iter().flat_map(|codec| of(codec).into_iter().map(move |fixture| (codec, fixture)))
}

impl Fixture {
    pub(crate) fn payload(&self) -> Vec<u8> {
        let digit = |byte: u8| char::from(byte).to_digit(16).expect("a hex digit") as u8;
        let (pairs, odd) = self.hex.as_bytes().as_chunks::<2>();
        assert!(odd.is_empty(), "{}", self.hex);
        pairs.iter().map(|&[high, low]| digit(high) << 4 | digit(low)).collect()
    }

    /// Says what differs.
    pub(crate) fn check(&self, decoded: Result<Decoded, Error>) -> Result<(), String> {
        let (expected, found) = (self.expected(), found(decoded));
        if expected == found {
            return Ok(());
        }
        Err(format!("{} {}\n  expected {expected:#?}\n  found {found:#?}", self.note, self.hex))
    }

    fn expected(&self) -> Vec<String> {
        let mut lines: Vec<_> = self.error.iter().map(|error| format!("error: {error}")).collect();
        for row in &self.rows {
            lines.push(format!("row at {:?}", row.measured_at_ms));
            lines.extend(row.readings.iter().map(|(channel, id, cell)| match cell {
                // Debug prints the shortest text that only this number has, and the sign of zero.
                Cell::Number(number) => format!("{channel}/{id} {number:?}"),
                Cell::Text(text) => format!("{channel}/{id} {text:?}"),
            }));
        }
        lines.extend(self.events.iter().map(|event| format!("event: {event}")));
        lines.extend(self.warnings.iter().map(|warning| format!("warning: {warning}")));
        lines
    }
}

fn found(decoded: Result<Decoded, Error>) -> Vec<String> {
    let decoded = match decoded {
        Ok(decoded) => decoded,
        Err(error) => return vec![format!("error: {error}")],
    };
    let mut lines = Vec::new();
    for row in decoded.rows {
        lines.push(format!("row at {:?}", row.measured_at.map(model::Timestamp::as_millis)));
        lines.extend(row.readings.into_iter().map(|reading| {
            let (channel, id) = (reading.series.channel, reading.series.measurement);
            match reading.value {
                Value::Number(number) => format!("{channel}/{id} {number:?}"),
                Value::Text(text) | Value::Json(text) => format!("{channel}/{id} {text:?}"),
            }
        }));
    }
    lines.extend(decoded.events.iter().map(|event| format!("event: {event}")));
    lines.extend(decoded.warnings.iter().map(|warning| format!("warning: {warning}")));
    lines
}
