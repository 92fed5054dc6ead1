//! History given out whole: any devices, measurements and period, bit by bit.
//!
//! **Shape**: a line or a row of a table for each reading, devices by EUI, within a device by time, channel and
//! measurement; what was measured twice at one time stands once, as ordinary answers have it. The
//! last line says that it is the last: how many readings there are, and the SHA-256 of everything
//! before it. The same query as of the same position gives the same bytes, as long as retention or
//! a purge have taken nothing.

mod form;
mod line;
#[cfg(feature = "parquet")]
mod parquet;
mod rows;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::tz::TimeZone;
use model::{
    CodecVersion, Device, DeviceEui, MeasurementId, OrgId, Position, Reading, Row, SeriesKey, Timestamp, Window,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use store::{DeviceFilter, Error, Store};

use self::{form::Form, rows::Rows};

/// How much is made at once, about.
const PIECE_BYTES: usize = 64 << 10;
/// How many devices are asked of the store at once.
const DEVICES: usize = 1_000;

/// How an export is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values with a line of headings, as RFC 4180 has them; the last line begins
    /// with `#end`.
    Csv,
    /// A JSON object on each line; the last has `end`.
    JsonLines,
    /// A table of Apache Parquet; its footer says that it is whole.
    #[cfg(feature = "parquet")]
    Parquet,
}

impl Format {
    /// Every format that this program was built with.
    pub const ALL: &[Self] = &[
        Self::Csv,
        Self::JsonLines,
        #[cfg(feature = "parquet")]
        Self::Parquet,
    ];

    /// Its name, which is also how its files end.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::JsonLines => "jsonl",
            #[cfg(feature = "parquet")]
            Self::Parquet => "parquet",
        }
    }

    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Csv => "CSV",
            Self::JsonLines => "JSON lines",
            #[cfg(feature = "parquet")]
            Self::Parquet => "Parquet",
        }
    }

    /// What a browser is told it is.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::JsonLines => "application/jsonl; charset=utf-8",
            #[cfg(feature = "parquet")]
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }
}

impl std::str::FromStr for Format {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().find(|format| format.as_str() == text);
        found.copied().ok_or("an export is written as `csv`, `jsonl` or, if the program was built with it, `parquet`")
    }
}

/// Up to when what was stored counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsOf {
    /// Everything up to this position, later decodings left out.
    Position(Position),
    /// Everything received up to this time, as it is decoded now.
    Received(Timestamp),
}

/// What is to be exported.
#[derive(Debug, Clone)]
pub struct ExportQuery {
    /// Whose devices.
    pub org: OrgId,
    /// Which devices; all for none.
    pub devices: Vec<DeviceEui>,
    /// Which measurements and statuses; all for none.
    pub measurements: Vec<MeasurementId>,
    /// Measured when.
    pub window: Window,
    /// The zone whose offset times are written with.
    pub zone: TimeZone,
    /// How it is written.
    pub format: Format,
    /// Up to when what was stored counts; up to now for `None`.
    pub as_of: Option<AsOf>,
}

/// An export on its way out.
#[derive(Debug)]
pub struct Export {
    query: ExportQuery,
    form: Form,
    position: Position,
    devices: Vec<Arc<Device>>,
    next_device: usize,
    rows: Option<Rows>,
    sum: Sha256,
    readings: u64,
    bytes: u64,
    codecs: BTreeSet<CodecVersion>,
    end: Option<Sums>,
}

/// SHA-256 as hex digits.
#[derive(Debug)]
struct Sums {
    before_end: String,
    whole: String,
}

impl Export {
    /// Begins an export as of now, or of before.
    ///
    /// **Errors**: `NotFound` if the organization has no such device; as every look at the store.
    pub async fn begin(store: &dyn Store, query: ExportQuery) -> Result<Self, Error> {
        let head = store.head().await?;
        let position = match query.as_of {
            Some(AsOf::Position(position)) => position.min(head),
            Some(AsOf::Received(_)) | None => head,
        };
        let devices = find_devices(store, &query).await?;
        Ok(Self {
            form: Form::of(query.format)?,
            query,
            position,
            devices,
            next_device: 0,
            rows: None,
            sum: Sha256::new(),
            readings: 0,
            bytes: 0,
            codecs: BTreeSet::new(),
            end: None,
        })
    }

    /// The position that it is taken at.
    pub fn position(&self) -> Position {
        self.position
    }

    /// How many devices are done, of how many.
    pub fn progress(&self) -> (u64, u64) {
        (self.next_device.saturating_sub(1) as u64, self.devices.len() as u64)
    }

