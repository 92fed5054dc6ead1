//! What an organization uses, set against what it may use.

use model::{AccessId, AccessKey, Allowance, Day, OrgId, OrgLimits, Rate, Timestamp};
use store::{Store, USAGE_DAYS, Usage, Used};

use crate::fault::Fault;

/// Most devices that are told.
const DEVICES_MAX: usize = 50;
/// How many days a forecast goes by.
const RECENT_DAYS: i32 = 7;
const HOUR_MS: i64 = 3_600_000;

/// What was used over some days, and how things stand with every limit.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) first: Day,
    pub(crate) last: Day,
    pub(crate) usage: Usage,
    /// Data uploaded, by day.
    pub(crate) um: Vec<(Day, u64)>,
    pub(crate) keys: Vec<AccessKey>,
    pub(crate) limits: OrgLimits,
    pub(crate) standings: Vec<Standing>,
}

/// How things stand with one limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The key that is limited; `None` is the organization.
    pub(crate) key: Option<AccessId>,
    pub(crate) limit: Limit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    Calls(Rate),
    Dm(Allowance, Spent),
    Um(Allowance, Spent),
}

/// How much of an allowance is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spent {
    pub(crate) used: u64,
    pub(crate) resets_at: Timestamp,
    /// When it is all used if things go on as in the last days; `None` if that is not before it resets.
    pub(crate) reached_at: Option<Timestamp>,
}

/// What a program does with its key, as far as the numbers tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Habit {
    /// A good part of its calls is refused.
    IsRefused,
    /// It asks again and again, and mostly has the answer already.
    Polls,
    /// It reads history, many data a call.
    Pages,
    /// None of these.
    Plain,
}

impl Habit {
    pub(crate) const fn of(used: Used) -> Self {
        const CALLS_MIN: u64 = 5;
        if used.calls < CALLS_MIN {
            Self::Plain
        } else if used.refused * 5 >= used.calls {
            Self::IsRefused
        } else if used.unchanged * 2 >= used.calls {
            Self::Polls
        } else if used.dm >= used.calls * 100 {
            Self::Pages
        } else {
            Self::Plain
        }
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::IsRefused => "refused",
            Self::Polls => "polls",
            Self::Pages => "pages",
            Self::Plain => "plain",
        }
    }
}

/// What was used on the last so many days.
///
/// **Errors**: it cannot be read just now.
pub(crate) async fn report(store: &dyn Store, org: OrgId, days: u16, now: Timestamp) -> Result<Report, Fault> {
    let last = Day::of(now);
    let first = last.plus(1 - i32::from(days));
    let limits = *store.get_limits(org).await?;
    let begun = store.get_organization(org).await?.created_at;
    let keys = store.list_access_keys(org).await?;
    let mut standings = Vec::new();
    standings.extend(limits.rate.map(|rate| Standing { key: None, limit: Limit::Calls(rate) }));
    if let Some(um) = limits.um {
        let recent = sum(&store.list_um(org, last.plus(1 - RECENT_DAYS), last).await?);
        let used = sum(&store.list_um(org, um.period.first(last), last).await?);
        standings.push(Standing { key: None, limit: Limit::Um(um, spent(um, used, recent, begun, now)) });
    }
    let of_keys = keys.iter().filter(|key| key.revoked_at.is_none());
    let limited = of_keys.filter(|key| key.limits.dm.is_some() || key.limits.rate.is_some());
    let limited: Vec<&AccessKey> = limited.collect();
    let subjects = limited.iter().map(|key| (Some(key.id), key.limits.rate, key.limits.dm, key.created_at));
    for (key, rate, dm, begun) in std::iter::once((None, None, limits.dm, begun)).chain(subjects) {
        standings.extend(rate.map(|rate| Standing { key, limit: Limit::Calls(rate) }));
        if let Some(dm) = dm {
            let recent = read_by(&store.list_usage(org, last.plus(1 - RECENT_DAYS), last, 0).await?, key);
            let used = read_by(&store.list_usage(org, dm.period.first(last), last, 0).await?, key);
            standings.push(Standing { key, limit: Limit::Dm(dm, spent(dm, used, recent, begun, now)) });
        }
    }
    let usage = store.list_usage(org, first, last, DEVICES_MAX).await?;
    let um = store.list_um(org, first, last).await?;
    Ok(Report { first, last, usage, um, keys, limits, standings })
}

