//! The mirrors of a running station: each that somebody began has a task, for as long as it is wanted
//! the same way.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, anyhow};
use client::{Station as Other, stream_address};
use model::{Mirror as Kept, MirrorId, OrgId, StationKey};
use portal::{MirrorPhase, MirrorProgress, MirrorSight};
use store::{Registry, Store};
use tokio::{
    sync::watch,
    task::{AbortHandle, JoinSet},
    time::{MissedTickBehavior, interval, sleep},
};

use super::{Ended, Follow, Mirror, NO_STREAM, Told, Wanted, look, sink::Sink};
use crate::station::Station;

/// How often is looked which mirrors are wanted.
const LOOK: Duration = Duration::from_secs(1);
/// How often a station is asked for what is new.
const EVERY: Duration = Duration::from_secs(300);
/// The waits before what failed is tried again double from the one to the other.
const WAIT_MIN: Duration = Duration::from_secs(30);
const WAIT_MAX: Duration = Duration::from_secs(3_600);

/// How a mirror is doing, for its task and for whoever asks.
type Shared = Arc<Mutex<MirrorProgress>>;

/// What is known of the mirrors of a station.
pub(crate) struct Mirrors {
    data_dir: PathBuf,
    station_key: StationKey,
    /// Where this station is asked, if it can be.
    here: Mutex<Option<Other>>,
    progress: Mutex<HashMap<(OrgId, MirrorId), Shared>>,
}

/// A mirror at work, and how it was wanted.
struct AtWork {
    kept: Kept,
    task: AbortHandle,
}

impl Mirrors {
    /// No mirror yet.
    pub(crate) fn new(data_dir: PathBuf, station_key: StationKey) -> Self {
        Self { data_dir, station_key, here: Mutex::default(), progress: Mutex::default() }
    }

    /// Says where the station itself is asked.
    pub(crate) fn reached_at(&self, url: Option<String>) {
        *self.here.lock().unwrap_or_else(PoisonError::into_inner) = url.map(Other::At);
    }

    /// How a mirror is doing.
    pub(crate) fn progress(&self, org: OrgId, id: MirrorId) -> MirrorProgress {
        let all = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        let progress = all.get(&(org, id)).cloned().unwrap_or_default();
        drop(all);
        let progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
        progress.clone()
    }

    /// Looks at a station that somebody may want to mirror.
    pub(crate) async fn look(&self, kept: &Kept, access_key: &str) -> Result<MirrorSight, String> {
        let wanted = self.wanted(kept, access_key.to_owned()).map_err(|error| format!("{error:#}"))?;
        // Somebody waits for it.
        let wanted = Wanted { calls_per_minute: 0, ..wanted };
        let seen = look(&wanted, &self.data_dir).await.map_err(|error| format!("{error:#}"))?;
        let per_minute = f64::from(kept.calls_per_minute.max(1));
        let hours = seen.shown.calls as f64 / per_minute / 60.0;
        Ok(MirrorSight { hours, ..seen.shown })
    }

    fn wanted(&self, kept: &Kept, access_key: String) -> anyhow::Result<Wanted> {
        let here = self.here.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let compare = match kept.compare_until {
            Some(until) => {
                Some((until, here.context("nothing can be compared while the HTTP door of this station is closed")?))
            }
            None => None,
        };
        let there: Other = kept.station.parse()?;
        let stream = kept.streams.then(|| kept.stream_at.clone().or_else(|| stream_address(&there)).context(NO_STREAM));
        Ok(Wanted {
            station: there,
            access_id: kept.access_id.clone(),
            access_key,
            org: kept.org,
            since: kept.since,
            budget_dm: kept.budget_dm,
            calls_per_minute: kept.calls_per_minute,
            follow: Some(Follow { every: EVERY, stream: stream.transpose()?, compare }),
        })
    }

