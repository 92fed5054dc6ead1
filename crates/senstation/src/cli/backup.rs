use std::{path::PathBuf, time::Instant};

use anyhow::{Context, bail};
use clap::Args;

use super::{Session, block_on};
use crate::{control, output, station};

/// Put everything the station keeps into one file, also while it runs
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  senstation backup --to /mnt/usb/station.backup
  senstation backup --to station.backup --with-secrets     with `station.key`: guard it well

Everything acknowledged before it begins is in it. `[backup]` in the settings makes backups by the
clock; `senstation verify --backup FILE` tries whether one can be restored.")]
pub(super) struct Backup {
    /// The file, which must not be there yet
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// Include `station.key`, which keys of development kits and app passwords are derived from
    #[arg(long)]
    with_secrets: bool,
}

impl Backup {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<()> {
        let settings = session.settings()?;
        if !station::is_in(&settings.data_dir) {
            bail!("there is no station in `{}`", settings.data_dir.display());
        }
        // The running station has a working folder of its own.
        let to = std::path::absolute(&self.to).context("where is that file to be?")?;
        let begun = Instant::now();
        let request = control::Request::Backup { to: to.clone(), with_secrets: self.with_secrets };
        let mut made = block_on(control::ask(&settings, request, "backup"))?;
        made["file"] = to.display().to_string().into();
        let bytes = made["bytes"].as_u64().unwrap_or_default();
        let text = format!(
            "{}: {} of {} in {:.1} s, everything up to position {}{}",
            to.display(),
            output::size(bytes),
            output::size(made["content_bytes"].as_u64().unwrap_or_default()),
            begun.elapsed().as_secs_f64(),
            made["position"].as_str().unwrap_or_default(),
            if self.with_secrets { "\nIt holds `station.key`: whoever has it can sign in as devices do." } else { "" },
        );
        session.output.show(&made, text)
    }
}
