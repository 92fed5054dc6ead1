use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get, post},
};
use model::{SourceKind, StationKey, Timestamp};
use store::Store;

use crate::{
    Downlinks, Notes, Scripts, deviceapi,
    source::{aws, chirpstack, helium, http, tts, webhook},
};

/// The most bytes that the body of a webhook may have.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// What the handlers work with.
#[derive(Clone)]
pub struct IngestState {
    /// Where uplinks go.
    pub store: Arc<dyn Store>,
    /// The clock.
    pub now: fn() -> Timestamp,
    /// How sources have been doing since the last flush.
    pub notes: Arc<Notes>,
    /// What devices that report for themselves are answered with.
    pub devices: Devices,
    /// What runs users' codecs.
    pub scripts: Scripts,
    /// How devices are reached, as far as that was kept lately.
    pub downlinks: Arc<Downlinks>,
    /// Whether uplinks that a network server only simulates are stored, flagged as such.
    pub keeps_simulated: bool,
}

/// How devices that report for themselves get in.
#[derive(Clone)]
pub struct Devices {
    /// What their keys are derived from.
    pub station_key: StationKey,
    /// Where the broker listens, if it does.
    pub mqtt_port: Option<u16>,
    /// Where it does so with TLS.
    pub mqtts_port: Option<u16>,
}

/// Every path by which sources bring uplinks, and devices what they measured.
pub fn router(state: IngestState) -> Router {
    Router::new()
        .route("/ingest/chirpstack", webhook(SourceKind::ChirpStack, chirpstack::read))
        .route("/ingest/tts", webhook(SourceKind::Tts, tts::read))
        .route("/ingest/tts/", webhook(SourceKind::Tts, tts::read))
        .route("/ingest/tts/{*message}", webhook(SourceKind::Tts, tts::read))
        .route("/ingest/helium", webhook(SourceKind::Helium, helium::read))
        .route("/ingest/aws", post(aws::receive))
        .route("/ingest/http", webhook(SourceKind::Http, http::read))
        .route("/deviceapi/kit/message_uplink", post(deviceapi::report))
        .route("/deviceapi/device/report_data", post(deviceapi::report))
        .route("/deviceapi/device/report_status", post(deviceapi::report))
        .route("/deviceapi/hardware/iotjoin/requestMqttToken", get(deviceapi::mqtt_token))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        // One count up and down for each request, instead of one for each thing in it.
        .with_state(Arc::new(state))
}
