//! Exports into files, beside a running station or without one.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, anyhow, bail};
use jiff::tz::TimeZone;
use model::{MeasurementId, Position, Timestamp, Window};
use portal::export::{AsOf, Export, ExportQuery};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::runtime::Handle;

use crate::{
    clock,
    progress::{Steps, aside},
    station::Station,
};

/// What is wanted, as commands say it to a running station.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wanted {
    pub(crate) org: String,
    pub(crate) devices: Vec<String>,
    pub(crate) measurements: Vec<u32>,
    pub(crate) since_ms: Option<i64>,
    pub(crate) until_ms: Option<i64>,
    pub(crate) time_zone: String,
    pub(crate) format: String,
    pub(crate) as_of_position: Option<u64>,
    pub(crate) as_of_ms: Option<i64>,
}

impl Wanted {
    fn query(&self) -> anyhow::Result<ExportQuery> {
        let parse = |eui: &String| eui.parse().map_err(|error: model::InvalidEui| anyhow!("{error}"));
        let zone = &self.time_zone;
        Ok(ExportQuery {
            org: self.org.parse()?,
            devices: self.devices.iter().map(parse).collect::<Result<_, _>>()?,
            measurements: self.measurements.iter().map(|id| MeasurementId(*id)).collect(),
            window: Window {
                start: self.since_ms.map_or(Timestamp::MIN, Timestamp::from_millis),
                end: self.until_ms.map_or(Timestamp::MAX, Timestamp::from_millis),
            },
            zone: TimeZone::get(zone).with_context(|| format!("`{zone}` is no time zone such as `Europe/Zurich`"))?,
            format: self.format.parse().map_err(|error: &str| anyhow!(error))?,
            as_of: match (self.as_of_position, self.as_of_ms) {
                (Some(position), _) => Some(AsOf::Position(Position::from_raw(position))),
                (None, Some(ms)) => Some(AsOf::Received(Timestamp::from_millis(ms))),
                (None, None) => None,
            },
        })
    }
}

/// The manifest that lies beside an export.
pub(crate) fn manifest_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".manifest.json");
    PathBuf::from(name)
}

/// Writes an export, and beside it its manifest; both are whole, or not there.
pub(crate) async fn write(station: &Station, wanted: Wanted, to: PathBuf, steps: &Arc<Steps>) -> anyhow::Result<Value> {
    let manifest = manifest_of(&to);
    for file in [&to, &manifest] {
        if file.exists() {
            bail!("`{}` is there already; name another file", file.display());
        }
    }
    let store = station.store();
    let query = wanted.query()?;
    let (head, now) = (store.head().await?, clock::now());
    match query.as_of {
        Some(AsOf::Position(position)) if position > head => {
            bail!("position {position} is still to come: the last there is is {head}")
        }
        Some(AsOf::Received(at)) if at > now => bail!("{at} is still to come: it is {now}"),
        _ => {}
    }
    let export = Export::begin(&*store, query).await?;
    let runtime = Handle::current();
    aside(steps, move |steps| {
        let mut part = to.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let written = (|| {
            let mut options = OpenOptions::new();
            let out = options.write(true).create(true).truncate(true).mode(0o600).open(&part)?;
            let shown = pour(export, &out, |export| runtime.block_on(export.next(&*store)), steps)?;
            out.sync_all()?;
            fs::write(&manifest, format!("{shown:#}\n"))?;
            // Unlike a rename it does not replace what somebody has put there meanwhile.
            fs::hard_link(&part, &to)?;
            Ok::<_, anyhow::Error>(shown)
        })();
        let _removed = fs::remove_file(&part);
        written.with_context(|| format!("cannot export to `{}`", to.display()))
    })
    .await
}

fn pour(
    mut export: Export,
    mut out: impl Write,
    mut next: impl FnMut(&mut Export) -> Result<Option<Vec<u8>>, store::Error>,
    steps: &Steps,
) -> anyhow::Result<Value> {
    while let Some(piece) = next(&mut export)? {
        out.write_all(&piece)?;
        let (done, total) = export.progress();
        if !steps.note(done, total) {
            return Err(io::Error::other("it was stopped before its end").into());
        }
    }
    Ok(export.manifest())
}
