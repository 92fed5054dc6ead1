//! Anything that can post: readings as JSON or CSV of Senstation's own.
//!
//! A reading has a device, a measurement and a value; its channel is 1 and its time that of receipt
//! where it names none. Readings of one device and one time are one row.

use std::borrow::Cow;

use model::{DeviceEui, MeasurementId, Reading, SeriesKey, Source, Timestamp, Value};
use serde::Deserialize;
use serde_json::Value as Json;

use super::{Message, Post, message::unexpected};
use crate::{
    Refusal,
    report::{self, Report, measured},
};

/// Most readings that one post may have.
const READINGS_MAX: usize = 10_000;

const EXPECTED: &str = "one reading or an array of them, each as \
                        `{\"device\": \"2CF7F12004100005\", \"time\": \"2026-07-10T02:39:44Z\", \"channel\": 1, \
                        \"measurement\": 4097, \"value\": 21.4}`; `time` and `channel` may be left out";

const EXPECTED_CSV: &str = "CSV whose first line names its columns: `device,time,channel,measurement,value`; `time` and \
                            `channel` may be left out";

/// A reading as JSON. An unknown field is refused: it may be a misspelt one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Item {
    device: String,
    #[serde(default)]
    time: Option<Json>,
    #[serde(default)]
    channel: Option<Json>,
    measurement: Json,
    value: Json,
}

/// A reading as a line of CSV.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    #[serde(borrow)]
    device: Cow<'a, str>,
    #[serde(default, borrow)]
    time: Cow<'a, str>,
    #[serde(default, borrow)]
    channel: Cow<'a, str>,
    #[serde(borrow)]
    measurement: Cow<'a, str>,
    #[serde(borrow)]
    value: Cow<'a, str>,
}

/// Reads readings, as CSV where the sender says so, else as JSON.
///
/// **Errors**: a body that is neither, or any reading in it that is not right, which is named.
pub fn read(post: &Post<'_>, source: &Source, received_at: Timestamp) -> Result<Message, Refusal> {
    let mut reports = Reports::default();
    if post.is_csv() {
        read_csv(post.body, received_at, &mut reports)?;
    } else {
        read_json(post, received_at, &mut reports)?;
    }
    if reports.0.is_empty() {
        return Ok(Message::Other);
    }
    Ok(Message::Reports(reports.0.into_iter().map(|report| report.by(source, received_at)).collect()))
}

fn read_json(post: &Post<'_>, received_at: Timestamp, reports: &mut Reports) -> Result<(), Refusal> {
    let is_many = post.body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    let items: Vec<Item> = if is_many { post.json(EXPECTED)? } else { vec![post.json(EXPECTED)?] };
    refuse_many(items.len())?;
    for (at, item) in items.into_iter().enumerate() {
        let wrong = |what: &str| Refusal::Malformed(format!("reading {}: {what}", at + 1));
        let text = |json: Json| match json {
            Json::String(text) => text,
            other => other.to_string(),
        };
        let time = item.time.filter(|time| !time.is_null()).map(text).unwrap_or_default();
        let channel = item.channel.filter(|channel| !channel.is_null()).map(text).unwrap_or_default();
        let measurement = measurement(&text(item.measurement)).map_err(wrong)?;
        let value =
            measured(measurement, &item.value).ok_or_else(|| wrong("`value` is no number, text, list or object"))?;
        let series = series(&channel, measurement).map_err(wrong)?;
        let at = self::time(&time, received_at).map_err(wrong)?;
        reports.add(device(&item.device).map_err(wrong)?, at, series, value);
    }
    Ok(())
}

fn read_csv(body: &[u8], received_at: Timestamp, reports: &mut Reports) -> Result<(), Refusal> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(body);
    let heads = reader.headers().map_err(|error| unexpected(EXPECTED_CSV, &error))?.clone();
    let mut record = csv::StringRecord::new();
    let mut count = 0;
    while reader.read_record(&mut record).map_err(|error| unexpected(EXPECTED_CSV, &error))? {
        count += 1;
        refuse_many(count)?;
        let number = record.position().map_or(0, csv::Position::line);
        let wrong = |what: &str| Refusal::Malformed(format!("line {number}: {what}"));
        let line: Line<'_> = record.deserialize(Some(&heads)).map_err(|error| unexpected(EXPECTED_CSV, &error))?;
        let measurement = measurement(&line.measurement).map_err(wrong)?;
        let value = measured(measurement, &Json::String(line.value.into_owned()))
            .ok_or_else(|| wrong("`value` is empty or no number"))?;
        let series = series(&line.channel, measurement).map_err(wrong)?;
        let at = time(&line.time, received_at).map_err(wrong)?;
        reports.add(device(&line.device).map_err(wrong)?, at, series, value);
    }
    Ok(())
}

/// Readings by device and time, in the order in which the first of each came.
#[derive(Default)]
struct Reports(Vec<Report>);

impl Reports {
    fn add(&mut self, eui: DeviceEui, at: Timestamp, series: SeriesKey, value: Value) {
        let reading = Reading { series, value };
        // Readings of one row stand together, as a rule.
        match self.0.iter_mut().rev().take(64).find(|report| report.eui == eui && report.at == at) {
            Some(report) => report.readings.push(reading),
            None => self.0.push(Report { eui, at, readings: vec![reading] }),
        }
    }
}

fn device(text: &str) -> Result<DeviceEui, &'static str> {
    text.parse().map_err(|_| "`device` is not 16 hex digits")
}

fn measurement(text: &str) -> Result<MeasurementId, &'static str> {
    text.parse().map_err(|_| "`measurement` is not an id such as 4097")
}

fn series(channel: &str, measurement: MeasurementId) -> Result<SeriesKey, &'static str> {
    let channel = match channel {
        "" => 1,
        text => text.parse().map_err(|_| "`channel` is not a number from 0 to 65535")?,
    };
    Ok(report::series(channel, measurement))
}

fn time(text: &str, received_at: Timestamp) -> Result<Timestamp, &'static str> {
    if text.is_empty() {
        return Ok(received_at);
    }
    if let Ok(ms) = text.parse() {
        return Ok(Timestamp::from_millis(ms));
    }
    let read = text.parse::<jiff::Timestamp>().map_err(|_| "`time` is neither RFC 3339 nor milliseconds since 1970")?;
    Ok(Timestamp::from_millis(read.as_millisecond()))
}

fn refuse_many(count: usize) -> Result<(), Refusal> {
    if count <= READINGS_MAX {
        return Ok(());
    }
    Err(Refusal::Malformed(format!("more than {READINGS_MAX} readings; send them in several posts")))
}
