use std::{path::PathBuf, time::Instant};

use anyhow::{Context, bail};
use clap::Args;
use model::{DeviceEui, OrgId, Timestamp};

use super::{Session, arguments, block_on, find_org};
use crate::{
    control,
    export::{Wanted, manifest_of},
    output, station,
};

/// Write readings into a file: any devices, measurements and period, whole
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  senstation export --to farm.csv
  senstation export --to july.csv --device 2CF7F12004100005 --measurement 4097 \\
      --since 2026-07-01 --until 2026-08-01 --time-zone Europe/Zurich
  senstation export --to farm.parquet --format parquet
  senstation export --to before.jsonl --format jsonl --as-of 12345

Beside the file lies `FILE.manifest.json`: query, position, devices, number of readings, SHA-256.
`senstation import` takes both back. The same query as of the same position gives the same bytes.")]
pub(super) struct Export {
    /// The file, which must not be there yet
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// Whose readings; may be left out while there is only one organization
    #[arg(long, value_name = "ORG_ID", value_parser = arguments::org)]
    org: Option<OrgId>,
    /// Only this device; may be given several times
    #[arg(long, value_name = "EUI")]
    device: Vec<DeviceEui>,
    /// Only this measurement or status; may be given several times
    #[arg(long, value_name = "ID")]
    measurement: Vec<u32>,
    /// Measured at or after this time, or the beginning of this day in UTC
    #[arg(long, value_name = "TIME", value_parser = arguments::time)]
    since: Option<Timestamp>,
    /// Measured before it
    #[arg(long, value_name = "TIME", value_parser = arguments::time)]
    until: Option<Timestamp>,
    /// The zone that times are written in
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    time_zone: String,
    /// csv, jsonl or parquet
    #[arg(long, default_value = "csv")]
    format: String,
    /// As it was at a position, or as of what was received up to a time
    #[arg(long, value_name = "POSITION|TIME")]
    as_of: Option<String>,
}

impl Export {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<()> {
        let settings = session.settings()?;
        if !station::is_in(&settings.data_dir) {
            bail!("there is no station in `{}`", settings.data_dir.display());
        }
        let org = session.with_registry(async |registry| Ok(find_org(&*registry, self.org).await?.id))?;
        let as_of_position = self.as_of.as_deref().and_then(|text| text.parse().ok());
        let as_of_ms = match self.as_of.as_deref().filter(|_| as_of_position.is_none()) {
            Some(text) => Some(arguments::time(text).map_err(anyhow::Error::msg)?.as_millis()),
            None => None,
        };
        let wanted = Wanted {
            org: org.to_string(),
            devices: self.device.iter().map(ToString::to_string).collect(),
            measurements: self.measurement,
            since_ms: self.since.map(Timestamp::as_millis),
            until_ms: self.until.map(Timestamp::as_millis),
            time_zone: self.time_zone,
            format: self.format,
            as_of_position,
            as_of_ms,
        };
        let to = std::path::absolute(&self.to).context("where is that file to be?")?;
        let begun = Instant::now();
        let request = control::Request::Export { wanted: Box::new(wanted), to: to.clone() };
        let mut made = block_on(control::ask(&settings, request, "export"))?;
        let text = format!(
            "{}: {} readings of {} devices, {}, in {:.1} s, as of position {}\nits manifest: {}",
            to.display(),
            made["rows"],
            made["devices"].as_array().map_or(0, Vec::len),
            output::size(made["bytes"].as_u64().unwrap_or_default()),
            begun.elapsed().as_secs_f64(),
            made["position"].as_str().unwrap_or_default(),
            manifest_of(&to).display(),
        );
        made["file"] = to.display().to_string().into();
        session.output.show(&made, text)
    }
}
