//! The last commits, in memory, for those who follow the log closely.

use std::{collections::VecDeque, sync::Arc};

use model::Position;

use crate::log::Commit;

/// Most bytes of them, and what one takes beside its own.
const BYTES_MAX: usize = 256 << 10;
const BYTES_BESIDE: usize = 96;

/// Every commit from some position on, as the disk has them.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    commits: VecDeque<Arc<Commit>>,
    bytes: usize,
}

impl Tail {
    /// Takes in the next commit.
    pub(crate) fn push(&mut self, commit: Commit) {
        self.bytes += weight(&commit);
        self.commits.push_back(Arc::new(commit));
        while self.bytes > BYTES_MAX
            && let Some(first) = self.commits.pop_front()
        {
            self.bytes -= weight(&first);
        }
    }

    /// Forgets them all: the disk has others.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The first commits, at most so many, that have the entries behind a position; `None` if some of those
    /// are on disk only.
    pub(crate) fn after(&self, after: Position, most: usize) -> Option<Vec<Arc<Commit>>> {
        let first = self.commits.front()?;
        if after.get().saturating_add(1) < first.position.get() {
            return None;
        }
        // The commit that holds `after` itself may hold entries behind it.
        let from = self.commits.partition_point(|commit| commit.position <= after).saturating_sub(1);
        Some(self.commits.range(from..).take(most).cloned().collect())
    }
}

fn weight(commit: &Commit) -> usize {
    commit.bytes.capacity() + BYTES_BESIDE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(position: u64, bytes: usize) -> Commit {
        Commit { position: Position::from_raw(position), received_ms: 0, bytes: vec![0; bytes] }
    }

    fn starts(tail: &Tail, after: u64) -> Option<Vec<u64>> {
        let commits = tail.after(Position::from_raw(after), 3)?;
        Some(commits.iter().map(|commit| commit.position.get()).collect())
    }

    #[test]
    fn gives_what_is_behind_a_position_or_nothing() {
        let mut tail = Tail::default();
        assert_eq!(starts(&tail, 4), None, "nothing is known");
        for position in [5, 8, 9] {
            tail.push(commit(position, 10));
        }
        assert_eq!(starts(&tail, 3), None, "4 may be on disk");
        assert_eq!(starts(&tail, 4), Some(vec![5, 8, 9]));
        assert_eq!(starts(&tail, 6), Some(vec![5, 8, 9]), "7 is of the commit that starts at 5");
        assert_eq!(starts(&tail, 8), Some(vec![8, 9]));
        assert_eq!(starts(&tail, 20), Some(vec![9]));
        tail.clear();
        assert_eq!(starts(&tail, 20), None);
    }

    #[test]
    fn is_bounded() {
        let mut tail = Tail::default();
        for position in 1..=1_000 {
            tail.push(commit(position, 1_024));
        }
        assert!(tail.bytes <= BYTES_MAX && tail.commits.len() == BYTES_MAX / (1_024 + BYTES_BESIDE));
        assert_eq!(starts(&tail, 998), Some(vec![998, 999, 1_000]));
        assert_eq!(starts(&tail, 900), Some(vec![900, 901, 902]), "no more than were asked for");
        tail.push(commit(1_001, BYTES_MAX + 1));
        assert_eq!((starts(&tail, 1_001), tail.bytes), (None, 0), "too large to be kept");
    }
}
