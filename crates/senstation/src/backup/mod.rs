//! Backups: made beside a running station or without one, checked, rehearsed, and made by the clock.

mod clockwork;

use std::{
    fs::{self, File, OpenOptions},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, bail};
use serde_json::{Value, json};
use store_embedded::{
    Verified,
    backup::{self, BackupNotes, BackupSummary, Frozen},
};

pub(crate) use clockwork::Backups;

use crate::{
    clock,
    progress::{Steps, aside},
    station::Station,
    station_key,
};

/// Makes a backup of a station that is open here.
///
/// **Errors**: the file is there already, or cannot be written; it is not there then.
pub(crate) async fn make(
    station: &Station,
    to: PathBuf,
    with_secrets: bool,
    steps: &Arc<Steps>,
) -> anyhow::Result<BackupSummary> {
    if to.exists() {
        bail!("`{}` is there already; name another file", to.display());
    }
    let mut notes =
        BackupNotes { made_at: clock::now(), program: env!("CARGO_PKG_VERSION").to_owned(), files: Vec::new() };
    if with_secrets {
        notes.files.extend(station_key::file(station.data_dir())?);
    }
    let frozen = station.freeze().await?;
    aside(steps, move |steps| write(&frozen, &to, &notes, steps)).await
}

/// Writes a backup whole or not at all, and waits for the disk.
fn write(frozen: &Frozen, to: &Path, notes: &BackupNotes, steps: &Steps) -> anyhow::Result<BackupSummary> {
    let mut part = to.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let written = (|| {
        let mut options = OpenOptions::new();
        let out = options.write(true).create(true).truncate(true).mode(0o600).open(&part)?;
        let summary = frozen.write_backup(&out, notes, &mut |done, total| steps.note(done, total))?;
        out.sync_all()?;
        // Unlike a rename it does not replace what somebody has put there meanwhile.
        fs::hard_link(&part, to)?;
        if let Some(folder) = to.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok::<_, anyhow::Error>(summary)
    })();
    // One that stays is overwritten by the next try.
    let _removed = fs::remove_file(&part);
    written.with_context(|| format!("cannot write `{}`", to.display()))
}

/// Restores a backup in a folder beside it, verifies it and removes it again.
pub(crate) fn rehearse(file: &Path, steps: &Steps) -> anyhow::Result<(BackupSummary, Verified)> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Whatever ended an earlier one goes with it, as it has the same name.
    let scratch = folder.join(".rehearsal");
    match fs::remove_dir_all(&scratch) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        Ok(()) | Err(_) => {}
    }
    let rehearsed = backup::rehearse(file, &scratch, &mut |done, total| steps.note(done, total));
    rehearsed.with_context(|| format!("`{}`", file.display()))
}

/// Verifies a station that is open here.
pub(crate) async fn verify(station: &Station, steps: &Arc<Steps>) -> anyhow::Result<Verified> {
    let frozen = station.freeze().await?;
    aside(steps, move |steps| Ok(frozen.verify(&mut |done, total| steps.note(done, total))?)).await
}

pub(crate) fn summary_json(summary: &BackupSummary) -> Value {
    json!({
        "made_at": summary.made_at.to_string(),
        "made_by": summary.program,
        "position": summary.position.to_string(),
        "rows": summary.rows,
        "content_bytes": summary.content_bytes,
        "bytes": summary.bytes,
        "files": summary.files,
    })
}

pub(crate) fn verified_json(verified: &Verified) -> Value {
    json!({
        "whole": verified.is_whole(),
        "entries": verified.entries,
        "devices": verified.devices,
        "chunks": verified.chunks,
        "rows": verified.rows,
        "frames": verified.frames,
        "finding_count": verified.finding_count,
        "findings": verified.findings,
    })
}
