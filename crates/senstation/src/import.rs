//! Readings taken in out of files, beside a running station or without one.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, bail};
use ingest::import::{self, Columns, Ended, Fate, Manifest, Manner, Odd, Record, Whose};
use jiff::tz::TimeZone;
use model::{ChannelIndex, MeasurementId, OrgId, SeriesKey};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use store::Store;
use tokio::runtime::Handle;

use crate::{
    clock,
    credentials::hex,
    progress::{Steps, aside},
    station::Station,
};

/// Fates that are told apart in the answer; a report has all.
const TOLD: usize = 20;
/// What an export in CSV begins with.
const HEADINGS: &str = "device_eui,channel,measurement_id,measured_at,";

/// What is wanted, as commands say it to a running station.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wanted {
    pub(crate) from: PathBuf,
    pub(crate) org: String,
    pub(crate) is_dry: bool,
    pub(crate) replaces: bool,
    pub(crate) report: Option<PathBuf>,
    pub(crate) manifest: Option<PathBuf>,
    /// `None` for an export.
    pub(crate) table: Option<Table>,
}

/// The columns of a table from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Table {
    pub(crate) device: Option<String>,
    pub(crate) device_column: Option<String>,
    pub(crate) time_column: String,
    pub(crate) time_zone: String,
    /// Heading, channel and measurement.
    pub(crate) values: Vec<(String, u16, u32)>,
}

impl Table {
    fn columns(self) -> anyhow::Result<Columns> {
        let whose = match (self.device, self.device_column) {
            (Some(eui), _) => Whose::One(eui.parse().map_err(|error: model::InvalidEui| anyhow::anyhow!(error))?),
            (None, Some(column)) => Whose::Column(column),
            (None, None) => bail!("whose readings are these? Give `--device` or `--device-column`"),
        };
        let zone = TimeZone::get(&self.time_zone)
            .with_context(|| format!("`{}` is no time zone such as `Europe/Zurich`", self.time_zone))?;
        let values = self.values.into_iter().map(|(heading, channel, measurement)| {
            let (channel, measurement) = (ChannelIndex(channel), MeasurementId(measurement));
            (heading, SeriesKey { channel, measurement })
        });
        Ok(Columns { whose, time: self.time_column, zone, values: values.collect() })
    }
}

/// Takes a file's readings in.
pub(crate) async fn take(station: &Station, wanted: Wanted, steps: &Arc<Steps>) -> anyhow::Result<Value> {
    let (store, runtime) = (station.store(), Handle::current());
    aside(steps, move |steps| run(&*store, &runtime, wanted, steps)).await
}