    /// The next piece of it; `None` after the last.
    ///
    /// **Errors**: as every look at the store; what was given until then has no end.
    pub async fn next(&mut self, store: &dyn Store) -> Result<Option<Vec<u8>>, Error> {
        if self.end.is_some() {
            return Ok(None);
        }
        let mut out = Vec::with_capacity(PIECE_BYTES + PIECE_BYTES / 2);
        if self.bytes == 0 {
            self.form.head(&mut out);
        }
        while out.len() < PIECE_BYTES {
            if self.rows.is_none() {
                let Some(device) = self.devices.get(self.next_device) else { break };
                self.rows = Some(Rows::of(store, device, &self.query, self.position).await?);
                self.next_device += 1;
            }
            let Some(rows) = &mut self.rows else { break };
            let Some(page) = rows.next(store).await? else {
                self.rows = None;
                continue;
            };
            self.readings += self.form.rows(&mut out, &self.query, rows.eui(), &page)?;
            self.codecs.extend(page.iter().map(|row| row.codec));
        }
        let is_last = self.rows.is_none() && self.next_device == self.devices.len();
        if is_last {
            self.form.rest(&mut out)?;
        }
        self.sum.update(&out);
        if is_last {
            let (before, before_end) = (out.len(), hex(&self.sum));
            self.form.end(&mut out, self.readings, &before_end)?;
            self.sum.update(&out[before..]);
            self.end = Some(Sums { before_end, whole: hex(&self.sum) });
        }
        self.bytes += out.len() as u64;
        Ok(Some(out))
    }

    /// What the export is of; after its end also what came out.
    pub fn manifest(&self) -> Value {
        let iso = |at: Timestamp| (at != Timestamp::MIN && at != Timestamp::MAX).then(|| at.to_string());
        let query = &self.query;
        let mut manifest = json!({
            "format": query.format.as_str(),
            "position": self.position.to_string(),
            "query": {
                "org_id": query.org.to_string(),
                "devices": query.devices.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "measurements": query.measurements.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "from": iso(query.window.start),
                "to": iso(query.window.end),
                "time_zone": query.zone.iana_name().unwrap_or("UTC"),
                "received_until": match query.as_of {
                    Some(AsOf::Received(at)) => Some(at.to_string()),
                    _ => None,
                },
            },
            "devices": self.devices.iter().map(|device| device_json(device)).collect::<Vec<_>>(),
        });
        if let Some(sums) = &self.end {
            manifest["rows"] = self.readings.into();
            manifest["bytes"] = self.bytes.into();
            manifest["sha256_before_end"] = sums.before_end.clone().into();
            manifest["sha256"] = sums.whole.clone().into();
            manifest["codec_versions"] = self.codecs.iter().map(|codec| codec.0).collect::<Vec<_>>().into();
        }
        manifest
    }
}

fn hex(sum: &Sha256) -> String {
    let sum: [u8; 32] = sum.clone().finalize().into();
    crate::secret::hex(&sum).to_ascii_lowercase()
}

/// What was measured at one time, given rows by ascending position: of each series the last, by ascending series.
fn each_reading<'a>(rows: &'a [Row], query: &ExportQuery, mut each: impl FnMut(&'a Row, &'a Reading)) {
    let is_meant =
        |reading: &Reading| query.measurements.is_empty() || query.measurements.contains(&reading.series.measurement);
    if let [row] = rows
        && row.readings.is_sorted_by(|a, b| a.series < b.series)
    {
        row.readings.iter().filter(|reading| is_meant(reading)).for_each(|reading| each(row, reading));
        return;
    }
    let mut last: BTreeMap<SeriesKey, (&Row, &Reading)> = BTreeMap::new();
    for row in rows {
        last.extend(row.readings.iter().map(|reading| (reading.series, (row, reading))));
    }
    last.into_values().filter(|(_, reading)| is_meant(reading)).for_each(|(row, reading)| each(row, reading));
}

fn device_json(device: &Device) -> Value {
    let kind = match device.kind {
        model::DeviceKind::Gateway => "gateway",
        model::DeviceKind::Node => "node",
    };
    let channels = device.channels.iter().map(|channel| {
        json!({
            "index": channel.index.0,
            "name": channel.name,
            "sensor_type": channel.sensor_type,
            "sensor_id": channel.sensor_id,
            "measurements": channel.measurements.iter().map(|id| id.0).collect::<Vec<_>>(),
        })
    });
    json!({
        "eui": device.eui.to_string(),
        "kind": kind,
        "name": device.name,
        "model": device.model,
        "frequency": device.frequency,
        "latitude": device.place.map(|place| place.latitude),
        "longitude": device.place.map(|place| place.longitude),
        "channels": channels.collect::<Vec<_>>(),
    })
}

async fn find_devices(store: &dyn Store, query: &ExportQuery) -> Result<Vec<Arc<Device>>, Error> {
    let mut devices: Vec<Arc<Device>> = Vec::new();
    if query.devices.is_empty() {
        loop {
            let after = devices.last().map(|device| device.eui);
            let page = store.list_devices(query.org, DeviceFilter::default(), after, DEVICES).await?;
            let is_last = page.len() < DEVICES;
            devices.extend(page);
            if is_last {
                return Ok(devices);
            }
        }
    }
    let named: BTreeSet<DeviceEui> = query.devices.iter().copied().collect();
    for eui in named {
        devices.push(store.find_device(query.org, eui).await?.ok_or(Error::NotFound(store::Kind::Device))?);
    }
    Ok(devices)
}
