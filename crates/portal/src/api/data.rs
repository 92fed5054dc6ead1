//! What devices measured and sent, as charts, maps and programs of the portal need it.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{Path, State},
};
use model::{ChannelIndex, DeviceId, MeasurementId, SeriesKey, Timestamp, Value, Window};
use serde::Serialize;
use serde_json::value::RawValue;
use store::{FrameQuery, RowQuery, SegmentQuery, SegmentSeries, Select};
use utoipa::ToSchema;

use super::{Page, as_of, devices::find, limit, page_back, time};
use crate::{
    PortalState,
    actor::Actor,
    fault::Fault,
    fields::{Asked, Fields},
    fleet::{self, Position},
    pages::device::series_key,
    then::Then,
};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 3_600_000;
/// The most buckets of a chart.
const POINTS_MAX: i64 = 2_000;

/// One reading.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reading)]
pub(crate) struct ReadingShape {
    channel: u16,
    measurement: u32,
    name: &'static str,
    unit: &'static str,
    /// A number, a text, or what the device sent as JSON.
    #[schema(value_type = Object)]
    value: Box<RawValue>,
    measured_at: String,
}

impl ReadingShape {
    pub(crate) fn of(series: SeriesKey, value: &Value, measured_at: Timestamp) -> Self {
        let (name, unit) = names(series.measurement);
        let (channel, measurement) = (series.channel.0, series.measurement.0);
        Self { channel, measurement, name, unit, value: raw(value), measured_at: measured_at.to_string() }
    }
}

/// The English name and the unit of a measurement or status.
fn names(id: MeasurementId) -> (&'static str, &'static str) {
    if id.is_status() {
        model::status(id).map_or(("", ""), |status| (status.name, status.unit))
    } else {
        model::measurement(id).map_or(("", ""), |known| (known.name, known.unit))
    }
}

/// A value as JSON.
fn raw(value: &Value) -> Box<RawValue> {
    let text = match value {
        Value::Number(number) if number.is_finite() => number.to_string(),
        Value::Number(_) => "null".to_owned(),
        Value::Json(json) => json.to_string(),
        Value::Text(text) => serde_json::to_string(text).unwrap_or_default(),
    };
    RawValue::from_string(text).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// `GET /api/devices/{eui}/latest`
pub(crate) async fn latest(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(eui): Path<String>,
    Asked(asked): Asked,
) -> Result<Json<Page<ReadingShape>>, Fault> {
    let device = find(&portal, &actor, &eui).await?.device.id;
    let then = then(&portal, &actor, device, &asked).await?;
    let mut items = Vec::new();
    for select in [Select::READINGS, Select::Statuses] {
        let latest = match &then {
            None => portal.store().latest(actor.org, device, select).await?,
            Some(then) => then.latest(portal.store(), select).await?,
        };
        for reading in latest {
            items.push(ReadingShape::of(reading.series, &reading.value, reading.measured_at));
        }
    }
    Ok(Json(Page::whole(items)))
}

/// What there was before, if that is asked for.
async fn then(portal: &PortalState, actor: &Actor, device: DeviceId, asked: &Fields) -> Result<Option<Then>, Fault> {
    let Some(as_of) = as_of(asked, portal).await? else { return Ok(None) };
    let head = portal.store().head().await?;
    Ok(Some(Then::of(portal.store(), actor.org, device, Some(as_of), head).await?))
}

/// Lines over one axis of time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Chart {
    /// Start of the window, in milliseconds since 1970; inclusive.
    from: i64,
    /// End of the window; exclusive.
    to: i64,
    /// The width of a bucket.
    width_ms: i64,
    /// The start of each bucket in which anything was measured.
    times: Vec<i64>,
    series: Vec<ChartSeries>,
}

/// A line, with as many values as there are times; `null` where it has none.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChartSeries {
    /// Channel and measurement, `1/4097`.
    key: String,
    name: &'static str,
    unit: &'static str,
    avg: Vec<Option<f64>>,
    min: Vec<Option<f64>>,
    max: Vec<Option<f64>>,
}