fn run(store: &dyn Store, runtime: &Handle, wanted: Wanted, steps: &Steps) -> anyhow::Result<Value> {
    let Wanted { from, org, is_dry, replaces, report, manifest, table } = wanted;
    let org: OrgId = org.parse()?;
    let name = from.display().to_string();
    let open = || File::open(&from).map(BufReader::new).with_context(|| format!("cannot read `{name}`"));
    let total = open()?.get_ref().metadata()?.len();
    let mut bound = Vec::new();
    if table.is_none() {
        match check_end(open()?)? {
            Ended::Whole => {}
            Ended::Open => bail!(
                "`{name}` has nothing that ends an export: it was cut off, or comes from elsewhere; for a table \
                 from elsewhere give `--time-column` and `--column`"
            ),
            Ended::Altered => bail!("`{name}` is not as it was exported: its checksum differs"),
        }
        if let Some(manifest) = manifest.filter(|_| !is_dry) {
            let text = std::fs::read(&manifest).with_context(|| format!("cannot read `{}`", manifest.display()))?;
            let manifest: Manifest = serde_json::from_slice(&text)
                .with_context(|| format!("`{}` is no manifest of an export", manifest.display()))?;
            if manifest.sha256.as_ref().is_some_and(|said| sum_of(&from).is_ok_and(|sum| sum != *said)) {
                bail!("`{name}` is not the file that its manifest is of: its SHA-256 differs");
            }
            bound = runtime.block_on(manifest.bind_missing(store, org, clock::now()))?;
        }
    }
    let mut report = match report {
        Some(path) => Some((BufWriter::new(create(&path)?), path)),
        None => None,
    };
    if let Some((out, _)) = &mut report {
        writeln!(out, "line,fate,why")?;
    }
    let counting = Counting { inner: open()?, steps, done: 0, total };
    let records = records(counting, table).with_context(|| format!("`{name}`"))?;
    let (mut odd, mut broken) = (Vec::new(), None);
    let taken =
        runtime.block_on(import::import(store, Manner { org, is_dry, replaces }, records, &mut |line, fate, why| {
            if !matches!(fate, Fate::New | Fate::Same) && odd.len() < TOLD {
                odd.push(json!({ "line": line, "fate": word(fate), "why": why }));
            }
            if let Some((out, _)) = &mut report {
                let why = why.replace('"', "\"\"");
                broken = writeln!(out, "{line},{},\"{why}\"", word(fate)).err();
            }
            broken.is_none()
        }));
    if let Some(error) = broken {
        return Err(error).context("the report cannot be written");
    }
    let counts = taken.with_context(|| format!("`{name}`"))?;
    if let Some((mut out, path)) = report {
        out.flush().with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    Ok(json!({
        "dry_run": is_dry,
        "new": counts.new,
        "same": counts.same,
        "differs": counts.differs,
        "replaced": counts.replaced,
        "refused": counts.refused,
        "devices_added": bound.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "odd": odd,
    }))
}

type Records<'a> = Box<dyn Iterator<Item = Result<Result<Record, Odd>, io::Error>> + 'a>;

fn records(mut input: Counting<'_, BufReader<File>>, table: Option<Table>) -> anyhow::Result<Records<'_>> {
    Ok(match table {
        Some(table) => Box::new(import::read_table(input, table.columns()?)?),
        #[cfg(feature = "parquet")]
        None if input.fill_buf()?.starts_with(import::PARQUET_MAGIC) => parquet(input)?,
        None if input.fill_buf()?.starts_with(HEADINGS.as_bytes()) => Box::new(import::read_csv(input)),
        None => Box::new(import::read_lines(input)),
    })
}

fn sum_of(file: &Path) -> io::Result<String> {
    let mut sum = Sha256::new();
    let mut input = File::open(file)?;
    let mut block = vec![0; 1 << 16];
    loop {
        match input.read(&mut block)? {
            0 => break,
            read => sum.update(&block[..read]),
        }
    }
    let sum: [u8; 32] = sum.finalize().into();
    Ok(hex(&sum).to_ascii_lowercase())
}

/// How an export ends, however it is written.
fn check_end(mut input: BufReader<File>) -> io::Result<Ended> {
    #[cfg(feature = "parquet")]
    if input.fill_buf()?.starts_with(import::PARQUET_MAGIC) {
        return match import::open_parquet(input.get_ref().try_clone()?) {
            Ok(footer) => import::check_parquet_end(input.get_mut(), &footer),
            // The footer is what a file has that was not cut off.
            Err(_) => Ok(Ended::Open),
        };
    }
    import::check_end(input)
}

#[cfg(feature = "parquet")]
fn parquet(input: Counting<'_, BufReader<File>>) -> anyhow::Result<Records<'_>> {
    let Counting { inner, steps, .. } = input;
    let readings = import::ParquetReadings::new(import::open_parquet(inner.into_inner())?)?;
    let total = readings.total();
    let counted = readings.zip(1_u64..).map(move |(reading, number)| {
        if number % 4_096 == 0 && !steps.note(number, total) {
            return Err(stopped());
        }
        reading
    });
    Ok(Box::new(counted))
}

fn stopped() -> io::Error {
    io::Error::other("it was stopped before its end; what was taken until then stays")
}

fn create(path: &Path) -> anyhow::Result<File> {
    File::create_new(path).with_context(|| format!("cannot write the report `{}`", path.display()))
}

const fn word(fate: Fate) -> &'static str {
    match fate {
        Fate::New => "new",
        Fate::Same => "same",
        Fate::Differs => "differs",
        Fate::Replaced => "replaced",
        Fate::Refused => "refused",
    }
}

/// Tells how far a file has been read, and breaks off when nobody wants it any more.
struct Counting<'a, R> {
    inner: R,
    steps: &'a Steps,
    done: u64,
    total: u64,
}

impl<R: BufRead> Read for Counting<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Counting<'_, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if !self.steps.note(self.done, self.total) {
            return Err(stopped());
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, bytes: usize) {
        self.done += bytes as u64;
        self.inner.consume(bytes);
    }
}
