use std::fmt;

/// An instant.
///
/// **Units**: milliseconds since 1970-01-01T00:00:00Z, without leap seconds; before it, negative.
///
/// **Shape**: printed as ISO 8601 in UTC with exactly three fraction digits, which is the only
/// form the public contract has.
///
/// **Example**
/// ```
/// let at = model::Timestamp::from_millis(1_783_651_184_319);
/// assert_eq!(at.to_string(), "2026-07-10T02:39:44.319Z");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 1970-01-01T00:00:00Z, which the contract also uses for "no time".
    pub const EPOCH: Self = Self(0);
    /// Before every other instant.
    pub const MIN: Self = Self(i64::MIN);
    /// After every other instant.
    pub const MAX: Self = Self(i64::MAX);
    /// How many bytes [`Timestamp::iso`] fills.
    pub const ISO_BYTES: usize = 24;
    /// 0000-01-01T00:00:00.000Z, the first that the ISO form can tell.
    const FIRST_MS: i64 = -62_167_219_200_000;
    /// 9999-12-31T23:59:59.999Z, the last.
    const LAST_MS: i64 = 253_402_300_799_999;

    /// An instant from milliseconds since the epoch.
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// The instant `ms` milliseconds later; stops at the ends of time instead of wrapping.
    #[must_use]
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// The instant `ms` milliseconds earlier; stops at the ends of time instead of wrapping.
    #[must_use]
    pub const fn minus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_sub(ms))
    }

    /// Milliseconds from `earlier` to here.
    pub const fn since_ms(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The ISO form as bytes, for writers that cannot afford a formatter.
    ///
    /// Years outside 0000 to 9999 do not fit the form and are written as its nearest end.
    pub fn iso(self) -> [u8; Self::ISO_BYTES] {
        let ms = self.0.clamp(Self::FIRST_MS, Self::LAST_MS);
        let (year, month, day) = civil_from_days(ms.div_euclid(DAY_MS) as i32);
        let mut text = *b"0000-00-00T00:00:00.000Z";
        put_two(&mut text, 0, year / 100);
        put_two(&mut text, 2, year % 100);
        put_two(&mut text, 5, month);
        put_two(&mut text, 8, day);
        put_time(&mut text, ms.rem_euclid(DAY_MS) as u32);
        text
    }
}

/// Writes instants in the ISO form, one after the other: what an instant has in common with the
/// one before is not worked out again.
///
/// **Example**
/// ```
/// let mut iso = model::IsoTimes::new();
/// assert_eq!(iso.of(model::Timestamp::EPOCH), b"1970-01-01T00:00:00.000Z");
/// assert_eq!(iso.of(model::Timestamp::from_millis(1_500)), b"1970-01-01T00:00:01.500Z");
/// ```
#[derive(Debug, Clone)]
pub struct IsoTimes {
    /// The first millisecond of the day that `text` has.
    day_ms: i64,
    text: [u8; Timestamp::ISO_BYTES],
}

impl IsoTimes {
    /// One that has written nothing yet.
    pub fn new() -> Self {
        Self { day_ms: 0, text: Timestamp::EPOCH.iso() }
    }

    /// The ISO form of an instant, as [`Timestamp::iso`] has it.
    pub fn of(&mut self, at: Timestamp) -> &[u8; Timestamp::ISO_BYTES] {
        let ms_of_day = at.0.wrapping_sub(self.day_ms);
        if (0..DAY_MS).contains(&ms_of_day) {
            put_time(&mut self.text, ms_of_day as u32);
        } else {
            self.text = at.iso();
            // The ends of time have no day of their own.
            self.day_ms = at.0.clamp(Timestamp::FIRST_MS, Timestamp::LAST_MS).div_euclid(DAY_MS) * DAY_MS;
        }
        &self.text
    }
}

impl Default for IsoTimes {
    fn default() -> Self {
        Self::new()
    }
}

const DAY_MS: i64 = 86_400_000;

