use std::{fmt, pin::Pin, sync::Arc};

use futures_util::stream;
use model::{
    AccessId, Call, Mirror, MirrorId, OrgId, Position, Reading, Retention, SourceKind, Timestamp, UserCodec,
    Value as ReadValue,
};
use serde_json::Value;
use store::{Error, Store};

use crate::{delay::Delays, fleet::Fleets, live::Live, password::Passwords};

/// What the portal is told about the station it belongs to.
pub trait Station: Send + Sync {
    /// The version of the program.
    fn version(&self) -> &'static str;
    /// What there is to say about the station's health, by name.
    fn facts(&self) -> Vec<(&'static str, Fact)>;
    /// How long history is kept where nobody says otherwise.
    fn retention(&self) -> Retention;
    /// When the disk will be full at the rate of the last days, as far as that can be told.
    fn disk_full_at(&self) -> Option<Timestamp>;
    /// What came of the last backup that was made by the clock, if one was.
    fn last_backup(&self) -> Option<BackupOutcome>;
    /// The newest lines of the log, oldest first.
    fn log_tail(&self) -> Vec<String>;
    /// The product models that can be decoded.
    fn models(&self) -> Vec<&'static str>;
    /// Looks whether an organization's codec can be kept: its program can, and makes of its examples what it should.
    /// What is to be mended stands in the error, in words.
    fn check_codec<'a>(&'a self, codec: &'a UserCodec) -> Later<'a, Result<(), String>>;
    /// What a codec makes of a payload, or why nothing.
    fn try_codec<'a>(
        &'a self,
        codec: &'a UserCodec,
        f_port: u8,
        payload: Vec<u8>,
    ) -> Later<'a, Result<TriedCodec, String>>;
    /// The OpenAPI document of the public API.
    fn api_document(&self) -> Value;
    /// How to read an organization's stream by MQTT, for somebody who reaches the station at `host`.
    fn stream(&self, host: &str, org: OrgId, access_key: &str) -> Stream;
    /// An organization's stream from behind a position on, or from now on; `None` if one of the filters
    /// is none of that organization's.
    fn live(&self, org: OrgId, filters: &[String], after: Option<Position>) -> Option<LiveMessages>;
    /// How the stream and the private space of an organization are doing.
    fn broker(&self, org: OrgId) -> BrokerFigures;
    /// Seals a secret of somebody else's for one purpose, so that the station can use it again.
    ///
    /// **Errors**: the operating system gives no random numbers.
    fn seal(&self, purpose: &str, secret: &[u8]) -> Result<Vec<u8>, Error>;
    /// What is usually subscribed to at a broker for a kind of source; empty where nothing is usual.
    fn usual_topics(&self, kind: SourceKind) -> &'static [&'static str];
    /// Looks what another station has, and what it would cost to mirror it; nothing of that costs data. What is wrong
    /// stands in the error, in words.
    fn look_at_station<'a>(&'a self, mirror: &'a Mirror, access_key: &'a str)
    -> Later<'a, Result<MirrorSight, String>>;
    /// How a mirror of an organization is doing.
    fn mirror_progress(&self, org: OrgId, id: MirrorId) -> MirrorProgress;
    /// Whether a simulated fleet runs in an organization.
    fn has_simulated_fleet(&self, org: OrgId) -> bool;
    /// What an organization's access key has called last, the newest first.
    fn last_calls(&self, org: OrgId, id: AccessId) -> Vec<Call>;
    /// Starts a simulated fleet in an organization; the devices appear while it goes on.
    fn start_simulated_fleet(&self, org: OrgId);
    /// Ends the simulated fleet of an organization, unbinds its devices and erases their history.
    fn remove_simulated_fleet(&self, org: OrgId);
}

/// What another station has, and what it costs to bring home.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MirrorSight {
    /// Where it is asked.
    pub station: String,
    /// What it calls the account's organization.
    pub other_org: String,
    /// The names of its groups.
    pub groups: Vec<String>,
    /// Its nodes: EUI, name, and how many series each has.
    pub devices: Vec<(String, String, usize)>,
    /// How many gateways it has.
    pub gateways: usize,
    /// How many data (dm) the history is that is not here yet, about.
    pub dm: u64,
    /// In how many calls.
    pub calls: u64,
    /// In how many hours.
    pub hours: f64,
}

/// How a mirror is doing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MirrorProgress {
    /// What it does just now.
    pub phase: MirrorPhase,
    /// How much of history is here, in milliseconds of series.
    pub done: u64,
    /// And of how much.
    pub total: u64,
    /// How many days of devices that is.
    pub device_days: u64,
    /// How long the rest will take at this pace, in milliseconds.
    pub left_ms: Option<u64>,
    /// Readings fetched so far.
    pub points: u64,
    /// Data (dm) spent so far.
    pub dm: u64,
    /// Readings that came since it follows.
    pub news: u64,
    /// When the last of them came.
    pub news_at: Option<Timestamp>,
    /// What went wrong last, if it has not gone well since.
    pub trouble: Option<String>,
    /// Days of devices of which fewer readings are here than there; `None` until they were counted.
    pub differences: Option<Vec<MirrorDifference>>,
    /// How many questions both stations were asked.
    pub compared: u64,
    /// Those that they answer differently.
    pub disagreements: Vec<MirrorDifference>,
}

