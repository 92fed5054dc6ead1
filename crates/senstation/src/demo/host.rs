//! Keeps the fleets of a station at work: those that were there when it started, and those that
//! somebody puts into an organization, or takes out of it, while it runs.

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::Context;
use model::{OrgId, Timestamp};
use store::Store;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};

use super::{Fleet, Owner, fleet::MEMBERS, history, live};
use crate::station::Station;

/// How many wishes may wait.
const WISHES_MAX: usize = 16;

/// What somebody wants of the fleets.
enum Wish {
    Start(OrgId),
    Remove(OrgId),
    /// One that has caught up already.
    Adopt(Box<(Owner, Fleet, Timestamp)>),
}

/// Takes wishes, and knows which organizations have a fleet.
pub(crate) struct Fleets {
    wishes: mpsc::Sender<Wish>,
    present: Arc<Mutex<HashSet<OrgId>>>,
}

/// What carries wishes out; somebody must run it.
pub(crate) struct Host {
    wishes: mpsc::Receiver<Wish>,
    present: Arc<Mutex<HashSet<OrgId>>>,
    data_dir: PathBuf,
}

/// Fleets and their host.
pub(crate) fn fleets(data_dir: PathBuf) -> (Fleets, Host) {
    let (sender, wishes) = mpsc::channel(WISHES_MAX);
    let present = Arc::<Mutex<HashSet<OrgId>>>::default();
    (Fleets { wishes: sender, present: Arc::clone(&present) }, Host { wishes, present, data_dir })
}

impl Fleets {
    /// Whether an organization has a fleet.
    pub(crate) fn has(&self, org: OrgId) -> bool {
        lock(&self.present).contains(&org)
    }

    /// Puts a fleet into an organization.
    pub(crate) fn start(&self, org: OrgId) {
        if lock(&self.present).insert(org) {
            self.wish(Wish::Start(org));
        }
    }

    /// Takes the fleet out of an organization, with everything it ever sent.
    pub(crate) fn remove(&self, org: OrgId) {
        if lock(&self.present).remove(&org) {
            self.wish(Wish::Remove(org));
        }
    }

    /// Lets a fleet that has caught up send on.
    pub(crate) fn adopt(&self, owner: Owner, fleet: Fleet, at: Timestamp) {
        lock(&self.present).insert(owner.org);
        self.wish(Wish::Adopt(Box::new((owner, fleet, at))));
    }

    fn wish(&self, wish: Wish) {
        if self.wishes.try_send(wish).is_err() {
            tracing::warn!("too much is wanted of the simulated fleets at once; try again");
        }
    }
}

impl Host {
    /// Carries wishes out until told to stop.
    pub(crate) async fn run(mut self, station: Arc<Station>, mut stop: watch::Receiver<bool>) {
        let store = station.store();
        let mut tasks = JoinSet::new();
        let mut stops: HashMap<OrgId, watch::Sender<bool>> = HashMap::new();
        for owner in Owner::guests(&self.data_dir).unwrap_or_else(|error| {
            tracing::warn!("simulated fleets cannot be found: {error:#}");
            Vec::new()
        }) {
            lock(&self.present).insert(owner.org);
            let stop = stops.entry(owner.org).or_default().subscribe();
            tasks.spawn(run(Arc::clone(&store), owner, stop));
        }
        loop {
            let wish = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                Some(_) = tasks.join_next() => continue,
                Some(wish) = self.wishes.recv() => wish,
            };
            match wish {
                Wish::Start(org) => match Owner::invite(&*store, &self.data_dir, org).await {
                    Ok(owner) => {
                        let stop = stops.entry(org).or_default().subscribe();
                        tasks.spawn(run(Arc::clone(&store), owner, stop));
                    }
                    Err(error) => {
                        tracing::warn!(%org, "the simulated fleet cannot start: {error:#}");
                        lock(&self.present).remove(&org);
                    }
                },
                Wish::Adopt(adopted) => {
                    let (owner, fleet, at) = *adopted;
                    let stop = stops.entry(owner.org).or_default().subscribe();
                    tasks.spawn(live::run(Arc::clone(&store), Arc::new(owner), fleet, at, stop));
                }
                Wish::Remove(org) => {
                    // The sending ends first, so that nothing comes after what is erased.
                    if let Some(stop) = stops.remove(&org) {
                        stop.send_replace(true);
                        stop.closed().await;
                    }
                    if let Err(error) = remove(&*store, &self.data_dir, org).await {
                        tracing::warn!(%org, "the simulated fleet cannot be removed: {error:#}");
                        lock(&self.present).insert(org);
                    }
                }
            }
        }
        for stop in stops.values() {
            stop.send_replace(true);
        }
        while tasks.join_next().await.is_some() {}
    }
}

/// Sends what a fleet should have sent, and then what it sends.
async fn run(store: Arc<dyn Store>, owner: Owner, mut stop: watch::Receiver<bool>) {
    let mut fleet = Fleet::new(&owner);
    let caught_up = tokio::select! {
        _ = stop.wait_for(|stop| *stop) => return,
        caught_up = history::catch_up(&*store, &owner, &mut fleet) => caught_up,
    };
    match caught_up {
        Ok(at) => live::run(store, Arc::new(owner), fleet, at, stop).await,
        Err(error) => tracing::warn!(org = %owner.org, "the simulated fleet has stopped: {error:#}"),
    }
}

async fn remove(store: &dyn Store, data_dir: &std::path::Path, org: OrgId) -> anyhow::Result<()> {
    for member in MEMBERS {
        let Some(device) = store.find_device_id(org, member.eui()).await? else { continue };
        match store.unbind_device(org, member.eui()).await {
            Ok(()) | Err(store::Error::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
        store.purge(org, device).await.with_context(|| format!("device `{}`", member.eui()))?;
    }
    for source in store.list_sources(org).await? {
        if source.kind == model::SourceKind::Demo {
            store.delete_source(org, source.id).await?;
        }
    }
    Owner::forget(data_dir, org)?;
    tracing::info!(%org, "removed the simulated fleet and what it sent");
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
