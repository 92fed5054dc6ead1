//! What organizations and keys may use.

use std::num::{NonZeroU32, NonZeroU64};

use model::{AccessId, Allowance, OrgId, OrgLimits, Rate};
use rusqlite::{Connection, OptionalExtension, Row, types::FromSqlError};
use store::Kind;

use super::{
    column::{self, Org, Text, count},
    failure::Failure,
};

/// The columns of a rate and an allowance of `dm`, in this order.
pub(super) const COLUMNS: &str = "rate_per_minute, rate_burst, dm_max, dm_period";

/// A rate and an allowance as values of their columns.
pub(super) type Values = (Option<i64>, Option<i64>, Option<i64>, Option<&'static str>);

pub(super) fn values(rate: Option<Rate>, dm: Option<Allowance>) -> Values {
    (
        rate.map(|rate| rate.per_minute.get().into()),
        rate.map(|rate| rate.burst.get().into()),
        dm.map(|dm| count(dm.amount.get())),
        dm.map(|dm| dm.period.as_str()),
    )
}

/// A rate whose columns begin at `column`.
pub(super) fn rate(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Rate>> {
    let Some(per_minute) = row.get::<_, Option<u32>>(column)? else { return Ok(None) };
    let whole = |number: u32| NonZeroU32::new(number).ok_or(FromSqlError::OutOfRange(number.into()));
    Ok(Some(Rate { per_minute: whole(per_minute)?, burst: whole(row.get(column + 1)?)? }))
}

/// An allowance whose columns begin at `column`.
pub(super) fn allowance(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Allowance>> {
    if row.get::<_, Option<i64>>(column)?.is_none() {
        return Ok(None);
    }
    let amount = NonZeroU64::new(column::number(row, column)?).ok_or(FromSqlError::OutOfRange(0))?;
    let Text(period) = row.get(column + 1)?;
    Ok(Some(Allowance { amount, period }))
}

pub(super) fn limit_key(
    connection: &Connection,
    org: OrgId,
    id: AccessId,
    rate: Option<Rate>,
    dm: Option<Allowance>,
) -> Result<(), Failure> {
    let (per_minute, burst, dm_max, period) = values(rate, dm);
    let limited = connection
        .prepare_cached(
            "UPDATE access_key SET rate_per_minute = ?3, rate_burst = ?4, dm_max = ?5, dm_period = ?6
             WHERE org = ?1 AND id = ?2",
        )?
        .execute((Org(org), Text(id), per_minute, burst, dm_max, period))?;
    if limited == 1 { Ok(()) } else { Err(Failure::not_found(Kind::AccessKey)) }
}

pub(super) fn limit_organization(connection: &Connection, org: OrgId, limits: OrgLimits) -> Result<(), Failure> {
    let (per_minute, burst, dm_max, dm_period) = values(limits.rate, limits.dm);
    let (_, _, um_max, um_period) = values(None, limits.um);
    let limited = connection
        .prepare_cached(
            "UPDATE organization SET rate_per_minute = ?2, rate_burst = ?3, dm_max = ?4, dm_period = ?5, um_max = ?6,
             um_period = ?7 WHERE id = ?1",
        )?
        .execute((Org(org), per_minute, burst, dm_max, dm_period, um_max, um_period))?;
    if limited == 1 { Ok(()) } else { Err(Failure::not_found(Kind::Organization)) }
}

pub(super) fn find(connection: &Connection, org: OrgId) -> Result<Option<OrgLimits>, Failure> {
    let sql = format!("SELECT {COLUMNS}, um_max, um_period FROM organization WHERE id = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    let limits = statement.query_row([Org(org)], |row| {
        Ok(OrgLimits { rate: rate(row, 0)?, dm: allowance(row, 2)?, um: allowance(row, 4)? })
    });
    Ok(limits.optional()?)
}
