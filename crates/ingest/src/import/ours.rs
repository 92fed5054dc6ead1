use std::io::{self, BufRead, Read};

use model::{ChannelIndex, MeasurementId, SeriesKey, Timestamp, Value};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Odd, Origin, Record};

/// A line of an export in CSV.
#[derive(Debug, Deserialize)]
struct Line {
    device_eui: String,
    channel: u16,
    measurement_id: u32,
    measured_at: String,
    value: String,
    r#type: String,
    received_at: String,
    position: u64,
    codec: u16,
    flags: u8,
}

/// A line of an export in JSON.
#[derive(Debug, Deserialize)]
struct JsonLine<'a> {
    device_eui: &'a str,
    channel: u16,
    measurement_id: &'a str,
    measured_at: &'a str,
    #[serde(borrow)]
    value: &'a RawValue,
    received_at: &'a str,
    position: &'a str,
    codec: u16,
    flags: u8,
}

/// The readings of an export in CSV.
pub fn read_csv(input: impl Read) -> impl Iterator<Item = Result<Result<Record, Odd>, io::Error>> {
    // The line that ends it is a comment.
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).flexible(true).from_reader(input);
    let headings = reader.headers().cloned().unwrap_or_default();
    reader.into_records().map(move |cells| match cells {
        Ok(cells) => {
            let number = cells.position().map_or(0, csv::Position::line);
            let line = cells.deserialize(Some(&headings));
            Ok(line.map_err(|error| Odd { line: number, why: said(&error) }).and_then(|line| of_csv(number, line)))
        }
        Err(error) if error.is_io_error() => Err(io::Error::other(error)),
        Err(error) => Ok(Err(Odd { line: error.position().map_or(0, csv::Position::line), why: error.to_string() })),
    })
}

fn said(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Deserialize { err, .. } => err.to_string(),
        _ => error.to_string(),
    }
}

fn of_csv(number: u64, line: Line) -> Result<Record, Odd> {
    let odd = |why: String| Odd { line: number, why };
    let value = match line.r#type.as_str() {
        "number" => {
            let number = line.value.parse().ok().filter(|number: &f64| number.is_finite());
            Value::Number(number.ok_or_else(|| odd(format!("`{}` is no number", line.value)))?)
        }
        "text" => Value::text(line.value),
        "json" => json(line.value).map_err(odd)?,
        other => return Err(odd(format!("a value is a number, a text or json, not `{other}`"))),
    };
    Ok(Record {
        line: number,
        eui: line.device_eui.parse().map_err(|error: model::InvalidEui| odd(error.to_string()))?,
        series: SeriesKey { channel: ChannelIndex(line.channel), measurement: MeasurementId(line.measurement_id) },
        measured_at: time(&line.measured_at).map_err(odd)?,
        value,
        origin: Origin {
            received_at: Some(time(&line.received_at).map_err(odd)?),
            position: line.position,
            codec: line.codec,
            flags: line.flags,
        },
    })
}

/// The readings of an export in JSON lines.
pub fn read_lines(mut input: impl BufRead) -> impl Iterator<Item = Result<Result<Record, Odd>, io::Error>> {
    let (mut text, mut number) = (String::new(), 0);
    std::iter::from_fn(move || {
        loop {
            text.clear();
            number += 1;
            match input.read_line(&mut text) {
                Ok(0) => return None,
                Err(error) => return Some(Err(error)),
                Ok(_) if text.starts_with("{\"end\":true,") || text.trim().is_empty() => {}
                Ok(_) => return Some(Ok(of_json(number, &text))),
            }
        }
    })
}

fn of_json(number: u64, text: &str) -> Result<Record, Odd> {
    let odd = |why: String| Odd { line: number, why };
    let line: JsonLine<'_> = serde_json::from_str(text).map_err(|error| odd(error.to_string()))?;
    let raw = line.value.get();
    let value = match raw.as_bytes().first() {
        Some(b'"') => Value::text(serde_json::from_str::<String>(raw).map_err(|error| odd(error.to_string()))?),
        Some(b'[' | b'{') => Value::Json(raw.into()),
        _ => {
            // `1e999` is JSON, and more than a double holds.
            let number = raw.parse().ok().filter(|number: &f64| number.is_finite());
            Value::Number(number.ok_or_else(|| odd(format!("`{raw}` is no number")))?)
        }
    };
    Ok(Record {
        line: number,
        eui: line.device_eui.parse().map_err(|error: model::InvalidEui| odd(error.to_string()))?,
        series: SeriesKey {
            channel: ChannelIndex(line.channel),
            measurement: line.measurement_id.parse().map_err(|_| odd("a measurement is named by its number".into()))?,
        },
        measured_at: time(line.measured_at).map_err(odd)?,
        value,
        origin: Origin {
            received_at: Some(time(line.received_at).map_err(odd)?),
            position: line.position.parse().map_err(|_| odd("a position is a whole number".into()))?,
            codec: line.codec,
            flags: line.flags,
        },
    })
}

pub(super) fn json(text: String) -> Result<Value, String> {
    match serde_json::from_str::<serde::de::IgnoredAny>(&text) {
        Ok(_) => Ok(Value::Json(text.into())),
        Err(error) => Err(format!("the value is no JSON: {error}")),
    }
}

pub(super) fn time(text: &str) -> Result<Timestamp, String> {
    let instant: jiff::Timestamp =
        text.parse().map_err(|_| format!("`{text}` is no time such as `2026-07-01T12:00:00Z`"))?;
    Ok(Timestamp::from_millis(instant.as_millisecond()))
}
