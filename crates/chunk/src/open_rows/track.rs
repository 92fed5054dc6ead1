//! Predicts what a clock or a counter shows next.

/// How far a step may be from the usual to count as the usual one.
const NEAR: u64 = 4;

/// A line through what was seen: `level` at the last row and `slope` a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Track {
    level: i64,
    slope: i64,
    last: i64,
    /// From the one before the last to the last.
    last_step: i64,
}

impl Track {
    /// What comes next if nothing changes.
    #[inline]
    pub(crate) fn expected(&self) -> i64 {
        self.level.wrapping_add(self.slope)
    }

    /// Learns what came. Noise is averaged out; after a gap it starts from there with the same slope;
    /// two steps alike make a new slope.
    #[inline]
    pub(crate) fn learn(&mut self, seen: i64) {
        let miss = seen.wrapping_sub(self.expected());
        let step = seen.wrapping_sub(self.last);
        if miss.unsigned_abs() <= self.slope.unsigned_abs() / NEAR {
            self.level = self.expected().wrapping_add(miss / 4);
            self.slope = self.slope.wrapping_add(miss / 16);
        } else {
            self.level = seen;
            if step.wrapping_sub(self.last_step).unsigned_abs() <= step.unsigned_abs() / NEAR {
                self.slope = step;
            }
        }
        self.last = seen;
        self.last_step = step;
    }
}

/// How far from the usual delay is still usual.
const USUAL_MS: u64 = 30_000;

/// A level with noise, such as the delay between two clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Level {
    level: i64,
    last: i64,
}

impl Level {
    /// What comes next if nothing changes.
    #[inline]
    pub(crate) fn expected(&self) -> i64 {
        self.level
    }

    /// Learns what came; a single one far away does not count, a second one near it does.
    #[inline]
    pub(crate) fn learn(&mut self, seen: i64) {
        let miss = seen.wrapping_sub(self.level);
        if miss.unsigned_abs() <= USUAL_MS {
            self.level = self.level.wrapping_add(miss / 16);
        } else if seen.wrapping_sub(self.last).unsigned_abs() <= USUAL_MS {
            self.level = seen;
        }
        self.last = seen;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_a_clock_through_noise_gaps_and_late_rows() {
        let mut track = Track::default();
        let noise = |tick: i64| (tick.wrapping_mul(6_364_136_223_846_793_005) >> 33).rem_euclid(4_001) - 2_000;
        let mut far = 0;
        for tick in 0..1_000 {
            let tick = if tick > 500 { tick + 77 } else { tick };
            let at = 1_783_651_184_000 + tick * 300_000 + noise(tick);
            far += u32::from(at.wrapping_sub(track.expected()).unsigned_abs() > 6_000);
            track.learn(at);
            if tick % 100 == 50 {
                track.learn(at - 5_000_000);
            }
        }
        assert!(far <= 3 + 1 + 10, "{far}");
    }

    #[test]
    fn follows_a_new_interval_after_two_steps() {
        let mut track = Track::default();
        (0..50).for_each(|tick| track.learn(tick * 300_000));
        (1..=2).for_each(|tick| track.learn(49 * 300_000 + tick * 3_600_000));
        assert_eq!(track.expected(), 49 * 300_000 + 3 * 3_600_000);
    }

    #[test]
    fn the_ends_of_the_range_do_no_harm() {
        let mut track = Track::default();
        let mut level = Level::default();
        for seen in [i64::MIN, i64::MAX, 0, i64::MAX, i64::MAX, i64::MIN, i64::MIN] {
            track.learn(seen);
            level.learn(seen);
            track.expected();
        }
    }
}
