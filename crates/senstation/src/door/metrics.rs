//! Counts about ourselves, for Prometheus.

use std::{
    fmt,
    sync::{Arc, atomic::AtomicU64},
};

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, text::encode},
    metrics::{
        MetricType,
        counter::{ConstCounter, Counter},
        family::Family,
        gauge::{ConstGauge, Gauge},
    },
    registry::Registry,
};

use stream::{Broker, Figures};

use crate::{backup::Backups, station::Station};

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
    /// All at zero, beside what the store counts itself.
    pub(crate) fn new(station: Arc<Station>, broker: Broker, backups: Arc<Backups>) -> Self {
        let mut registry = Registry::with_prefix("senstation");
        let (answers, refusals) = (Family::default(), Family::default());
        let (read, connections) = (Counter::default(), Gauge::default());
        registry.register("http_answers", "Requests answered by a room", answers.clone());
        registry.register("http_refusals", "Requests and connections refused at the door", refusals.clone());
        registry.register("http_connections", "Open connections", connections.clone());
        registry.register("data_read", "Data read over HTTP", read.clone());
        registry.register_collector(Box::new(StoreFigures(station)));
        registry.register_collector(Box::new(StreamFigures(broker)));
        registry.register_collector(Box::new(BackupFigures(backups)));
        Self { registry, answers, refusals, read, connections }
    }

    /// In the text format of `OpenMetrics`.
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
    const KNOWN: [&str; 12] = [
        "/ingest/chirpstack",
        "/ingest/tts",
        "/ingest/helium",
        "/ingest/aws",
        "/ingest/http",
        "/deviceapi/kit/message_uplink",
        "/deviceapi/device/report_data",
        "/deviceapi/device/report_status",
        "/deviceapi/hardware/iotjoin/requestMqttToken",
        "/healthz",
        "/readyz",
        "/metrics",
    ];
    for (prefix, name) in [("/api/", "/api"), ("/assets/", "/assets"), ("/ingest/tts/", "/ingest/tts")] {
        if path.starts_with(prefix) {
            return name;
        }
    }
    KNOWN.into_iter().find(|known| *known == path).unwrap_or("other")
}

/// What the store counts, asked for when somebody looks.
struct StoreFigures(Arc<Station>);

impl fmt::Debug for StoreFigures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreFigures")
    }
}

impl Collector for StoreFigures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let stats = self.0.stats();
        let counters = [
            ("store_commits", "Commits of the log", stats.commits),
            ("store_entries", "Entries appended", stats.entries),
            ("store_duplicates", "Duplicates met", stats.duplicates),
            ("store_chunks_sealed", "Chunks sealed", stats.chunks_sealed),
            ("store_merges", "Merges of chunks", stats.merges),
            ("store_checkpoints", "Checkpoints", stats.checkpoints),
            ("store_damaged", "Damaged pieces met at the start", stats.damaged),
        ];
        for (name, help, count) in counters {
            put(&mut encoder, name, help, &ConstCounter::new(count))?;
        }
        let gauges = [
            ("store_blocked", "Whether nothing can be written just now", u64::from(stats.blocked.is_some())),
            ("store_devices", "Devices that ever sent something", stats.devices),
            ("store_open_bytes", "Memory of rows that are not sealed", stats.open_bytes),
            ("store_state_bytes", "Memory of all device states", stats.state_bytes),
            ("store_disk_bytes", "Files on disk", stats.disk_bytes),
            ("store_head", "The last position there is", stats.head),
            ("store_trimmed", "The position up to which the log was trimmed", stats.trimmed),
        ];
        for (name, help, figure) in gauges {
            put(&mut encoder, name, help, &ConstGauge::new(i64::try_from(figure).unwrap_or(i64::MAX)))?;
        }
        Ok(())
    }
}

/// What the broker counts, likewise.
#[derive(Debug)]
struct StreamFigures(Broker);

impl Collector for StreamFigures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let figures = self.0.figures();
        let refused = ConstCounter::new(figures.refused);
        put(&mut encoder, "mqtt_refused", "MQTT connections that were turned away", &refused)?;
        for (name, help, figure) in STREAM_COUNTERS {
            put(&mut encoder, name, help, &ConstCounter::new(figure(&figures)))?;
        }
        for (name, help, figure) in STREAM_GAUGES {
            put(&mut encoder, name, help, &gauge(figure(&figures)))?;
        }
        let by_org: Vec<_> =
            self.0.figures_by_org().into_iter().map(|(org, figures)| ([("org", org.to_string())], figures)).collect();
        // A family without members is none.
        if by_org.is_empty() {
            return Ok(());
        }
        for (name, help, figure) in STREAM_COUNTERS {
            let name = name.replace("mqtt_", "mqtt_org_");
            let mut family = encoder.encode_descriptor(&name, help, None, MetricType::Counter)?;
            for (org, figures) in &by_org {
                ConstCounter::new(figure(figures)).encode(family.encode_family(org)?)?;
            }
        }
        for (name, help, figure) in STREAM_GAUGES {
            let name = name.replace("mqtt_", "mqtt_org_");
            let mut family = encoder.encode_descriptor(&name, help, None, MetricType::Gauge)?;
            for (org, figures) in &by_org {
                gauge(figure(figures)).encode(family.encode_family(org)?)?;
            }
        }
        Ok(())
    }
}

/// Name, what it says, and which of the broker's figures it is: of all, and of each organization that
/// had a client since the start.
type StreamFigure = (&'static str, &'static str, fn(&Figures) -> u64);

const STREAM_COUNTERS: [StreamFigure; 6] = [
    ("mqtt_sent", "Messages sent", |figures| figures.sent),
    ("mqtt_received", "Messages that clients published", |figures| figures.received),
    ("mqtt_dropped", "Those of them that were nobody's to publish", |figures| figures.dropped),
    ("mqtt_missed", "Uplinks and messages that readers at QoS 0 were too slow for", |figures| figures.missed),
    ("mqtt_oversized", "Messages larger than their reader takes", |figures| figures.oversized),
    ("mqtt_trimmed", "Readers that were away for longer than the log is kept", |figures| figures.trimmed),
];

const STREAM_GAUGES: [StreamFigure; 2] = [
    ("mqtt_sessions", "Readers that are connected", |figures| figures.sessions),
    ("mqtt_lag", "Entries of the log that the last kept reader is behind", |figures| figures.lag),
];

fn gauge(figure: u64) -> ConstGauge<i64> {
    ConstGauge::new(i64::try_from(figure).unwrap_or(i64::MAX))
}

/// What came of the last backup by the clock, likewise.
#[derive(Debug)]
struct BackupFigures(Arc<Backups>);

impl Collector for BackupFigures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(last) = self.0.last() else { return Ok(()) };
        let gauges = [
            ("backup_failed", "Whether the last backup by the clock failed", i64::from(last.trouble.is_some())),
            ("backup_bytes", "Its size", i64::try_from(last.bytes).unwrap_or(i64::MAX)),
            (
                "backup_good_seconds",
                "When the newest was made that could be restored",
                last.good_ms.unwrap_or(0) / 1_000,
            ),
        ];
        for (name, help, figure) in gauges {
            put(&mut encoder, name, help, &ConstGauge::new(figure))?;
        }
        Ok(())
    }
}

fn put(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, metric: &impl EncodeMetric) -> fmt::Result {
    metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)
}
