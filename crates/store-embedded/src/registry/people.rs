use model::{Email, OrgId, PasswordHash, Person, PersonId, Role};
use rusqlite::{Connection, OptionalExtension, Row};
use store::{Error, Kind, PersonChange};

use super::{
    column::{self, Org, Text, Time},
    failure::Failure,
    organizations, sessions,
};

pub(super) const COLUMNS: &str = "id, org, email, name, role, is_operator, password, time_zone, created_at";

pub(super) fn create(connection: &Connection, person: &Person) -> Result<(), Failure> {
    organizations::get(connection, person.org)?;
    refuse_taken(connection, person)?;
    connection
        .prepare_cached(&format!("INSERT INTO person ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"))?
        .execute((
            Text(person.id),
            Org(person.org),
            Text(&person.email),
            &person.name,
            Text(person.role),
            person.is_operator,
            &person.password.0,
            &person.time_zone,
            Time(person.created_at),
        ))?;
    Ok(())
}

fn refuse_taken(connection: &Connection, person: &Person) -> Result<(), Failure> {
    let taken = connection
        .prepare_cached("SELECT 1 FROM person WHERE id = ?1 OR email = ?2")?
        .exists((Text(person.id), Text(&person.email)))?;
    if taken { Err(Failure::conflict(Kind::Person)) } else { Ok(()) }
}

pub(super) fn list(connection: &Connection, org: OrgId) -> Result<Vec<Person>, Failure> {
    let sql = format!("SELECT {COLUMNS} FROM person WHERE org = ?1 ORDER BY email");
    let mut statement = connection.prepare_cached(&sql)?;
    let people = statement.query_map([Org(org)], |row| read(row, 0))?;
    Ok(people.collect::<Result<_, _>>()?)
}

pub(super) fn count(connection: &Connection) -> Result<u64, Failure> {
    let mut statement = connection.prepare_cached("SELECT count(*) FROM person")?;
    Ok(statement.query_row([], |row| column::number(row, 0))?)
}

pub(super) fn find(connection: &Connection, email: &Email) -> Result<Option<Person>, Failure> {
    let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM person WHERE email = ?1"))?;
    Ok(statement.query_row([Text(email)], |row| read(row, 0)).optional()?)
}

pub(super) fn update(connection: &Connection, org: OrgId, id: PersonId, change: &PersonChange) -> Result<(), Failure> {
    check(connection, org, id, change.role.is_none_or(|role| role == Role::Owner))?;
    connection
        .prepare_cached(
            "UPDATE person SET name = coalesce(?2, name), role = coalesce(?3, role),
             time_zone = coalesce(?4, time_zone), password = coalesce(?5, password) WHERE id = ?1",
        )?
        .execute((
            Text(id),
            &change.name,
            change.role.map(Text),
            &change.time_zone,
            change.password.as_ref().map(|password| &password.0),
        ))?;
    if change.password.is_some() {
        sessions::end_all(connection, id, change.keep)?;
    }
    Ok(())
}

pub(super) fn remove(connection: &Connection, org: OrgId, id: PersonId) -> Result<(), Failure> {
    check(connection, org, id, false)?;
    sessions::end_all(connection, id, None)?;
    connection.prepare_cached("DELETE FROM person WHERE id = ?1")?.execute([Text(id)])?;
    Ok(())
}

/// Refuses a person whom the organization does not have, or who is its only owner and will not stay
/// one.
fn check(connection: &Connection, org: OrgId, id: PersonId, stays_owner: bool) -> Result<(), Failure> {
    let role = connection
        .prepare_cached("SELECT role FROM person WHERE org = ?1 AND id = ?2")?
        .query_row((Org(org), Text(id)), |row| row.get(0))
        .optional()?;
    let Text(role): Text<Role> = role.ok_or(Failure::not_found(Kind::Person))?;
    if role != Role::Owner || stays_owner {
        return Ok(());
    }
    let has_another = connection
        .prepare_cached("SELECT 1 FROM person WHERE org = ?1 AND id <> ?2 AND role = ?3")?
        .exists((Org(org), Text(id), Text(Role::Owner)))?;
    if has_another { Ok(()) } else { Err(Failure::Refused(Error::LastOwner)) }
}

/// The person whose columns begin at `first`.
pub(super) fn read(row: &Row<'_>, first: usize) -> rusqlite::Result<Person> {
    let (Text(id), Org(org), Text(email)) = (row.get(first)?, row.get(first + 1)?, row.get(first + 2)?);
    let (Text(role), Time(created_at)) = (row.get(first + 4)?, row.get(first + 8)?);
    Ok(Person {
        id,
        org,
        email,
        name: row.get(first + 3)?,
        role,
        is_operator: row.get(first + 5)?,
        password: PasswordHash(row.get(first + 6)?),
        time_zone: row.get(first + 7)?,
        created_at,
    })
}
