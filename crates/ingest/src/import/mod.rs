//! Readings out of files: exports of a station, or tables from elsewhere.
//!
//! They come in as history: kept like everything else, and told to nobody as news. What the station
//! has already is left out, so that the same file may be taken twice, or again after half of it.

mod end;
mod manifest;
mod ours;
#[cfg(feature = "parquet")]
mod parquet;
mod table;

use std::{
    collections::{BTreeMap, HashMap},
    io,
};

use model::{
    CodecVersion, DedupKey, DeviceEui, DeviceId, OrgId, Position, Reading, RowFlags, SeriesKey, SourceId, Timestamp,
    Value, Window,
};
use sha2::{Digest, Sha256};
use store::{Entry, NewRow, RowQuery, Store, StoredUplink};
use thiserror::Error;

pub use end::{Ended, check_end};
pub use manifest::Manifest;
pub use ours::{read_csv, read_lines};
#[cfg(feature = "parquet")]
pub use parquet::{PARQUET_MAGIC, ParquetReadings, check_parquet_end, open_parquet};
pub use table::{Columns, Whose, read_table};

/// Readings that are looked up and stored at once.
const BATCH: usize = 4_096;
/// And over how much time they stretch at most.
const SPAN_MS: i64 = 31 * 24 * 3_600_000;
/// Uplinks appended at once.
const APPENDED: usize = 512;
/// Rows that are looked at in that time, at most.
const ROWS_MAX: usize = 1 << 20;

/// One reading of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The line it stands on, from 1.
    pub line: u64,
    /// Whose reading.
    pub eui: DeviceEui,
    /// Which series.
    pub series: SeriesKey,
    /// The device's time.
    pub measured_at: Timestamp,
    /// Its value.
    pub value: Value,
    /// What the station that it was exported from knew besides.
    pub origin: Origin,
}

/// What is known of the uplink that a reading came with; equal ones come back as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Origin {
    /// When it was received; when it was measured, if that is not known.
    pub received_at: Option<Timestamp>,
    /// Where it stood there.
    pub position: u64,
    /// The codec that decoded it.
    pub codec: u16,
    /// What happened to it.
    pub flags: u8,
}

/// A line that is no reading, and why.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}: {why}")]
pub struct Odd {
    /// The line, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub why: String,
}

/// What becomes of a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The station does not have it, and gets it.
    New,
    /// The station has it already.
    Same,
    /// The station has another value; it keeps that one.
    Differs,
    /// The station has another value, which gives way.
    Replaced,
    /// It is not taken.
    Refused,
}

/// How many readings had which fate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Taken.
    pub new: u64,
    /// Left out, as the station has them.
    pub same: u64,
    /// Left out, though the station has other values.
    pub differs: u64,
    /// Taken in place of other values.
    pub replaced: u64,
    /// Not understood, or of unknown devices.
    pub refused: u64,
}

/// Why an import ended early; what was taken by then stays, and the same file may be taken again.
#[derive(Debug, Error)]
pub enum ImportError {
    /// The file could not be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The store refused.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Whoever asked wants no more.
    #[error("it was stopped before its end; what was taken until then stays")]
    Stopped,
}

/// How readings are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manner {
    /// Whose they become.
    pub org: OrgId,
    /// Whether they are only looked at.
    pub is_dry: bool,
    /// Whether other values that the station has give way.
    pub replaces: bool,
}

/// Takes readings in. `told` hears the fate of each line, and why it was refused; `false` stops.
///
/// **Errors**: [`ImportError`].
pub async fn import(
    store: &dyn Store,
    manner: Manner,
    records: impl Iterator<Item = Result<Result<Record, Odd>, io::Error>>,
    told: &mut (dyn FnMut(u64, Fate, &str) -> bool + Send),
) -> Result<Counts, ImportError> {
    let mut taking = Taking { store, manner, devices: HashMap::new(), counts: Counts::default(), told };
    let mut batch: Vec<Record> = Vec::new();
    for record in records {
        match record? {
            Err(odd) => taking.tell(odd.line, Fate::Refused, &odd.why)?,
            Ok(record) => {
                let is_apart = batch.first().is_some_and(|first| {
                    first.eui != record.eui || record.measured_at.since_ms(first.measured_at).abs() > SPAN_MS
                });
                if is_apart || batch.len() >= BATCH {
                    taking.take(std::mem::take(&mut batch)).await?;
                }
                batch.push(record);
            }
        }
    }
    taking.take(batch).await?;
    Ok(taking.counts)
}

struct Taking<'a> {
    store: &'a dyn Store,
    manner: Manner,
    devices: HashMap<DeviceEui, Option<DeviceId>>,
    counts: Counts,
    told: &'a mut (dyn FnMut(u64, Fate, &str) -> bool + Send),
}

