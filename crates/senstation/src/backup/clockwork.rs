//! Backups by the clock, each rehearsed, and what came of the last.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Context;
use model::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::{sync::watch, time::interval};

use super::{make, rehearse};
use crate::{
    clock,
    config::Backup,
    progress::{Steps, aside},
    station::Station,
};

/// How often it is looked whether one is due.
const LOOK: Duration = Duration::from_secs(60);
/// How soon one that failed is tried again.
const AGAIN_MS: i64 = 3_600_000;
const HOUR_MS: i64 = 3_600_000;
const PREFIX: &str = "senstation-";
const SUFFIX: &str = ".backup";
/// What came of the last one, beside them.
const NOTE: &str = "last-backup.json";

/// What came of the last backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// When it was tried, in milliseconds since 1970.
    pub(crate) tried_ms: i64,
    /// When the newest one was made that could be restored.
    pub(crate) good_ms: Option<i64>,
    pub(crate) bytes: u64,
    pub(crate) trouble: Option<String>,
}

/// Backups that are made by the clock.
#[derive(Debug)]
pub(crate) struct Backups {
    settings: Backup,
    last: Mutex<Option<Outcome>>,
}

impl Backups {
    /// With what came of the last one before the station was started.
    pub(crate) fn new(settings: Backup) -> Self {
        let note = settings.is_on().then(|| fs::read(settings.directory.join(NOTE)).ok()).flatten();
        let last = note.and_then(|note| serde_json::from_slice(&note).ok());
        Self { settings, last: Mutex::new(last) }
    }

    /// What came of the last one; `None` if none was ever tried, or none are made.
    pub(crate) fn last(&self) -> Option<Outcome> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether any are made.
    pub(crate) fn are_made(&self) -> bool {
        self.settings.is_on()
    }

    /// Makes a backup whenever one is due, until told to stop.
    pub(crate) async fn run(self: Arc<Self>, station: Arc<Station>, mut stop: watch::Receiver<bool>) {
        if !self.are_made() {
            drop(stop.wait_for(|stop| *stop).await);
            return;
        }
        let mut ticks = interval(LOOK);
        loop {
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                _ = ticks.tick() => {}
            }
            if self.is_due(clock::now()) {
                let steps = Arc::new(Steps::default());
                tokio::select! {
                    // The thread ends at its next step; what is half written is not in the way.
                    _ = stop.wait_for(|stop| *stop) => return,
                    () = self.make_one(&station, &steps) => {}
                }
            }
        }
    }

    fn is_due(&self, now: Timestamp) -> bool {
        let Some(last) = self.last() else { return true };
        let wait_ms = match last.trouble {
            None => i64::from(self.settings.interval_hours) * HOUR_MS,
            Some(_) => AGAIN_MS,
        };
        let since_ms = now.since_ms(Timestamp::from_millis(last.tried_ms));
        // One from the future was made while the clock was wrong.
        !(0..wait_ms).contains(&since_ms)
    }

    async fn make_one(&self, station: &Station, steps: &Arc<Steps>) {
        let now = clock::now();
        let good_before = self.last().and_then(|last| last.good_ms);
        let outcome = match self.make_and_rehearse(station, now, steps).await {
            Ok(bytes) => {
                tracing::info!(bytes, "made a backup that can be restored");
                Outcome { tried_ms: now.as_millis(), good_ms: Some(now.as_millis()), bytes, trouble: None }
            }
            Err(error) => {
                let trouble = format!("{error:#}");
                tracing::error!("the backup by the clock: {trouble}");
                Outcome { tried_ms: now.as_millis(), good_ms: good_before, bytes: 0, trouble: Some(trouble) }
            }
        };
        let note = serde_json::to_vec(&outcome).map_err(io::Error::other);
        if let Err(error) = note.and_then(|note| fs::write(self.settings.directory.join(NOTE), note)) {
            tracing::warn!("what came of the backup cannot be written down: {error}");
        }
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
    }

    async fn make_and_rehearse(&self, station: &Station, now: Timestamp, steps: &Arc<Steps>) -> anyhow::Result<u64> {
        let Backup { directory, keep, with_secrets, .. } = self.settings.clone();
        fs::create_dir_all(&directory).with_context(|| format!("cannot make `{}`", directory.display()))?;
        let name = format!("{PREFIX}{}{SUFFIX}", now.to_string().replace([':', '.'], "-"));
        let file = directory.join(name);
        let made = make(station, file.clone(), with_secrets, steps).await?;
        aside(steps, move |steps| {
            let (_, verified) = rehearse(&file, steps)?;
            if let Some(first) = verified.findings.first() {
                anyhow::bail!(
                    "of what is in the backup {} things are damaged, such as: {first}",
                    verified.finding_count
                );
            }
            // Only now are there enough without the oldest.
            let kept = prune(&directory, keep)?;
            for older in kept.iter().filter(|older| **older != file) {
                store_embedded::backup::check(older, &mut |done, total| steps.note(done, total))
                    .with_context(|| format!("an older backup, `{}`", older.display()))?;
            }
            Ok(())
        })
        .await?;
        Ok(made.bytes)
    }
}

