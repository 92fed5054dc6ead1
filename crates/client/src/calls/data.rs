use model::{ChannelIndex, DeviceEui, MeasurementId, SeriesKey, Timestamp, Value};
use serde::Deserialize;
use serde_json::Value as Json;

use super::devices::measurement;
use crate::{Answer, Client, Error};

/// The newest readings of a channel.
#[derive(Debug, Clone, PartialEq)]
pub struct LatestChannel {
    /// Which channel.
    pub channel_index: ChannelIndex,
    /// By ascending measurement.
    pub points: Vec<LatestPoint>,
}

/// The newest reading of a measurement.
#[derive(Debug, Clone, PartialEq)]
pub struct LatestPoint {
    /// What was measured.
    pub measurement: MeasurementId,
    /// Its value.
    pub value: Value,
    /// The device's time.
    pub time: Timestamp,
}

/// The points of one series, newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Which series.
    pub key: SeriesKey,
    /// Its points.
    pub points: Vec<Point>,
}

/// A reading.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Its value.
    pub value: Value,
    /// The device's time.
    pub time: Timestamp,
}

/// The averages of one series, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    /// Which series.
    pub key: SeriesKey,
    /// The beginning of each bucket, and the average in it.
    pub points: Vec<(Timestamp, f64)>,
}

/// Which series of a device are asked for, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeriesAsked {
    /// Whose.
    pub device: DeviceEui,
    /// One channel, or all.
    pub channel: Option<ChannelIndex>,
    /// One measurement, or all.
    pub measurement: Option<MeasurementId>,
    /// From when; inclusive.
    pub start: Timestamp,
    /// Up to when; inclusive.
    pub end: Timestamp,
}

impl SeriesAsked {
    fn query(&self) -> Vec<(&'static str, String)> {
        let mut query = of(self.device, self.channel, self.measurement);
        query.push(("time_start", self.start.as_millis().to_string()));
        query.push(("time_end", self.end.as_millis().to_string()));
        query
    }
}

fn of(
    device: DeviceEui,
    channel: Option<ChannelIndex>,
    measurement: Option<MeasurementId>,
) -> Vec<(&'static str, String)> {
    let mut query = vec![("device_eui", device.to_string())];
    query.extend(channel.map(|channel| ("channel_index", channel.to_string())));
    query.extend(measurement.map(|measurement| ("measurement_id", measurement.to_string())));
    query
}

impl Client {
    /// The newest readings of a device.
    pub fn view_latest_telemetry_data(
        &self,
        device: DeviceEui,
        channel: Option<ChannelIndex>,
        measurement: Option<MeasurementId>,
    ) -> Result<Answer<Vec<LatestChannel>>, Error> {
        self.get_as("view_latest_telemetry_data", &of(device, channel, measurement), read_latest)
    }

    /// The newest readings of a window, at most 1,000 over all series.
    pub fn list_telemetry_data(&self, asked: SeriesAsked) -> Result<Answer<Vec<Series>>, Error> {
        let mut query = asked.query();
        query.push(("limit", "1000".to_owned()));
        self.get_as("list_telemetry_data", &query, read_lists)
    }

    /// Averages over buckets of so many minutes, or wider where that would be more than 250.
    pub fn aggregate_chart_points(
        &self,
        asked: SeriesAsked,
        interval_min: u32,
    ) -> Result<Answer<Vec<Aggregate>>, Error> {
        let mut query = asked.query();
        query.push(("interval", interval_min.to_string()));
        self.get_as("aggregate_chart_points", &query, read_averages)
    }
}

#[derive(Deserialize)]
struct LatestShape {
    channel_index: u16,
    #[serde(default)]
    points: Vec<LatestPointShape>,
}

#[derive(Deserialize)]
struct LatestPointShape {
    measurement_value: Json,
    measurement_id: Json,
    time: String,
}

fn read_latest(channels: Vec<LatestShape>) -> Result<Vec<LatestChannel>, Error> {
    let channels = channels.into_iter().map(|channel| {
        let points = channel.points.into_iter().map(|point| {
            Ok(LatestPoint {
                measurement: id(&point.measurement_id)?,
                value: value(point.measurement_value)?,
                time: instant(&point.time)?,
            })
        });
        Ok(LatestChannel {
            channel_index: ChannelIndex(channel.channel_index),
            points: points.collect::<Result<_, _>>()?,
        })
    });
    channels.collect()
}

#[derive(Deserialize)]
struct Lists {
    #[serde(default)]
    list: Vec<Json>,
}

fn read_lists(Lists { list }: Lists) -> Result<Vec<Series>, Error> {
    let mut lists = list.into_iter();
    let (Some(heads), Some(points)) = (lists.next(), lists.next()) else { return Ok(Vec::new()) };
    let malformed = |error: serde_json::Error| Error::Malformed(error.to_string());
    let heads: Vec<(u16, Json)> = serde_json::from_value(heads).map_err(malformed)?;
    let points: Vec<Vec<(Json, String)>> = serde_json::from_value(points).map_err(malformed)?;
    if heads.len() != points.len() {
        return Err(Error::Malformed("a series without points, or points without a series".to_owned()));
    }
    let series = heads.into_iter().zip(points).map(|((channel, measurement), points)| {
        let key = SeriesKey { channel: ChannelIndex(channel), measurement: id(&measurement)? };
        let points = points.into_iter().map(|(given, time)| Ok(Point { value: value(given)?, time: instant(&time)? }));
        Ok(Series { key, points: points.collect::<Result<_, Error>>()? })
    });
    series.collect()
}

#[derive(Deserialize)]
struct AveragesShape {
    channel: u16,
    #[serde(default)]
    lists: Vec<BucketShape>,
}

#[derive(Deserialize)]
struct BucketShape {
    time: String,
    measurement_id: Json,
    average_value: f64,
}

fn read_averages(channels: Vec<AveragesShape>) -> Result<Vec<Aggregate>, Error> {
    let series = channels.into_iter().filter(|channel| !channel.lists.is_empty()).map(|channel| {
        let measurement = id(&channel.lists[0].measurement_id)?;
        let key = SeriesKey { channel: ChannelIndex(channel.channel), measurement };
        let points = channel.lists.into_iter().map(|bucket| Ok((instant(&bucket.time)?, bucket.average_value)));
        Ok(Aggregate { key, points: points.collect::<Result<_, Error>>()? })
    });
    series.collect()
}

fn id(given: &Json) -> Result<MeasurementId, Error> {
    measurement(given).ok_or_else(|| Error::Malformed(format!("`{given}` is no measurement")))
}

fn instant(text: &str) -> Result<Timestamp, Error> {
    let instant: jiff::Timestamp = text.parse().map_err(|_| Error::Malformed(format!("`{text}` is no time")))?;
    Ok(Timestamp::from_millis(instant.as_millisecond()))
}

fn value(given: Json) -> Result<Value, Error> {
    match given {
        Json::Number(number) => {
            number.as_f64().map(Value::Number).ok_or_else(|| Error::Malformed("a number is too large".to_owned()))
        }
        Json::String(text) => Ok(Value::text(text)),
        Json::Array(_) | Json::Object(_) => Ok(Value::Json(given.to_string().into())),
        Json::Bool(_) | Json::Null => Err(Error::Malformed(format!("`{given}` is no value"))),
    }
}
