//! Decoding stored frames again, for a command.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::PathBuf,
};

use anyhow::Context;
use ingest::{Difference, Listener, Scripts, replay};
use model::{DeviceEui, OrgId, Timestamp, Window};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{FrameQuery, Store};

use crate::progress::Steps;

/// Which frames, and where differences go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wanted {
    pub(crate) org: String,
    pub(crate) eui: String,
    /// Received at or after it.
    pub(crate) from_ms: Option<i64>,
    /// Received before it.
    pub(crate) to_ms: Option<i64>,
    pub(crate) dry_run: bool,
    /// A file that is there, to be filled with a line of JSON for each reading.
    pub(crate) differences: PathBuf,
}

struct Lines<'a> {
    out: BufWriter<File>,
    failure: Option<std::io::Error>,
    steps: &'a Steps,
    total: u64,
}

impl Listener for Lines<'_> {
    fn differs(&mut self, difference: &Difference) {
        let value = |value: &Option<model::Value>| value.as_ref().map(json);
        let line = json!({
            "uplink": difference.uplink.get(),
            "received_at": difference.received_at.to_string(),
            "measured_at": difference.measured_at.to_string(),
            "channel": difference.series.channel.0,
            "measurement_id": difference.series.measurement.to_string(),
            "was": value(&difference.was),
            "becomes": value(&difference.becomes),
        });
        if let Err(error) = writeln!(self.out, "{line}") {
            self.failure.get_or_insert(error);
        }
    }

    fn decoded(&mut self, frames: u64) -> bool {
        self.steps.note(frames, self.total.max(frames)) && self.failure.is_none()
    }
}

/// Decodes again, or tells what that would change.
pub(crate) async fn run(store: &dyn Store, scripts: &Scripts, wanted: Wanted, steps: &Steps) -> anyhow::Result<Value> {
    let org: OrgId = wanted.org.parse()?;
    let eui: DeviceEui = wanted.eui.parse().map_err(anyhow::Error::from)?;
    let device = store.find_device(org, eui).await?;
    let device = device.with_context(|| format!("the organization has no device `{eui}`"))?;
    let start = wanted.from_ms.map_or(Timestamp::MIN, Timestamp::from_millis);
    let window = Window::new(start, wanted.to_ms.map_or(Timestamp::MAX, Timestamp::from_millis));
    let out = File::options().write(true).open(&wanted.differences);
    let out = out.with_context(|| format!("cannot write `{}`", wanted.differences.display()))?;
    let before = store.head().await?;
    // How many there are, as far as that is quick to know.
    const COUNTED_MAX: usize = 20_000;
    let query = FrameQuery { device: device.id, window, limit: COUNTED_MAX };
    let total = store.frames(org, query).await?.len() as u64;
    let mut lines = Lines { out: BufWriter::new(out), failure: None, steps, total };
    let replayed = replay(store, scripts, &device, window, wanted.dry_run, &mut lines).await?;
    if let Some(error) = lines.failure {
        return Err(error).context("the differences cannot be written down");
    }
    lines.out.flush()?;
    tracing::info!(%org, %eui, dry_run = wanted.dry_run, frames = replayed.frames, differing = replayed.differing, "decoded again");
    Ok(json!({
        "dry_run": wanted.dry_run,
        "frames": replayed.frames,
        "differing": replayed.differing,
        "undecodable": replayed.undecodable,
        "added": replayed.added,
        "changed": replayed.changed,
        "gone": replayed.gone,
        "position_before": before.to_string(),
    }))
}

fn json(value: &model::Value) -> Value {
    match value {
        model::Value::Number(number) => json!(number),
        model::Value::Text(text) => json!(text),
        model::Value::Json(text) => serde_json::from_str(text).unwrap_or_else(|_| json!(text)),
    }
}