/// Removes all but the newest; gives those that stay.
fn prune(directory: &Path, keep: usize) -> anyhow::Result<Vec<PathBuf>> {
    let mut backups = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with(PREFIX) && name.ends_with(SUFFIX) {
            backups.push(path);
        }
    }
    // Their names sort as the times in them do.
    backups.sort();
    let stay = backups.split_off(backups.len().saturating_sub(keep));
    for old in backups {
        fs::remove_file(&old).with_context(|| format!("cannot remove `{}`", old.display()))?;
        tracing::info!(file = %old.display(), "removed an old backup");
    }
    Ok(stay)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Layers;

    async fn station(folder: &Path) -> (Arc<Station>, Backups) {
        let mut layers = Layers::defaults().unwrap();
        layers.set_default("data_dir", folder.join("data").display().to_string()).unwrap();
        layers.set_default("backup.directory", folder.join("backups").display().to_string()).unwrap();
        layers.set_default("backup.keep", 2).unwrap();
        let settings = layers.settings().unwrap();
        (Arc::new(Station::open(&settings).unwrap()), Backups::new(settings.backup))
    }

    fn backups(folder: &Path) -> Vec<PathBuf> {
        prune(&folder.join("backups"), 100).unwrap()
    }

    #[tokio::test]
    async fn backups_are_made_when_due_rehearsed_and_the_newest_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (station, made) = station(folder.path()).await;
        let now = clock::now();
        assert!(made.is_due(now));
        for _ in 0..3 {
            made.make_one(&station, &Arc::new(Steps::default())).await;
            assert_eq!(made.last().unwrap().trouble, None);
        }
        assert_eq!(backups(folder.path()).len(), 2);
        assert!(!made.is_due(clock::now()));
        assert!(made.is_due(clock::now().plus_ms(24 * HOUR_MS)));
        assert!(made.is_due(now.minus_ms(HOUR_MS)), "the clock was set back");
        assert_eq!(Backups::new(made.settings.clone()).last(), made.last(), "it is known after a restart");
        assert!(!folder.path().join("backups/.rehearsal").exists());
    }

    #[tokio::test]
    async fn one_flipped_byte_in_a_backup_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let (station, made) = station(folder.path()).await;
        made.make_one(&station, &Arc::new(Steps::default())).await;
        let file = backups(folder.path()).pop().unwrap();
        let bytes = fs::read(&file).unwrap();
        for at in [20, bytes.len() / 2, bytes.len() - 1] {
            let mut bad = bytes.clone();
            bad[at] ^= 1;
            fs::write(&file, bad).unwrap();
            let error = format!("{:#}", rehearse(&file, &Steps::default()).unwrap_err());
            assert!(error.contains("altered or damaged"), "byte {at}: {error}");
        }
        // The next one by the clock looks at it again.
        made.make_one(&station, &Arc::new(Steps::default())).await;
        let last = made.last().unwrap();
        assert!(last.trouble.unwrap().contains("an older backup"));
        assert!(last.good_ms.is_some());
        assert!(!made.is_due(clock::now()) && made.is_due(clock::now().plus_ms(AGAIN_MS)));
    }
}
