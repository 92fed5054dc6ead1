use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use model::{DeviceEui, OrgId};

use super::{Session, arguments, block_on, find_org};
use crate::{
    control,
    export::manifest_of,
    import::{Table, Wanted},
    station,
};

/// Take readings in out of a file: an export, or a table from elsewhere
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  senstation import --from farm.csv                       with farm.csv.manifest.json beside it
  senstation import --from logger.csv --device 2CF7F12004100005 --time-column when \\
      --column temp=1/4097 --column rh=1/4098 --time-zone Europe/Zurich --dry-run --report fates.csv

What the station has already is left out, so that the same file may be taken again. Readings come in
as history: readers of the stream do not hear of them.")]
pub(super) struct Import {
    /// The file
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// Whose they become; may be left out while there is only one organization
    #[arg(long, value_name = "ORG_ID", value_parser = arguments::org)]
    org: Option<OrgId>,
    /// Take nothing; only say what would become of each reading
    #[arg(long)]
    dry_run: bool,
    /// Let values that the station has give way to others in the file
    #[arg(long)]
    replace: bool,
    /// Write line, fate and reason of every reading into this file, which must not be there yet
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// The manifest of an export, whose devices are added [default: FILE.manifest.json, if it is there]
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// A table's column of times, which makes it one from elsewhere
    #[arg(long, value_name = "HEADING", requires = "column")]
    time_column: Option<String>,
    /// A table's column of values, with channel and measurement; may be given several times
    #[arg(long, value_name = "HEADING=CHANNEL/ID", value_parser = column, requires = "time_column")]
    column: Vec<(String, u16, u32)>,
    /// The device of all lines of a table
    #[arg(long, value_name = "EUI", requires = "time_column", conflicts_with = "device_column")]
    device: Option<DeviceEui>,
    /// A table's column of EUIs
    #[arg(long, value_name = "HEADING", requires = "time_column")]
    device_column: Option<String>,
    /// The zone of a table's times that name none
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    time_zone: String,
}

/// `temp=1/4097`
fn column(text: &str) -> Result<(String, u16, u32), String> {
    let parse = || {
        let (heading, series) = text.rsplit_once('=')?;
        let (channel, measurement) = series.split_once('/')?;
        Some((heading.to_owned(), channel.parse().ok()?, measurement.parse().ok()?))
    };
    parse().ok_or_else(|| format!("`{text}` does not say heading, channel and measurement, as `temp=1/4097` does"))
}

impl Import {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<()> {
        let settings = session.settings()?;
        if !station::is_in(&settings.data_dir) {
            bail!("there is no station in `{}`", settings.data_dir.display());
        }
        let org = session.with_registry(async |registry| Ok(find_org(&*registry, self.org).await?.id))?;
        // The running station has a working folder of its own.
        let absolute = |path: &Path| std::path::absolute(path).context("where is that file?");
        let beside = manifest_of(&self.from);
        let manifest = self.manifest.or_else(|| beside.exists().then_some(beside));
        let table = self.time_column.map(|time_column| Table {
            device: self.device.map(|eui| eui.to_string()),
            device_column: self.device_column,
            time_column,
            time_zone: self.time_zone,
            values: self.column,
        });
        let wanted = Wanted {
            from: absolute(&self.from)?,
            org: org.to_string(),
            is_dry: self.dry_run,
            replaces: self.replace,
            report: self.report.as_deref().map(absolute).transpose()?,
            manifest: manifest.as_deref().map(absolute).transpose()?,
            table,
        };
        let taken = block_on(control::ask(&settings, control::Request::Import(Box::new(wanted)), "import"))?;
        let mut lines: Vec<String> = Vec::new();
        for odd in taken["odd"].as_array().into_iter().flatten() {
            let why = odd["why"].as_str().filter(|why| !why.is_empty()).map(|why| format!(": {why}"));
            let fate = odd["fate"].as_str().unwrap_or_default();
            lines.push(format!("line {}: {fate}{}", odd["line"], why.unwrap_or_default()));
        }
        lines.push(format!(
            "{}{} new, {} had already, {} with another value here, {} replaced, {} refused",
            if self.dry_run { "nothing was taken; it would be: " } else { "" },
            taken["new"],
            taken["same"],
            taken["differs"],
            taken["replaced"],
            taken["refused"],
        ));
        session.output.show(&taken, lines.join("\n"))
    }
}
