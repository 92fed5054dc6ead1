use model::{OrgId, Person, PersonId, SecretHash, Session, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row};
use store::Kind;

use super::{
    column::{Hash, Org, Text, Time},
    failure::Failure,
    people,
};

const COLUMNS: &str = "token, person, created_at, seen_at, address, agent";
/// How many of a session's columns stand before those of its person.
const WIDTH: usize = 6;

pub(super) fn create(connection: &Connection, session: &Session) -> Result<(), Failure> {
    let known = connection.prepare_cached("SELECT 1 FROM person WHERE id = ?1")?.exists([Text(session.person)])?;
    if !known {
        return Err(Failure::not_found(Kind::Person));
    }
    if find(connection, session.token)?.is_some() {
        return Err(Failure::conflict(Kind::Session));
    }
    connection.prepare_cached(&format!("INSERT INTO session ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"))?.execute(
        (
            Hash(session.token),
            Text(session.person),
            Time(session.created_at),
            Time(session.seen_at),
            &session.address,
            &session.agent,
        ),
    )?;
    Ok(())
}

/// The session and who is signed in, in one statement so that they belong together.
pub(super) fn find(connection: &Connection, token: SecretHash) -> Result<Option<(Session, Person)>, Failure> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT s.*, p.* FROM (SELECT {COLUMNS} FROM session WHERE token = ?1) AS s
         JOIN (SELECT {} FROM person) AS p ON p.id = s.person",
        people::COLUMNS
    ))?;
    let read = |row: &Row<'_>| Ok((read(row)?, people::read(row, WIDTH)?));
    Ok(statement.query_row([Hash(token)], read).optional()?)
}

pub(super) fn touch(connection: &Connection, token: SecretHash, at: Timestamp) -> Result<(), Failure> {
    connection
        .prepare_cached("UPDATE session SET seen_at = max(seen_at, ?2) WHERE token = ?1")?
        .execute((Hash(token), Time(at)))?;
    Ok(())
}

pub(super) fn list(connection: &Connection, org: OrgId) -> Result<Vec<Session>, Failure> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM session WHERE person IN (SELECT id FROM person WHERE org = ?1)
         ORDER BY created_at DESC, token"
    ))?;
    let sessions = statement.query_map([Org(org)], read)?;
    Ok(sessions.collect::<Result<_, _>>()?)
}

pub(super) fn end(connection: &Connection, org: OrgId, token: SecretHash) -> Result<(), Failure> {
    let ended = connection
        .prepare_cached("DELETE FROM session WHERE token = ?2 AND person IN (SELECT id FROM person WHERE org = ?1)")?
        .execute((Org(org), Hash(token)))?;
    if ended == 1 { Ok(()) } else { Err(Failure::not_found(Kind::Session)) }
}

/// Ends every session of a person but one.
pub(super) fn end_all(connection: &Connection, person: PersonId, keep: Option<SecretHash>) -> Result<(), Failure> {
    connection
        .prepare_cached("DELETE FROM session WHERE person = ?1 AND token IS NOT ?2")?
        .execute((Text(person), keep.map(Hash)))?;
    Ok(())
}

/// Whether there is one that [`expire`] would end.
pub(super) fn any_before(connection: &Connection, before: Timestamp) -> Result<bool, Failure> {
    Ok(connection.prepare_cached("SELECT 1 FROM session WHERE seen_at < ?1")?.exists([Time(before)])?)
}

pub(super) fn expire(connection: &Connection, before: Timestamp) -> Result<(), Failure> {
    connection.prepare_cached("DELETE FROM session WHERE seen_at < ?1")?.execute([Time(before)])?;
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<Session> {
    let (Hash(token), Text(person)) = (row.get(0)?, row.get(1)?);
    let (Time(created_at), Time(seen_at)) = (row.get(2)?, row.get(3)?);
    Ok(Session { token, person, created_at, seen_at, address: row.get(4)?, agent: row.get(5)? })
}
