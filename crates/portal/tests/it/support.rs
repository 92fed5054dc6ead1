use std::{
    collections::BTreeSet,
    net::IpAddr,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use argon2::{Argon2, password_hash::PasswordHasher};
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, HeaderName, Request, Response, StatusCode, header},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use model::{
    AccessId, AccessKey, Call, Keep, KeyLimits, Mirror, MirrorId, OrgId, Organization, PasswordHash, Person, PersonId,
    Position, Reading, Retention, Role, Scopes, SecretHash, Session, Timestamp, UserCodec, Value,
};
use portal::{
    Address, BackupOutcome, BrokerClient, BrokerFigures, Fact, Later, LiveMessages, MirrorDifference, MirrorPhase,
    MirrorProgress, MirrorSight, PortalState, Secret, Settings, Station, Stream, TriedCodec, router,
};
use store::{Registry, Telemetry};
use store_embedded::{Durability, EmbeddedStore};
use tempfile::TempDir;
use tower::ServiceExt;

/// 2026-07-10T12:00:00.000Z
pub(crate) const NOW_MS: i64 = 1_783_684_800_000;
pub(crate) const SECOND_MS: i64 = 1_000;
pub(crate) const MINUTE_MS: i64 = 60 * SECOND_MS;
pub(crate) const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
/// Everybody's.
pub(crate) const PASSWORD: &str = "correct horse";
/// Where the browsers of these tests think that they are.
pub(crate) const HOST: &str = "station.example.org";

static PASSWORD_HASH: LazyLock<PasswordHash> = LazyLock::new(|| {
    let hash: argon2::password_hash::phc::PasswordHash =
        Argon2::default().hash_password(PASSWORD.as_bytes()).expect("a hash");
    PasswordHash(hash.to_string())
});

pub(crate) fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

pub(crate) const fn scopes(read: bool, write: bool, manage: bool) -> Scopes {
    Scopes { read, write, manage }
}

