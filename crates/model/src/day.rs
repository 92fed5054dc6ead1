use std::{fmt, str::FromStr};

use crate::{Timestamp, time::civil_from_days};

const DAY_MS: i64 = 86_400_000;

/// A day of the calendar in UTC.
///
/// **Units**: days since 1970-01-01.
///
/// **Shape**: printed as `2026-07-10`, between the years 0 and 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Day(i32);

impl Day {
    const FIRST: i32 = -719_528;
    const LAST: i32 = 2_932_896;

    /// The day that an instant is in; what lies outside the calendar is on its first or last day.
    pub fn of(at: Timestamp) -> Self {
        let days = at.as_millis().div_euclid(DAY_MS);
        Self(days.clamp(i64::from(Self::FIRST), i64::from(Self::LAST)) as i32)
    }

    /// A day from its number, as it was kept.
    pub fn from_raw(days: i64) -> Self {
        Self(days.clamp(i64::from(Self::FIRST), i64::from(Self::LAST)) as i32)
    }

    /// Days since 1970-01-01.
    pub const fn get(self) -> i32 {
        self.0
    }

    /// Its first instant.
    pub fn start(self) -> Timestamp {
        Timestamp::from_millis(i64::from(self.0) * DAY_MS)
    }

    /// So many days later, or earlier; stops at the ends of the calendar.
    #[must_use]
    pub fn plus(self, days: i32) -> Self {
        Self::from_raw(i64::from(self.0) + i64::from(days))
    }

    /// The first day of the month that it is in.
    #[must_use]
    pub fn first_of_month(self) -> Self {
        let (_, _, day) = civil_from_days(self.0);
        self.plus(1 - day as i32)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.start().iso();
        f.pad(std::str::from_utf8(&text[..10]).unwrap_or_default())
    }
}

impl FromStr for Day {
    type Err = InvalidDay;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |text: Option<&str>| text.and_then(|text| text.parse::<i32>().ok()).ok_or(InvalidDay);
        let mut parts = text.split('-');
        let (year, month, day) = (number(parts.next())?, number(parts.next())?, number(parts.next())?);
        if !(0..=9_999).contains(&year) || !(1..=12).contains(&month) {
            return Err(InvalidDay);
        }
        // Never more than the month's true start, and at most some days before it.
        let guess = Self::from_raw(i64::from(Self::FIRST) + i64::from(year * 365 + year / 4 - year / 100 + year / 400));
        let mut first = guess.plus((month - 1) * 28 - 2).first_of_month();
        while civil_from_days(first.0) < (year as u32, month as u32, 1) {
            first = first.plus(31).first_of_month();
        }
        let found = first.plus(day - 1);
        // What does not print as it was written is no day.
        if found.to_string() == text { Ok(found) } else { Err(InvalidDay) }
    }
}

/// The text is no day of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidDay;

impl fmt::Display for InvalidDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a day looks like `2026-07-10`")
    }
}

impl std::error::Error for InvalidDay {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_the_calendar_reads_back() {
        // Prime, so that every month and every kind of year is met.
        for days in (Day::FIRST..=Day::LAST).step_by(17) {
            let day = Day(days);
            assert_eq!(day.to_string().parse(), Ok(day), "{day}");
            assert_eq!(Day::of(day.start()), day);
            assert_eq!(Day::of(day.start().plus_ms(DAY_MS - 1)), day);
            assert!(day.first_of_month().to_string().ends_with("-01"), "{day}");
        }
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for text in [
            "",
            "2026",
            "2026-07",
            "2026-7-1",
            "2026-02-29",
            "2026-13-01",
            "2026-00-10",
            "-1-01-01",
            "2026-07-10T",
            "+026-07-10",
        ] {
            assert_eq!(text.parse::<Day>(), Err(InvalidDay), "{text}");
        }
    }

    #[test]
    fn the_calendar_has_ends() {
        assert_eq!(Day::of(Timestamp::MAX).to_string(), "9999-12-31");
        assert_eq!(Day::of(Timestamp::MIN).to_string(), "0000-01-01");
        assert_eq!(Day::of(Timestamp::MAX).plus(1), Day::of(Timestamp::MAX));
    }
}
