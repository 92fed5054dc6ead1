use std::sync::Arc;

use axum::{Router, extract::DefaultBodyLimit, routing::post};
use model::Timestamp;
use store::Store;

use crate::{Notes, source::chirpstack};

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
}

/// Every path by which sources bring uplinks.
pub fn router(state: IngestState) -> Router {
    Router::new()
        .route("/ingest/chirpstack", post(chirpstack::receive))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(state)
}