/// How a session or an invite is named without telling its token.
pub(crate) fn handle(hash: SecretHash) -> String {
    hash.0.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// A station that simulates nothing.
#[derive(Default)]
pub(crate) struct TestStation {
    fleets: Mutex<BTreeSet<OrgId>>,
    pub(crate) log: Mutex<Vec<String>>,
    pub(crate) disk_full_at: Mutex<Option<Timestamp>>,
    pub(crate) backup: Mutex<Option<BackupOutcome>>,
    pub(crate) calls: Mutex<Vec<(OrgId, AccessId, Call)>>,
}

impl Station for TestStation {
    fn api_document(&self) -> serde_json::Value {
        serde_json::json!({
            "tags": [{ "name": "Devices" }],
            "paths": { "/openapi/list_devices": { "get": {
                "tags": ["Devices"], "operationId": "get_list_devices", "summary": "List",
                "parameters": [{ "name": "device_type", "in": "query", "description": "Which", "schema": {} }],
                "responses": { "200": { "content": { "application/json": { "example": { "code": "0" } } } } },
            } } },
        })
    }

    fn version(&self) -> &'static str {
        "0.0.0"
    }

    fn facts(&self) -> Vec<(&'static str, Fact)> {
        vec![("devices", Fact::Count(1)), ("health", Fact::Trouble(None)), ("started", Fact::At(at(NOW_MS)))]
    }

    fn retention(&self) -> Retention {
        Retention { readings: None, frames: Some(Keep::Forever) }
    }

    fn disk_full_at(&self) -> Option<Timestamp> {
        *self.disk_full_at.lock().unwrap()
    }

    fn last_backup(&self) -> Option<BackupOutcome> {
        self.backup.lock().unwrap().clone()
    }

    fn log_tail(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    fn models(&self) -> Vec<&'static str> {
        vec!["S2101", "S2120"]
    }

    fn check_codec<'a>(&'a self, codec: &'a UserCodec) -> Later<'a, Result<(), String>> {
        let refused = codec.source == "broken";
        Box::pin(async move { if refused { Err("the codec is broken".to_owned()) } else { Ok(()) } })
    }

    fn try_codec<'a>(
        &'a self,
        codec: &'a UserCodec,
        f_port: u8,
        payload: Vec<u8>,
    ) -> Later<'a, Result<TriedCodec, String>> {
        let readings: Vec<Reading> = codec
            .table
            .iter()
            .map(|(_, field)| Reading { series: field.series, value: f64::from(f_port).into() })
            .collect();
        let unmapped = vec![("<i>b</i>".to_owned(), Value::Number(payload.len() as f64))];
        Box::pin(async move { Ok(TriedCodec { readings, unmapped, warnings: vec!["<b>low</b>".to_owned()] }) })
    }

    fn stream(&self, host: &str, org: OrgId, access_key: &str) -> Stream {
        if host == "closed.example" { Stream::Closed } else { Stream::Open(format!("mqtt {host} {org} {access_key}")) }
    }

    fn live(&self, _: OrgId, filters: &[String], _: Option<Position>) -> Option<LiveMessages> {
        filters
            .iter()
            .all(|filter| filter.starts_with("/device_"))
            .then(|| Box::pin(futures_util::stream::pending()) as _)
    }

    fn broker(&self, _: OrgId) -> BrokerFigures {
        let (id, is_private, is_kept, lag) = ("<b>reader</b>".to_owned(), false, true, 3);
        let clients = vec![BrokerClient { id, is_private, is_kept, lag }];
        BrokerFigures { clients, sent: 5, received: 4, dropped: 2, missed: 1 }
    }

    fn seal(&self, purpose: &str, secret: &[u8]) -> Result<Vec<u8>, store::Error> {
        Ok(model::StationKey::from_raw([7; 32]).seal(purpose, secret, [7; 12]))
    }

    fn usual_topics(&self, kind: model::SourceKind) -> &'static [&'static str] {
        if kind == model::SourceKind::ChirpStack { &["application/+/device/+/event/up"] } else { &[] }
    }

    fn look_at_station<'a>(
        &'a self,
        mirror: &'a Mirror,
        access_key: &'a str,
    ) -> Later<'a, Result<MirrorSight, String>> {
        Box::pin(async move {
            if mirror.station == "nowhere" || access_key == "wrong" {
                return Err("the station cannot be reached: <i>no</i>".to_owned());
            }
            let devices = vec![("2CF7F12000000001".to_owned(), "<b>Roof</b>".to_owned(), 3)];
            let station = mirror.station.clone();
            let groups = vec!["<i>Barn</i>".to_owned()];
            let (dm, calls, hours) = (4_321, 44, 1.1);
            Ok(MirrorSight { station, other_org: "7".to_owned(), groups, devices, gateways: 1, dm, calls, hours })
        })
    }

    fn mirror_progress(&self, _: OrgId, _: MirrorId) -> MirrorProgress {
        let of = |what: &str| MirrorDifference {
            eui: "2CF7F12000000001".to_owned(),
            what: what.to_owned(),
            there: "<b>5</b>".to_owned(),
            here: "4".to_owned(),
        };
        MirrorProgress {
            phase: MirrorPhase::History,
            done: 3,
            total: 12,
            device_days: 40,
            left_ms: Some(7_500_000),
            trouble: Some("<i>slow</i>".to_owned()),
            differences: Some(vec![of("2026-07-01")]),
            disagreements: vec![of("latest")],
            ..MirrorProgress::default()
        }
    }

    fn has_simulated_fleet(&self, org: OrgId) -> bool {
        self.fleets.lock().unwrap().contains(&org)
    }

    fn last_calls(&self, org: OrgId, id: AccessId) -> Vec<Call> {
        self.calls
            .lock()
            .unwrap()
            .iter()
            .filter(|(o, i, _)| (*o, *i) == (org, id))
            .map(|(.., call)| call.clone())
            .collect()
    }

    fn start_simulated_fleet(&self, org: OrgId) {
        self.fleets.lock().unwrap().insert(org);
    }

    fn remove_simulated_fleet(&self, org: OrgId) {
        self.fleets.lock().unwrap().remove(&org);
    }
}

/// A portal on a store of its own.
pub(crate) struct App {
    pub(crate) store: Arc<EmbeddedStore>,
    pub(crate) portal: PortalState,
    pub(crate) station: Arc<TestStation>,
    router: Router,
    clock: Arc<AtomicI64>,
    counter: AtomicU64,
    cookie: &'static str,
    /// Outlives the store in it.
    _folder: TempDir,
}

impl App {
    pub(crate) fn new() -> Self {
        Self::with(Settings::default())
    }

    pub(crate) fn with(settings: Settings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let kept = store_embedded::Settings { durability: Durability::Off, ..Default::default() };
        let store = EmbeddedStore::open(folder.path(), kept).unwrap();
        let clock = Arc::new(AtomicI64::new(NOW_MS));
        let now = Arc::clone(&clock);
        let station = Arc::new(TestStation::default());
        let is_secure = settings.public_url.as_ref().is_some_and(|url| url.starts_with("https"));
        let portal = PortalState::new(
            store.clone(),
            Arc::new(move || at(now.load(Ordering::Relaxed))),
            station.clone(),
            settings,
        );
        Self {
            store,
            portal: portal.clone(),
            station,
            router: router(portal),
            clock,
            counter: AtomicU64::new(1),
            cookie: if is_secure { "__Host-session" } else { "session" },
            _folder: folder,
        }
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, ms: i64) {
        self.clock.fetch_add(ms, Ordering::Relaxed);
    }

