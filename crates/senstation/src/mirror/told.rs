use std::sync::{Arc, Mutex, PoisonError};

use portal::MirrorProgress;

use crate::{clock, output::remark, progress::Shown};

/// Who is told how a mirror is doing: a terminal, or whoever looks at a running station.
#[derive(Clone)]
pub(crate) struct Told {
    progress: Arc<Mutex<MirrorProgress>>,
    is_terminal: bool,
}

impl Told {
    /// A command tells its terminal.
    pub(crate) fn terminal() -> Self {
        Self { progress: Arc::default(), is_terminal: true }
    }

    /// A running station keeps it for those who ask.
    pub(crate) fn kept(progress: Arc<Mutex<MirrorProgress>>) -> Self {
        Self { progress, is_terminal: false }
    }

    /// Notes what has changed.
    pub(crate) fn note(&self, change: impl FnOnce(&mut MirrorProgress)) {
        change(&mut self.progress.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// How it is doing.
    pub(crate) fn read(&self) -> MirrorProgress {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says something that people may want to read.
    pub(crate) fn say(&self, text: std::fmt::Arguments<'_>) {
        if self.is_terminal { remark(text) } else { tracing::info!("mirror: {text}") }
    }

    /// Notes readings that are new here.
    pub(crate) fn came(&self, new: u64) {
        self.note(|progress| (progress.news, progress.news_at) = (progress.news + new, Some(clock::now())));
        // A log would be full of it.
        if self.is_terminal {
            remark(format_args!("{new} new readings"));
        }
    }

    /// Notes what went wrong and is tried again.
    pub(crate) fn failed(&self, why: &str) {
        self.note(|progress| progress.trouble = Some(why.to_owned()));
        self.say(format_args!("not this time: {why}"));
    }

    /// What shows how far work has come, where there is a terminal.
    pub(crate) fn shown(&self, what: &'static str) -> Option<Shown> {
        self.is_terminal.then(|| Shown::new(what))
    }
}