/// Writes hours, minutes, seconds and milliseconds into an ISO form.
fn put_time(text: &mut [u8; Timestamp::ISO_BYTES], ms_of_day: u32) {
    let (seconds, ms) = (ms_of_day / 1_000, ms_of_day % 1_000);
    let (minutes, second) = (seconds / 60, seconds % 60);
    put_two(text, 11, minutes / 60);
    put_two(text, 14, minutes % 60);
    put_two(text, 17, second);
    put_two(text, 20, ms / 10);
    text[22] = b'0' + (ms % 10) as u8;
}

fn put_two(text: &mut [u8; Timestamp::ISO_BYTES], at: usize, number: u32) {
    text[at] = b'0' + (number / 10) as u8;
    text[at + 1] = b'0' + (number % 10) as u8;
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar, from the year
/// 0 on.
///
/// Years are counted from March, so that the leap day is the last of its year.
pub(crate) fn civil_from_days(days: i32) -> (u32, u32, u32) {
    const DAYS_IN_400_YEARS: u32 = 146_097;
    // One cycle more, so that January and February of the year 0 have a number too.
    const DAYS_FROM_MARCH_OF_MINUS_400_TO_EPOCH: i32 = 719_468 + DAYS_IN_400_YEARS as i32;
    let days = (days + DAYS_FROM_MARCH_OF_MINUS_400_TO_EPOCH) as u32;
    let (cycle, day_of_cycle) = (days / DAYS_IN_400_YEARS, days % DAYS_IN_400_YEARS);
    let year_of_cycle =
        (day_of_cycle - day_of_cycle / 1_460 + day_of_cycle / 36_524 - day_of_cycle / (DAYS_IN_400_YEARS - 1)) / 365;
    let day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = cycle * 400 + year_of_cycle + u32::from(month <= 2) - 400;
    (year, month, day)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.iso();
        f.pad(std::str::from_utf8(&text).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(ms: i64, expected: &str) {
        assert_eq!(Timestamp::from_millis(ms).to_string(), expected);
    }

    #[test]
    fn prints_three_fraction_digits_in_utc() {
        check(0, "1970-01-01T00:00:00.000Z");
        check(1, "1970-01-01T00:00:00.001Z");
        check(-1, "1969-12-31T23:59:59.999Z");
        check(951_827_696_789, "2000-02-29T12:34:56.789Z");
        check(4_107_542_399_999, "2100-02-28T23:59:59.999Z");
        check(4_107_542_400_000, "2100-03-01T00:00:00.000Z");
    }

    #[test]
    fn prints_the_ends_of_time_as_the_ends_of_the_form() {
        check(i64::MIN, "0000-01-01T00:00:00.000Z");
        check(i64::MAX, "9999-12-31T23:59:59.999Z");
    }

    proptest! {
        #[test]
        fn times_in_a_row_are_written_as_each_by_itself(
            steps in proptest::collection::vec(prop_oneof![-100_000_000..100_000_000i64, any::<i64>()], 1..40),
        ) {
            let (mut at, mut iso) = (Timestamp::from_millis(1_783_651_184_319), IsoTimes::new());
            for step in steps {
                at = Timestamp::from_millis(at.as_millis().wrapping_add(step));
                prop_assert_eq!(*iso.of(at), at.iso());
            }
        }
    }

    #[test]
    fn every_day_of_the_calendar_follows_the_one_before() {
        let mut before = civil_from_days(-719_528);
        assert_eq!(before, (0, 1, 1));
        for day in -719_527..=2_932_896 {
            let now = civil_from_days(day);
            let next_day = now == (before.0, before.1, before.2 + 1);
            let next_month = now == (before.0, before.1 + 1, 1) && before.2 >= 28;
            let next_year = now == (before.0 + 1, 1, 1) && before.1 == 12 && before.2 == 31;
            assert!(next_day || next_month || next_year, "{before:?} is followed by {now:?}");
            before = now;
        }
        assert_eq!(before, (9999, 12, 31));
    }
}
