use model::{Invite, OrgId, Organization, Person, SecretHash, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row};
use store::Kind;

use super::{
    column::{Hash, Org, Text, Time},
    failure::Failure,
    organizations, people,
};

const COLUMNS: &str = "token, org, role, is_operator, note, created_at, expires_at";

pub(super) fn create(connection: &Connection, invite: &Invite) -> Result<(), Failure> {
    if let Some(org) = invite.org {
        organizations::get(connection, org)?;
    }
    if find(connection, invite.token)?.is_some() {
        return Err(Failure::conflict(Kind::Invite));
    }
    connection
        .prepare_cached(&format!("INSERT INTO invite ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"))?
        .execute((
            Hash(invite.token),
            invite.org.map(Org),
            Text(invite.role),
            invite.is_operator,
            &invite.note,
            Time(invite.created_at),
            Time(invite.expires_at),
        ))?;
    Ok(())
}

pub(super) fn find(connection: &Connection, token: SecretHash) -> Result<Option<Invite>, Failure> {
    let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM invite WHERE token = ?1"))?;
    Ok(statement.query_row([Hash(token)], read).optional()?)
}

pub(super) fn list(connection: &Connection, org: OrgId) -> Result<Vec<Invite>, Failure> {
    let sql = format!("SELECT {COLUMNS} FROM invite WHERE org = ?1 ORDER BY created_at, token");
    let mut statement = connection.prepare_cached(&sql)?;
    let invites = statement.query_map([Org(org)], read)?;
    Ok(invites.collect::<Result<_, _>>()?)
}

pub(super) fn delete(connection: &Connection, org: Option<OrgId>, token: SecretHash) -> Result<(), Failure> {
    let deleted = connection
        .prepare_cached("DELETE FROM invite WHERE token = ?1 AND org IS ?2")?
        .execute((Hash(token), org.map(Org)))?;
    if deleted == 1 { Ok(()) } else { Err(Failure::not_found(Kind::Invite)) }
}

pub(super) fn expire(connection: &Connection, now: Timestamp) -> Result<(), Failure> {
    connection.prepare_cached("DELETE FROM invite WHERE expires_at <= ?1")?.execute([Time(now)])?;
    Ok(())
}

/// Makes a person of an invite, and an organization before that if the invite names none.
pub(super) fn accept(
    connection: &Connection,
    token: SecretHash,
    person: Person,
    founded: Option<&Organization>,
) -> Result<Person, Failure> {
    let invite = find(connection, token)?.filter(|invite| person.created_at < invite.expires_at);
    let invite = invite.ok_or(Failure::not_found(Kind::Invite))?;
    let org = match (invite.org, founded) {
        (Some(org), _) => org,
        (None, Some(organization)) => {
            organizations::create(connection, organization)?;
            organization.id
        }
        (None, None) => return Err(Failure::not_found(Kind::Organization)),
    };
    let person = Person { org, role: invite.role, is_operator: invite.is_operator, ..person };
    people::create(connection, &person)?;
    delete(connection, invite.org, token)?;
    Ok(person)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Invite> {
    let (Hash(token), Text(role)) = (row.get(0)?, row.get(2)?);
    let (Time(created_at), Time(expires_at)) = (row.get(5)?, row.get(6)?);
    Ok(Invite {
        token,
        org: row.get::<_, Option<Org>>(1)?.map(|Org(org)| org),
        role,
        is_operator: row.get(3)?,
        note: row.get(4)?,
        created_at,
        expires_at,
    })
}
