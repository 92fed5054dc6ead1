//! Which time a call asks about.

use model::{Hint, Timestamp, Window};

use crate::{call, error::Refusal, parameters::Parameters};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;
/// A wider bucket would not fit between the years 0 and 9999.
const INTERVAL_MIN_MAX: i64 = 10_000 * 366 * 24 * 60;
/// A month, as `strict_windows` counts it.
pub(crate) const MONTH_MS: i64 = 31 * DAY_MS;
/// Three months, as `strict_windows` counts them.
pub(crate) const THREE_MONTHS_MS: i64 = 92 * DAY_MS;
/// A year, as far as latest readings look back.
pub(crate) const YEAR_MS: i64 = 366 * DAY_MS;

/// From `start` to `end`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
    /// Whether it stays where it is while the clock goes on.
    pub(crate) is_fixed: bool,
}

impl Asked {
    /// What `time_start` and `time_end` say; else a day up to now, or up to `time_end`.
    pub(crate) fn read(parameters: &Parameters, now: Timestamp) -> Result<Self, Refusal> {
        let end = parameters.time("time_end")?;
        let is_fixed = end.is_some();
        let end = end.unwrap_or(now);
        let start = parameters.time("time_start")?.unwrap_or(end.minus_ms(DAY_MS));
        if start > end {
            return Err(Refusal::Parameters("`time_start` is to be before `time_end`".into()));
        }
        Ok(Self { start, end, is_fixed })
    }

    /// Moves the start so that no more than the last `ms` are asked about.
    pub(crate) fn at_most(self, ms: i64) -> Self {
        self.from(self.end.minus_ms(ms))
    }

    /// Moves the start so that nothing older than `ms` is asked about; that may leave nothing.
    pub(crate) fn not_older_than(self, ms: i64, now: Timestamp) -> Self {
        let oldest = now.minus_ms(ms);
        Self { is_fixed: self.is_fixed && self.start >= oldest, ..self.from(oldest) }
    }

    fn from(self, oldest: Timestamp) -> Self {
        if self.start < oldest {
            call::note(|notes| notes.hints.push(Hint::Clipped));
        }
        Self { start: self.start.max(oldest), ..self }
    }

    pub(crate) fn window(self) -> Window {
        Window::inclusive(self.start, self.end)
    }
}

/// How many points are asked for: as many as there may be, unless `limit` says fewer.
pub(crate) fn limit(parameters: &Parameters, points_max: i64) -> Result<usize, Refusal> {
    let wanted = parameters.whole::<i64>("limit")?.unwrap_or(points_max);
    let limit = wanted.clamp(1, points_max);
    if limit != wanted {
        call::note(|notes| notes.hints.push(Hint::LimitMoved));
    }
    Ok(limit as usize)
}

/// How wide buckets are: as asked, unless that makes more than `buckets_max` of them; whole minutes
/// always.
pub(crate) fn bucket_ms(asked: Asked, interval_min: i64, buckets_max: i64) -> i64 {
    let (start, end) = (asked.start.as_millis(), asked.end.as_millis());
    let width = interval_min.min(INTERVAL_MIN_MAX) * MINUTE_MS;
    if end.div_euclid(width) - start.div_euclid(width) < buckets_max {
        return width;
    }
    call::note(|notes| notes.hints.push(Hint::Widened));
    // A window that is one bucket shorter touches no more than all, wherever it starts.
    let minutes = (end - start) / MINUTE_MS / (buckets_max - 1) + 1;
    minutes * MINUTE_MS
}

/// Takes the noise of adding off an average: six decimals are what the finest measurements have.
pub(crate) fn to_millionths(average: f64) -> f64 {
    // Beyond it a double has no six decimals left to round.
    const ABS_MAX: f64 = 1e9;
    if average.abs() < ABS_MAX { (average * 1e6).round() / 1e6 } else { average }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use store::SegmentQuery;

    use super::*;

    fn asked(start: i64, end: i64) -> Asked {
        Asked { start: Timestamp::from_millis(start), end: Timestamp::from_millis(end), is_fixed: true }
    }

    #[test]
    fn buckets_are_as_wide_as_asked_until_there_are_too_many() {
        let hour = 60 * MINUTE_MS;
        assert_eq!(bucket_ms(asked(0, 24 * hour), 60, 250), hour);
        assert_eq!(bucket_ms(asked(0, 250 * hour - 1), 60, 250), hour);
        assert_eq!(bucket_ms(asked(0, 250 * hour), 60, 250), 61 * MINUTE_MS);
        assert_eq!(bucket_ms(asked(0, 365 * 24 * hour), 1, 250), 2111 * MINUTE_MS);
    }

    #[test]
    fn averages_lose_the_noise_of_adding() {
        assert_eq!(to_millionths((0.1 + 0.2) / 2.0), 0.15);
        assert_eq!(to_millionths(113.943_251_4), 113.943_251);
        assert_eq!(to_millionths(1.234e12), 1.234e12);
        assert!(to_millionths(f64::NAN).is_nan());
    }

    proptest! {
        #[test]
        fn no_window_makes_more_buckets_than_allowed(
            start in -62_167_219_200_000_i64..=253_402_300_799_999,
            length in prop_oneof![0_i64..=100_000_000, 0_i64..=300_000_000_000_000],
            interval in prop_oneof![1_i64..=2_000, 1_i64..=i64::MAX],
            buckets_max in 2_i64..500,
        ) {
            let asked = asked(start, start + length);
            let width_ms = bucket_ms(asked, interval, buckets_max);
            prop_assert_eq!(width_ms % MINUTE_MS, 0);
            let query = SegmentQuery {
                device: model::DeviceId(1),
                select: store::Select::READINGS,
                window: asked.window(),
                width_ms,
                limit: buckets_max as usize,
            };
            prop_assert!(query.check().is_ok());
        }
    }
}
