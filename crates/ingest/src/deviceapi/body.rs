//! The body of a report, as far as it matters here.

use std::collections::BTreeMap;

use model::{DeviceEui, MeasurementId, Reading, Timestamp};
use serde::Deserialize;
use serde_json::Value as Json;

use crate::{
    Refusal,
    report::Report,
    report::measured,
    report::series,
    source::{Number, Post},
};

const EXPECTED: &str = "a report of a device, such as `{\"intent\": \"event\", \"deviceEui\": \"…\", \"events\": \
                        [{\"name\": \"measure-sensor\", \"value\": [{\"channel\": \"1\", \"measurements\": \
                        {\"4097\": \"21.4\"}, \"measureTime\": \"1783651184319\"}]}]}`";

/// Most readings and channels that one report may have.
const READINGS_MAX: usize = 10_000;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    #[serde(default)]
    timestamp: Option<Number>,
    #[serde(default)]
    device_eui: Option<String>,
    #[serde(default)]
    device_key: Option<String>,
    events: Vec<Event>,
}

#[derive(Debug, Deserialize)]
struct Event {
    name: String,
    #[serde(default)]
    value: Json,
    #[serde(default)]
    timestamp: Option<Number>,
}

/// What one socket measured at one time.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Measured {
    channel: Number,
    measurements: BTreeMap<String, Json>,
    #[serde(default)]
    measure_time: Option<Number>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ChannelInfo {
    channel: Number,
    #[serde(default)]
    sensor_type: Option<Json>,
}

/// A socket, and the type of the sensor that its device says is in it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Declared {
    pub(crate) channel: u16,
    pub(crate) sensor_type: String,
}

/// What a device reported.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    /// Whom the body says it is from; empty if it does not.
    pub(crate) key: Option<String>,
    pub(crate) reports: Vec<Report>,
    pub(crate) declared: Vec<Declared>,
    pub(crate) warnings: Vec<String>,
}

/// Reads what a device reported.
///
/// **Errors**: a body that is no report, is of another device, or has anything in it that is not
/// right.
pub(crate) fn read(eui: DeviceEui, body: &[u8], received_at: Timestamp) -> Result<Contents, Refusal> {
    let body: Body = Post { body, ..Post::default() }.json(EXPECTED)?;
    let named = body.device_eui.filter(|named| !named.is_empty());
    if named.is_some_and(|named| named.parse() != Ok(eui)) {
        return Err(wrong("`deviceEui` is not the device that sends this"));
    }
    let mut contents = Contents { key: body.device_key.filter(|key| !key.is_empty()), ..Contents::default() };
    let mut count = 0;
    for event in body.events {
        let said = event.timestamp.or(body.timestamp).map_or(received_at, time);
        let values = match event.value {
            Json::Array(values) => values,
            Json::Null => Vec::new(),
            value => vec![value],
        };
        for value in values {
            count += 1;
            match event.name.as_str() {
                "measure-sensor" => count += contents.measure(eui, read_as(&event.name, &value)?, said)?,
                "update-channel-info" => contents.declare(read_as(&event.name, &value)?)?,
                "change-device-status" => contents.status(eui, &read_as(&event.name, &value)?, said),
                _ => contents.warn(format!("nothing of event `{}` is kept", cut(&event.name))),
            }
            if count > READINGS_MAX {
                return Err(wrong("more than 10000 readings; send them in several reports"));
            }
        }
    }
    Ok(contents)
}

impl Contents {
    /// How many readings it was.
    fn measure(&mut self, eui: DeviceEui, measured_: Measured, said: Timestamp) -> Result<usize, Refusal> {
        let channel = channel(measured_.channel)?;
        let mut readings = Vec::with_capacity(measured_.measurements.len());
        for (id, json) in measured_.measurements {
            let id: MeasurementId = id.parse().map_err(|_| wrong(&format!("`{}` is no measurement id", cut(&id))))?;
            match measured(id, &json) {
                Some(value) => readings.push(Reading { series: series(channel, id), value }),
                None => self.warn(format!("measurement `{id}` has no value and is not kept")),
            }
        }
        let count = readings.len();
        self.add(eui, measured_.measure_time.map_or(said, time), readings);
        Ok(count)
    }

    fn declare(&mut self, info: ChannelInfo) -> Result<(), Refusal> {
        let sensor_type = match info.sensor_type {
            None | Some(Json::Null) => return Ok(()),
            Some(Json::String(text)) => text,
            Some(other) => other.to_string(),
        };
        if sensor_type.is_empty() || sensor_type.len() > 16 || !sensor_type.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(wrong("`sensorType` is not one such as `1001`"));
        }
        self.declared.push(Declared { channel: channel(info.channel)?, sensor_type });
        Ok(())
    }

    fn status(&mut self, eui: DeviceEui, statuses: &BTreeMap<String, Json>, said: Timestamp) {
        let mut readings = Vec::new();
        for (name, json) in statuses {
            let id = name.parse().ok().filter(|id: &MeasurementId| id.is_status());
            match id.and_then(|id| Some(Reading { series: series(0, id), value: measured(id, json)? })) {
                Some(reading) => readings.push(reading),
                None => self.warn(format!("nothing of status `{}` is kept", cut(name))),
            }
        }
        self.add(eui, said, readings);
    }

    /// What is measured at one time is one row, whichever sockets it comes from.
    fn add(&mut self, eui: DeviceEui, at: Timestamp, readings: Vec<Reading>) {
        if readings.is_empty() {
            return;
        }
        match self.reports.iter_mut().rev().take(64).find(|report| report.at == at) {
            Some(report) => report.readings.extend(readings),
            None => self.reports.push(Report { eui, at, readings }),
        }
    }

    fn warn(&mut self, warning: String) {
        const WARNINGS_MAX: usize = 16;
        if self.warnings.len() < WARNINGS_MAX && !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }
}

fn read_as<T: for<'a> Deserialize<'a>>(event: &str, value: &Json) -> Result<T, Refusal> {
    T::deserialize(value).map_err(|error| wrong(&format!("event `{}`: {}", cut(event), cut(&error.to_string()))))
}

fn channel(number: Number) -> Result<u16, Refusal> {
    number.whole().ok_or_else(|| wrong("`channel` is not a number from 0 to 65535"))
}

/// Milliseconds since 1970.
fn time(number: Number) -> Timestamp {
    Timestamp::from_millis(number.0 as i64)
}

fn cut(text: &str) -> String {
    text.chars().take(200).collect()
}

fn wrong(what: &str) -> Refusal {
    Refusal::Malformed(what.to_owned())
}
