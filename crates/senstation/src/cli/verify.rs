use std::{path::PathBuf, sync::Arc};

use anyhow::bail;
use clap::Args;
use serde_json::Value;

use super::{Session, block_on};
use crate::{
    backup, control,
    progress::{Steps, aside, watch},
    station,
};

/// Read everything the station keeps, and name what is damaged
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  senstation verify
  senstation verify --backup station.backup     restores it in a folder beside it, and removes that again

It ends with 1 if something is damaged.")]
pub(super) struct Verify {
    /// Verify a backup instead, by restoring it where nobody's station is
    #[arg(long, value_name = "FILE")]
    backup: Option<PathBuf>,
}

impl Verify {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<()> {
        let found = match self.backup {
            Some(file) => {
                let steps = Arc::new(Steps::default());
                let work = aside(&steps, move |steps| backup::rehearse(&file, steps));
                let (summary, verified) = block_on(watch("verifying", &steps, work))?;
                let mut found = backup::verified_json(&verified);
                found["backup"] = backup::summary_json(&summary);
                found
            }
            None => {
                let settings = session.settings()?;
                if !station::is_in(&settings.data_dir) {
                    bail!("there is no station in `{}`", settings.data_dir.display());
                }
                block_on(control::ask(&settings, control::Request::Verify, "verifying"))?
            }
        };
        let count = |name: &str| found[name].as_u64().unwrap_or_default();
        let findings = found["findings"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let mut lines: Vec<String> = findings.map(str::to_owned).collect();
        lines.push(format!(
            "read {} entries of the log, {} devices, {} chunks with {} rows, {} frames",
            count("entries"),
            count("devices"),
            count("chunks"),
            count("rows"),
            count("frames"),
        ));
        session.output.show(&found, lines.join("\n"))?;
        match count("finding_count") {
            0 => Ok(()),
            1 => bail!("something is damaged; a backup made before may have it whole"),
            more => bail!("{more} things are damaged; a backup made before may have them whole"),
        }
    }
}
