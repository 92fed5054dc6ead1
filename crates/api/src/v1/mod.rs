//! The API of 2019, below `/1.0`: every scalar is a text, and the envelope tells how long it took.

pub(crate) mod device;
pub(crate) mod devices;
mod edit;
pub(crate) mod gateway;
pub(crate) mod group;
pub(crate) mod lists;
pub(crate) mod node;
mod page;
mod shape;
mod watch;

pub(crate) use watch::Watch;

use model::{Device, MeasurementId, SeriesKey, Value, measurement};
use store::Select;

use crate::{error::Refusal, json, parameters::Parameters};

/// The series that a call is about; here the parameters have other names.
fn series(parameters: &Parameters) -> Result<Select, Refusal> {
    parameters.series_named("channel", "measure_id")
}

/// `"channel":"1","channel_name":"…","name":"…","unit":"…"`
fn write_series(out: &mut Vec<u8>, device: &Device, key: SeriesKey) {
    out.extend_from_slice(br#""channel":""#);
    json::whole(out, key.channel.0);
    out.extend_from_slice(br#"","channel_name":"#);
    json::text(out, &crate::channels::channel_name(device, key.channel));
    out.push(b',');
    write_measurement(out, key.measurement);
}

/// `"name":"…","unit":"…"`, both empty where the catalogue does not know the measurement.
fn write_measurement(out: &mut Vec<u8>, id: MeasurementId) {
    let (name, unit) = measurement(id).map_or(("", ""), |known| (known.name, known.unit));
    out.extend_from_slice(br#""name":"#);
    json::text(out, name);
    out.extend_from_slice(br#","unit":"#);
    json::text(out, unit);
}

/// A value as a text; a list stays one.
fn write_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Number(number) => write_number(out, *number),
        Value::Text(_) | Value::Json(_) => json::value(out, value),
    }
}

/// A number between quotes.
fn write_number(out: &mut Vec<u8>, number: f64) {
    out.push(b'"');
    json::number(out, number);
    out.push(b'"');
}
