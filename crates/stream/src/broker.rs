use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use model::{OrgId, Position, SourceId, StationKey, Timestamp};
use store::{Entry, Error, Scope, Store};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{Semaphore, watch},
    time::{MissedTickBehavior, interval, sleep},
};

use crate::{
    connection,
    counters::{Counters, Figures},
    hubs::Hubs,
    login::{self, Arrival, Credential},
    packet::Reason,
    post::{OnPublish, Post, Sender, publish_will},
    published::{Published, Space},
    reader::StreamReader,
    retained::Retained,
    seats::{Seat, Seats},
    shares::Shares,
    wills::Wills,
};

/// How many entries of the log are read at once.
const BATCH: usize = 256;
/// For how many clients the log is read at the same time.
const READS_MAX: usize = 16;
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
    /// How many clients an organization may have at a time.
    pub connections_per_org_max: usize,
    /// Most bytes of a packet that a client sends, of a topic or filter, and of the name of a client.
    pub packet_bytes_max: usize,
    #[expect(missing_docs, reason = "as above")]
    pub topic_bytes_max: usize,
    #[expect(missing_docs, reason = "as above")]
    pub client_id_bytes_max: usize,
    /// Most levels of a topic or filter.
    pub topic_levels_max: usize,
    /// Most subscriptions of a client.
    pub subscriptions_max: usize,
    /// Most filters in one packet.
    pub filters_per_packet_max: usize,
    /// How long a client may take to say who it is.
    pub connect_patience: Duration,
    /// The longest that a client may be silent, in seconds; 0 is as long as it asks for.
    pub keep_alive_s_max: u16,
    /// The source that those are taken for who do not say who they are.
    pub anonymous_source: Option<SourceId>,
    /// What tokens of devices are derived from; no device is let in without.
    pub station_key: Option<StationKey>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connections_per_org_max: 10_000,
            packet_bytes_max: 256 * 1024,
            topic_bytes_max: 512,
            client_id_bytes_max: 128,
            topic_levels_max: 16,
            subscriptions_max: 50,
            filters_per_packet_max: 20,
            connect_patience: Duration::from_secs(10),
            keep_alive_s_max: 0,
            anonymous_source: None,
            station_key: None,
        }
    }
}

/// A client that is connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// What it calls itself.
    pub id: String,
    /// Whether it is in the private space and does not read the stream.
    pub is_private: bool,
    /// Whether its session is kept when it goes.
    pub is_kept: bool,
    /// How many entries of the log it is behind.
    pub lag: u64,
}

