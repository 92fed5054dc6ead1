//! How long the writer waits for company: a commit costs several times what an uplink does, and
//! one holds many as well as one.
//!
//! It waits only for those it has reason to expect. Who was committed together last time, and who
//! came meanwhile, were about at the same time and are expected again: an uplink that comes alone
//! is committed at once, and so is one of a caller that sends the next when it has the answer.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread::{self, Thread},
    time::{Duration, Instant},
};

/// Longest that an append waits for others.
const LONGEST: Duration = Duration::from_millis(1);
/// A commit that has as many appends, or as many bytes, is worth its cost: while it is written, the
/// next gathers.
const ENOUGH: usize = 32;
const BYTES_ENOUGH: usize = 64 << 10;

/// How many appends the writer expects.
#[derive(Debug, Default)]
pub(crate) struct Company {
    expected: usize,
}

impl Company {
    /// How many more are worth waiting for, beside those that are gathered.
    pub(crate) fn missing(&self, gathered: usize, bytes: usize) -> usize {
        if bytes < BYTES_ENOUGH { self.expected.min(ENOUGH).saturating_sub(gathered) } else { 0 }
    }

    /// So many were committed together, and so many waited by then.
    pub(crate) fn met(&mut self, committed: usize, waiting: usize) {
        self.expected = committed + waiting;
    }
}

/// Where appends wake the writer that waits for them.
#[derive(Debug)]
pub(crate) struct Bell {
    /// How many commands must wait before the writer is woken.
    awaited: AtomicUsize,
    writer: OnceLock<Thread>,
}

impl Bell {
    pub(crate) fn new() -> Self {
        Self { awaited: AtomicUsize::new(usize::MAX), writer: OnceLock::new() }
    }

    /// Wakes the writer if this many are what it waits for.
    pub(crate) fn ring(&self, waiting: usize) {
        if waiting >= self.awaited.load(SeqCst)
            && let Some(writer) = self.writer.get()
        {
            writer.unpark();
        }
    }

    /// Waits until that many wait, at the longest until a moment after `since`. Only the writer
    /// may call it.
    pub(crate) fn wait(&self, since: Instant, missing: usize, waiting: impl Fn() -> usize) {
        if missing == 0 {
            return;
        }
        self.writer.get_or_init(thread::current);
        self.awaited.store(missing, SeqCst);
        while waiting() < missing {
            let Some(left) = LONGEST.checked_sub(since.elapsed()).filter(|left| !left.is_zero()) else { break };
            thread::park_timeout(left);
        }
        self.awaited.store(usize::MAX, SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alone_never_waits() {
        let mut company = Company::default();
        assert_eq!(company.missing(1, 100), 0);
        company.met(1, 0);
        assert_eq!(company.missing(1, 100), 0);
    }

    #[test]
    fn waits_for_who_was_there() {
        let mut company = Company::default();
        company.met(1, 1);
        assert_eq!(company.missing(1, 100), 1);
        company.met(2, 5);
        assert_eq!(company.missing(3, 100), 4);
        assert_eq!(company.missing(8, 100), 0);
        company.met(1, 0);
        assert_eq!(company.missing(1, 100), 0, "who stays away is no longer expected");
    }

    #[test]
    fn a_large_commit_does_not_wait() {
        let mut company = Company::default();
        company.met(1, 63);
        assert_eq!(company.missing(1, 100), ENOUGH - 1);
        assert_eq!(company.missing(ENOUGH, 100), 0);
        assert_eq!(company.missing(1, BYTES_ENOUGH), 0);
    }

    #[test]
    fn the_bell_wakes_when_all_are_there() {
        let (bell, here) = (Bell::new(), AtomicUsize::new(0));
        let long_ago_enough = Instant::now() + Duration::from_secs(3_600);
        thread::scope(|scope| {
            let writer = scope.spawn(|| bell.wait(long_ago_enough, 3, || here.load(SeqCst)));
            for _ in 0..3 {
                bell.ring(here.fetch_add(1, SeqCst) + 1);
            }
            writer.join().unwrap();
        });
        assert_eq!(bell.awaited.load(SeqCst), usize::MAX);
    }
}
