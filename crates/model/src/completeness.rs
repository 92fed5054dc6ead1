use std::collections::{BTreeMap, VecDeque};

use crate::{Day, Timestamp};

/// How many frames of a device came on a day, and how many did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Completeness {
    /// The day, in UTC.
    pub day: Day,
    /// Frames that were received.
    pub received: u64,
    /// Frames that were not, by the gaps that the frame counter showed on this day.
    pub missing: u64,
}

impl Completeness {
    /// How much came of what was sent.
    ///
    /// **Units**: percent; 100 where nothing is known to be missing.
    pub fn percent(received: u64, missing: u64) -> f64 {
        if received + missing == 0 { 100.0 } else { received as f64 * 100.0 / (received + missing) as f64 }
    }
}

/// Counts by day what came and what did not, by the frame counters of a device's frames in the order they were
/// received.
///
/// A counter that leaps forward leaves a gap, which counts for the day it is seen on, until a late frame fills it,
/// within a day. One that falls back, or leaps further than LoRaWAN allows, is a device that joined anew, and no gap.
/// A frame that was received twice within ten minutes counts once.
///
/// **Shape**: ascending days; those without any frame are left out.
pub fn completeness(heard: impl IntoIterator<Item = (Timestamp, u32)>) -> Vec<Completeness> {
    let mut count = Count::default();
    for (at, f_cnt) in heard {
        count.take(at, f_cnt);
    }
    let days = count.days.into_iter();
    days.map(|(day, (received, missing))| Completeness { day, received, missing }).collect()
}

/// The most that a frame counter may leap forward (`MAX_FCNT_GAP`).
const LEAP_MAX: u32 = 16_384;
/// How long a late frame fills its gap.
const LATE_MS: i64 = 24 * 3_600_000;
/// Within which time the same number is the same frame.
const TWICE_MS: u64 = 10 * 60_000;
/// How many frames are remembered to know one that comes twice.
const REMEMBERED: usize = 64;
/// How far before the first frame that is known of a session another one may be late.
const BEFORE_FIRST: u32 = 8;

#[derive(Debug, Default)]
struct Count {
    days: BTreeMap<Day, (u64, u64)>,
    session: Option<Session>,
    recent: VecDeque<(Timestamp, u32)>,
}

/// From one joining to the next.
#[derive(Debug)]
struct Session {
    first: u32,
    last: u32,
    gaps: Vec<Gap>,
}

/// Numbers that have not come, both ends included.
#[derive(Debug)]
struct Gap {
    first: u32,
    last: u32,
    seen_at: Timestamp,
}

impl Count {
    fn take(&mut self, at: Timestamp, f_cnt: u32) {
        let is_twice =
            |(before, other): &(Timestamp, u32)| *other == f_cnt && at.since_ms(*before).unsigned_abs() <= TWICE_MS;
        if self.recent.iter().any(is_twice) {
            return;
        }
        self.recent.push_back((at, f_cnt));
        if self.recent.len() > REMEMBERED {
            self.recent.pop_front();
        }
        self.days.entry(Day::of(at)).or_default().0 += 1;
        let Some(session) = &mut self.session else {
            self.session = Some(Session::starting(f_cnt));
            return;
        };
        session.gaps.retain(|gap| at.since_ms(gap.seen_at) <= LATE_MS);
        match f_cnt.checked_sub(session.last) {
            Some(leap @ 1..=LEAP_MAX) => {
                if leap > 1 {
                    self.days.entry(Day::of(at)).or_default().1 += u64::from(leap - 1);
                    session.gaps.push(Gap { first: session.last + 1, last: f_cnt - 1, seen_at: at });
                }
                session.last = f_cnt;
            }
            None if session.fill(f_cnt, &mut self.days) => {}
            None if f_cnt < session.first && session.first - f_cnt <= BEFORE_FIRST => session.first = f_cnt,
            _ => self.session = Some(Session::starting(f_cnt)),
        }
    }
}

impl Session {
    fn starting(f_cnt: u32) -> Self {
        Self { first: f_cnt, last: f_cnt, gaps: Vec::new() }
    }

