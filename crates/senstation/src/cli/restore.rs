use std::{path::PathBuf, sync::Arc};

use anyhow::anyhow;
use clap::Args;
use store_embedded::backup::{self, BackupError};

use super::{Session, block_on};
use crate::{
    backup::{summary_json, verified_json},
    progress::{Steps, aside, watch},
};

/// Make a station of a backup
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  senstation restore --from station.backup --data-dir /srv/station
  senstation restore --from station.backup --overwrite     in place of the station that is there

The whole file is read and checked before anything is touched. Readers of the stream that were
further than the backup do not meet a position twice.")]
pub(super) struct Restore {
    /// The backup
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// Replace the station that the data folder holds, with all its readings
    #[arg(long)]
    overwrite: bool,
}

impl Restore {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<()> {
        let data_dir = session.settings()?.data_dir;
        let path = data_dir.display().to_string();
        let Self { from, overwrite } = self;
        let steps = Arc::new(Steps::default());
        let work = aside(&steps, move |steps| {
            let name = from.display().to_string();
            backup::restore(&from, &data_dir, overwrite, &mut |done, total| steps.note(done, total)).map_err(|error| {
                match error {
                    BackupError::Occupied(_) => {
                        anyhow!(error).context("add `--overwrite` to lose what it holds, or name another `--data-dir`")
                    }
                    BackupError::Store(store::Error::Unavailable(reason)) => anyhow!(reason),
                    other => anyhow!(other).context(format!("`{name}`; nothing was changed")),
                }
            })
        });
        let (summary, verified) = block_on(watch("restoring", &steps, work))?;
        let mut shown = summary_json(&summary);
        shown["data_dir"] = path.clone().into();
        shown["verified"] = verified_json(&verified);
        let mut text = format!(
            "restored {} devices with data and {} sealed rows into {path}, as they were at {}",
            verified.devices, verified.rows, summary.made_at
        );
        if !verified.is_whole() {
            text.push_str("\nThis was damaged already when the backup was made:\n  ");
            text.push_str(&verified.findings.join("\n  "));
        }
        session.output.show(&shown, text)
    }
}
