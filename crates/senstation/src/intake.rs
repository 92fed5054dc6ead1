//! Fetches the messages of sources from other people's brokers.
//!
//! Each source that names a broker has one task, [`link`], which lives as long as the broker is named
//! the same way. A message is acknowledged when what it carried is durable, or when it can never be
//! stored; the broker keeps the rest for the session, whose name does not change.

mod link;

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
    time::Duration,
};

use ingest::IngestState;
use model::{Broker, OrgId, Source, SourceId};
use tokio::{
    sync::watch,
    task::{AbortHandle, JoinSet},
    time::{MissedTickBehavior, interval},
};

/// How often brokers are looked for that were named, changed or removed.
const LOOK: Duration = Duration::from_secs(1);

/// What is fetched, and how to tell the task that fetches it to end.
struct Fetched {
    broker: Broker,
    source: Source,
    stop: watch::Sender<bool>,
    task: AbortHandle,
}

/// Fetches from every broker until told to stop.
pub(crate) async fn run(state: IngestState, mut stop: watch::Receiver<bool>) {
    let mut links = JoinSet::new();
    let mut fetched: HashMap<SourceId, Fetched> = HashMap::new();
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut trouble = String::new();
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            _ = ticks.tick() => {}
        }
        while links.try_join_next().is_some() {}
        let now = match look(&state, &mut fetched, &mut links).await {
            Ok(()) => String::new(),
            Err(error) => error.to_string(),
        };
        if now != trouble && !now.is_empty() {
            tracing::warn!("it cannot be seen which brokers to fetch from: {now}");
        }
        trouble = now;
    }
    for fetched in fetched.values() {
        fetched.stop.send_replace(true);
    }
    while links.join_next().await.is_some() {}
}

/// Begins and ends what is to be fetched, as the store says.
async fn look(
    state: &IngestState,
    fetched: &mut HashMap<SourceId, Fetched>,
    links: &mut JoinSet<()>,
) -> Result<(), store::Error> {
    let mut wanted = HashMap::new();
    let mut sources: HashMap<OrgId, Vec<Source>> = HashMap::new();
    for (broker, _) in state.store.list_brokers(None).await? {
        let known = match sources.entry(broker.org) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(free) => free.insert(state.store.list_sources(broker.org).await?),
        };
        if let Some(source) = known.iter().find(|source| source.id == broker.source) {
            wanted.insert(source.id, (broker, source.clone()));
        }
    }
    fetched.retain(|id, fetched| {
        let stays = wanted.get(id).is_some_and(|(broker, source)| {
            *broker == fetched.broker
                && source.auto_add == fetched.source.auto_add
                && source.kind == fetched.source.kind
        });
        if !stays {
            fetched.stop.send_replace(true);
        }
        stays || !fetched.task.is_finished()
    });
    for (id, (broker, source)) in wanted {
        if fetched.contains_key(&id) {
            continue;
        }
        let (stop, stopped) = watch::channel(false);
        let link = link::Link { state: state.clone(), broker: broker.clone(), source: Arc::new(source.clone()) };
        let task = links.spawn(link.run(stopped));
        fetched.insert(id, Fetched { broker, source, stop, task });
    }
    Ok(())
}
