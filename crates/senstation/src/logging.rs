//! Our own log: to stderr, as text for people and as JSON for everything else.

use std::{
    collections::VecDeque,
    io::{self, IsTerminal, Write},
    sync::{Mutex, MutexGuard, PoisonError},
};

use anyhow::Context;
use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, registry, util::SubscriberInitExt};

use crate::config::{Log, LogFormat};

/// Starts logging, once.
pub(crate) fn start(settings: &Log) -> anyhow::Result<()> {
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
    let tail = tracing_subscriber::fmt::layer().with_writer(|| TailWriter).with_ansi(false).log_internal_errors(false);
    let started = registry().with(filter).with(logger).with(tail).try_init();
    started.map_err(|error| anyhow::anyhow!("cannot log: {error}"))
}

/// How many lines are kept for whoever looks at them in the portal.
const TAIL_LINES: usize = 200;
/// The longest line that is kept whole.
const TAIL_LINE_BYTES: usize = 2_000;

/// The newest lines; the log is one for the whole process.
static TAIL: Mutex<VecDeque<String>> = Mutex::new(VecDeque::new());

/// The newest lines of the log, oldest first.
pub(crate) fn tail() -> Vec<String> {
    lock_tail().iter().cloned().collect()
}

fn lock_tail() -> MutexGuard<'static, VecDeque<String>> {
    TAIL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes a line at a time.
struct TailWriter;

impl Write for TailWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let kept = &line[..line.len().min(TAIL_LINE_BYTES)];
        let mut tail = lock_tail();
        if tail.len() >= TAIL_LINES {
            tail.pop_front();
        }
        tail.push_back(String::from_utf8_lossy(kept).trim_end().to_owned());
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
