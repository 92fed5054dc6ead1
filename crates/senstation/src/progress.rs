//! How far long work has come, and whether anybody still wants it.

use std::{
    io::IsTerminal,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::oneshot;

use crate::output::remark;

/// How often somebody is told.
pub(crate) const PACE: Duration = Duration::from_millis(200);

/// What work on another thread says and is told.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    done: AtomicU64,
    total: AtomicU64,
    is_over: AtomicBool,
}

impl Steps {
    /// Notes how far it has come; `false` if nobody wants it any more.
    pub(crate) fn note(&self, done: u64, total: u64) -> bool {
        self.done.store(done, Relaxed);
        self.total.store(total, Relaxed);
        !self.is_over.load(Relaxed)
    }

    /// How far, and of how much.
    pub(crate) fn read(&self) -> (u64, u64) {
        (self.done.load(Relaxed), self.total.load(Relaxed))
    }

    /// Ends the work at its next step.
    pub(crate) fn stop(&self) {
        self.is_over.store(true, Relaxed);
    }
}

/// Does long work on a thread of its own, behind whatever else the machine has to do; it ends at
/// its next step if nobody waits for it any more.
pub(crate) async fn aside<T: Send + 'static>(
    steps: &Arc<Steps>,
    work: impl FnOnce(&Steps) -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    /// Who waits, unless the work is done.
    struct Waiting<'a>(Option<&'a Steps>);
    impl Drop for Waiting<'_> {
        fn drop(&mut self) {
            if let Some(steps) = self.0 {
                steps.stop();
            }
        }
    }
    let (reply, answer) = oneshot::channel();
    let theirs = Arc::clone(steps);
    let thread = std::thread::Builder::new().name("long work".to_owned()).spawn(move || {
        // It is as well without.
        let _as_before = rustix::process::setpriority_process(None, 10);
        drop(reply.send(work(&theirs)));
    });
    thread.context("cannot start a thread")?;
    let mut waiting = Waiting(Some(steps));
    let done = answer.await;
    waiting.0 = None;
    done.context("the work ended without a result")?
}

/// Shows how far something has come: a bar on a terminal, a line for each tenth elsewhere.
pub(crate) struct Shown {
    what: &'static str,
    bar: Option<ProgressBar>,
    tenth: u64,
}

impl Shown {
    pub(crate) fn new(what: &'static str) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(0).with_message(what);
            if let Ok(style) = ProgressStyle::with_template("{msg} {bar:40} {percent} %  {bytes}") {
                bar.set_style(style);
            }
            bar
        });
        Self { what, bar, tenth: 0 }
    }

    pub(crate) fn show(&mut self, done: u64, total: u64) {
        if let Some(bar) = &self.bar {
            bar.set_length(total);
            bar.set_position(done);
        } else {
            let tenth = done.saturating_mul(10) / total.max(1);
            if tenth > self.tenth && tenth < 10 {
                self.tenth = tenth;
                remark(format_args!("{} {tenth}0 %", self.what));
            }
        }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Waits for work that reports its steps, and shows them.
pub(crate) async fn watch<T>(what: &'static str, steps: &Steps, work: impl Future<Output = T>) -> T {
    let mut shown = Shown::new(what);
    let mut work = std::pin::pin!(work);
    let mut ticks = tokio::time::interval(PACE);
    loop {
        tokio::select! {
            done = &mut work => return done,
            _ = ticks.tick() => {
                let (done, total) = steps.read();
                shown.show(done, total);
            }
        }
    }
}
