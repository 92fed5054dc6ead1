//! Other stations that organizations mirror.

use model::{BrokerUrl, Mirror, MirrorId, OrgId};
use rusqlite::{Connection, Row};
use store::{Error, Kind, MIRRORS_MAX};

use super::{
    column::{Org, Text, Time},
    failure::Failure,
    organizations,
};

const COLUMNS: &str = "org, id, station, access_id, access_key, since, budget_dm, calls_per_minute, streams, stream_at, \
                       is_paused, compare_until, created_at";

pub(super) fn set(connection: &Connection, mirror: &Mirror) -> Result<(), Failure> {
    organizations::get(connection, mirror.org)?;
    let others = list(connection, Some(mirror.org))?.into_iter().filter(|other| other.id != mirror.id);
    let others: Vec<Mirror> = others.collect();
    if others.iter().any(|other| (&other.station, &other.access_id) == (&mirror.station, &mirror.access_id)) {
        return Err(Failure::Refused(Error::Conflict(Kind::Mirror)));
    }
    if others.len() >= MIRRORS_MAX {
        return Err(Failure::Refused(Error::Limit { what: "mirrors", max: MIRRORS_MAX as u64 }));
    }
    connection
        .prepare_cached(&format!(
            "INSERT OR REPLACE INTO mirror ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"
        ))?
        .execute((
            Org(mirror.org),
            Text(mirror.id),
            &mirror.station,
            &mirror.access_id,
            &mirror.access_key,
            Time(mirror.since),
            mirror.budget_dm.map(u64::cast_signed),
            mirror.calls_per_minute,
            mirror.streams,
            mirror.stream_at.as_ref().map(Text),
            mirror.is_paused,
            mirror.compare_until.map(Time),
            Time(mirror.created_at),
        ))?;
    Ok(())
}

pub(super) fn list(connection: &Connection, org: Option<OrgId>) -> Result<Vec<Mirror>, Failure> {
    let sql = format!("SELECT {COLUMNS} FROM mirror WHERE ?1 IS NULL OR org = ?1 ORDER BY org, id");
    let mut statement = connection.prepare_cached(&sql)?;
    let mirrors = statement.query_map([org.map(Org)], read)?;
    Ok(mirrors.collect::<Result<_, _>>()?)
}

pub(super) fn remove(connection: &Connection, org: OrgId, id: MirrorId) -> Result<(), Failure> {
    let removed =
        connection.prepare_cached("DELETE FROM mirror WHERE org = ?1 AND id = ?2")?.execute((Org(org), Text(id)))?;
    if removed == 1 { Ok(()) } else { Err(Failure::not_found(Kind::Mirror)) }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Mirror> {
    let (Org(org), Text(id), Time(since), Time(created_at)) = (row.get(0)?, row.get(1)?, row.get(5)?, row.get(12)?);
    let stream_at: Option<Text<BrokerUrl>> = row.get(9)?;
    let compare_until: Option<Time> = row.get(11)?;
    Ok(Mirror {
        org,
        id,
        station: row.get(2)?,
        access_id: row.get(3)?,
        access_key: row.get(4)?,
        since,
        budget_dm: row.get::<_, Option<i64>>(6)?.map(i64::cast_unsigned),
        calls_per_minute: row.get(7)?,
        streams: row.get(8)?,
        stream_at: stream_at.map(|Text(at)| at),
        is_paused: row.get(10)?,
        compare_until: compare_until.map(|Time(at)| at),
        created_at,
    })
}
