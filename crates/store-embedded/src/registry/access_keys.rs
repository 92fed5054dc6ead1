use model::{AccessId, AccessKey, OrgId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row};
use store::{Charge, Kind};

use super::{
    column::{Hash, Org, Text, Time, count},
    failure::Failure,
    organizations,
};

pub(super) fn create(connection: &Connection, key: &AccessKey) -> Result<(), Failure> {
    organizations::get(connection, key.org)?;
    if find(connection, key.id)?.is_some() {
        return Err(Failure::conflict(Kind::AccessKey));
    }
    connection
        .prepare_cached(
            "INSERT INTO access_key (id, org, secret, name, scopes, created_at, revoked_at, last_used_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute((
            Text(key.id),
            Org(key.org),
            Hash(key.secret),
            &key.name,
            Text(key.scopes),
            Time(key.created_at),
            key.revoked_at.map(Time),
            key.last_used_at.map(Time),
        ))?;
    Ok(())
}

pub(super) fn find(connection: &Connection, id: AccessId) -> Result<Option<AccessKey>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT id, org, secret, name, scopes, created_at, revoked_at, last_used_at FROM access_key WHERE id = ?1",
    )?;
    Ok(statement.query_row([Text(id)], read).optional()?)
}

pub(super) fn list(connection: &Connection, org: OrgId) -> Result<Vec<AccessKey>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT id, org, secret, name, scopes, created_at, revoked_at, last_used_at FROM access_key
         WHERE org = ?1 ORDER BY id",
    )?;
    let keys = statement.query_map([Org(org)], read)?;
    Ok(keys.collect::<Result<_, _>>()?)
}

pub(super) fn revoke(connection: &Connection, org: OrgId, id: AccessId, at: Timestamp) -> Result<(), Failure> {
    let revoked = connection
        .prepare_cached("UPDATE access_key SET revoked_at = coalesce(revoked_at, ?3) WHERE org = ?1 AND id = ?2")?
        .execute((Org(org), Text(id), Time(at)))?;
    if revoked == 1 { Ok(()) } else { Err(Failure::not_found(Kind::AccessKey)) }
}

pub(super) fn charge(connection: &Connection, charges: &[Charge]) -> Result<(), Failure> {
    let mut statement = connection.prepare_cached(
        "UPDATE access_key SET calls = calls + ?3, dm = dm + ?4, last_used_at = max(coalesce(last_used_at, ?5), ?5)
         WHERE org = ?1 AND id = ?2",
    )?;
    for charge in charges {
        let used_at = Time(charge.last_used_at);
        statement.execute((Org(charge.org), Text(charge.id), count(charge.calls), count(charge.dm), used_at))?;
    }
    Ok(())
}

pub(super) fn count_dm(connection: &Connection, org: OrgId) -> Result<u64, Failure> {
    let mut statement = connection.prepare_cached("SELECT coalesce(sum(dm), 0) FROM access_key WHERE org = ?1")?;
    Ok(statement.query_row([Org(org)], |row| row.get::<_, i64>(0))?.cast_unsigned())
}

fn read(row: &Row<'_>) -> rusqlite::Result<AccessKey> {
    let (Text(id), Org(org), Hash(secret), Text(scopes)) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(4)?);
    let Time(created_at) = row.get(5)?;
    let time = |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<Time>>(column)?.map(|Time(at)| at));
    let (revoked_at, last_used_at) = (time(6)?, time(7)?);
    Ok(AccessKey { id, org, secret, name: row.get(3)?, scopes, created_at, revoked_at, last_used_at })
}
