//! A station in process: one organization with a device and a source, and a neighbour with both.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
};
use http_body_util::BodyExt;
use ingest::{Devices, IngestState, Notes, Read, Scripts, aws, chirpstack, helium, http, tts};
use model::{
    Device, DeviceEui, DeviceKind, OrgId, Organization, Reading, Row, SecretHash, Source, SourceId, SourceKind,
    StationKey, Timestamp, Window,
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use store::{Binding, Reference, RowQuery, Store};
use tower::ServiceExt;

pub(crate) const ORG: OrgId = OrgId::from_raw(521_853_156_991_105);
pub(crate) const NEIGHBOUR: OrgId = OrgId::from_raw(521_853_156_991_106);
pub(crate) const EUI: &str = "2CF7F12004100005";
pub(crate) const NEIGHBOURS_EUI: &str = "2CF7F12004100006";
pub(crate) const TOKEN: &str = "a-token-of-chirpstack";
pub(crate) const STATION_KEY: StationKey = StationKey::from_raw([0x0B; 32]);
pub(crate) const UP: &str = include_str!("../../fixtures/chirpstack/up.json");

/// The instant that the clock shows: a little after the fixtures were received.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_millis(1_783_651_185_000)
}

/// The station and its ways in and out.
pub(crate) struct App {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) notes: Arc<Notes>,
    pub(crate) state: IngestState,
    pub(crate) router: Router,
}

/// What a request was answered with.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: axum::http::HeaderMap,
    pub(crate) body: Value,
}

impl App {
    pub(crate) async fn new() -> Self {
        Self::on(Arc::new(Reference::new())).await
    }

    pub(crate) async fn on(store: Arc<dyn Store>) -> Self {
        let notes = Arc::new(Notes::default());
        let devices = Devices { station_key: STATION_KEY, mqtt_port: Some(1883), mqtts_port: None };
        let state = IngestState {
            store: Arc::clone(&store),
            now,
            notes: Arc::clone(&notes),
            devices,
            scripts: Scripts::here(),
            downlinks: Arc::default(),
            keeps_simulated: false,
        };
        let app = Self { router: ingest::router(state.clone()), store, notes, state };
        for (org, eui, token) in [(ORG, EUI, TOKEN), (NEIGHBOUR, NEIGHBOURS_EUI, "a-token-of-the-neighbour")] {
            let organization = Organization { id: org, name: "Farm".to_owned(), created_at: now() };
            app.store.create_organization(organization).await.unwrap();
            app.bind(org, eui, "S2101").await;
            app.create_source(source(org, token, SourceKind::ChirpStack)).await;
        }
        for kind in [SourceKind::Tts, SourceKind::Helium, SourceKind::Aws, SourceKind::Http] {
            app.create_source(source(ORG, &token(kind), kind)).await;
        }
        app
    }

    pub(crate) async fn bind(&self, org: OrgId, eui: &str, model: &str) -> Arc<Device> {
        let binding = Binding {
            org,
            eui: eui.parse().unwrap(),
            kind: DeviceKind::Node,
            model: model.to_owned(),
            name: String::new(),
            group: None,
            place: None,
            frequency: String::new(),
            code: String::new(),
            bound_at: now(),
        };
        self.store.bind_device(binding).await.unwrap()
    }

    pub(crate) async fn create_source(&self, source: Source) {
        self.store.create_source(source).await.unwrap();
    }

    pub(crate) async fn up(&self, body: impl Into<Body>) -> Answer {
        self.post("/ingest/chirpstack?event=up", TOKEN, body).await
    }

    pub(crate) async fn post(&self, path: &str, token: &str, body: impl Into<Body>) -> Answer {
        let authorization = format!("Bearer {token}");
        self.send(Request::post(path).header(header::AUTHORIZATION, authorization).body(body.into()).unwrap()).await
    }

    pub(crate) async fn post_as(&self, kind: SourceKind, content_type: &str, body: impl Into<Body>) -> Answer {
        let request = Request::post(kind.path().unwrap())
            .header(header::AUTHORIZATION, format!("Bearer {}", token(kind)))
            .header(header::CONTENT_TYPE, content_type);
        self.send(request.body(body.into()).unwrap()).await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// Every row of a device, newest first.
    pub(crate) async fn rows(&self, org: OrgId, eui: &str) -> Vec<Row> {
        let eui: DeviceEui = eui.parse().unwrap();
        let Some(device) = self.store.find_device(org, eui).await.unwrap() else { return Vec::new() };
        let query = RowQuery { device: device.id, window: Window::ALL, limit: 100, hidden: true };
        self.store.rows(org, query).await.unwrap()
    }

    /// What the device of the fixtures has measured and told about itself.
    pub(crate) async fn readings(&self) -> Vec<Reading> {
        self.rows(ORG, EUI).await.into_iter().flat_map(|row| row.readings).collect()
    }
}

/// The token of the organization's source of a kind.
pub(crate) fn token(kind: SourceKind) -> String {
    format!("a-token-of-{kind}")
}

/// What reads the messages of a kind.
pub(crate) fn reader(kind: SourceKind) -> Read {
    match kind {
        SourceKind::ChirpStack => chirpstack::read,
        SourceKind::Tts => tts::read,
        SourceKind::Helium => helium::read,
        SourceKind::Aws => aws::read,
        SourceKind::Http => http::read,
        SourceKind::Mqtt | SourceKind::Demo => panic!("{kind} posts nothing"),
    }
}

pub(crate) fn source(org: OrgId, token: &str, kind: SourceKind) -> Source {
    let token = hash(token);
    let id = u64::from_be_bytes(*token.0.first_chunk().unwrap());
    Source {
        id: SourceId::from_raw(id),
        org,
        kind,
        name: String::new(),
        token,
        auto_add: false,
        created_at: now(),
        previous: None,
    }
}

pub(crate) fn hash(token: &str) -> SecretHash {
    SecretHash(Sha256::digest(token).into())
}

/// The uplink of the fixtures with some of its fields changed.
pub(crate) fn up_with(changes: Value) -> String {
    let mut body: Value = serde_json::from_str(UP).unwrap();
    for (name, value) in changes.as_object().unwrap() {
        match name.split_once('.') {
            Some((outer, inner)) => body[outer][inner] = value.clone(),
            None => body[name.as_str()] = value.clone(),
        }
    }
    body.to_string()
}
