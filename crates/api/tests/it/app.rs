use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Instant,
};

use api::{Answered, ApiState, Begun, ClientAddress, Settings, router};
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode, header},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use model::{
    AccessId, AccessKey, CodecVersion, DedupKey, Device, DeviceEui, DeviceKind, Frame, KeyLimits, OrgId, OrgLimits,
    Organization, Reading, RowFlags, Scopes, SecretHash, Source, SourceId, SourceKind, StationKey, Timestamp, Uplink,
};
use sha2::{Digest, Sha256};
use store::{Binding, Entry, NewRow, Registry, StoredUplink, Telemetry};
use store_embedded::{Durability, EmbeddedStore};
use tempfile::TempDir;
use tower::ServiceExt;

/// 2026-07-10T12:00:00.000Z
pub(crate) const NOW_MS: i64 = 1_783_684_800_000;
pub(crate) const MINUTE_MS: i64 = 60_000;
pub(crate) const HOUR_MS: i64 = 60 * MINUTE_MS;
pub(crate) const DAY_MS: i64 = 24 * HOUR_MS;
pub(crate) const EUI: &str = "2CF7F12004100005";

pub(crate) const STATION_KEY: StationKey = StationKey::from_raw([7; 32]);

pub(crate) const READ: Scopes = Scopes { read: true, write: false, manage: false };

pub(crate) fn ms_ago(ms: i64) -> Timestamp {
    Timestamp::from_millis(NOW_MS - ms)
}

/// A server on a store of its own.
pub(crate) struct App {
    pub(crate) store: Arc<EmbeddedStore>,
    pub(crate) api: ApiState,
    router: Router,
    counter: AtomicU64,
    now_ms: Arc<AtomicI64>,
    /// Outlives the store in it.
    _folder: TempDir,
}

/// Somebody who calls: with a key, or without.
#[derive(Clone)]
pub(crate) struct Caller<'a> {
    app: &'a App,
    pub(crate) org: OrgId,
    pub(crate) id: Option<AccessId>,
    authorization: Option<String>,
    origin: Option<&'static str>,
    address: Option<IpAddr>,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    pub(crate) answered: Option<Answered>,
}

impl App {
    pub(crate) fn new() -> Self {
        Self::with(Settings::default())
    }

    pub(crate) fn with(settings: Settings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let kept = store_embedded::Settings { durability: Durability::Off, ..Default::default() };
        let store = EmbeddedStore::open(folder.path(), kept).unwrap();
        let now_ms = Arc::new(AtomicI64::new(NOW_MS));
        let clock = Arc::clone(&now_ms);
        let clock = Arc::new(move || Timestamp::from_millis(clock.load(Ordering::Relaxed)));
        let api = ApiState::new(store.clone(), clock, STATION_KEY, settings);
        Self { store, api: api.clone(), router: router(api), counter: AtomicU64::new(0), now_ms, _folder: folder }
    }

    /// Lets every key of an organization use so much.
    pub(crate) async fn limit(&self, org: OrgId, limits: OrgLimits) {
        self.store.limit_organization(org, limits).await.unwrap();
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, ms: i64) {
        self.now_ms.fetch_add(ms, Ordering::Relaxed);
    }

    fn count(&self) -> u64 {
        self.counter.fetch_add(1, Ordering::Relaxed)
    }

    /// Somebody with a key of a new organization.
    pub(crate) async fn member(&self) -> Caller<'_> {
        let org = OrgId::from_raw(919_136_109_886 + self.count());
        let created_at = Timestamp::EPOCH;
        self.store.create_organization(Organization { id: org, name: "Farm".to_owned(), created_at }).await.unwrap();
        self.stranger().of(org).with_key(Scopes::READ_WRITE).await
    }

    /// Somebody without a key.
    pub(crate) fn stranger(&self) -> Caller<'_> {
        Caller { app: self, org: OrgId::from_raw(0), id: None, authorization: None, origin: None, address: None }
    }
}

impl<'a> Caller<'a> {
    pub(crate) fn of(self, org: OrgId) -> Self {
        Self { org, ..self }
    }

