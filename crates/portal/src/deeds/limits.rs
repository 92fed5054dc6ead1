//! What the organization and its keys may use.

use std::num::{NonZeroU32, NonZeroU64};

use model::{AccessId, Allowance, OrgLimits, Period, Rate};
use store::{Error, Kind};

use crate::{PortalState, actor::Actor, fault::Fault};

/// The most calls a minute that are a limit.
const CALLS_MAX: u32 = 1_000_000;
/// The most data that are a limit.
const DATA_MAX: u64 = 1_000_000_000_000_000;

/// A rate; without a burst, a whole minute's calls may come at once.
pub(crate) fn rate(per_minute: u64, burst: Option<u64>) -> Result<Rate, Fault> {
    let whole =
        |number: u64| u32::try_from(number).ok().filter(|number| *number <= CALLS_MAX).and_then(NonZeroU32::new);
    let rate = || Some(Rate { per_minute: whole(per_minute)?, burst: whole(burst.unwrap_or(per_minute))? });
    rate().ok_or(Fault::Invalid(|texts| texts.fault_rate))
}

/// So many data a `day` or a `month`.
pub(crate) fn allowance(amount: u64, period: &str) -> Result<Allowance, Fault> {
    let amount = NonZeroU64::new(amount).filter(|amount| amount.get() <= DATA_MAX);
    let period = period.parse::<Period>().ok();
    let allowance = amount.zip(period).map(|(amount, period)| Allowance { amount, period });
    allowance.ok_or(Fault::Invalid(|texts| texts.fault_allowance))
}

/// Limits the organization.
pub(crate) async fn limit_organization(portal: &PortalState, actor: &Actor, limits: OrgLimits) -> Result<(), Fault> {
    portal.store().limit_organization(actor.org, limits).await?;
    let um = limits.um.map(|um| format!("um {}", described(um)));
    let told: Vec<String> = told(limits.rate, limits.dm).into_iter().chain(um).collect();
    actor.record(portal, "organization.limit", actor.org, told.join(", ")).await?;
    Ok(())
}

/// Limits one of the organization's keys.
pub(crate) async fn limit_key(
    portal: &PortalState,
    actor: &Actor,
    id: AccessId,
    rate: Option<Rate>,
    dm: Option<Allowance>,
) -> Result<(), Fault> {
    portal.store().limit_access_key(actor.org, id, rate, dm).await?;
    actor.record(portal, "key.limit", id, told(rate, dm).join(", ")).await?;
    Ok(())
}

/// The organization's key of an id.
pub(crate) async fn find_key(portal: &PortalState, actor: &Actor, id: AccessId) -> Result<model::AccessKey, Fault> {
    let keys = portal.store().list_access_keys(actor.org).await?;
    Ok(keys.into_iter().find(|key| key.id == id).ok_or(Error::NotFound(Kind::AccessKey))?)
}

/// For the audit log; nothing where nothing is limited.
fn told(rate: Option<Rate>, dm: Option<Allowance>) -> Vec<String> {
    let rate = rate.map(|rate| format!("{} calls a minute, {} at once", rate.per_minute, rate.burst));
    rate.into_iter().chain(dm.map(|dm| format!("dm {}", described(dm)))).collect()
}

fn described(allowance: Allowance) -> String {
    format!("{} a {}", allowance.amount, allowance.period)
}
