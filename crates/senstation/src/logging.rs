//! Our own log: to stderr, as text for people and as JSON for everything else.

use std::{
    collections::VecDeque,
    io::{self, IsTerminal, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::Context;
use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, registry, util::SubscriberInitExt};

use crate::config::{Log, LogFormat};

/// Starts logging, once; the newest lines are kept for whoever asks.
pub(crate) fn start(settings: &Log) -> anyhow::Result<Tail> {
    let filter =
        EnvFilter::try_new(&settings.level).with_context(|| format!("`{}` is no log level", settings.level))?;
    let is_text = match settings.format {
        LogFormat::Text => true,
        LogFormat::Json => false,
        LogFormat::Auto => io::stderr().is_terminal(),
    };
    // A line that cannot be written is lost. The logger would complain of it on stderr, which panics
    // when it is stderr that cannot be written.
    let logger = tracing_subscriber::fmt::layer().with_writer(io::stderr).log_internal_errors(false);
    let logger = if is_text {
        logger.with_ansi(io::stderr().is_terminal()).boxed()
    } else {
        logger.json().flatten_event(true).boxed()
    };
    let tail = Tail::default();
    let writer = tail.clone();
    let kept = tracing_subscriber::fmt::layer().with_writer(move || writer.clone());
    let kept = kept.with_ansi(false).log_internal_errors(false);
    let started = registry().with(filter).with(logger).with(kept).try_init();
    started.map_err(|error| anyhow::anyhow!("cannot log: {error}"))?;
    Ok(tail)
}

/// How many lines are kept for whoever looks at them in the portal.
const TAIL_LINES: usize = 200;
/// The longest line that is kept whole.
const TAIL_LINE_BYTES: usize = 2_000;

/// The newest lines of the log; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tail(Arc<Mutex<VecDeque<String>>>);

impl Tail {
    /// The lines, oldest first.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lock().iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a line at a time.
impl Write for Tail {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let kept = &line[..line.len().min(TAIL_LINE_BYTES)];
        let mut lines = self.lock();
        if lines.len() >= TAIL_LINES {
            lines.pop_front();
        }
        lines.push_back(String::from_utf8_lossy(kept).trim_end().to_owned());
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
