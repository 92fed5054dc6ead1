//! Our own log: to stderr, as text for people and as JSON for everything else.

use std::io::IsTerminal;

use anyhow::Context;
use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

/// Starts logging, once.
pub(crate) fn start(settings: &Log) -> anyhow::Result<()> {
    let filter =
        EnvFilter::try_new(&settings.level).with_context(|| format!("`{}` is no log level", settings.level))?;
    let is_text = match settings.format {
        LogFormat::Text => true,
        LogFormat::Json => false,
        LogFormat::Auto => std::io::stderr().is_terminal(),
    };
    // A line that cannot be written is lost. The logger would complain of it on stderr, which panics
    // when it is stderr that cannot be written.
    let logger =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).log_internal_errors(false);
    let started = if is_text {
        logger.with_ansi(std::io::stderr().is_terminal()).try_init()
    } else {
        logger.json().flatten_event(true).try_init()
    };
    started.map_err(|error| anyhow::anyhow!("cannot log: {error}"))
}