    /// Mirrors what is wanted until told to stop.
    pub(crate) async fn run(self: Arc<Self>, station: Arc<Station>, mut stop: watch::Receiver<bool>) {
        let mut tasks = JoinSet::new();
        let mut at_work: HashMap<(OrgId, MirrorId), AtWork> = HashMap::new();
        let mut ticks = interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut told = String::new();
        loop {
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                _ = ticks.tick() => {}
            }
            while tasks.try_join_next().is_some() {}
            let trouble = match self.look_after(&station, &mut at_work, &mut tasks).await {
                Ok(()) => String::new(),
                Err(error) => error.to_string(),
            };
            if trouble != told && !trouble.is_empty() {
                tracing::warn!("it cannot be seen which stations to mirror: {trouble}");
            }
            told = trouble;
        }
        // What is under way is asked for again at the next start.
        tasks.shutdown().await;
    }

    /// Begins and ends mirrors, as the store says.
    async fn look_after(
        self: &Arc<Self>,
        station: &Arc<Station>,
        at_work: &mut HashMap<(OrgId, MirrorId), AtWork>,
        tasks: &mut JoinSet<()>,
    ) -> Result<(), store::Error> {
        let all = station.store().list_mirrors(None).await?;
        let mut wanted: HashMap<_, _> = all.into_iter().map(|kept| ((kept.org, kept.id), kept)).collect();
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).retain(|of, _| wanted.contains_key(of));
        wanted.retain(|_, kept| !kept.is_paused);
        at_work.retain(|of, one| {
            let stays = wanted.get(of) == Some(&one.kept);
            if !stays {
                one.task.abort();
            }
            // Its lock and its file are free when it has ended.
            stays || !one.task.is_finished()
        });
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        for (of, known) in &*progress {
            if !at_work.contains_key(of) {
                known.lock().unwrap_or_else(PoisonError::into_inner).phase = MirrorPhase::Resting;
            }
        }
        for (of, kept) in wanted {
            if at_work.contains_key(&of) {
                continue;
            }
            let progress = Arc::clone(progress.entry(of).or_default());
            let work = mirror(Arc::clone(self), Arc::clone(station), kept.clone(), progress);
            at_work.insert(of, AtWork { kept, task: tasks.spawn(work) });
        }
        Ok(())
    }

    fn access_key(&self, kept: &Kept) -> anyhow::Result<String> {
        let opened = self.station_key.open(&Kept::sealed_for(kept.org, kept.id), &kept.access_key);
        let opened = opened.and_then(|key| String::from_utf8(key).ok());
        opened.ok_or_else(|| anyhow!("the access key was sealed by another `station.key`; begin this mirror again"))
    }
}

/// Mirrors a station, and tries again after what fails, until the task is ended.
async fn mirror(mirrors: Arc<Mirrors>, station: Arc<Station>, kept: Kept, progress: Shared) {
    let told = Told::kept(progress);
    let mut wait = WAIT_MIN;
    loop {
        told.note(|progress| progress.phase = MirrorPhase::Looking);
        let done = once(&mirrors, &station, &kept, told.clone()).await;
        let error = match done {
            // Nothing more is to be done until it is wanted in another way.
            Ok(Ended::Spent | Ended::Done) => return std::future::pending().await,
            Err(error) => error,
        };
        // What went well for longer than a wait was no failure at once.
        let was_well = told.read().phase != MirrorPhase::Looking;
        wait = if was_well { WAIT_MIN } else { (2 * wait).min(WAIT_MAX) };
        tracing::warn!(org = %kept.org, station = kept.station, "a mirror waits {} s: {error:#}", wait.as_secs());
        told.note(|progress| {
            (progress.phase, progress.trouble) = (MirrorPhase::Waiting, Some(format!("{error:#}")));
        });
        sleep(wait).await;
    }
}

async fn once(mirrors: &Mirrors, station: &Arc<Station>, kept: &Kept, told: Told) -> anyhow::Result<Ended> {
    let wanted = mirrors.wanted(kept, mirrors.access_key(kept)?)?;
    let store = station.store();
    let seen = look(&wanted, &mirrors.data_dir).await?;
    let sink = Arc::new(Sink::Here(Arc::clone(station)));
    let mut mirror = Mirror::begin(wanted, &seen.shown.other_org, &mirrors.data_dir, sink, told)?;
    mirror.copy(registry(&*store), &seen.inventory).await?;
    mirror.told.note(|progress| progress.trouble = None);
    if mirror.bring_home().await? == Ended::Spent {
        return Ok(Ended::Spent);
    }
    mirror.follow(registry(&*store)).await?;
    Ok(Ended::Done)
}

fn registry(store: &dyn Store) -> &dyn Registry {
    store
}