    /// The same person with another key.
    pub(crate) async fn with_key(self, scopes: Scopes) -> Caller<'a> {
        self.with_narrow_key(scopes, KeyLimits::default()).await
    }

    pub(crate) async fn with_narrow_key(self, scopes: Scopes, limits: KeyLimits) -> Caller<'a> {
        let count = self.app.count();
        let id: AccessId = format!("{count:016}").parse().unwrap();
        let secret = format!("{count:064X}");
        let hash = SecretHash(Sha256::digest(&secret).into());
        let key = AccessKey::new(id, self.org, hash, String::new(), scopes, Timestamp::EPOCH);
        self.app.store.create_access_key(AccessKey { limits, ..key }).await.unwrap();
        self.with_credentials(Some(id), &format!("{id}:{secret}"))
    }

    /// The same person sending these credentials.
    pub(crate) fn with_credentials(self, id: Option<AccessId>, pair: &str) -> Self {
        self.with_authorization(id, format!("Basic {}", BASE64_STANDARD.encode(pair)))
    }

    pub(crate) fn with_authorization(self, id: Option<AccessId>, authorization: String) -> Self {
        Self { id, authorization: Some(authorization), ..self }
    }

    /// The same person on a page of an origin.
    pub(crate) fn on_page_of(self, origin: &'static str) -> Self {
        Self { origin: Some(origin), ..self }
    }

    /// The same person at an address.
    pub(crate) fn at(self, address: &str) -> Self {
        Self { address: Some(address.parse().unwrap()), ..self }
    }

    pub(crate) async fn revoke(&self) {
        let id = self.id.expect("somebody with a key");
        self.app.store.revoke_access_key(self.org, id, Timestamp::from_millis(NOW_MS)).await.unwrap();
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None, "").await
    }

    /// Asks with what `If-None-Match` carries.
    pub(crate) async fn get_unless(&self, path: &str, tag: &str) -> Answer {
        let request = Request::builder().uri(path).header(header::IF_NONE_MATCH, tag);
        self.send_request(request.body(Body::empty()).unwrap()).await
    }

    /// Asks at an instant.
    pub(crate) async fn get_at(&self, path: &str, at: Instant) -> Answer {
        let request = Request::builder().uri(path).extension(Begun(at));
        self.send_request(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post_json(&self, path: &str, body: &str) -> Answer {
        self.send("POST", path, Some("application/json"), body).await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, content_type: Option<&str>, body: &str) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(content_type) = content_type {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        self.send_request(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    pub(crate) async fn send_request(&self, mut request: Request<Body>) -> Answer {
        if let Some(authorization) = &self.authorization {
            request.headers_mut().insert(header::AUTHORIZATION, authorization.parse().unwrap());
        }
        if let Some(origin) = self.origin {
            request.headers_mut().insert(header::ORIGIN, origin.parse().unwrap());
        }
        if let Some(address) = self.address {
            request.extensions_mut().insert(ClientAddress(address));
        }
        let (parts, body) = self.app.router.clone().oneshot(request).await.unwrap().into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.into()).unwrap(),
            answered: parts.extensions.get().copied(),
        }
    }

    /// Binds a node.
    pub(crate) async fn bind(&self, eui: &str, model: &str) -> Arc<Device> {
        self.bind_with(eui, model, |_| {}).await
    }

    pub(crate) async fn bind_with(&self, eui: &str, model: &str, change: impl FnOnce(&mut Binding)) -> Arc<Device> {
        let mut binding = Binding {
            org: self.org,
            eui: eui.parse().unwrap(),
            kind: DeviceKind::Node,
            model: model.to_owned(),
            name: format!("device{eui}"),
            group: None,
            place: None,
            frequency: "EU868".to_owned(),
            code: String::new(),
            bound_at: Timestamp::EPOCH,
        };
        change(&mut binding);
        self.app.store.bind_device(binding).await.unwrap()
    }

    /// Lets a source of the organization bring uplinks of devices that nobody has bound, each with the model that its
    /// words make likely.
    pub(crate) async fn hear(&self, devices: &[(&str, &str)]) {
        let (org, id) = (self.org, SourceId::from_raw(self.org.get()));
        let token = SecretHash(Sha256::digest(self.org.to_string()).into());
        let created_at = Timestamp::EPOCH;
        let source = Source {
            id,
            org,
            kind: SourceKind::ChirpStack,
            name: String::new(),
            token,
            auto_add: false,
            created_at,
            previous: None,
        };
        self.app.store.create_source(source).await.unwrap();
        for (eui, model) in devices {
            let uplink = Uplink {
                org,
                source: id,
                eui: eui.parse().unwrap(),
                sent_at: created_at,
                received_at: created_at,
                dedup: DedupKey(1),
                frame: Frame::default(),
                model_hints: Vec::new(),
                name_hint: String::new(),
            };
            self.app.store.keep_unbound(uplink, model).await.unwrap();
        }
    }

    /// One uplink of a device, received the moment it was measured.
    pub(crate) async fn uplink(&self, eui: &str, at: Timestamp, readings: impl Into<Vec<Reading>>) {
        self.uplinks(eui, [(at, readings.into())]).await;
    }

    /// Uplinks of a device, each received the moment it was measured.
    pub(crate) async fn uplinks(&self, eui: &str, rows: impl IntoIterator<Item = (Timestamp, Vec<Reading>)>) {
        let eui: DeviceEui = eui.parse().unwrap();
        let device = self.app.store.find_device(self.org, eui).await.unwrap().expect("bound before");
        let entries = rows.into_iter().map(|(at, readings)| {
            Entry::Uplink(StoredUplink {
                org: self.org,
                device: device.id,
                eui,
                source: SourceId::from_raw(1),
                dedup: DedupKey(self.app.count().into()),
                received_at: at,
                codec: CodecVersion(1),
                frame: None,
                rows: vec![NewRow { measured_at: at, flags: RowFlags::NONE, readings }],
            })
        });
        self.app.store.append(entries.collect()).await.unwrap();
    }
}

impl Answer {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().expect("a code is a string").to_owned()
    }

    pub(crate) fn data(&self) -> serde_json::Value {
        let json = self.json();
        assert_eq!(json["code"], "0", "{json}");
        json["data"].clone()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}