/// `GET /api/devices/{eui}/chart`
pub(crate) async fn chart(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(eui): Path<String>,
    Asked(asked): Asked,
) -> Result<Json<Chart>, Fault> {
    let device = find(&portal, &actor, &eui).await?.device.id;
    let end = time(&asked, "to")?.unwrap_or_else(|| portal.now().plus_ms(MINUTE_MS));
    let start = time(&asked, "from")?.unwrap_or_else(|| end.minus_ms(DAY_MS));
    let span_ms = end.since_ms(start);
    if span_ms <= 0 {
        return Err(Fault::Invalid(|texts| texts.fault_window));
    }
    let points = asked.get("points").parse().unwrap_or(500).clamp(1, POINTS_MAX);
    let width_ms = (span_ms / points / MINUTE_MS).saturating_add(1).saturating_mul(MINUTE_MS);
    let chosen = series(&asked)?;
    let select = match chosen[..] {
        [only] => Select::one(only),
        _ => Select::READINGS,
    };
    // The window may begin and end inside of a bucket.
    let limit = usize::try_from(POINTS_MAX + 2).unwrap_or(usize::MAX);
    let query = SegmentQuery { device, select, window: Window { start, end }, width_ms, limit };
    let mut found = match then(&portal, &actor, device, &asked).await? {
        None => portal.store().segments(actor.org, query).await?,
        Some(then) => then.segments(portal.store(), query).await?,
    };
    found.retain(|series| chosen.is_empty() || chosen.contains(&series.key));
    let (from, to) = (start.as_millis(), end.as_millis());
    let (times, series) = lines(found);
    Ok(Json(Chart { from, to, width_ms, times, series }))
}

/// Brings series that have different buckets over one axis.
fn lines(found: Vec<SegmentSeries>) -> (Vec<i64>, Vec<ChartSeries>) {
    let all = found.iter().flat_map(|series| series.segments.iter().map(|segment| (segment.start.as_millis(), 0)));
    let mut places: BTreeMap<i64, usize> = all.collect();
    for (at, place) in places.values_mut().enumerate() {
        *place = at;
    }
    let series = found.into_iter().map(|series| {
        let (name, unit) = names(series.key.measurement);
        let none = vec![None; places.len()];
        let mut line =
            ChartSeries { key: series_key(series.key), name, unit, avg: none.clone(), min: none.clone(), max: none };
        for segment in series.segments {
            let Some(place) = places.get(&segment.start.as_millis()) else { continue };
            line.avg[*place] = Some(rounded(segment.average()));
            line.min[*place] = Some(segment.min);
            line.max[*place] = Some(segment.max);
        }
        line
    });
    let series = series.collect();
    (places.into_keys().collect(), series)
}

/// An average with as many digits as can be drawn.
fn rounded(number: f64) -> f64 {
    let rounded = (number * 10_000.0).round() / 10_000.0;
    if rounded.is_finite() { rounded } else { number }
}

/// The series that a chart is asked for: `series=1/4097,1/4098`; all where nothing is said.
fn series(asked: &Fields) -> Result<Vec<SeriesKey>, Fault> {
    let texts = asked.get("series").split(',').filter(|text| !text.is_empty());
    let parse = |text: &str| {
        let (channel, measurement) = text.split_once('/')?;
        Some(SeriesKey { channel: ChannelIndex(channel.parse().ok()?), measurement: measurement.parse().ok()? })
    };
    texts.map(|text| parse(text).ok_or(Fault::Invalid(|texts| texts.fault_series))).collect()
}

/// What a device measured at one time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Row)]
pub(crate) struct RowShape {
    /// The device's time.
    measured_at: String,
    /// The station's time.
    received_at: String,
    /// The device's time could not be right, and the time of receipt was taken.
    clamped: bool,
    /// It was measured well before it was received.
    late: bool,
    /// It comes from a simulator.
    simulated: bool,
    /// Where the decoding stands among all that is stored; of two of one uplink the later is served.
    position: String,
    /// The uplink that it is a new decoding of; `null` for the first one.
    replaces: Option<String>,
    readings: Vec<ReadingShape>,
}

/// `GET /api/devices/{eui}/rows`
pub(crate) async fn rows(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(eui): Path<String>,
    Asked(asked): Asked,
) -> Result<Json<Page<RowShape>>, Fault> {
    use model::RowFlags;
    let device = find(&portal, &actor, &eui).await?.device.id;
    let (window, limit) = (window(&asked)?, limit(&asked)?);
    let hidden = matches!(asked.get("hidden"), "true" | "1");
    let query = RowQuery { device, window, limit: limit + 1, hidden };
    let rows = match then(&portal, &actor, device, &asked).await? {
        None => portal.store().rows(actor.org, query).await?,
        Some(then) => then.rows(portal.store(), query).await?,
    };
    let (rows, next) = page_back(rows, limit, |row| row.measured_at);
    let next_cursor = next.map(|at| at.as_millis().to_string());
    let items = rows.iter().map(|row| RowShape {
        measured_at: row.measured_at.to_string(),
        received_at: row.received_at.to_string(),
        clamped: row.flags.has(RowFlags::CLAMPED),
        late: row.flags.has(RowFlags::LATE),
        simulated: row.flags.has(RowFlags::SIMULATED),
        position: row.position.to_string(),
        replaces: row.replaces.map(|replaces| replaces.to_string()),
        readings: row
            .readings
            .iter()
            .map(|reading| ReadingShape::of(reading.series, &reading.value, row.measured_at))
            .collect(),
    });
    Ok(Json(Page { items: items.collect(), next_cursor }))
}