/// How many days are asked for.
pub(crate) fn days(text: Option<&str>) -> Result<u16, Fault> {
    const DAYS: u16 = 31;
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(DAYS) };
    let days = text.parse().ok().filter(|days| (1..=USAGE_DAYS as u16).contains(days));
    days.ok_or(Fault::Invalid(|texts| texts.fault_days))
}

fn sum(days: &[(Day, u64)]) -> u64 {
    days.iter().map(|(_, um)| um).sum()
}

fn read_by(usage: &Usage, key: Option<AccessId>) -> u64 {
    usage.keys.iter().filter(|(id, _)| key.is_none_or(|key| key == *id)).map(|(_, used)| used.dm).sum()
}

/// How an allowance stands of which so much is used, `recent` in the last days; nobody could use any before `begun`.
fn spent(allowance: Allowance, used: u64, recent: u64, begun: Timestamp, now: Timestamp) -> Spent {
    let resets_at = allowance.period.end(now);
    let left = allowance.amount.get().saturating_sub(used);
    let since = Day::of(now).plus(1 - RECENT_DAYS).start().max(begun);
    let reached_at = if left == 0 {
        Some(now)
    } else if recent == 0 {
        None
    } else {
        let recent_ms = now.since_ms(since).max(HOUR_MS) as f64;
        let wait_ms = left as f64 / recent as f64 * recent_ms;
        Some(now.plus_ms(wait_ms as i64)).filter(|at| *at < resets_at)
    };
    Spent { used, resets_at, reached_at }
}

#[cfg(test)]
mod tests {
    use model::Period;

    use super::*;

    /// 2026-07-10T12:00:00Z
    const NOW: Timestamp = Timestamp::from_millis(1_783_684_800_000);

    #[track_caller]
    fn check(used: u64, recent: u64, reached_at: Option<&str>) {
        check_since(Timestamp::EPOCH, used, recent, reached_at);
    }

    #[track_caller]
    fn check_since(begun: Timestamp, used: u64, recent: u64, reached_at: Option<&str>) {
        let allowance = Allowance { amount: 1_000.try_into().unwrap(), period: Period::Month };
        let spent = spent(allowance, used, recent, begun, NOW);
        assert_eq!(spent.reached_at.map(|at| at.to_string()).as_deref(), reached_at, "{used} {recent}");
        assert_eq!(spent.resets_at.to_string(), "2026-08-01T00:00:00.000Z");
    }

    #[test]
    fn a_limit_is_reached_as_fast_as_in_the_last_days() {
        // Six and a half days.
        check(500, 325, Some("2026-07-20T12:00:00.000Z"));
        check(0, 325, Some("2026-07-30T12:00:00.000Z"));
        check(0, 290, None);
        check(500, 0, None);
        check(1_000, 0, Some("2026-07-10T12:00:00.000Z"));
        check(2_000, 5, Some("2026-07-10T12:00:00.000Z"));
        check_since(NOW.minus_ms(24 * HOUR_MS), 500, 50, Some("2026-07-20T12:00:00.000Z"));
    }

    #[test]
    fn programs_are_told_apart_by_what_they_do() {
        let of = |calls, refused, unchanged, dm| Habit::of(Used { calls, refused, unchanged, dm });
        assert_eq!(of(100, 20, 80, 0), Habit::IsRefused);
        assert_eq!(of(100, 2, 60, 400), Habit::Polls);
        assert_eq!(of(10, 0, 0, 9_000), Habit::Pages);
        assert_eq!(of(100, 0, 10, 800), Habit::Plain);
        assert_eq!(of(4, 4, 0, 0), Habit::Plain);
    }
}
