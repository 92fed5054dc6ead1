use std::{
    fs::File,
    io::{BufRead, BufReader, Write},
};

use anyhow::{Context, bail};
use clap::Args;
use model::{DeviceEui, OrgId, Timestamp};
use serde_json::Value;

use super::{Session, arguments, block_on, find_org};
use crate::{control, output::Output, replay::Wanted, station};

#[derive(Debug, Args)]
pub(super) struct Replay {
    /// The device; its 16 hex digits
    #[arg(long, value_name = "EUI")]
    device: DeviceEui,
    /// Whose device; may be left out while there is only one organization
    #[arg(long, value_name = "ORG_ID", value_parser = arguments::org)]
    org: Option<OrgId>,
    /// Frames that were received at or after this time, or the beginning of this day in UTC
    #[arg(long, value_name = "TIME", value_parser = arguments::time)]
    from: Option<Timestamp>,
    /// Frames that were received before it
    #[arg(long, value_name = "TIME", value_parser = arguments::time)]
    to: Option<Timestamp>,
    /// Only say what would change
    #[arg(long)]
    dry_run: bool,
}

impl Replay {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<()> {
        let settings = session.settings()?;
        if !station::is_in(&settings.data_dir) {
            bail!("there is no station in `{}`", settings.data_dir.display());
        }
        let org = session.with_registry(async |registry| Ok(find_org(&*registry, self.org).await?.id))?;
        let differences =
            tempfile::NamedTempFile::new_in(&settings.data_dir).context("cannot make a temporary file")?;
        let wanted = Wanted {
            org: org.to_string(),
            eui: self.device.to_string(),
            from_ms: self.from.map(Timestamp::as_millis),
            to_ms: self.to.map(Timestamp::as_millis),
            dry_run: self.dry_run,
            differences: std::path::absolute(differences.path())?,
        };
        let mut counts = block_on(control::ask(&settings, control::Request::Replay(wanted), "replay"))?;
        let lines = BufReader::new(File::open(differences.path())?).lines();
        let lines = lines.map(|line| Ok(serde_json::from_str(&line?)?));
        match session.output {
            Output::Json => {
                counts["differences"] = Value::Array(lines.collect::<anyhow::Result<_>>()?);
                session.output.show(&counts, String::new())
            }
            Output::Text => {
                // As many as there are: a page of them at a time is nobody's memory.
                let mut out = std::io::stdout().lock();
                for line in lines {
                    writeln!(out, "{}", text(&line?))?;
                }
                drop(out);
                session.output.show(&counts, summary(&counts, self.dry_run))
            }
        }
    }
}

fn text(difference: &Value) -> String {
    let (was, becomes) = (&difference["was"], &difference["becomes"]);
    let (sign, values) = match (was.is_null(), becomes.is_null()) {
        (true, _) => ("+", becomes.to_string()),
        (_, true) => ("-", was.to_string()),
        _ => ("~", format!("{was} -> {becomes}")),
    };
    let word = |name: &str| difference[name].as_str().unwrap_or_default().to_owned();
    let (uplink, at, id) = (&difference["uplink"], word("measured_at"), word("measurement_id"));
    format!("{sign} uplink {uplink}  {at}  {}/{id}  {values}", difference["channel"])
}

fn summary(counts: &Value, is_dry: bool) -> String {
    let would = if is_dry { "would differ" } else { "differed and are decoded anew" };
    format!(
        "{} frames decoded again, {} {would}: {} readings added, {} changed, {} gone; {} frames cannot be decoded and stay as they are\n{} readings as they were before: senstation export --as-of {}",
        counts["frames"],
        counts["differing"],
        counts["added"],
        counts["changed"],
        counts["gone"],
        counts["undecodable"],
        if is_dry { "the" } else { "all" },
        counts["position_before"].as_str().unwrap_or_default(),
    )
}
