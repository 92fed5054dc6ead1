use model::{OrgId, Organization};
use rusqlite::{Connection, OptionalExtension, Row};
use store::Kind;

use super::{
    column::{Org, Time, count},
    failure::Failure,
};

pub(super) fn create(connection: &Connection, organization: &Organization) -> Result<(), Failure> {
    if find(connection, organization.id)?.is_some() {
        return Err(Failure::conflict(Kind::Organization));
    }
    connection.prepare_cached("INSERT INTO organization (id, name, created_at) VALUES (?1, ?2, ?3)")?.execute((
        Org(organization.id),
        &organization.name,
        Time(organization.created_at),
    ))?;
    Ok(())
}

pub(super) fn get(connection: &Connection, org: OrgId) -> Result<Organization, Failure> {
    find(connection, org)?.ok_or(Failure::not_found(Kind::Organization))
}

pub(super) fn rename(connection: &Connection, org: OrgId, name: &str) -> Result<(), Failure> {
    let renamed =
        connection.prepare_cached("UPDATE organization SET name = ?2 WHERE id = ?1")?.execute((Org(org), name))?;
    if renamed == 1 { Ok(()) } else { Err(Failure::not_found(Kind::Organization)) }
}

fn find(connection: &Connection, org: OrgId) -> Result<Option<Organization>, Failure> {
    let mut statement = connection.prepare_cached("SELECT id, name, created_at FROM organization WHERE id = ?1")?;
    Ok(statement.query_row([Org(org)], read).optional()?)
}

pub(super) fn list(connection: &Connection, after: Option<OrgId>, limit: usize) -> Result<Vec<Organization>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT id, name, created_at FROM organization WHERE ?1 IS NULL OR id > ?1 ORDER BY id LIMIT ?2",
    )?;
    let organizations = statement.query_map((after.map(Org), count(limit)), read)?;
    Ok(organizations.collect::<Result<_, _>>()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Organization> {
    let (Org(id), Time(created_at)) = (row.get(0)?, row.get(2)?);
    Ok(Organization { id, name: row.get(1)?, created_at })
}
