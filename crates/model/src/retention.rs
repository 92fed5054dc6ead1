use std::{collections::BTreeMap, error, fmt, num::NonZeroU32, str::FromStr};

use crate::{Day, GroupId, Timestamp};

/// How long something is kept.
///
/// **Shape**: kept and shown as `forever`, or a number of days from 1 to 36,500.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Keep {
    /// Until somebody erases it.
    Forever,
    /// So many whole days, in UTC: what is removed is older than that, and nothing younger.
    Days(NonZeroU32),
}

/// What is neither `forever` nor a number of days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidKeep;

impl Keep {
    /// The most days that can be said; who wants more keeps it for ever.
    pub const DAYS_MAX: u32 = 36_500;

    /// So many days; 0 is for ever. **Errors**: more than [`DAYS_MAX`](Self::DAYS_MAX).
    pub fn days(days: u32) -> Result<Self, InvalidKeep> {
        if days > Self::DAYS_MAX {
            return Err(InvalidKeep);
        }
        Ok(NonZeroU32::new(days).map_or(Self::Forever, Self::Days))
    }

    /// The number that [`days`](Self::days) takes.
    pub fn as_days(self) -> u32 {
        match self {
            Self::Forever => 0,
            Self::Days(days) => days.get(),
        }
    }

    /// What is older than this is removed; `None` if nothing is. It is the start of a day, so that a device's
    /// history is cut once a day.
    pub fn cut(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Forever => None,
            Self::Days(days) => Some(Day::of(now).plus(-days.get().cast_signed()).start()),
        }
    }
}

impl fmt::Display for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forever => f.pad("forever"),
            Self::Days(days) => fmt::Display::fmt(days, f),
        }
    }
}

impl FromStr for Keep {
    type Err = InvalidKeep;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "forever" {
            return Ok(Self::Forever);
        }
        let days: NonZeroU32 = text.parse().map_err(|_| InvalidKeep)?;
        Self::days(days.get())
    }
}

impl fmt::Display for InvalidKeep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "give a whole number of days from 1 to {}, or `forever`", Keep::DAYS_MAX)
    }
}

impl error::Error for InvalidKeep {}

/// What an organization or a group says about how long its devices' history is kept; `None` says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retention {
    /// Readings, by when they were measured.
    pub readings: Option<Keep>,
    /// Raw frames, by when they were received.
    pub frames: Option<Keep>,
}

impl Retention {
    /// What is said here, and for the rest what the other says.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self { readings: self.readings.or(other.readings), frames: self.frames.or(other.frames) }
    }
}

/// What an organization and its groups say about how long history is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RetentionRules {
    /// Of all its devices.
    pub organization: Retention,
    /// Of the devices of a group; only groups that say something.
    pub groups: BTreeMap<GroupId, Retention>,
}

impl RetentionRules {
    /// What holds for the devices of a group, or of the default one: what the group itself says goes before what
    /// the organization says.
    pub fn of(&self, group: Option<GroupId>) -> Retention {
        let own = group.and_then(|id| self.groups.get(&id)).copied();
        own.unwrap_or_default().or(self.organization)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(text: &str) -> Option<Keep> {
        text.parse().ok()
    }

    #[test]
    fn reads_what_it_prints_and_refuses_what_is_no_number_of_days() {
        for text in ["forever", "1", "365", "36500"] {
            assert_eq!(keep(text).map(|keep| keep.to_string()).as_deref(), Some(text));
        }
        for text in ["", "0", "-1", "36501", "1.5", "for ever", "4294967296"] {
            assert_eq!(keep(text), None, "{text}");
        }
        assert_eq!((Keep::days(0), Keep::days(7).map(Keep::as_days)), (Ok(Keep::Forever), Ok(7)));
    }

    #[test]
    fn the_cut_is_at_the_start_of_a_day_and_never_younger_than_said() {
        let now = Timestamp::from_millis(10 * 86_400_000 + 5);
        let cut = keep("3").and_then(|keep| keep.cut(now));
        assert_eq!(cut, Some(Timestamp::from_millis(7 * 86_400_000)));
        assert_eq!(Keep::Forever.cut(now), None);
    }

    #[test]
    fn what_a_group_says_goes_before_what_the_organization_says() {
        let (group, silent) = (GroupId::from_raw(1), GroupId::from_raw(2));
        let own = Retention { readings: keep("forever"), frames: None };
        let rules = RetentionRules {
            organization: Retention { readings: keep("30"), frames: keep("7") },
            groups: [(group, own)].into(),
        };
        assert_eq!(rules.of(Some(group)), Retention { readings: keep("forever"), frames: keep("7") });
        for other in [Some(silent), None] {
            assert_eq!(rules.of(other), rules.organization);
        }
    }
}
