use std::collections::{HashMap, VecDeque};

use model::Position;

/// Which message it is: its entry of the log, and the so-maniest of that.
pub(super) type Key = (Position, u16);

/// How far the delivery of a message has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Stage {
    /// Sent; the client is to say that it has arrived.
    Sent,
    /// Arrived, at QoS 2, and released; the client is to say that it knows.
    Released,
    /// Over, but not over with one that was sent before it.
    Done,
}

/// Messages that are on their way to a client, and those that were when it was last here.
#[derive(Debug)]
pub(super) struct Flight {
    max: usize,
    messages: VecDeque<InFlight>,
    /// From the last time, until they are sent again under their numbers.
    earlier: HashMap<Key, (u16, Earlier)>,
    last_id: u16,
}

#[derive(Debug)]
struct InFlight {
    id: u16,
    /// Everything up to here was sent before it.
    before: Position,
    /// What it is, if it is to be found again.
    key: Option<Key>,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Earlier {
    Sent,
    Done,
    /// Among the messages under way already.
    Here,
}

/// How a message is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Under a number, for the first time or again.
    Send { id: u16, is_again: bool },
    /// Not at all: it has arrived.
    Skip,
}

const VERSION: u8 = 1;

impl Flight {
    /// With room for so many messages at a time.
    pub(super) fn new(max: usize) -> Self {
        Self { max, messages: VecDeque::new(), earlier: HashMap::new(), last_id: 0 }
    }

    pub(super) fn is_full(&self) -> bool {
        self.messages.len() >= self.max
    }

    /// Whether nothing is under way.
    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Begins to send a message; everything up to `before` was sent.
    pub(super) fn begin(&mut self, key: Option<Key>, before: Position) -> Turn {
        let earlier = key.filter(|_| !self.earlier.is_empty()).and_then(|key| self.earlier.remove(&key));
        let (id, stage) = match earlier {
            Some((_, Earlier::Here)) => return Turn::Skip,
            Some((id, Earlier::Done)) => (id, Stage::Done),
            Some((id, Earlier::Sent)) => (id, Stage::Sent),
            None => {
                self.last_id = if self.last_id == u16::MAX { 1 } else { self.last_id + 1 };
                (self.last_id, Stage::Sent)
            }
        };
        self.messages.push_back(InFlight { id, before, key, stage });
        if stage == Stage::Done {
            self.forget_done();
            return Turn::Skip;
        }
        Turn::Send { id, is_again: earlier.is_some() }
    }

    /// Whether a message was under way when the client was last here.
    pub(super) fn was_sent(&self, key: Key) -> bool {
        self.earlier.contains_key(&key)
    }

    /// Takes back what was begun last: it is not sent after all.
    pub(super) fn give_up(&mut self) {
        self.messages.pop_back();
    }

    /// Takes a client's word that a message has arrived at QoS 1, or is over with.
    pub(super) fn finish(&mut self, id: u16) {
        if let Some(message) = self.find(id) {
            message.stage = Stage::Done;
        }
        self.forget_done();
    }

    /// Takes a client's word that a message has arrived at QoS 2; whether there is such a message.
    pub(super) fn release(&mut self, id: u16) -> bool {
        let found = self.find(id);
        let is_known = found.is_some();
        if let Some(message) = found {
            message.stage = Stage::Released;
        }
        is_known
    }

    fn find(&mut self, id: u16) -> Option<&mut InFlight> {
        self.messages.iter_mut().find(|message| message.id == id && message.stage != Stage::Done)
    }

    fn forget_done(&mut self) {
        while self.messages.front().is_some_and(|oldest| oldest.stage == Stage::Done) {
            self.messages.pop_front();
        }
    }

    /// Everything up to here has arrived, where everything up to `cursor` was sent.
    pub(super) fn arrived(&self, cursor: Position) -> Position {
        self.messages.front().map_or(cursor, |oldest| oldest.before)
    }

    /// Forgets what was under way earlier and is not wanted any more.
    pub(super) fn pass(&mut self, cursor: Position) {
        if !self.earlier.is_empty() {
            self.earlier.retain(|(position, _), _| *position > cursor);
        }
    }

