//! The uplinks of one device that a duplicate may still repeat.

use model::{DedupKey, Position, Timestamp};
use store::DEDUP_WINDOW_MS;

use crate::bytes::{Damaged, Take, put_bytes, put_i64, put_u64};

/// Most uplinks remembered of one device; one that sends more a day is a flood, and its oldest are
/// forgotten.
const UPLINKS_MAX: usize = 65_536;

/// Keys, times and positions of recent uplinks, about a dozen bytes each.
///
/// Of a key, 48 bits are kept: 32 in a list that is quick to search, 16 beside the time and the
/// position, which are read only when the 32 agree. Two different uplinks of one device and day
/// agree in all 48 about once in 10^12.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Recent {
    heads: Vec<u32>,
    /// For each head: 16 more bits, then time and position as differences to the one before.
    details: Vec<u8>,
    last_ms: i64,
    last_position: u64,
    /// Time of the oldest, to know cheaply when it is worth forgetting.
    first_ms: i64,
}

impl Recent {
    /// Where the first uplink with this key stands, if it was received within the window.
    pub(crate) fn find(&self, key: DedupKey, received_at: Timestamp) -> Option<Position> {
        let (head, tail) = split(key);
        if !self.heads.contains(&head) {
            return None;
        }
        let mut found = None;
        self.each(|other, other_tail, at, position| {
            if (other, other_tail) == (head, tail) && received_at.since_ms(at) < DEDUP_WINDOW_MS {
                found = Some(position);
            }
        });
        found
    }

    pub(crate) fn insert(&mut self, key: DedupKey, received_at: Timestamp, position: Position) {
        let enough = self.heads.len() >= 64 && self.heads.len().is_power_of_two() || self.heads.len() >= UPLINKS_MAX;
        if self.heads.is_empty() {
            self.first_ms = received_at.as_millis();
        } else if enough || received_at.as_millis().saturating_sub(self.first_ms) > DEDUP_WINDOW_MS * 5 / 4 {
            self.forget(received_at);
        }
        self.push(split(key), received_at.as_millis(), position.get());
    }

    fn push(&mut self, (head, tail): (u32, u16), ms: i64, position: u64) {
        if self.heads.is_empty() {
            (self.first_ms, self.last_ms, self.last_position) = (ms, 0, 0);
        }
        self.heads.push(head);
        self.details.extend_from_slice(&tail.to_le_bytes());
        put_i64(&mut self.details, ms.wrapping_sub(self.last_ms));
        put_u64(&mut self.details, position.wrapping_sub(self.last_position));
        (self.last_ms, self.last_position) = (ms, position);
    }

    /// Forgets what is older than the window, and beyond the most that is remembered the oldest.
    fn forget(&mut self, now: Timestamp) {
        let surplus = (self.heads.len() + 1).saturating_sub(UPLINKS_MAX * 3 / 4);
        let surplus = if self.heads.len() >= UPLINKS_MAX { surplus } else { 0 };
        let (mut kept, mut index) = (Self::default(), 0);
        self.each(|head, tail, at, position| {
            if index >= surplus && now.since_ms(at) < DEDUP_WINDOW_MS {
                kept.push((head, tail), at.as_millis(), position.get());
            }
            index += 1;
        });
        *self = kept;
    }

    fn each(&self, mut f: impl FnMut(u32, u16, Timestamp, Position)) {
        let mut take = Take(&self.details);
        let (mut ms, mut position) = (0_i64, 0_u64);
        for head in &self.heads {
            let (Ok(tail), Ok(ms_step), Ok(step)) = (take.array(), take.i64(), take.u64()) else { return };
            ms = ms.wrapping_add(ms_step);
            position = position.wrapping_add(step);
            f(*head, u16::from_le_bytes(tail), Timestamp::from_millis(ms), Position::from_raw(position));
        }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.heads.capacity() * 4 + self.details.capacity()
    }

    /// As it lies in memory, which is short already.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_u64(out, self.heads.len() as u64);
        for head in &self.heads {
            out.extend_from_slice(&head.to_le_bytes());
        }
        put_bytes(out, &self.details);
    }

    pub(crate) fn decode(take: &mut Take<'_>) -> Result<Self, Damaged> {
        let count = take.count()?;
        let heads = take.slice(count.saturating_mul(4))?.as_chunks().0;
        let heads = heads.iter().map(|head| u32::from_le_bytes(*head)).collect();
        let mut recent = Self { heads, details: take.bytes()?.to_vec(), ..Self::default() };
        let (mut first, mut last, mut seen) = (None, (0, 0), 0);
        recent.each(|_, _, at, position| {
            first.get_or_insert(at.as_millis());
            last = (at.as_millis(), position.get());
            seen += 1;
        });
        if seen != count {
            return Err(Damaged("some known uplinks are missing"));
        }
        (recent.last_ms, recent.last_position) = last;
        recent.first_ms = first.unwrap_or_default();
        Ok(recent)
    }
}

fn split(key: DedupKey) -> (u32, u16) {
    (key.0 as u32, (key.0 >> 32) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000 + minutes * 60_000)
    }

    #[test]
    fn a_key_is_found_for_a_day_and_not_longer() {
        let mut recent = Recent::default();
        for minute in 0..5_000 {
            let key = DedupKey(minute as u128 * 0x9E37_79B9_7F4A_7C15);
            assert_eq!(recent.find(key, at(minute)), None);
            recent.insert(key, at(minute), Position::from_raw(minute as u64 + 1));
        }
        let find = |minute: i64| recent.find(DedupKey(minute as u128 * 0x9E37_79B9_7F4A_7C15), at(5_000));
        assert_eq!(find(4_999), Some(Position::from_raw(5_000)));
        assert_eq!(find(5_000 - 1_439), Some(Position::from_raw(3_562)));
        assert_eq!(find(5_000 - 1_440), None);
        assert!(recent.heads.len() < 2 * 1_440 * 5 / 4, "what is older than a day is forgotten");
    }

    #[test]
    fn a_flood_is_bounded() {
        let mut recent = Recent::default();
        for number in 0..200_000_u64 {
            recent.insert(DedupKey(number.into()), at(0), Position::from_raw(number));
        }
        assert!(recent.heads.len() <= UPLINKS_MAX);
        assert_eq!(recent.find(DedupKey(199_999), at(0)), Some(Position::from_raw(199_999)));
    }

    #[test]
    fn reads_back() {
        let mut recent = Recent::default();
        for minute in [0, 5, 3, 90] {
            recent.insert(DedupKey(minute as u128), at(minute), Position::from_raw(minute as u64 + 7));
        }
        let mut bytes = Vec::new();
        recent.encode(&mut bytes);
        let back = Recent::decode(&mut Take(&bytes)).unwrap();
        assert_eq!(back, recent);
        for len in 0..bytes.len() {
            assert!(Recent::decode(&mut Take(&bytes[..len])).is_err(), "cut at {len}");
        }
    }
}
