use model::{OrgId, SecretHash, Source, SourceId};
use rusqlite::{Connection, OptionalExtension, Row};
use store::Kind;

use super::{
    column::{Hash, Org, Text, Time},
    failure::Failure,
    organizations,
};

pub(super) fn create(connection: &Connection, source: &Source) -> Result<(), Failure> {
    organizations::get(connection, source.org)?;
    let taken = connection
        .prepare_cached("SELECT 1 FROM source WHERE id = ?1 OR token = ?2")?
        .exists((Text(source.id), Hash(source.token)))?;
    if taken {
        return Err(Failure::conflict(Kind::Source));
    }
    connection
        .prepare_cached(
            "INSERT INTO source (id, org, kind, name, token, auto_add, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute((
            Text(source.id),
            Org(source.org),
            Text(source.kind),
            &source.name,
            Hash(source.token),
            source.auto_add,
            Time(source.created_at),
        ))?;
    Ok(())
}

pub(super) fn list(connection: &Connection, org: OrgId) -> Result<Vec<Source>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT id, org, kind, name, token, auto_add, created_at FROM source WHERE org = ?1 ORDER BY id",
    )?;
    let sources = statement.query_map([Org(org)], read)?;
    Ok(sources.collect::<Result<_, _>>()?)
}

pub(super) fn delete(connection: &Connection, org: OrgId, id: SourceId) -> Result<(), Failure> {
    let deleted =
        connection.prepare_cached("DELETE FROM source WHERE org = ?1 AND id = ?2")?.execute((Org(org), Text(id)))?;
    if deleted == 1 { Ok(()) } else { Err(Failure::not_found(Kind::Source)) }
}

pub(super) fn find(connection: &Connection, token: SecretHash) -> Result<Option<Source>, Failure> {
    let mut statement = connection
        .prepare_cached("SELECT id, org, kind, name, token, auto_add, created_at FROM source WHERE token = ?1")?;
    Ok(statement.query_row([Hash(token)], read).optional()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Source> {
    let (Text(id), Org(org), Text(kind)) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let (Hash(token), Time(created_at)) = (row.get(4)?, row.get(6)?);
    Ok(Source { id, org, kind, name: row.get(3)?, token, auto_add: row.get(5)?, created_at })
}
