//! A broker on a store of its own.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
};

use model::{
    AccessId, AccessKey, CodecVersion, DedupKey, DeviceEui, DeviceKind, GroupId, KeyLimits, OrgId, Organization,
    Reading, RowFlags, Scopes, SecretHash, SourceId, Timestamp,
};
use sha2::{Digest, Sha256};
use store::{Binding, Entry, NewRow, Registry, StoredUplink, Telemetry};
use store_embedded::{Durability, EmbeddedStore};
use stream::{Arrival, Broker, Settings};
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
}

/// An organization, and a key of it.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) org: OrgId,
    pub(crate) id: AccessId,
    pub(crate) secret: String,
}

impl Member {
    pub(crate) fn user(&self) -> String {
        format!("org-{}", self.org)
    }

    /// A filter below the organization's part of the readings.
    pub(crate) fn readings(&self, rest: &str) -> String {
        format!("/device_sensor_data/{}/{rest}", self.org)
    }
}

impl App {
    pub(crate) fn new() -> Self {
        Self::open(tempfile::tempdir().unwrap(), 100)
    }

    pub(crate) fn with_room_for(connections_per_org_max: usize) -> Self {
        Self::open(tempfile::tempdir().unwrap(), connections_per_org_max)
    }

    fn open(folder: TempDir, connections_per_org_max: usize) -> Self {
        let kept = store_embedded::Settings { durability: Durability::Off, ..Default::default() };
        let store = EmbeddedStore::open(folder.path(), kept).unwrap();
        let clock = Arc::new(AtomicI64::new(NOW_MS));
        let now = Arc::clone(&clock);
        let now = Arc::new(move || Timestamp::from_millis(now.load(Relaxed)));
        let broker = Broker::new(store.clone(), now, &Settings { connections_per_org_max });
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let running = broker.clone();
        tasks.spawn(async move { running.run(stopped).await });
        Self { store, broker, stop, clock, tasks, counter: AtomicU64::new(1), folder }
    }

    /// Tells everybody to go, and waits until they have.
    pub(crate) async fn stop(&mut self) {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
    }

    /// Another station in the same folder.
    pub(crate) async fn restart(mut self) -> Self {
        self.stop().await;
        self.store.close().await.unwrap();
        let Self { folder, store, broker, .. } = self;
        drop((store, broker));
        let opened = Self::open(folder, 100);
        opened.counter.store(1_000_000, Relaxed);
        opened
    }

    pub(crate) fn pass_ms(&self, ms: i64) {
        self.clock.fetch_add(ms, Relaxed);
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
        Member { org, id, secret }
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