impl Taking<'_> {
    fn tell(&mut self, line: u64, fate: Fate, why: &str) -> Result<(), ImportError> {
        let counts = &mut self.counts;
        let count = match fate {
            Fate::New => &mut counts.new,
            Fate::Same => &mut counts.same,
            Fate::Differs => &mut counts.differs,
            Fate::Replaced => &mut counts.replaced,
            Fate::Refused => &mut counts.refused,
        };
        *count += 1;
        if (self.told)(line, fate, why) { Ok(()) } else { Err(ImportError::Stopped) }
    }

    /// Takes some readings of one device.
    async fn take(&mut self, batch: Vec<Record>) -> Result<(), ImportError> {
        let Some(eui) = batch.first().map(|record| record.eui) else { return Ok(()) };
        let Some(device) = self.device(eui).await? else {
            let why = format!("the organization has no device `{eui}`; add it with `senstation device add`");
            return batch.iter().try_for_each(|record| self.tell(record.line, Fate::Refused, &why));
        };
        let mut known = known(self.store, self.manner.org, device, &batch).await?;
        // Readings that came in one uplink go back into one.
        let mut uplinks: BTreeMap<(Timestamp, Origin), Vec<Reading>> = BTreeMap::new();
        for record in batch {
            let place = (record.measured_at, record.series);
            let fate = match known.get(&place) {
                None => Fate::New,
                Some(value) if value.same(&record.value) => Fate::Same,
                Some(_) if self.manner.replaces => Fate::Replaced,
                Some(_) => Fate::Differs,
            };
            self.tell(record.line, fate, "")?;
            if matches!(fate, Fate::New | Fate::Replaced) {
                known.insert(place, record.value.clone());
                let readings = uplinks.entry((record.measured_at, record.origin)).or_default();
                readings.push(Reading { series: record.series, value: record.value });
            }
        }
        if self.manner.is_dry {
            return Ok(());
        }
        let mut entries: Vec<Entry> = Vec::with_capacity(uplinks.len());
        for ((measured_at, origin), readings) in uplinks {
            for readings in readings.chunks(Entry::READINGS_MAX) {
                let uplink = uplink(self.manner.org, (device, eui), measured_at, origin, readings.to_vec());
                entries.push(uplink.into());
            }
        }
        while !entries.is_empty() {
            let rest = entries.split_off(entries.len().min(APPENDED));
            self.store.append(std::mem::replace(&mut entries, rest)).await?;
        }
        Ok(())
    }

    async fn device(&mut self, eui: DeviceEui) -> Result<Option<DeviceId>, store::Error> {
        if let Some(device) = self.devices.get(&eui) {
            return Ok(*device);
        }
        let device = self.store.find_device(self.manner.org, eui).await?.map(|device| device.id);
        self.devices.insert(eui, device);
        Ok(device)
    }
}

/// What the station has of a device, where a batch is.
async fn known(
    store: &dyn Store,
    org: OrgId,
    device: DeviceId,
    batch: &[Record],
) -> Result<HashMap<(Timestamp, SeriesKey), Value>, ImportError> {
    let times = || batch.iter().map(|record| record.measured_at);
    let (Some(first), Some(last)) = (times().min(), times().max()) else { return Ok(HashMap::new()) };
    let window = Window { start: first, end: last.plus_ms(1) };
    let query = RowQuery { device, window, limit: ROWS_MAX, hidden: false };
    let mut known: HashMap<_, (Position, Value)> = HashMap::new();
    for row in store.rows(org, query).await? {
        for reading in row.readings {
            let place = (row.measured_at, reading.series);
            if known.get(&place).is_none_or(|(position, _)| row.position >= *position) {
                known.insert(place, (row.position, reading.value));
            }
        }
    }
    Ok(known.into_iter().map(|(place, (_, value))| (place, value)).collect())
}

/// What a device sent, as history has it.
pub fn uplink(
    org: OrgId,
    (device, eui): (DeviceId, DeviceEui),
    measured_at: Timestamp,
    origin: Origin,
    readings: Vec<Reading>,
) -> StoredUplink {
    let received_at = origin.received_at.unwrap_or(measured_at);
    // Whatever makes it another uplink makes it another key, so that one that was stored just before
    // a crash is not stored again.
    let mut sum = Sha256::new();
    sum.update(b"history");
    for number in [measured_at.as_millis(), received_at.as_millis(), origin.position as i64] {
        sum.update(number.to_le_bytes());
    }
    for reading in &readings {
        sum.update(reading.series.channel.0.to_le_bytes());
        sum.update(reading.series.measurement.0.to_le_bytes());
        sum.update(reading.value.to_string());
        sum.update([0]);
    }
    let sum: [u8; 32] = sum.finalize().into();
    let dedup = DedupKey(sum[..16].iter().fold(0, |key, byte| key << 8 | u128::from(*byte)));
    StoredUplink {
        org,
        device,
        eui,
        source: SourceId::HISTORY,
        dedup,
        received_at,
        codec: CodecVersion(origin.codec),
        frame: None,
        rows: vec![NewRow { measured_at, flags: RowFlags(origin.flags), readings }],
    }
}
