//! Which time a call asks about.

use model::{Timestamp, Window};

use crate::{error::Refusal, parameters::Parameters};

const DAY_MS: i64 = 86_400_000;
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
}

impl Asked {
    /// What `time_start` and `time_end` say; else a day up to now, or up to `time_end`.
    pub(crate) fn read(parameters: &Parameters, now: Timestamp) -> Result<Self, Refusal> {
        let end = parameters.time("time_end")?.unwrap_or(now);
        let start = parameters.time("time_start")?.unwrap_or(end.minus_ms(DAY_MS));
        if start > end {
            return Err(Refusal::Parameters("`time_start` is to be before `time_end`".into()));
        }
        Ok(Self { start, end })
    }

    /// Moves the start so that no more than the last `ms` are asked about.
    pub(crate) fn at_most(self, ms: i64) -> Self {
        Self { start: self.start.max(self.end.minus_ms(ms)), ..self }
    }

    /// Moves the start so that nothing older than `ms` is asked about; that may leave nothing.
    pub(crate) fn not_older_than(self, ms: i64, now: Timestamp) -> Self {
        Self { start: self.start.max(now.minus_ms(ms)), ..self }
    }

    pub(crate) fn window(self) -> Window {
        Window::inclusive(self.start, self.end)
    }
}
