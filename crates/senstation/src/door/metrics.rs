//! Counts about ourselves, for Prometheus.

use std::sync::atomic::AtomicU64;

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

/// What is counted.
pub(crate) struct Metrics {
    registry: Registry,
    answers: Family<Answer, Counter>,
    refusals: Family<Status, Counter>,
    read: Counter<u64, AtomicU64>,
    pub(super) connections: Gauge,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answer {
    endpoint: &'static str,
    status: u16,
    code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Status {
    status: u16,
}

impl Metrics {
    /// All at zero, beside what `store` tells about itself.
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("senstation");
        let (answers, refusals) = (Family::default(), Family::default());
        let (read, connections) = (Counter::default(), Gauge::default());
        registry.register("http_answers", "Requests answered by a room", answers.clone());
        registry.register("http_refusals", "Requests and connections refused at the door", refusals.clone());
        registry.register("http_connections", "Open connections", connections.clone());
        registry.register("data_read", "Data read over HTTP", read.clone());
        Self { registry, answers, refusals, read, connections }
    }

    /// In the text format of OpenMetrics.
    pub(crate) fn encode(&self) -> String {
        let mut text = String::new();
        // Writing into a string does not fail.
        let _written = encode(&mut text, &self.registry);
        text
    }

    pub(super) fn count_answer(&self, path: &str, response: &Response<Body>) {
        let status = response.status().as_u16();
        let answered = response.extensions().get::<api::Answered>();
        self.read.inc_by(answered.map_or(0, |answered| answered.dm));
        let label = match answered {
            Some(answered) => Answer { endpoint: answered.endpoint, status, code: answered.code },
            None => Answer { endpoint: endpoint(path), status, code: "" },
        };
        self.answers.get_or_create(&label).inc();
    }

    pub(super) fn count_refusal(&self, status: StatusCode) {
        self.refusals.get_or_create(&Status { status: status.as_u16() }).inc();
    }
}

/// A name for the paths outside of the public API, of which there must not be many.
fn endpoint(path: &str) -> &'static str {
    const KNOWN: [&str; 4] = ["/ingest/chirpstack", "/healthz", "/readyz", "/metrics"];
    KNOWN.into_iter().find(|known| *known == path).unwrap_or("other")
}
