use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Mutex, MutexGuard, PoisonError},
};

use model::{Source, SourceId, Timestamp};
use store::{Error, SourceNote, Store};

use crate::Refusal;

/// Most characters of a refusal that are kept.
const ERROR_CHARS_MAX: usize = 200;

/// How sources have been doing, gathered in memory between two flushes.
///
/// It holds one entry for each source heard since the last flush. A crash forgets them; nothing is
/// ever counted twice.
#[derive(Debug, Default)]
pub struct Notes {
    notes: Mutex<HashMap<SourceId, SourceNote>>,
}

impl Notes {
    /// Writes what has gathered to the store; meant to be called every second.
    ///
    /// **Errors**: those of [`store::Registry::note_sources`]. What could not be written for now is
    /// kept for the next flush; what may have been written is not counted again.
    pub async fn flush(&self, store: &dyn Store) -> Result<(), Error> {
        let notes: Vec<SourceNote> = std::mem::take(&mut *self.lock()).into_values().collect();
        if notes.is_empty() {
            return Ok(());
        }
        let outcome = store.note_sources(notes.clone()).await;
        self.settle(notes, &outcome);
        outcome
    }

    /// Keeps notes that a store has not taken and will take later.
    fn settle(&self, notes: Vec<SourceNote>, outcome: &Result<(), Error>) {
        if matches!(outcome, Err(Error::Unavailable(_))) {
            notes.into_iter().for_each(|note| self.put_back(note));
        }
    }

    /// Notes that a message of a source was taken, whether or not there was something to store.
    pub(crate) fn count_message(&self, source: &Source, at: Timestamp) {
        self.add(SourceNote { messages: 1, last_message_at: Some(at), ..nothing(source) });
    }

    /// Notes that a message of a source was refused.
    pub(crate) fn keep_refusal(&self, source: &Source, at: Timestamp, refusal: &Refusal) {
        let why = refusal.to_string().chars().take(ERROR_CHARS_MAX).collect();
        self.add(SourceNote { last_error: Some((at, why)), ..nothing(source) });
    }

    fn add(&self, later: SourceNote) {
        match self.lock().entry(later.id) {
            Entry::Occupied(mut known) => extend(known.get_mut(), later),
            Entry::Vacant(free) => drop(free.insert(later)),
        }
    }

    /// Adds what was noted before everything that is there now.
    fn put_back(&self, earlier: SourceNote) {
        match self.lock().entry(earlier.id) {
            Entry::Occupied(mut known) => {
                let later = known.insert(earlier);
                extend(known.get_mut(), later);
            }
            Entry::Vacant(free) => drop(free.insert(earlier)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SourceId, SourceNote>> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn nothing(source: &Source) -> SourceNote {
    SourceNote { org: source.org, id: source.id, messages: 0, last_message_at: None, last_error: None }
}

/// Adds what was noted later, by the clock or in the same millisecond.
fn extend(note: &mut SourceNote, later: SourceNote) {
    note.messages += later.messages;
    note.last_message_at = note.last_message_at.max(later.last_message_at);
    // The clock may have been set back meanwhile.
    let is_newer = |at| note.last_error.as_ref().is_none_or(|(last, _)| *last <= at);
    if later.last_error.as_ref().is_some_and(|(at, _)| is_newer(*at)) {
        note.last_error = later.last_error;
    }
}

#[cfg(test)]
mod tests {
    use model::{OrgId, SecretHash, SourceKind};

    use super::*;

    fn source(id: u64) -> Source {
        Source {
            id: SourceId::from_raw(id),
            org: OrgId::from_raw(521_853_156_991_105),
            kind: SourceKind::ChirpStack,
            name: String::new(),
            token: SecretHash([0; 32]),
            auto_add: false,
            created_at: Timestamp::EPOCH,
            previous: None,
        }
    }

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    fn refused(notes: &Notes, ms: i64, why: &str) {
        notes.keep_refusal(&source(1), at(ms), &Refusal::Malformed(why.to_owned()));
    }

    #[track_caller]
    fn check(notes: &Notes, messages: u64, last_message_ms: Option<i64>, last_error: Option<(i64, &str)>) {
        let last_error = last_error.map(|(ms, why)| (at(ms), why.to_owned()));
        let last_message_at = last_message_ms.map(at);
        let expected = SourceNote { messages, last_message_at, last_error, ..nothing(&source(1)) };
        assert_eq!(notes.lock().get(&SourceId::from_raw(1)), Some(&expected));
    }

    #[test]
    fn messages_are_counted_and_times_move_only_forward() {
        let notes = Notes::default();
        for ms in [5, 7, 6] {
            notes.count_message(&source(1), at(ms));
        }
        notes.count_message(&source(2), at(9));
        check(&notes, 3, Some(7), None);
        assert_eq!(notes.lock().len(), 2);
    }

    #[test]
    fn the_last_refusal_is_kept_and_is_no_message() {
        let notes = Notes::default();
        for (ms, why) in [(5, "a"), (7, "b"), (7, "c"), (6, "d")] {
            refused(&notes, ms, why);
        }
        check(&notes, 0, None, Some((7, "c")));
    }

    #[test]
    fn a_long_refusal_is_cut_between_characters() {
        let notes = Notes::default();
        refused(&notes, 1, &"é".repeat(ERROR_CHARS_MAX + 1));
        check(&notes, 0, None, Some((1, &"é".repeat(ERROR_CHARS_MAX))));
    }

    #[test]
    fn what_a_store_does_not_take_for_now_is_kept_before_what_came_since() {
        let notes = Notes::default();
        notes.count_message(&source(1), at(3));
        refused(&notes, 3, "earlier");
        let earlier = notes.lock().remove(&SourceId::from_raw(1)).unwrap();
        let unavailable = Err(Error::Unavailable("the disk is full".to_owned()));
        notes.settle(vec![earlier.clone()], &unavailable);
        check(&notes, 1, Some(3), Some((3, "earlier")));
        notes.lock().clear();
        notes.count_message(&source(1), at(4));
        refused(&notes, 3, "later");
        notes.settle(vec![earlier], &unavailable);
        check(&notes, 2, Some(4), Some((3, "later")));
    }

    #[test]
    fn what_a_store_may_have_taken_is_not_counted_again() {
        let notes = Notes::default();
        let note = SourceNote { messages: 1, ..nothing(&source(1)) };
        notes.settle(vec![note.clone()], &Err(Error::internal("page 7 is torn")));
        notes.settle(vec![note], &Ok(()));
        assert!(notes.lock().is_empty());
    }
}