    pub(crate) fn now(&self) -> Timestamp {
        at(self.clock.load(Ordering::Relaxed))
    }

    pub(crate) fn count(&self) -> u64 {
        self.counter.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) async fn organization(&self) -> OrgId {
        let id = OrgId::from_raw(919_136_109_886 + self.count());
        let organization = Organization { id, name: "Farm".to_owned(), created_at: at(NOW_MS) };
        self.store.create_organization(organization).await.unwrap();
        id
    }

    /// Somebody of an organization who is signed in nowhere.
    pub(crate) async fn person(&self, org: OrgId, role: Role, is_operator: bool) -> Person {
        let count = self.count();
        let person = Person {
            id: PersonId::from_raw(0xA000_0000_0000_0000 + count),
            org,
            email: format!("{role}{count}@example.org").parse().unwrap(),
            name: String::new(),
            role,
            is_operator,
            password: PASSWORD_HASH.clone(),
            time_zone: "UTC".to_owned(),
            created_at: at(NOW_MS),
        };
        self.store.create_person(person.clone()).await.unwrap();
        person
    }

    /// A session of a person; answers its token.
    pub(crate) async fn session(&self, person: PersonId) -> String {
        self.session_with(person, "a browser").await
    }

    pub(crate) async fn session_with(&self, person: PersonId, agent: &str) -> String {
        let token = format!("{:064x}", self.count());
        let session = Session {
            token: Secret::of(token.clone()).hash,
            person,
            created_at: self.now(),
            seen_at: self.now(),
            address: "192.0.2.1".to_owned(),
            agent: agent.to_owned(),
        };
        self.store.create_session(session).await.unwrap();
        token
    }

    /// Somebody without session or key.
    pub(crate) fn nobody(&self) -> Caller<'_> {
        let address = IpAddr::from([192, 0, 2, 1]);
        let (who, may) = ("nobody", 0);
        Caller { app: self, who, may, person: None, credential: None, spare_session: String::new(), address }
    }

    /// Somebody who is signed in on two browsers.
    pub(crate) async fn member(&self, org: OrgId, role: Role, is_operator: bool) -> Caller<'_> {
        let person = self.person(org, role, is_operator).await;
        let (token, spare) = (self.session(person.id).await, self.session(person.id).await);
        let (who, may) = match role {
            Role::Viewer => ("a viewer", 1),
            Role::Manager => ("a manager", 2),
            Role::Owner if !is_operator => ("an owner", 3),
            Role::Owner => ("an operator", 4),
        };
        let spare_session = handle(Secret::of(spare).hash);
        Caller { who, may, person: Some(person), spare_session, ..self.nobody() }.with_session(&token)
    }

    /// A program with a key.
    pub(crate) async fn program(&self, org: OrgId, scopes: Scopes) -> Caller<'_> {
        self.narrow_program(org, scopes, KeyLimits::default()).await.0
    }

    pub(crate) async fn narrow_program(&self, org: OrgId, scopes: Scopes, limits: KeyLimits) -> (Caller<'_>, AccessId) {
        let count = self.count();
        let (id, secret) = (format!("KEY{count:013}").parse().unwrap(), format!("{count:064X}"));
        let key = AccessKey::new(id, org, Secret::of(secret.clone()).hash, String::new(), scopes, at(NOW_MS));
        self.store.create_access_key(AccessKey { limits, ..key }).await.unwrap();
        let (who, may) = if scopes.manage { ("a key that manages", 3) } else { ("a key", 0) };
        (Caller { who, may, ..self.nobody() }.with_key(&id.to_string(), &secret), id)
    }

    /// Everything that an organization has, in words, one line for each thing.
    pub(crate) async fn state(&self, org: OrgId) -> Vec<String> {
        let store = &*self.store;
        let mut lines = vec![format!("{:?}", store.get_organization(org).await.unwrap())];
        lines.push(format!("{:?}", store.get_limits(org).await.unwrap()));
        lines.push(format!("{:?}", store.get_retention(org).await.unwrap()));
        lines.push(format!("a fleet: {}", self.station.has_simulated_fleet(org)));
        lines.push(format!("um {}", store.count_um(org).await.unwrap()));
        let secret = |hash: SecretHash| handle(hash);
        for key in store.list_access_keys(org).await.unwrap() {
            lines.push(format!("{} {key:?}", secret(key.secret)));
        }
        lines.extend(store.list_groups(org).await.unwrap().iter().map(|group| format!("{group:?}")));
        for device in store.list_devices(org, Default::default(), None, 1_000).await.unwrap() {
            lines.push(format!("{device:?}"));
        }
        lines.extend(store.list_user_codecs(org).await.unwrap().iter().map(|codec| format!("{codec:?}")));
        for source in store.list_sources(org).await.unwrap() {
            let previous = source.previous.map(|previous| secret(previous.token));
            lines.push(format!("{} {previous:?} {source:?}", secret(source.token)));
        }
        for invite in store.list_invites(org).await.unwrap() {
            lines.push(format!("{} {invite:?}", secret(invite.token)));
        }
        for person in store.list_people(org).await.unwrap() {
            lines.push(format!("{} {person:?}", person.password.0));
        }
        for session in store.list_sessions(org).await.unwrap() {
            lines.push(format!("{} {session:?}", secret(session.token)));
        }
        for (number, deed) in store.list_deeds(org, None, 1_000).await.unwrap() {
            lines.push(format!("{number} {deed:?}"));
        }
        lines
    }

    /// The actions of an organization's audit log, with who did them, oldest first.
    pub(crate) async fn deeds(&self, org: OrgId) -> Vec<(String, String)> {
        let deeds = self.store.list_deeds(org, None, 1_000).await.unwrap();
        deeds.into_iter().rev().map(|(_, deed)| (deed.action, deed.actor)).collect()
    }
}