    /// What is under way, to be gone on with another time.
    ///
    /// **Shape**: version, number given last, count, and for each its number, stage, position and part;
    /// big endian.
    pub(super) fn state(&self) -> Vec<u8> {
        let here = self.messages.iter().filter_map(|message| Some((message.key?, message.id, message.stage)));
        let earlier = self.earlier.iter().filter_map(|(key, (id, earlier))| match earlier {
            Earlier::Sent => Some((*key, *id, Stage::Sent)),
            Earlier::Done => Some((*key, *id, Stage::Done)),
            Earlier::Here => None,
        });
        let all: Vec<_> = here.chain(earlier).collect();
        let mut state = vec![VERSION];
        state.extend_from_slice(&self.last_id.to_be_bytes());
        state.extend_from_slice(&(all.len() as u16).to_be_bytes());
        for ((position, part), id, stage) in all {
            state.extend_from_slice(&id.to_be_bytes());
            state.push(stage as u8);
            state.extend_from_slice(&position.get().to_be_bytes());
            state.extend_from_slice(&part.to_be_bytes());
        }
        state
    }

    /// Goes on with what was under way when everything up to `position` had arrived; the messages that
    /// are to be released again, and what stands behind the state.
    pub(super) fn resume<'a>(&mut self, state: &'a [u8], position: Position) -> (Vec<u16>, &'a [u8]) {
        self.try_resume(state, position).unwrap_or_default()
    }

    fn try_resume<'a>(&mut self, state: &'a [u8], before: Position) -> Option<(Vec<u16>, &'a [u8])> {
        let (&[VERSION], rest) = state.split_first_chunk()? else { return None };
        let (last_id, rest) = rest.split_first_chunk()?;
        let (count, rest) = rest.split_first_chunk()?;
        let (entries, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*count)) * 13)?;
        self.last_id = u16::from_be_bytes(*last_id);
        let mut released = Vec::new();
        for entry in entries.chunks_exact(13) {
            let (id, entry) = entry.split_first_chunk()?;
            let (&[stage], entry) = entry.split_first_chunk()?;
            let (position, part) = entry.split_first_chunk()?;
            let id = u16::from_be_bytes(*id);
            let position = Position::from_raw(u64::from_be_bytes(*position));
            let key = (position, u16::from_be_bytes(part.try_into().ok()?));
            if stage == Stage::Released as u8 {
                self.messages.push_back(InFlight { id, before, key: Some(key), stage: Stage::Released });
                released.push(id);
            }
            if position > before {
                let earlier = match stage {
                    0 => Earlier::Sent,
                    1 => Earlier::Here,
                    _ => Earlier::Done,
                };
                self.earlier.insert(key, (id, earlier));
            }
        }
        Some((released, rest))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(position: u64) -> Position {
        Position::from_raw(position)
    }

    fn key(position: u64) -> Option<Key> {
        Some((at(position), 0))
    }

    #[test]
    fn what_was_under_way_is_gone_on_with_under_its_numbers() {
        let mut flight = Flight::new(8);
        for position in 1..=5 {
            assert_eq!(
                flight.begin(key(position), at(position - 1)),
                Turn::Send { id: position as u16, is_again: false }
            );
        }
        flight.finish(1);
        assert!(flight.release(3));
        flight.finish(4);
        assert_eq!(flight.arrived(at(5)), at(1));
        let state = [flight.state(), vec![7, 7]].concat();

        for _ in 0..2 {
            let mut again = Flight::new(8);
            assert_eq!(again.resume(&state, at(1)), (vec![3], &[7, 7][..]));
            // A second time before anything was sent.
            let state = again.state();
            let mut again = Flight::new(8);
            again.resume(&state, at(1));
            assert_eq!(again.begin(key(2), at(1)), Turn::Send { id: 2, is_again: true });
            assert_eq!(again.begin(key(3), at(2)), Turn::Skip);
            assert_eq!(again.begin(key(4), at(3)), Turn::Skip);
            assert_eq!(again.begin(key(5), at(4)), Turn::Send { id: 5, is_again: true });
            assert_eq!(again.begin(key(6), at(5)), Turn::Send { id: 6, is_again: false });
            again.finish(2);
            again.finish(5);
            assert_eq!(again.arrived(at(6)), at(1), "the released one is still under way");
            again.finish(3);
            assert_eq!(again.arrived(at(6)), at(5));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_state_or_none(bytes: Vec<u8>) {
            Flight::new(8).resume(&bytes, Position::START);
            Flight::new(8).resume(&[vec![VERSION], bytes].concat(), Position::START);
        }
    }
}