impl MirrorProgress {
    /// How much of history is here, from 0 to 1.
    pub(crate) fn share(&self) -> f64 {
        if self.total == 0 { 0.0 } else { self.done.min(self.total) as f64 / self.total as f64 }
    }
}

/// What a mirror does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MirrorPhase {
    /// It has not begun, or rests.
    #[default]
    Resting,
    /// It looks what there is.
    Looking,
    /// It brings history home.
    History,
    /// It counts what is here against what was there.
    Counting,
    /// It follows by asking again and again.
    Asking,
    /// It follows by the other station's stream as well.
    Streaming,
    /// Its budget is used up.
    Spent,
    /// It waits before it tries again.
    Waiting,
}

/// Where two stations differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MirrorDifference {
    /// The device.
    pub eui: String,
    /// The day, or what was asked.
    pub what: String,
    /// What the other station has.
    pub there: String,
    /// What is here.
    pub here: String,
}

/// What came of a backup that was made by the clock and rehearsed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BackupOutcome {
    /// When one was made last that can be restored.
    pub good_at: Option<Timestamp>,
    /// What is wrong with the newest, if anything.
    pub trouble: Option<String>,
}

/// An answer that takes a while.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a codec makes of a payload.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TriedCodec {
    /// The readings of the paths that its table has.
    pub readings: Vec<Reading>,
    /// The paths that it does not have, and their values.
    pub unmapped: Vec<(String, ReadValue)>,
    /// What it warns of.
    pub warnings: Vec<String>,
}

/// Messages of an organization's stream, by uplink: its place, and topic and body of each message.
pub type LiveMessages = Pin<Box<dyn stream::Stream<Item = Result<(Position, Vec<(String, String)>), Error>> + Send>>;

/// How an organization's part of the broker is doing, since the station was started.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BrokerFigures {
    /// Clients that are connected, by name.
    pub clients: Vec<BrokerClient>,
    /// Messages sent.
    pub sent: u64,
    /// Messages that clients published.
    pub received: u64,
    /// Those of them that were nobody's to publish.
    pub dropped: u64,
    /// Messages that readers at QoS 0 were too slow for.
    pub missed: u64,
}

/// A client that is connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerClient {
    /// What it calls itself.
    pub id: String,
    /// Whether it is in the private space and does not read the stream.
    pub is_private: bool,
    /// Whether its session is kept when it goes.
    pub is_kept: bool,
    /// How many entries of the log it is behind.
    pub lag: u64,
}

/// Whether an organization's stream can be read by MQTT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stream {
    /// It can, as by this line for a terminal.
    Open(String),
    /// It can on the station's own machine alone, as by this line.
    OpenHere(String),
    /// It cannot: the door is closed.
    Closed,
}

/// Something to know about the station.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// What it is.
    Text(String),
    /// When it was.
    At(Timestamp),
    /// How many.
    Count(u64),
    /// How much.
    Bytes(u64),
    /// For how many days; 0 is for ever.
    Days(u32),
    /// What is wrong, if anything.
    Trouble(Option<String>),
}

/// What can be set about the portal.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The address that people reach the station at, such as `https://station.example.org`; without
    /// it, the address that they happened to use.
    pub public_url: Option<String>,
    /// Where map tiles come from, such as `https://tile.example.org/{z}/{x}/{y}.png`.
    pub map_tiles: Option<String>,
    /// What the source of the tiles wants to be said of it.
    pub map_attribution: String,
}

/// Where the time comes from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What every page needs; cheap to clone.
#[derive(Clone)]
pub struct PortalState {
    inner: Arc<Inner>,
    is_over_tls: bool,
}

struct Inner {
    store: Arc<dyn Store>,
    clock: Clock,
    station: Arc<dyn Station>,
    settings: Settings,
    passwords: Passwords,
    delays: Delays,
    live: Live,
    fleets: Fleets,
}

impl PortalState {
    /// The state of a portal over one store.
    pub fn new(store: Arc<dyn Store>, clock: Clock, station: Arc<dyn Station>, settings: Settings) -> Self {
        let inner = Inner {
            store,
            clock,
            station,
            settings,
            passwords: Passwords::new(),
            delays: Delays::default(),
            live: Live::default(),
            fleets: Fleets::default(),
        };
        Self { inner: Arc::new(inner), is_over_tls: false }
    }

    /// The same portal behind a door that speaks TLS itself.
    #[must_use]
    pub fn over_tls(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), is_over_tls: true }
    }

    /// What goes on in the station just now; somebody must run it.
    pub fn live(&self) -> &Live {
        &self.inner.live
    }

    /// The store that everything is kept in.
    pub fn store(&self) -> &dyn Store {
        &*self.inner.store
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.inner.clock)()
    }

    pub(crate) fn station(&self) -> &dyn Station {
        &*self.inner.station
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    pub(crate) fn passwords(&self) -> &Passwords {
        &self.inner.passwords
    }

    pub(crate) fn delays(&self) -> &Delays {
        &self.inner.delays
    }

    pub(crate) fn fleets(&self) -> &Fleets {
        &self.inner.fleets
    }

    /// Whether people reach the station by `https`, so that cookies must not travel otherwise.
    pub(crate) fn is_secure(&self) -> bool {
        self.is_over_tls || self.inner.settings.public_url.as_ref().is_some_and(|url| url.starts_with("https://"))
    }
}

impl fmt::Debug for PortalState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PortalState").field("settings", &self.inner.settings).finish_non_exhaustive()
    }
}