/// Publishes what is stored to whoever may read it; cheap to clone.
#[derive(Clone)]
pub struct Broker(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) store: Arc<dyn Store>,
    clock: Clock,
    pub(crate) settings: Settings,
    pub(crate) on_publish: Option<Arc<dyn OnPublish>>,
    /// Whose the source is that nobody in particular is taken for, once somebody has looked.
    pub(crate) anonymous_org: OnceLock<OrgId>,
    pub(crate) hubs: Arc<Hubs>,
    pub(crate) seats: Arc<Seats>,
    pub(crate) shares: Shares,
    pub(crate) retained: Retained,
    pub(crate) wills: Wills,
    pub(crate) counters: Counters,
    /// Turns to read the log for one client.
    pub(crate) reads: Semaphore,
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
    /// A broker over one store, which may tell somebody of what arrives in private spaces. Somebody
    /// must run it.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Clock,
        settings: Settings,
        on_publish: Option<Arc<dyn OnPublish>>,
    ) -> Self {
        Self(Arc::new(Inner {
            store,
            clock,
            on_publish,
            anonymous_org: OnceLock::new(),
            hubs: Arc::default(),
            seats: Seats::new(settings.connections_per_org_max),
            settings,
            shares: Shares::default(),
            retained: Retained::default(),
            wills: Wills::default(),
            counters: Counters::default(),
            reads: Semaphore::new(READS_MAX),
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
        // Who is gone by now does not come back before the station does.
        self.publish_wills(self.0.wills.end()).await;
    }

    /// A reader of an organization's stream within this process, of some filters, of all readings if
    /// there are none; from behind a position on, or from now on.
    ///
    /// **Errors**: one of them is no filter of the organization's stream.
    pub fn read(&self, org: OrgId, filters: &[String], after: Option<Position>) -> Result<StreamReader, Reason> {
        StreamReader::new(Arc::clone(&self.0), org, filters, after)
    }

    /// How the broker is doing.
    pub fn figures(&self) -> Figures {
        let mut figures = Figures { refused: self.0.counters.refused.get(), ..Figures::default() };
        for (_, counts) in self.0.counters.all() {
            figures.add(&counts);
        }
        for seat in self.0.seats.all() {
            figures.add_session(self.lag_of(&seat));
        }
        figures
    }

    /// How each organization's part of it is doing that had a client since the start.
    pub fn figures_by_org(&self) -> BTreeMap<OrgId, Figures> {
        let mut by_org: BTreeMap<OrgId, Figures> = BTreeMap::new();
        for (org, counts) in self.0.counters.all() {
            by_org.entry(org).or_default().add(&counts);
        }
        for seat in self.0.seats.all() {
            by_org.entry(seat.org).or_default().add_session(self.lag_of(&seat));
        }
        by_org
    }

    /// The clients of an organization that are connected, by name.
    pub fn clients(&self, org: OrgId) -> Vec<Client> {
        let seats = self.0.seats.all();
        let mut clients: Vec<Client> = seats
            .iter()
            .filter(|seat| seat.org == org)
            .map(|seat| Client {
                id: seat.client_id.to_string(),
                is_private: !matches!(seat.credential, Credential::Key(_)),
                is_kept: seat.is_kept(),
                lag: self.lag_of(seat).unwrap_or_default(),
            })
            .collect();
        clients.sort_by(|one, other| one.id.cmp(&other.id));
        clients
    }

    fn lag_of(&self, seat: &Seat) -> Option<u64> {
        let published = self.0.published();
        seat.is_kept().then(|| published.get().saturating_sub(seat.position(published).get()))
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
        // In this order: whoever comes to read after the look at the hubs finds what is passed over in the log.
        let head = store.head().await?;
        if !hubs.have_readers() {
            return Ok(head);
        }
        let followed = store.follow(Scope::All, after, BATCH).await?;
        for entry in followed.entries {
            let space = Space { org: entry.entry.org(), is_private: matches!(entry.entry, Entry::Message(_)) };
            if hubs.has_readers(space)
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
            self.publish_wills(self.0.wills.take_due(self.0.now())).await;
            count = count.wrapping_add(1);
            if count.is_multiple_of(LOOKS_PER_NOTE) {
                self.note(&seats, false).await;
            }
            if count.is_multiple_of(LOOKS_PER_EXPIRY) {
                self.expire(&seats).await;
            }
        }
    }

    /// Ends the sessions of keys, sources and devices that are good no more.
    async fn end_refused(&self, seats: &[Arc<Seat>]) {
        let mut seats: Vec<&Arc<Seat>> = seats.iter().collect();
        seats.sort_by_key(|seat| (seat.org, seat.credential));
        for alike in seats.chunk_by(|one, other| (one.org, one.credential) == (other.org, other.credential)) {
            let Some(first) = alike.first() else { continue };
            // Where the store fails nothing is known against them.
            if let Ok(false) = login::is_still_good(&self.0, first.org, first.credential).await {
                for seat in alike {
                    seat.end(Reason::NotAuthorized);
                }
            }
        }
    }

    async fn publish_wills(&self, wills: Vec<(Sender, Post)>) {
        for (sender, will) in wills {
            // Who may not come back has no last word either; where the store fails nothing is known
            // against them.
            if let Ok(false) = login::is_still_good(&self.0, sender.org, sender.credential).await {
                continue;
            }
            publish_will(&self.0, &sender, will).await;
        }
    }

    /// Forgets readers that have been away for too long.
    async fn expire(&self, seats: &[Arc<Seat>]) {
        // Those that are here are not away.
        self.note(seats, true).await;
        if let Err(error) = self.0.store.expire_stream_sessions(self.0.now()).await {
            tracing::warn!("old readers of streams cannot be forgotten: {error}");
        }
        self.0.shares.tidy(self.0.now());
        if let Err(error) = self.0.retained.tidy(&*self.0.store, self.0.now()).await {
            tracing::warn!("retained messages cannot be forgotten: {error}");
        }
    }

    async fn note(&self, seats: &[Arc<Seat>], is_due: bool) {
        let (published, now) = (self.0.published(), self.0.now());
        let notes: Vec<_> = seats.iter().filter_map(|seat| seat.note(published, now, is_due)).collect();
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
