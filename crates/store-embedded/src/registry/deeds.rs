use model::{Deed, OrgId};
use rusqlite::{Connection, Row};

use super::{
    column::{self, Org, Time, count},
    failure::Failure,
    organizations,
};

const COLUMNS: &str = "org, at, actor, address, action, subject, detail";

pub(super) fn record(connection: &Connection, deed: &Deed) -> Result<(), Failure> {
    organizations::get(connection, deed.org)?;
    connection.prepare_cached(&format!("INSERT INTO deed ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"))?.execute(
        (Org(deed.org), Time(deed.at), &deed.actor, &deed.address, &deed.action, &deed.subject, &deed.detail),
    )?;
    Ok(())
}

pub(super) fn list(
    connection: &Connection,
    org: OrgId,
    before: Option<u64>,
    limit: usize,
) -> Result<Vec<(u64, Deed)>, Failure> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT number, {COLUMNS} FROM deed WHERE org = ?1 AND number < ?2 ORDER BY number DESC LIMIT ?3"
    ))?;
    let deeds = statement.query_map((Org(org), before.map_or(i64::MAX, count), count(limit)), read)?;
    Ok(deeds.collect::<Result<_, _>>()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<(u64, Deed)> {
    let (Org(org), Time(at)) = (row.get(1)?, row.get(2)?);
    let deed = Deed {
        org,
        at,
        actor: row.get(3)?,
        address: row.get(4)?,
        action: row.get(5)?,
        subject: row.get(6)?,
        detail: row.get(7)?,
    };
    Ok((column::number(row, 0)?, deed))
}
