//! A broker on a store of its own.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use async_trait::async_trait;

use model::{
    AccessId, AccessKey, CodecVersion, DedupKey, DeviceEui, DeviceKind, GroupId, KeyLimits, OrgId, Organization,
    Reading, RowFlags, Scopes, SecretHash, Source, SourceId, SourceKind, StationKey, Timestamp,
};
use sha2::{Digest, Sha256};
use store::{Binding, Entry, NewRow, Registry, StoredUplink, Telemetry};
use store_embedded::{Durability, EmbeddedStore};
use stream::{Arrival, Broker, OnPublish, Settings};
use tempfile::TempDir;
use tokio::{
    io::{DuplexStream, duplex},
    sync::watch,
    task::JoinSet,
};

use crate::client::Client;

/// 2026-07-10T12:00:00.000Z
pub(crate) const NOW_MS: i64 = 1_783_684_800_000;
pub(crate) const EUI: &str = "2CF7F12004100005";

pub(crate) struct App {
    pub(crate) store: Arc<EmbeddedStore>,
    pub(crate) broker: Broker,
    stop: watch::Sender<bool>,
    clock: Arc<AtomicI64>,
    tasks: JoinSet<()>,
    counter: AtomicU64,
    folder: TempDir,
    settings: Settings,
    /// What was told of messages in private spaces.
    pub(crate) told: Arc<Told>,
}

/// Remembers what is published: by which source, and where.
#[derive(Debug, Default)]
pub(crate) struct Told(Mutex<Vec<(SourceId, String)>>);

impl Told {
    pub(crate) fn all(&self) -> Vec<(SourceId, String)> {
        self.0.lock().unwrap().clone()
    }
}

#[async_trait]
impl OnPublish for Told {
    async fn take(&self, source: &Source, topic: &str, _: &[u8], _: Timestamp) -> Result<(), store::Error> {
        self.0.lock().unwrap().push((source.id, topic.to_owned()));
        Ok(())
    }
}

pub(crate) const STATION_KEY: StationKey = StationKey::from_raw([7; 32]);

/// An organization, and a key of it.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) org: OrgId,
    pub(crate) id: AccessId,
    /// Of what source, for those that are in the private space.
    pub(crate) source: Option<SourceId>,
    pub(crate) secret: String,
}

impl Member {
    pub(crate) fn user(&self) -> String {
        self.source.map_or_else(|| format!("org-{}", self.org), |source| source.to_string())
    }

    /// A filter below the organization's part of the readings.
    pub(crate) fn readings(&self, rest: &str) -> String {
        format!("/device_sensor_data/{}/{rest}", self.org)
    }
}

impl App {
    pub(crate) fn new() -> Self {
        Self::with(Settings::default())
    }

    pub(crate) fn with_room_for(connections_per_org_max: usize) -> Self {
        Self::with(Settings { connections_per_org_max, ..Settings::default() })
    }

    pub(crate) fn with(settings: Settings) -> Self {
        let settings = Settings { station_key: Some(STATION_KEY), ..settings };
        Self::open(tempfile::tempdir().unwrap(), settings)
    }

    /// A station where nothing takes longer than a second.
    pub(crate) fn impatient() -> Self {
        Self::with(Settings { connect_patience: Duration::from_millis(50), keep_alive_s_max: 1, ..Settings::default() })
    }

    fn open(folder: TempDir, settings: Settings) -> Self {
        let kept = store_embedded::Settings { durability: Durability::Off, ..Default::default() };
        let store = EmbeddedStore::open(folder.path(), kept).unwrap();
        let clock = Arc::new(AtomicI64::new(NOW_MS));
        let now = Arc::clone(&clock);
        let now = Arc::new(move || Timestamp::from_millis(now.load(Relaxed)));
        let told: Arc<Told> = Arc::default();
        let broker = Broker::new(store.clone(), now, settings.clone(), Some(told.clone()));
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let running = broker.clone();
        tasks.spawn(async move { running.run(stopped).await });
        Self { store, broker, stop, clock, tasks, counter: AtomicU64::new(1), folder, settings, told }
    }

    /// Tells everybody to go, and waits until they have.
    pub(crate) async fn stop(&mut self) {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
    }

    /// Another station in the same folder.
    pub(crate) async fn restart(self) -> Self {
        let settings = self.settings.clone();
        self.reopen(settings).await
    }

    /// The same, with other settings.
    pub(crate) async fn reopen(mut self, settings: Settings) -> Self {
        self.stop().await;
        self.store.close().await.unwrap();
        let Self { folder, store, broker, .. } = self;
        drop((store, broker));
        let opened = Self::open(folder, settings);
        opened.counter.store(1_000_000, Relaxed);
        opened
    }

    pub(crate) fn pass_ms(&self, ms: i64) {
        self.clock.fetch_add(ms, Relaxed);
    }

