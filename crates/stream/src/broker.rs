use std::{fmt, sync::Arc, time::Duration};

use model::{AccessId, Position, Timestamp};
use store::{Error, Scope, Store};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
    time::{MissedTickBehavior, interval, sleep},
};

use crate::{
    connection,
    counters::{Counters, Figures},
    hubs::Hubs,
    login::{self, Arrival},
    packet::Reason,
    published::Published,
    seats::{Seat, Seats},
};

/// How many entries of the log are read at once.
const BATCH: usize = 256;
/// How long a store that failed is left alone.
const PAUSE: Duration = Duration::from_millis(500);
/// How often it is looked whether keys are still good, and how often positions are written down.
const LOOK: Duration = Duration::from_millis(250);
const LOOKS_PER_NOTE: u32 = 4;
/// An hour of looks.
const LOOKS_PER_EXPIRY: u32 = 4 * 3_600;

/// Where the time comes from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What can be set about the broker.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How many readers an organization may have at a time.
    pub connections_per_org_max: usize,
}

/// Publishes what is stored to whoever may read it; cheap to clone.
#[derive(Clone)]
pub struct Broker(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) store: Arc<dyn Store>,
    clock: Clock,
    pub(crate) hubs: Hubs,
    pub(crate) seats: Arc<Seats>,
    pub(crate) counters: Counters,
    /// Everything up to here has been published to those who are connected.
    published: watch::Sender<Position>,
}

impl Inner {
    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    pub(crate) fn published(&self) -> Position {
        *self.published.borrow()
    }
}

impl Broker {
    /// A broker over one store. Somebody must run it.
    pub fn new(store: Arc<dyn Store>, clock: Clock, settings: &Settings) -> Self {
        Self(Arc::new(Inner {
            store,
            clock,
            hubs: Hubs::default(),
            seats: Seats::new(settings.connections_per_org_max),
            counters: Counters::default(),
            published: watch::Sender::default(),
        }))
    }

    /// Serves one connection until either side ends it.
    pub async fn serve<S>(&self, socket: S, arrival: Arrival, stop: watch::Receiver<bool>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        connection::serve(&self.0, socket, arrival, stop).await;
    }

    /// Publishes what is stored, writes down how far readers have come, and ends the sessions of keys
    /// that are good no more, until told to stop.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => {}
            () = self.publish() => {}
            () = self.look_after_readers() => {}
        }
    }

    /// How the broker is doing.
    pub fn figures(&self) -> Figures {
        let seats = self.0.seats.all();
        let published = self.0.published().get();
        let lag =
            seats.iter().filter(|seat| seat.is_kept()).map(|seat| published.saturating_sub(seat.position().get()));
        self.0.counters.figures(seats.len() as u64, lag.max().unwrap_or_default())
    }

    async fn publish(&self) {
        let Inner { store, hubs, published, .. } = &*self.0;
        let (mut at, mut has_failed) = (None, false);
        loop {
            let outcome = match at {
                None => store.head().await,
                Some(after) => self.publish_after(after).await,
            };
            match outcome {
                Ok(next) => {
                    (at, has_failed) = (Some(next), false);
                    published.send_replace(next);
                }
                Err(Error::Trimmed { oldest }) => {
                    at = Some(oldest);
                    hubs.cut();
                }
                Err(error) => {
                    if !has_failed {
                        tracing::warn!("nothing can be published: {error}");
                    }
                    has_failed = true;
                    sleep(PAUSE).await;
                }
            }
        }
    }

    async fn publish_after(&self, after: Position) -> Result<Position, Error> {
        let Inner { store, hubs, .. } = &*self.0;
        store.wait(after).await?;
        let followed = store.follow(Scope::All, after, BATCH).await?;
        for entry in followed.entries {
            if hubs.has_readers(entry.entry.org())
                && let Some(published) = Published::of(entry)
            {
                hubs.publish(published);
            }
        }
        Ok(followed.next)
    }

    async fn look_after_readers(&self) {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut count = 0_u32;
        loop {
            looks.tick().await;
            let seats = self.0.seats.all();
            self.end_refused(&seats).await;
            count = count.wrapping_add(1);
            if count.is_multiple_of(LOOKS_PER_NOTE) {
                self.note(&seats, false).await;
            }
            if count.is_multiple_of(LOOKS_PER_EXPIRY) {
                self.expire(&seats).await;
            }
        }
    }

    /// Ends the sessions of keys that were revoked or have expired.
    async fn end_refused(&self, seats: &[Arc<Seat>]) {
        let mut seats: Vec<&Arc<Seat>> = seats.iter().collect();
        seats.sort_by_key(|seat| seat.key);
        for of_one_key in seats.chunk_by(|one, other| one.key == other.key) {
            let Some(first) = of_one_key.first() else { continue };
            if !self.is_good(first.key).await {
                for seat in of_one_key {
                    seat.ends.send_replace(Some(Reason::NotAuthorized));
                }
            }
        }
    }

    async fn is_good(&self, key: AccessId) -> bool {
        match self.0.store.find_access_key(key).await {
            Ok(key) => key.is_some_and(|key| login::may_read(&key, self.0.now())),
            // Nothing is known against it.
            Err(_) => true,
        }
    }

    /// Forgets readers that have been away for too long.
    async fn expire(&self, seats: &[Arc<Seat>]) {
        // Those that are here are not away.
        self.note(seats, true).await;
        if let Err(error) = self.0.store.expire_stream_sessions(self.0.now()).await {
            tracing::warn!("old readers of streams cannot be forgotten: {error}");
        }
    }

    async fn note(&self, seats: &[Arc<Seat>], is_due: bool) {
        let now = self.0.now();
        let notes: Vec<_> = seats.iter().filter_map(|seat| seat.note(now, is_due)).collect();
        if !notes.is_empty()
            && let Err(error) = self.0.store.note_stream_sessions(notes).await
        {
            tracing::warn!("how far readers of streams have come cannot be written down: {error}");
        }
    }
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broker").finish_non_exhaustive()
    }
}
