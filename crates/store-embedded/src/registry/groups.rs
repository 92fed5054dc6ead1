use model::{Group, GroupId, OrgId};
use rusqlite::{Connection, Row};
use store::{Error, GROUPS_MAX, Kind};

use super::{
    column::{Org, Text},
    failure::Failure,
    organizations, retention,
};

pub(super) fn create(connection: &Connection, group: &Group) -> Result<(), Failure> {
    organizations::get(connection, group.org)?;
    let groups = list(connection, group.org)?;
    if groups.iter().any(|other| other.name == group.name) {
        return Err(Failure::conflict(Kind::Group));
    }
    if groups.len() >= GROUPS_MAX {
        return Err(Failure::Refused(Error::Limit { what: "groups", max: GROUPS_MAX as u64 }));
    }
    if groups.iter().any(|other| other.id == group.id) {
        return Err(Failure::conflict(Kind::Group));
    }
    connection.prepare_cached("INSERT INTO device_group (org, id, name) VALUES (?1, ?2, ?3)")?.execute((
        Org(group.org),
        Text(group.id),
        &group.name,
    ))?;
    Ok(())
}

pub(super) fn rename(connection: &Connection, org: OrgId, id: GroupId, name: &str) -> Result<(), Failure> {
    let groups = list(connection, org)?;
    refuse_unknown(&groups, id)?;
    if groups.iter().any(|other| other.id != id && other.name == name) {
        return Err(Failure::conflict(Kind::Group));
    }
    connection.prepare_cached("UPDATE device_group SET name = ?3 WHERE org = ?1 AND id = ?2")?.execute((
        Org(org),
        Text(id),
        name,
    ))?;
    Ok(())
}

pub(super) fn delete(connection: &Connection, org: OrgId, id: GroupId) -> Result<(), Failure> {
    connection
        .prepare_cached("UPDATE device SET group_id = NULL WHERE org = ?1 AND group_id = ?2")?
        .execute((Org(org), Text(id)))?;
    retention::forget(connection, org, Some(id))?;
    let deleted = connection
        .prepare_cached("DELETE FROM device_group WHERE org = ?1 AND id = ?2")?
        .execute((Org(org), Text(id)))?;
    if deleted == 1 { Ok(()) } else { Err(Failure::not_found(Kind::Group)) }
}

pub(super) fn list(connection: &Connection, org: OrgId) -> Result<Vec<Group>, Failure> {
    let mut statement =
        connection.prepare_cached("SELECT org, id, name FROM device_group WHERE org = ?1 ORDER BY created")?;
    let groups = statement.query_map([Org(org)], read)?;
    Ok(groups.collect::<Result<_, _>>()?)
}

/// Refuses a group that the organization does not have; everybody has the default one.
pub(super) fn check(connection: &Connection, org: OrgId, group: Option<GroupId>) -> Result<(), Failure> {
    group.map_or(Ok(()), |id| refuse_unknown(&list(connection, org)?, id))
}

fn refuse_unknown(groups: &[Group], id: GroupId) -> Result<(), Failure> {
    let known = groups.iter().any(|group| group.id == id);
    if known { Ok(()) } else { Err(Failure::not_found(Kind::Group)) }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Group> {
    let (Org(org), Text(id)) = (row.get(0)?, row.get(1)?);
    Ok(Group { org, id, name: row.get(2)? })
}
