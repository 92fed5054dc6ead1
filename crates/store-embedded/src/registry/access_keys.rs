use std::collections::BTreeMap;

use model::{AccessId, AccessKey, GroupId, KeyLimits, OrgId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};
use store::{Charge, Kind, Used};

use super::{
    column::{self, Hash, Org, Text, Time, count},
    failure::Failure,
    limits, organizations, usage,
};

const COLUMNS: &str = "id, org, secret, name, scopes, created_at, revoked_at, last_used_at, expires_at, origins, \
                       groups, app_password, calls, dm, rate_per_minute, rate_burst, dm_max, dm_period";

pub(super) fn create(connection: &Connection, key: &AccessKey) -> Result<(), Failure> {
    organizations::get(connection, key.org)?;
    if find(connection, key.id)?.is_some() {
        return Err(Failure::conflict(Kind::AccessKey));
    }
    let origins: String = key.limits.origins.iter().flat_map(|origin| [origin, "\n"]).collect();
    let groups: Vec<_> = key.limits.groups.iter().map(GroupId::to_string).collect();
    let (per_minute, burst, dm_max, period) = limits::values(key.limits.rate, key.limits.dm);
    connection
        .prepare_cached(&format!(
            "INSERT INTO access_key ({COLUMNS})
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)"
        ))?
        .execute(params![
            Text(key.id),
            Org(key.org),
            Hash(key.secret),
            &key.name,
            Text(key.scopes),
            Time(key.created_at),
            key.revoked_at.map(Time),
            key.last_used_at.map(Time),
            key.limits.expires_at.map(Time),
            origins,
            groups.join(","),
            key.app_password.map(Hash),
            count(key.calls),
            count(key.dm),
            per_minute,
            burst,
            dm_max,
            period,
        ])?;
    Ok(())
}

pub(super) fn find(connection: &Connection, id: AccessId) -> Result<Option<AccessKey>, Failure> {
    let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM access_key WHERE id = ?1"))?;
    Ok(statement.query_row([Text(id)], read).optional()?)
}

pub(super) fn list(connection: &Connection, org: OrgId) -> Result<Vec<AccessKey>, Failure> {
    let sql = format!("SELECT {COLUMNS} FROM access_key WHERE org = ?1 ORDER BY id");
    let mut statement = connection.prepare_cached(&sql)?;
    let keys = statement.query_map([Org(org)], read)?;
    Ok(keys.collect::<Result<_, _>>()?)
}

pub(super) fn revoke(connection: &Connection, org: OrgId, id: AccessId, at: Timestamp) -> Result<(), Failure> {
    let revoked = connection
        .prepare_cached("UPDATE access_key SET revoked_at = coalesce(revoked_at, ?3) WHERE org = ?1 AND id = ?2")?
        .execute((Org(org), Text(id), Time(at)))?;
    if revoked == 1 { Ok(()) } else { Err(Failure::not_found(Kind::AccessKey)) }
}

/// Takes charges of keys that are there in, and gives the keys as they are afterwards.
pub(super) fn charge(connection: &Connection, mut charges: Vec<Charge>) -> Result<Vec<AccessKey>, Failure> {
    let mut sums: BTreeMap<(OrgId, AccessId), (Used, Timestamp)> = BTreeMap::new();
    for charge in &charges {
        let (used, last) = sums.entry((charge.org, charge.id)).or_insert((Used::default(), charge.last_used_at));
        used.add(charge.used);
        *last = (*last).max(charge.last_used_at);
    }
    let mut statement = connection.prepare_cached(&format!(
        "UPDATE access_key SET calls = calls + ?3, dm = dm + ?4, last_used_at = max(coalesce(last_used_at, ?5), ?5)
         WHERE org = ?1 AND id = ?2 RETURNING {COLUMNS}"
    ))?;
    let mut keys = Vec::with_capacity(sums.len());
    for ((org, id), (used, last)) in sums {
        let values = (Org(org), Text(id), count(used.calls), count(used.dm), Time(last));
        match statement.query_row(values, read).optional()? {
            Some(key) => keys.push(key),
            None => charges.retain(|charge| (charge.org, charge.id) != (org, id)),
        }
    }
    usage::charge(connection, &charges)?;
    Ok(keys)
}

pub(super) fn count_dm(connection: &Connection, org: OrgId) -> Result<u64, Failure> {
    let mut statement = connection.prepare_cached("SELECT coalesce(sum(dm), 0) FROM access_key WHERE org = ?1")?;
    Ok(statement.query_row([Org(org)], |row| column::number(row, 0))?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<AccessKey> {
    let (Text(id), Org(org), Hash(secret), Text(scopes)) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(4)?);
    let Time(created_at) = row.get(5)?;
    let origins = row.get_ref(9)?.as_str()?.split_terminator('\n').map(str::to_owned).collect();
    let groups = column::list(row, 10)?;
    Ok(AccessKey {
        id,
        org,
        secret,
        name: row.get(3)?,
        scopes,
        created_at,
        revoked_at: column::time(row, 6)?,
        last_used_at: column::time(row, 7)?,
        limits: KeyLimits {
            expires_at: column::time(row, 8)?,
            origins,
            groups,
            rate: limits::rate(row, 14)?,
            dm: limits::allowance(row, 16)?,
        },
        app_password: row.get::<_, Option<Hash>>(11)?.map(|Hash(hash)| hash),
        calls: column::number(row, 12)?,
        dm: column::number(row, 13)?,
    })
}