/// `from` inclusive, `to` exclusive; a cursor is the end of what is still to be read.
fn window(asked: &Fields) -> Result<Window, Fault> {
    let end = match time(asked, "cursor")? {
        Some(cursor) => Some(cursor),
        None => time(asked, "to")?,
    };
    let start = time(asked, "from")?.unwrap_or(Timestamp::MIN);
    Ok(Window { start, end: end.unwrap_or(Timestamp::MAX) })
}

/// A raw frame.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Frame)]
pub(crate) struct FrameShape {
    received_at: String,
    f_port: u8,
    f_cnt: Option<u32>,
    /// The payload as upper-case hex digits.
    payload: String,
    /// Why it could not be decoded to its end, if so.
    fault: Option<String>,
    gateways: Vec<GatewayShape>,
}

/// A gateway that heard a frame.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Gateway)]
pub(crate) struct GatewayShape {
    id: String,
    rssi_dbm: i16,
    snr_db: f32,
}

/// `GET /api/devices/{eui}/frames`
pub(crate) async fn frames(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(eui): Path<String>,
    Asked(asked): Asked,
) -> Result<Json<Page<FrameShape>>, Fault> {
    let device = find(&portal, &actor, &eui).await?.device.id;
    let (window, limit) = (window(&asked)?, limit(&asked)?);
    let frames = portal.store().frames(actor.org, FrameQuery { device, window, limit: limit + 1 }).await?;
    let (frames, next) = page_back(frames, limit, |frame| frame.received_at);
    let next_cursor = next.map(|at| at.as_millis().to_string());
    let items = frames.into_iter().map(|stored| FrameShape {
        received_at: stored.received_at.to_string(),
        f_port: stored.frame.f_port,
        f_cnt: stored.frame.f_cnt,
        payload: crate::secret::hex(&stored.frame.payload),
        fault: stored.frame.fault.map(String::from),
        gateways: stored
            .frame
            .receptions
            .into_iter()
            .map(|heard| GatewayShape { id: heard.gateway.into(), rssi_dbm: heard.rssi_dbm, snr_db: heard.snr_db })
            .collect(),
    });
    Ok(Json(Page { items: items.collect(), next_cursor }))
}

/// Devices on a map.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Positions {
    devices: Vec<Placed>,
}

/// A device that has a position.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Placed {
    eui: String,
    name: String,
    latitude: f64,
    longitude: f64,
    /// When the device found itself there; `null` where somebody put it there by hand.
    measured_at: Option<String>,
    /// `online`, `late` or `silent`.
    state: &'static str,
    heard: Option<String>,
    /// Its page.
    url: String,
}

/// `GET /api/devices/positions`
pub(crate) async fn positions(State(portal): State<PortalState>, actor: Actor) -> Result<Json<Positions>, Fault> {
    let now = portal.now();
    let fleet = portal.fleets().get(portal.store(), actor.org, now).await?;
    let mut devices = Vec::new();
    for member in &fleet.members {
        let Some(Position { place, measured_at }) = member.position(portal.store()).await? else { continue };
        devices.push(Placed {
            eui: member.device.eui.to_string(),
            name: fleet::title(&member.device),
            latitude: place.latitude,
            longitude: place.longitude,
            measured_at: measured_at.map(|at| at.to_string()),
            state: member.state(now).as_str(),
            heard: member.heard.map(|at| at.to_string()),
            url: format!("/devices/{}", member.device.eui),
        });
    }
    Ok(Json(Positions { devices }))
}

#[cfg(test)]
mod tests {
    use store::Segment;

    use super::*;

    fn segments(measurement: u32, starts: &[i64]) -> SegmentSeries {
        let key = SeriesKey { channel: ChannelIndex(1), measurement: MeasurementId(measurement) };
        let segment = |start: &i64| {
            let mut segment = Segment::starting(Timestamp::from_millis(*start));
            segment.add(1.0);
            segment.add(2.0);
            segment
        };
        SegmentSeries { key, segments: starts.iter().map(segment).collect() }
    }

    #[test]
    fn series_with_other_buckets_share_one_axis() {
        let (times, series) = lines(vec![segments(4097, &[0, 60]), segments(4098, &[30, 60])]);
        assert_eq!(times, [0, 30, 60]);
        assert_eq!(series[0].avg, [Some(1.5), None, Some(1.5)]);
        assert_eq!(series[1].max, [None, Some(2.0), Some(2.0)]);
        assert_eq!((series[1].key.as_str(), series[1].unit), ("1/4098", "% RH"));
    }

    #[test]
    fn values_are_json_whatever_they_are() {
        let check = |value: Value, expected: &str| assert_eq!(raw(&value).get(), expected);
        check(Value::Number(21.4), "21.4");
        check(Value::Number(f64::NAN), "null");
        check(Value::text("a\"b"), r#""a\"b""#);
        check(Value::Json("[1]".into()), "[1]");
        check(Value::Json("no json".into()), "null");
    }
}
