use std::{collections::VecDeque, io, io::Read};

use jiff::{civil::DateTime, tz::TimeZone};
use model::{DeviceEui, SeriesKey, Timestamp, Value};

use super::{Odd, Origin, Record, ours::time};

/// Which columns of a table from elsewhere say what.
#[derive(Debug, Clone)]
pub struct Columns {
    /// Whose readings they are.
    pub whose: Whose,
    /// The heading over the times: ISO 8601, or seconds or milliseconds since 1970.
    pub time: String,
    /// The zone of times that name none.
    pub zone: TimeZone,
    /// The headings over values, each with its series.
    pub values: Vec<(String, SeriesKey)>,
}

/// Whose readings a table has.
#[derive(Debug, Clone)]
pub enum Whose {
    /// All are one device's.
    One(DeviceEui),
    /// A column of this heading has EUIs.
    Column(String),
}

/// Reads a table with a line of headings: one time and one or more values a line.
///
/// **Errors**: `InvalidData` if a heading is not there; it names those that are.
pub fn read_table(
    input: impl Read,
    columns: Columns,
) -> Result<impl Iterator<Item = Result<Result<Record, Odd>, io::Error>>, io::Error> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(input);
    let headings = reader.headers().map_err(io::Error::other)?.clone();
    let find = |name: &str| {
        headings.iter().position(|heading| heading.trim_start_matches('\u{feff}') == name).ok_or_else(|| {
            let all: Vec<_> = headings.iter().collect();
            let why = format!("there is no column `{name}`; there are {}", all.join(", "));
            io::Error::new(io::ErrorKind::InvalidData, why)
        })
    };
    let time_at = find(&columns.time)?;
    let device_at = match &columns.whose {
        Whose::Column(name) => Some(find(name)?),
        Whose::One(_) => None,
    };
    let values: Vec<(usize, SeriesKey)> =
        columns.values.iter().map(|(name, series)| Ok((find(name)?, *series))).collect::<Result<_, io::Error>>()?;
    let mut lines = reader.into_records();
    let mut waiting: VecDeque<Result<Record, Odd>> = VecDeque::new();
    Ok(std::iter::from_fn(move || {
        loop {
            if let Some(record) = waiting.pop_front() {
                return Some(Ok(record));
            }
            let cells = match lines.next()? {
                Ok(cells) => cells,
                Err(error) if error.is_io_error() => return Some(Err(io::Error::other(error))),
                Err(error) => return Some(Ok(Err(Odd { line: 0, why: error.to_string() }))),
            };
            let line = cells.position().map_or(0, csv::Position::line);
            let cell = |at: usize| cells.get(at).unwrap_or_default();
            let place = || {
                let eui = match (&columns.whose, device_at) {
                    (Whose::One(eui), _) => *eui,
                    (Whose::Column(_), at) => {
                        let text = cell(at.unwrap_or_default());
                        text.parse().map_err(|_| format!("`{text}` is no EUI of 16 hex digits"))?
                    }
                };
                Ok::<_, String>((eui, loose_time(cell(time_at), &columns.zone)?))
            };
            match place() {
                Err(why) => waiting.push_back(Err(Odd { line, why })),
                Ok((eui, measured_at)) => {
                    // An empty cell is no reading.
                    for (at, series) in values.iter().filter(|(at, _)| !cell(*at).is_empty()) {
                        let text = cell(*at);
                        let number = text.parse().ok().filter(|number: &f64| number.is_finite());
                        waiting.push_back(match number {
                            Some(number) => {
                                let (value, origin) = (Value::Number(number), Origin::default());
                                Ok(Record { line, eui, series: *series, measured_at, value, origin })
                            }
                            None => Err(Odd { line, why: format!("`{text}` is no number") }),
                        });
                    }
                }
            }
        }
    }))
}

/// A time with an offset, one in a zone, or a number since 1970.
fn loose_time(text: &str, zone: &TimeZone) -> Result<Timestamp, String> {
    /// Seconds are as many in the year 5138; milliseconds were as many in March 1973.
    const SECONDS_MAX: f64 = 1e11;
    if let Ok(number) = text.parse::<f64>() {
        let ms = if number.abs() < SECONDS_MAX { number * 1_000.0 } else { number };
        return Ok(Timestamp::from_millis(ms.round() as i64));
    }
    if let Ok(at) = time(text) {
        return Ok(at);
    }
    let local: DateTime = text.parse().map_err(|_| {
        format!("`{text}` is no time such as `2026-07-01T12:00:00Z`, `2026-07-01 12:00:00` or `1783684800`")
    })?;
    let instant = zone.to_timestamp(local).map_err(|error| format!("`{text}`: {error}"))?;
    Ok(Timestamp::from_millis(instant.as_millisecond()))
}
