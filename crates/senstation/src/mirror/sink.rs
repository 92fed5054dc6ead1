use std::{collections::BTreeMap, sync::Arc};

use anyhow::Context;
use ingest::import::{self, Manner, Origin, Record};
use model::{ChannelIndex, Day, DeviceEui, MeasurementId, OrgId, RowFlags, SeriesKey, Timestamp, Value, Window};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use store::{RowQuery, Store};

use crate::{config::Settings, control, station::Station};

/// Readings sent to a running station at once.
const SENT: usize = 2_000;
/// Rows counted at once.
const COUNTED: usize = 10_000;

/// Where a mirror puts what it fetches: into a running station, or into a store that it holds itself.
pub(super) enum Sink {
    /// A station that this process holds.
    Here(Arc<Station>),
    /// One that another process runs.
    There(Box<Settings>),
}

/// Readings for a running station.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Batch {
    org: String,
    /// EUI, channel, measurement, time in milliseconds, value.
    readings: Vec<(String, u16, u32, i64, Json)>,
}

impl Sink {
    pub(super) fn open(settings: &Settings) -> anyhow::Result<Self> {
        if control::is_running(&settings.data_dir) {
            return Ok(Self::There(Box::new(settings.clone())));
        }
        Ok(Self::Here(Arc::new(Station::open(settings)?)))
    }

    /// Stores readings of one device durably; what is there already is left out. Gives how many were
    /// new.
    pub(super) async fn take(&self, org: OrgId, records: &[Record]) -> anyhow::Result<u64> {
        let mut new = 0;
        for records in records.chunks(SENT) {
            let batch = Batch { org: org.to_string(), readings: records.iter().map(wire).collect() };
            let taken = match self {
                Self::Here(station) => take(&*station.store(), batch).await?,
                Self::There(settings) => {
                    control::ask_running(settings, control::Request::Take(Box::new(batch))).await?
                }
            };
            new += taken.as_u64().context("the station does not say how many were new")?;
        }
        Ok(new)
    }

    /// How many readings the station has of each day from a time on.
    pub(super) async fn count(&self, org: OrgId, eui: DeviceEui, since_ms: i64) -> anyhow::Result<BTreeMap<i32, u64>> {
        let counted = match self {
            Self::Here(station) => count(&*station.store(), org, eui, since_ms).await?,
            Self::There(settings) => {
                control::ask_running(settings, control::Request::Count { org, eui, since_ms }).await?
            }
        };
        serde_json::from_value(counted).context("the station does not say how many there are")
    }

    /// Ends what [`open`](Self::open) began.
    pub(super) async fn close(&self) -> anyhow::Result<()> {
        match self {
            Self::Here(station) => station.close().await,
            Self::There(_) => Ok(()),
        }
    }
}

/// Takes readings into the store of this process.
pub(crate) async fn take(store: &dyn Store, batch: Batch) -> anyhow::Result<Json> {
    let org = batch.org.parse()?;
    let records = batch.readings.into_iter().map(|reading| Ok(Ok(record(reading)?)));
    let records: Vec<_> = records.collect::<anyhow::Result<_>>()?;
    let manner = Manner { org, is_dry: false, replaces: true };
    let counts = import::import(store, manner, records.into_iter().map(Ok), &mut |_, _, _| true).await?;
    Ok((counts.new + counts.replaced).into())
}

/// Counts readings of a device by day, each series and instant once.
pub(crate) async fn count(store: &dyn Store, org: OrgId, eui: DeviceEui, since_ms: i64) -> anyhow::Result<Json> {
    let mut days: BTreeMap<i32, u64> = BTreeMap::new();
    let Some(device) = store.find_device(org, eui).await? else { return Ok(json!({})) };
    let mut window = Window { start: Timestamp::from_millis(since_ms), end: Timestamp::MAX };
    loop {
        let query = RowQuery { device: device.id, window, limit: COUNTED, hidden: false };
        let rows = store.rows(org, query).await?;
        let is_last = rows.len() < COUNTED;
        let oldest = rows.last().map(|row| row.measured_at);
        // The oldest instant of a page may go on in the next.
        let whole = rows.iter().filter(|row| is_last || Some(row.measured_at) != oldest);
        let whole: Vec<_> = whole.collect();
        for instant in whole.chunk_by(|a, b| a.measured_at == b.measured_at) {
            let readings = instant.iter().flat_map(|row| &row.readings).map(|reading| reading.series);
            let series: std::collections::BTreeSet<SeriesKey> =
                readings.filter(|series| !series.measurement.is_status()).collect();
            *days.entry(Day::of(instant[0].measured_at).get()).or_default() += series.len() as u64;
        }
        match oldest {
            Some(oldest) if !is_last && !whole.is_empty() => window.end = oldest.plus_ms(1),
            _ => return Ok(serde_json::to_value(days)?),
        }
    }
}

fn wire(record: &Record) -> (String, u16, u32, i64, Json) {
    let value = match &record.value {
        Value::Number(number) => json!(number),
        Value::Text(text) => json!({ "text": text }),
        Value::Json(text) => json!({ "json": text }),
    };
    let SeriesKey { channel, measurement } = record.series;
    (record.eui.to_string(), channel.0, measurement.0, record.measured_at.as_millis(), value)
}

fn record((eui, channel, measurement, ms, value): (String, u16, u32, i64, Json)) -> anyhow::Result<Record> {
    let value = match &value {
        Json::Number(number) => Value::Number(number.as_f64().context("a number is too large")?),
        Json::Object(tagged) => match (tagged.get("text"), tagged.get("json")) {
            (Some(Json::String(text)), _) => Value::text(text.as_str()),
            (_, Some(Json::String(text))) => Value::Json(text.as_str().into()),
            _ => anyhow::bail!("a value is a number, a text or JSON"),
        },
        _ => anyhow::bail!("a value is a number, a text or JSON"),
    };
    Ok(Record {
        line: 0,
        eui: eui.parse().map_err(|error: model::InvalidEui| anyhow::anyhow!(error))?,
        series: SeriesKey { channel: ChannelIndex(channel), measurement: MeasurementId(measurement) },
        measured_at: Timestamp::from_millis(ms),
        value,
        origin: Origin { flags: RowFlags::LATE.0, ..Origin::default() },
    })
}
