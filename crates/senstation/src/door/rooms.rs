//! Every room that one port serves, and what the station says about itself.

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::map_response,
    response::{IntoResponse, Response},
    routing::get,
};

use tower_http::{
    CompressionLevel,
    compression::{
        CompressionLayer, Predicate,
        predicate::{NotForContentType, SizeAbove},
    },
};

use super::{Metrics, service::Peer};
use crate::station::Station;

/// What the port leads to.
pub(crate) struct Rooms {
    /// The public API.
    pub(crate) api: Router,
    /// Pages and the management API.
    pub(crate) portal: Router,
    /// The way in.
    pub(crate) ingest: Router,
    /// For `/readyz`.
    pub(crate) station: Arc<Station>,
    /// For `/metrics`; `None` where it has an address of its own.
    pub(crate) metrics: Option<Arc<Metrics>>,
}

impl Rooms {
    pub(crate) fn into_router(self) -> Router {
        let own = Router::new()
            .route("/healthz", get(async || "ok\n"))
            .route("/readyz", get(ready).with_state(Arc::clone(&self.station)));
        let own = match self.metrics {
            Some(metrics) => own.route("/metrics", get(local_metrics).with_state(metrics)),
            None => own,
        };
        let compressed = self.api.merge(self.portal).layer(compression()).layer(map_response(weaken));
        own.merge(compressed).merge(self.ingest)
    }
}

/// What is compressed is no longer byte for byte what its tag names.
async fn weaken(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let weak = match headers.get(header::ETAG) {
        Some(tag) if headers.contains_key(header::CONTENT_ENCODING) && !tag.as_bytes().starts_with(b"W/") => {
            HeaderValue::from_bytes(&[b"W/", tag.as_bytes()].concat()).ok()
        }
        _ => None,
    };
    if let Some(weak) = weak {
        headers.insert(header::ETAG, weak);
    }
    response
}

/// Answers that are worth it go out compressed to whoever asks for that; speed before the last byte.
fn compression() -> CompressionLayer<impl Predicate> {
    const WORTH_IT_BYTES: u64 = 1_024;
    // What comes bit by bit must not wait for more to be worth it.
    let is_worth_it = SizeAbove::new(WORTH_IT_BYTES).and(NotForContentType::SSE);
    CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(is_worth_it)
}

/// What an address for metrics alone serves.
pub(crate) fn metrics_only(metrics: Arc<Metrics>) -> Router {
    Router::new().route("/metrics", get(show_metrics).with_state(metrics))
}

async fn ready(State(station): State<Arc<Station>>) -> Response {
    match station.blocked() {
        None => "ready\n".into_response(),
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {reason}\n")).into_response(),
    }
}

/// Metrics for this machine only. What a proxy passes on comes from elsewhere.
async fn local_metrics(
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
    metrics: State<Arc<Metrics>>,
) -> Response {
    let is_passed_on = headers.contains_key(header::FORWARDED) || headers.contains_key("x-forwarded-for");
    if peer.ip().to_canonical().is_loopback() && !is_passed_on {
        show_metrics(metrics).await
    } else {
        StatusCode::NOT_FOUND.into_response()
    }
}

async fn show_metrics(State(metrics): State<Arc<Metrics>>) -> Response {
    let kind = (header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    ([kind], metrics.encode()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_tag_is_weak_where_the_answer_is_compressed() {
        let check = async |tag: &'static str, is_compressed: bool, expected: &str| {
            let mut response = ([(header::ETAG, tag)], "").into_response();
            if is_compressed {
                response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
            assert_eq!(weaken(response).await.headers()[header::ETAG], expected, "{tag} {is_compressed}");
        };
        check("\"a\"", true, "W/\"a\"").await;
        check("\"a\"", false, "\"a\"").await;
        check("W/\"a\"", true, "W/\"a\"").await;
    }
}