    /// Whether a number was missing, which it is no more.
    fn fill(&mut self, f_cnt: u32, days: &mut BTreeMap<Day, (u64, u64)>) -> bool {
        let Some(at) = self.gaps.iter().position(|gap| (gap.first..=gap.last).contains(&f_cnt)) else { return false };
        let Gap { first, last, seen_at } = self.gaps.swap_remove(at);
        if first < f_cnt {
            self.gaps.push(Gap { first, last: f_cnt - 1, seen_at });
        }
        if f_cnt < last {
            self.gaps.push(Gap { first: f_cnt + 1, last, seen_at });
        }
        days.entry(Day::of(seen_at)).or_default().1 -= 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE_MS: i64 = 60_000;
    const NOON_MS: i64 = 1_783_684_800_000;

    /// Frames as minutes after noon and counters; days as received and missing.
    #[track_caller]
    fn check(heard: &[(i64, u32)], expected: &[(u64, u64)]) {
        let heard = heard.iter().map(|(minute, f_cnt)| (Timestamp::from_millis(NOON_MS + minute * MINUTE_MS), *f_cnt));
        let counted: Vec<_> = completeness(heard).iter().map(|day| (day.received, day.missing)).collect();
        assert_eq!(counted, expected);
    }

    #[test]
    fn gaps_are_counted_on_the_day_they_show() {
        check(&[], &[]);
        check(&[(0, 7)], &[(1, 0)]);
        check(&[(0, 7), (5, 8), (10, 11)], &[(3, 2)]);
        check(&[(0, 7), (12 * 60, 9)], &[(1, 0), (1, 1)]);
    }

    #[test]
    fn a_late_frame_fills_its_gap_and_no_other() {
        check(&[(0, 1), (5, 5), (6, 3)], &[(3, 2)]);
        check(&[(0, 1), (5, 5), (6, 3), (7, 2), (8, 4), (9, 6)], &[(6, 0)]);
        check(&[(0, 10), (1, 9), (5, 11)], &[(3, 0)]);
    }

    #[test]
    fn a_frame_that_comes_twice_counts_once() {
        check(&[(0, 1), (0, 1), (5, 2), (6, 1), (10, 3)], &[(3, 0)]);
    }

    #[test]
    fn a_device_that_joins_anew_leaves_no_gap() {
        check(&[(0, 500), (60, 0), (65, 1)], &[(3, 0)]);
        check(&[(0, 0), (60, 0), (120, 0)], &[(3, 0)]);
        check(&[(0, 1), (1, 100_000), (2, 100_001)], &[(3, 0)]);
        // The number was missing once, but that is long ago.
        check(&[(0, 1), (5, 5), (2_000, 3), (2_001, 4)], &[(2, 3), (2, 0)]);
        check(&[(0, u32::MAX), (5, 0)], &[(2, 0)]);
    }

    #[test]
    fn percents_are_of_what_was_sent() {
        assert_eq!(Completeness::percent(3, 1), 75.0);
        assert_eq!(Completeness::percent(0, 0), 100.0);
    }

    proptest! {
        /// Whatever is left out of a row of counters, in whatever order the rest comes within an hour.
        #[test]
        fn what_is_left_out_is_missing(
            kept in proptest::collection::vec(any::<bool>(), 2..60),
            swaps in proptest::collection::vec(0..58_usize, 0..20),
        ) {
            let last = kept.len() - 1;
            let mut counters: Vec<u32> = (0..kept.len()).filter(|at| kept[*at] || *at == 0 || *at == last).map(|at| at as u32).collect();
            let missing = kept.len() - counters.len();
            // The first stays the first, so that all later ones are gaps.
            for at in swaps {
                if at > 0 && at + 1 < counters.len() {
                    counters.swap(at, at + 1);
                }
            }
            let received = counters.len();
            let heard = counters.iter().enumerate();
            let heard = heard.map(|(at, f_cnt)| (Timestamp::from_millis(NOON_MS + at as i64 * 1_000), *f_cnt));
            let days = completeness(heard);
            prop_assert_eq!((days[0].received, days[0].missing), (received as u64, missing as u64));
        }

        #[test]
        fn never_panics(heard in proptest::collection::vec((any::<i64>(), any::<u32>()), 0..200)) {
            let mut heard: Vec<_> = heard.into_iter().map(|(ms, f_cnt)| (Timestamp::from_millis(ms), f_cnt)).collect();
            let count = heard.len() as u64;
            heard.sort();
            prop_assert!(completeness(heard).iter().map(|day| day.received).sum::<u64>() <= count);
        }
    }
}
