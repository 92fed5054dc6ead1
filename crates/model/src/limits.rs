use std::{
    fmt,
    num::{NonZeroU32, NonZeroU64},
    str::FromStr,
};

use crate::{Day, Timestamp};

/// How fast calls may come: a bucket that holds `burst` calls and is filled again evenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    /// How many calls a minute may go on coming.
    pub per_minute: NonZeroU32,
    /// How many may come at once after a rest.
    pub burst: NonZeroU32,
}

/// How many data may be used up before the period ends and counting starts afresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Allowance {
    /// How many.
    pub amount: NonZeroU64,
    /// In which time.
    pub period: Period,
}

/// A stretch of time after which an allowance is whole again.
///
/// **Shape**: kept and shown as `day` or `month`, of the calendar in UTC: an organization has devices and
/// people in several zones, and a limit has to end for all of them at the same instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Period {
    /// From midnight to midnight.
    Day,
    /// From the first of a month to the first of the next.
    Month,
}

/// What an organization may use; nothing is limited by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OrgLimits {
    /// Calls of all its keys together.
    pub rate: Option<Rate>,
    /// Data that its devices upload, in the contract's unit `um`.
    pub um: Option<Allowance>,
    /// Data that its keys read, in the contract's unit `dm`.
    pub dm: Option<Allowance>,
}

impl Period {
    /// The first day of the period that a day is in.
    pub fn first(self, day: Day) -> Day {
        match self {
            Self::Day => day,
            Self::Month => day.first_of_month(),
        }
    }

    /// The first day of the next period.
    pub fn next(self, day: Day) -> Day {
        match self {
            Self::Day => day.plus(1),
            // No month has more than 31 days, and none two firsts.
            Self::Month => day.first_of_month().plus(31).first_of_month(),
        }
    }

    /// When the period ends that an instant is in.
    pub fn end(self, at: Timestamp) -> Timestamp {
        self.next(Day::of(at)).start()
    }

    /// As it is kept and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Period {
    type Err = InvalidPeriod;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Day, Self::Month].into_iter().find(|period| period.as_str() == text).ok_or(InvalidPeriod)
    }
}

/// The text names no period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidPeriod;

impl fmt::Display for InvalidPeriod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a period is `day` or `month`")
    }
}

impl std::error::Error for InvalidPeriod {}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(period: Period, day: &str, first: &str, next: &str) {
        let day: Day = day.parse().unwrap();
        assert_eq!((period.first(day).to_string(), period.next(day).to_string()), (first.to_owned(), next.to_owned()));
    }

    #[test]
    fn periods_are_those_of_the_calendar() {
        check(Period::Day, "2026-02-28", "2026-02-28", "2026-03-01");
        check(Period::Month, "2026-01-31", "2026-01-01", "2026-02-01");
        check(Period::Month, "2026-02-01", "2026-02-01", "2026-03-01");
        check(Period::Month, "2028-02-29", "2028-02-01", "2028-03-01");
        check(Period::Month, "2026-12-15", "2026-12-01", "2027-01-01");
        check(Period::Month, "1969-12-31", "1969-12-01", "1970-01-01");
    }

    #[test]
    fn an_allowance_is_whole_again_at_midnight() {
        let last = Timestamp::from_millis(1_783_727_999_999);
        assert_eq!(last.to_string(), "2026-07-10T23:59:59.999Z");
        assert_eq!(Period::Day.end(last).to_string(), "2026-07-11T00:00:00.000Z");
        assert_eq!(Period::Day.end(last.plus_ms(1)).to_string(), "2026-07-12T00:00:00.000Z");
        assert_eq!(Period::Month.end(last).to_string(), "2026-08-01T00:00:00.000Z");
    }

    #[test]
    fn a_period_reads_back() {
        for period in [Period::Day, Period::Month] {
            assert_eq!(period.to_string().parse(), Ok(period));
        }
        assert_eq!("week".parse::<Period>(), Err(InvalidPeriod));
    }
}
