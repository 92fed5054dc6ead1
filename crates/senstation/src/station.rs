//! The one place that names a backend.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, anyhow};
use ingest::Scripts;
use model::Timestamp;
use store::{Registry, Store};
use store_embedded::{EmbeddedStore, backup::Frozen};

use crate::config::Settings;

/// The store of this station, held by this process.
pub(crate) struct Station {
    store: Arc<EmbeddedStore>,
    data_dir: PathBuf,
    scripts: Scripts,
}

impl Station {
    /// Opens the data folder and takes it for this process.
    pub(crate) fn open(settings: &Settings) -> anyhow::Result<Self> {
        const MIB: u64 = 1024 * 1024;
        let limits = store_embedded::Settings {
            log_window_ms: i64::from(settings.store.log_hours) * 3_600_000,
            log_bytes_max: u64::from(settings.store.log_mib_max) * MIB,
            open_bytes_max: u64::from(settings.store.open_mib_max) * MIB,
            ..Default::default()
        };
        let store =
            EmbeddedStore::open(&settings.data_dir, limits).map_err(|error| refused(error, &settings.data_dir))?;
        Ok(Self { store, data_dir: settings.data_dir.clone(), scripts: scripts() })
    }

    /// Where it is kept.
    pub(crate) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The store as it is at this moment.
    pub(crate) async fn freeze(&self) -> Result<Frozen, store::Error> {
        self.store.freeze().await
    }

    /// The store, for the rooms.
    pub(crate) fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store) as Arc<dyn Store>
    }

    /// What runs users' codecs.
    pub(crate) fn scripts(&self) -> &Scripts {
        &self.scripts
    }

    /// Notices what commands beside the server have changed.
    pub(crate) fn poll(&self) -> Result<(), store::Error> {
        self.store.poll_registry().map(drop)
    }

    /// Does what is due.
    pub(crate) async fn maintain(&self, now: Timestamp) -> Result<(), store::Error> {
        self.store.maintain(now).await
    }

    /// Why nothing can be stored just now, while nothing can.
    pub(crate) fn blocked(&self) -> Option<String> {
        self.store.blocked()
    }

    /// How the store is doing; looks at every device.
    pub(crate) fn stats(&self) -> store_embedded::Stats {
        self.store.stats()
    }

    /// Finishes what was asked and frees the folder.
    pub(crate) async fn close(&self) -> anyhow::Result<()> {
        self.store.close().await.context("the store did not close cleanly; nothing acknowledged is lost")
    }
}

/// The command that runs users' codecs for a station.
pub(crate) const SCRIPT_WORKER: &str = "codec-worker";

/// What runs users' codecs: this program once more, so that one that cannot be stopped can be ended.
pub(crate) fn scripts() -> Scripts {
    match std::env::current_exe() {
        Ok(program) => Scripts::beside(program, &[SCRIPT_WORKER]),
        Err(_) => Scripts::here(),
    }
}

/// Whether the folder holds a station.
pub(crate) fn is_in(data_dir: &Path) -> bool {
    data_dir.join("registry.db").exists()
}

/// Opens what administrative commands work on, also while a server runs.
pub(crate) fn open_registry(data_dir: &Path) -> anyhow::Result<Arc<dyn Registry>> {
    let registry = EmbeddedStore::open_registry(data_dir).map_err(|error| refused(error, data_dir))?;
    Ok(Arc::new(registry))
}

/// A refusal to open the store, in words.
pub(crate) fn refused(error: store::Error, data_dir: &Path) -> anyhow::Error {
    match error {
        // Says which file, and which process if another one holds it.
        store::Error::Unavailable(reason) => anyhow!(reason),
        other => anyhow!(other).context(format!("cannot open `{}`", data_dir.display())),
    }
}
