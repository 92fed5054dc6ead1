//! How much of what strangers cause is written down.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Lines that may be written within one [`PERIOD`].
const LINES_MAX: u32 = 10;
const PERIOD: Duration = Duration::from_secs(1);

/// Log lines for what anybody can cause, without a key and as often as they like: some each second,
/// the rest counted.
#[derive(Debug, Default)]
pub(super) struct Allowance(Mutex<Period>);

#[derive(Debug, Default)]
struct Period {
    began: Option<Instant>,
    lines: u32,
    left_out: u64,
}

impl Allowance {
    /// Takes a line: how many were left out since the last one that was written, or nothing if this
    /// one is left out too.
    pub(super) fn take(&self, now: Instant) -> Option<u64> {
        let mut period = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if period.began.is_none_or(|began| now.duration_since(began) >= PERIOD) {
            (period.began, period.lines) = (Some(now), 0);
        }
        if period.lines == LINES_MAX {
            period.left_out += 1;
            return None;
        }
        period.lines += 1;
        Some(std::mem::take(&mut period.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_lines_a_second_are_written_and_the_rest_is_counted() {
        let (allowance, begin) = (Allowance::default(), Instant::now());
        let written = |count: usize, at: Duration| -> Vec<u64> {
            (0..count).filter_map(|_| allowance.take(begin + at)).collect()
        };
        assert_eq!(written(2_500, Duration::ZERO), [0; 10]);
        assert_eq!(written(10, PERIOD / 2), [0; 0]);
        assert_eq!(written(3, PERIOD), [2_500, 0, 0]);
        assert_eq!(written(10, PERIOD * 5), [0; 10]);
    }
}