    /// Waits until so many clients are left.
    pub(crate) async fn until_there_are(&self, sessions: u64) {
        let left = async {
            while self.broker.figures().sessions != sessions {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), left).await.expect("clients that are gone are let go");
    }

    fn count(&self) -> u64 {
        self.counter.fetch_add(1, Relaxed)
    }

    /// Somebody with a key of a new organization that has a device.
    pub(crate) async fn member(&self) -> Member {
        let org = OrgId::from_raw(919_136_109_886 + self.count());
        let created_at = Timestamp::EPOCH;
        self.store.create_organization(Organization { id: org, name: "Farm".to_owned(), created_at }).await.unwrap();
        self.bind(org, EUI, None).await;
        self.key(org, Scopes::READ_WRITE, KeyLimits::default()).await
    }

    pub(crate) async fn key(&self, org: OrgId, scopes: Scopes, limits: KeyLimits) -> Member {
        let count = self.count();
        let id: AccessId = format!("{count:016}").parse().unwrap();
        let secret = format!("{count:064X}");
        let hash = SecretHash(Sha256::digest(&secret).into());
        let key = AccessKey::new(id, org, hash, String::new(), scopes, Timestamp::EPOCH);
        self.store.create_access_key(AccessKey { limits, ..key }).await.unwrap();
        Member { org, id, source: None, secret }
    }

    /// A source of kind `mqtt` of an organization.
    pub(crate) async fn source(&self, org: OrgId) -> Member {
        let count = self.count();
        let id = SourceId::from_raw(0x1000 + count);
        let secret = format!("token-{count}");
        let source = Source {
            id,
            org,
            kind: SourceKind::Mqtt,
            name: String::new(),
            token: SecretHash(Sha256::digest(&secret).into()),
            auto_add: false,
            created_at: Timestamp::EPOCH,
            previous: None,
        };
        self.store.create_source(source).await.unwrap();
        Member { org, id: AccessId::from_random([0; 16]), source: Some(id), secret }
    }

    pub(crate) async fn bind(&self, org: OrgId, eui: &str, group: Option<GroupId>) {
        let binding = Binding {
            org,
            eui: eui.parse().unwrap(),
            kind: DeviceKind::Node,
            model: "S2101".to_owned(),
            name: String::new(),
            group,
            place: None,
            frequency: String::new(),
            code: String::new(),
            bound_at: Timestamp::EPOCH,
        };
        self.store.bind_device(binding).await.unwrap();
    }

    pub(crate) fn dial(&mut self, arrival: Arrival, buffer_bytes: usize) -> DuplexStream {
        let (client, server) = duplex(buffer_bytes);
        let (broker, stop) = (self.broker.clone(), self.stop.subscribe());
        self.tasks.spawn(async move { broker.serve(server, arrival, stop).await });
        client
    }

    /// A client that has not said anything yet.
    pub(crate) fn client(&mut self, version: u8) -> Client {
        Client::new(self.dial(Arrival::default(), 1 << 20), version)
    }

    /// A client that was let in by a name, with nothing to be kept.
    pub(crate) async fn reader(&mut self, version: u8, member: &Member, name: &str) -> Client {
        let mut client = self.client(version);
        let answer = client.connect(member, name, true, 0).await;
        assert_eq!(answer[..2], [0, 0], "{answer:?}");
        client
    }

    /// One uplink, `minute` minutes after noon, with one temperature.
    pub(crate) async fn uplink(&self, org: OrgId, eui: &str, minute: i64) {
        self.rows(org, eui, vec![(minute, vec![Reading::new(1, 4097, minute as f64)])]).await;
    }

    pub(crate) async fn uplinks(&self, org: OrgId, minutes: std::ops::Range<i64>) {
        for minute in minutes {
            self.uplink(org, EUI, minute).await;
        }
    }

    pub(crate) async fn rows(&self, org: OrgId, eui: &str, rows: Vec<(i64, Vec<Reading>)>) {
        self.rows_of(SourceId::from_raw(1), org, eui, rows).await;
    }

    /// As [`App::rows`], brought by some source.
    pub(crate) async fn rows_of(&self, source: SourceId, org: OrgId, eui: &str, rows: Vec<(i64, Vec<Reading>)>) {
        let eui: DeviceEui = eui.parse().unwrap();
        let device = self.store.find_device(org, eui).await.unwrap().expect("bound before");
        let rows = rows.into_iter().map(|(minute, readings)| NewRow {
            measured_at: Timestamp::from_millis(NOW_MS + minute * 60_000),
            flags: RowFlags::NONE,
            readings,
        });
        let uplink = StoredUplink {
            org,
            device: device.id,
            eui,
            source,
            dedup: DedupKey(self.count().into()),
            received_at: Timestamp::from_millis(NOW_MS),
            codec: CodecVersion(1),
            frame: None,
            rows: rows.collect(),
        };
        self.store.append(vec![Entry::Uplink(uplink)]).await.unwrap();
    }
}