/// Somebody who calls.
#[derive(Clone)]
pub(crate) struct Caller<'a> {
    pub(crate) app: &'a App,
    /// What to call them when something is wrong.
    pub(crate) who: &'static str,
    /// The most they may do, as routes count it.
    pub(crate) may: u8,
    pub(crate) person: Option<Person>,
    credential: Option<(HeaderName, String)>,
    /// Names another session of the same person.
    pub(crate) spare_session: String,
    address: IpAddr,
}

impl Caller<'_> {
    pub(crate) fn named(self, who: &'static str, may: u8) -> Self {
        Self { who, may, ..self }
    }

    /// The same person from another address.
    pub(crate) fn from(self, address: impl Into<IpAddr>) -> Self {
        Self { address: address.into(), ..self }
    }

    pub(crate) fn with_session(self, token: &str) -> Self {
        let cookie = format!("{}={token}", self.app.cookie);
        Self { credential: Some((header::COOKIE, cookie)), ..self }
    }

    pub(crate) fn with_key(self, id: &str, secret: &str) -> Self {
        let pair = BASE64_STANDARD.encode(format!("{id}:{secret}"));
        Self { credential: Some((header::AUTHORIZATION, format!("Basic {pair}"))), ..self }
    }

    /// Whether pages are for them: a key opens none.
    pub(crate) fn is_person(&self) -> bool {
        self.person.is_some()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "").await
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Answer {
        self.send("POST", path, &[], body).await
    }

    /// Sends a body of JSON to the API and of form fields to pages, if `headers` do not say
    /// otherwise.
    pub(crate) async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let response = self.open(method, path, headers, body).await;
        let (parts, body) = response.into_parts();
        let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        // What goes on and on is not waited for.
        let is_endless = kind.is_some_and(|kind| kind.starts_with("text/event-stream"));
        let body = if is_endless { Default::default() } else { to_bytes(body, usize::MAX).await.unwrap() };
        let body = String::from_utf8(body.into()).unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// As [`Caller::send`], with a body that is still to be read.
    pub(crate) async fn open(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Response<Body> {
        let kind = if path.starts_with("/api/") { "application/json" } else { "application/x-www-form-urlencoded" };
        let request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, kind);
        let request = request.header(header::HOST, HOST).extension(Address(self.address));
        let mut request = request.body(Body::from(body.to_owned())).unwrap();
        if let Some((name, value)) = &self.credential {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        for (name, value) in headers {
            request.headers_mut().insert(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        self.app.router.clone().oneshot(request).await.unwrap()
    }
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn code(&self) -> u16 {
        self.status.as_u16()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The token of the session that begins with this answer.
    pub(crate) fn token(&self) -> String {
        let cookie = self.header("set-cookie").split(';').next().unwrap_or_default();
        let token = cookie.split_once('=').map_or("", |(_, token)| token);
        assert_eq!(token.len(), 64, "no session begins: {} {}", self.status, self.body);
        token.to_owned()
    }

    /// Checks that it is a problem by RFC 9457.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) {
        assert_eq!(self.code(), status, "{}", self.body);
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!((&problem["type"], &problem["status"]), (&"about:blank".into(), &status.into()), "{problem}");
        assert_eq!(problem["title"], self.status.canonical_reason().unwrap(), "{problem}");
        assert_eq!(problem["code"], code, "{problem}");
        assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{problem}");
    }
}
