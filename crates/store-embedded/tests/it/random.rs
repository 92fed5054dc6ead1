//! Random operations, with sealing, merging, checkpoints, trimming, restarts and crashes between
//! them: every answer is the plain reference's.

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use model::Timestamp;
use store::{
    Store,
    conformance::random::{Step, Subject, Summary, run},
};
use store_embedded::{Chore, EmbeddedStore, Settings};

/// So late that the log may forget everything a checkpoint covers.
const FAR_FUTURE: Timestamp = Timestamp::from_millis(4_000_000_000_000);

struct Station {
    folder: tempfile::TempDir,
    settings: Settings,
    /// `None` only while it is opened again.
    store: Option<Arc<EmbeddedStore>>,
}

impl Station {
    fn new(settings: Settings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path(), &settings);
        Self { folder, settings, store: Some(store) }
    }

    fn store(&self) -> &Arc<EmbeddedStore> {
        self.store.as_ref().unwrap()
    }
}

fn open(folder: &Path, settings: &Settings) -> Arc<EmbeddedStore> {
    EmbeddedStore::open(folder, settings.clone()).unwrap()
}

#[async_trait]
impl Subject for Station {
    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(self.store()) as Arc<dyn Store>
    }

    async fn step(&mut self, step: Step) {
        let chore = match step {
            Step::Maintain { now } => Some(Chore::Maintain { now }),
            Step::Seal => Some(Chore::SealAll),
            Step::Checkpoint => Some(Chore::Checkpoint),
            Step::Trim => Some(Chore::Trim { now: FAR_FUTURE }),
            Step::Merge => Some(Chore::MergeAll),
            Step::Restart | Step::Crash => None,
        };
        if let Some(chore) = chore {
            return self.store().chore(chore).await.unwrap();
        }
        if step == Step::Restart {
            self.store().close().await.unwrap();
        }
        self.store = None;
        self.store = Some(open(self.folder.path(), &self.settings));
    }
}

async fn check(seeds: std::ops::Range<u64>, operations: usize, settings: &Settings) -> Summary {
    let mut sum = Summary::default();
    for seed in seeds {
        let mut station = Station::new(settings.clone());
        sum.add(&run(&mut station, seed, operations).await.unwrap_or_else(|failure| panic!("{failure}")));
    }
    sum
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_as_the_reference_does() {
    let sum = check(0..60, 120, &Settings::default()).await;
    assert!(sum.appended > 5_000 && sum.duplicates > 100 && sum.redecodes > 100 && sum.trimmed > 10, "{sum:?}");
    assert!(sum.answered > 1_000 && sum.expired > 100 && sum.purged > 10 && sum.steps > 300, "{sum:?}");
}

/// Everything that happens now and then happens all the time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_as_the_reference_does_while_nothing_rests() {
    let settings = Settings {
        open_bytes_max: 1,
        open_age_max_ms: 0,
        checkpoint_interval_ms: 0,
        checkpoint_bytes: 1,
        log_bytes_max: 1,
        log_window_ms: 0,
        ..Settings::default()
    };
    let sum = check(1_000..1_040, 120, &settings).await;
    assert!(sum.appended > 3_000 && sum.trimmed > 10, "{sum:?}");
}
