use model::{OrgId, PreviousToken, SecretHash, Source, SourceHealth, SourceId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row};
use store::{Error, Kind, MODEL_RULES_MAX, ModelRule, SourceChange, SourceNote};

use super::{
    column::{self, Hash, Org, Text, Time, count},
    failure::Failure,
    organizations, unbound,
};

const COLUMNS: &str = "id, org, kind, name, token, auto_add, created_at, previous_token, previous_until";

pub(super) fn create(connection: &Connection, source: &Source) -> Result<(), Failure> {
    organizations::get(connection, source.org)?;
    let has_id = connection.prepare_cached("SELECT 1 FROM source WHERE id = ?1")?.exists([Text(source.id)])?;
    let previous = source.previous.map(|previous| previous.token);
    if has_id || previous == Some(source.token) {
        return Err(Failure::conflict(Kind::Source));
    }
    for token in [Some(source.token), previous].into_iter().flatten() {
        refuse_taken(connection, token)?;
    }
    connection
        .prepare_cached(&format!("INSERT INTO source ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"))?
        .execute((
            Text(source.id),
            Org(source.org),
            Text(source.kind),
            &source.name,
            Hash(source.token),
            source.auto_add,
            Time(source.created_at),
            previous.map(Hash),
            source.previous.map(|previous| Time(previous.until)),
        ))?;
    Ok(())
}

pub(super) fn list(connection: &Connection, org: OrgId) -> Result<Vec<Source>, Failure> {
    let sql = format!("SELECT {COLUMNS} FROM source WHERE org = ?1 ORDER BY id");
    let mut statement = connection.prepare_cached(&sql)?;
    let sources = statement.query_map([Org(org)], read)?;
    Ok(sources.collect::<Result<_, _>>()?)
}

pub(super) fn update(connection: &Connection, org: OrgId, id: SourceId, change: &SourceChange) -> Result<(), Failure> {
    let updated = connection
        .prepare_cached(
            "UPDATE source SET name = coalesce(?3, name), auto_add = coalesce(?4, auto_add)
             WHERE org = ?1 AND id = ?2",
        )?
        .execute((Org(org), Text(id), &change.name, change.auto_add))?;
    found(updated)
}

pub(super) fn rotate(
    connection: &Connection,
    org: OrgId,
    id: SourceId,
    token: SecretHash,
    until: Timestamp,
) -> Result<(), Failure> {
    let known =
        connection.prepare_cached("SELECT 1 FROM source WHERE org = ?1 AND id = ?2")?.exists((Org(org), Text(id)))?;
    found(usize::from(known))?;
    refuse_taken(connection, token)?;
    let rotated = connection
        .prepare_cached(
            "UPDATE source SET token = ?3, previous_token = token, previous_until = ?4 WHERE org = ?1 AND id = ?2",
        )?
        .execute((Org(org), Text(id), Hash(token), Time(until)))?;
    found(rotated)
}

pub(super) fn note(connection: &Connection, notes: &[SourceNote]) -> Result<(), Failure> {
    let mut statement = connection.prepare_cached(
        "UPDATE source SET messages = messages + ?3,
             last_message_at = max(coalesce(last_message_at, ?4), coalesce(?4, last_message_at)),
             last_error = iif(?5 >= coalesce(last_error_at, ?5), ?6, last_error),
             last_error_at = max(coalesce(last_error_at, ?5), coalesce(?5, last_error_at))
         WHERE org = ?1 AND id = ?2",
    )?;
    for note in notes {
        let (error_at, error) = note.last_error.as_ref().map(|(at, why)| (Time(*at), why)).unzip();
        let message_at = note.last_message_at.map(Time);
        statement.execute((Org(note.org), Text(note.id), count(note.messages), message_at, error_at, error))?;
    }
    Ok(())
}

pub(super) fn list_health(connection: &Connection, org: OrgId) -> Result<Vec<SourceHealth>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT id, messages, last_message_at, last_error_at, last_error FROM source WHERE org = ?1 ORDER BY id",
    )?;
    let read = |row: &Row<'_>| {
        let Text(id) = row.get(0)?;
        Ok(SourceHealth {
            id,
            messages: column::number(row, 1)?,
            last_message_at: column::time(row, 2)?,
            last_error_at: column::time(row, 3)?,
            last_error: row.get(4)?,
        })
    };
    let health = statement.query_map([Org(org)], read)?;
    Ok(health.collect::<Result<_, _>>()?)
}

pub(super) fn delete(connection: &Connection, org: OrgId, id: SourceId) -> Result<(), Failure> {
    unbound::delete_source(connection, org, id)?;
    forget_rules(connection, org, id)?;
    let deleted =
        connection.prepare_cached("DELETE FROM source WHERE org = ?1 AND id = ?2")?.execute((Org(org), Text(id)))?;
    found(deleted)
}

pub(super) fn set_rules(
    connection: &Connection,
    org: OrgId,
    source: SourceId,
    rules: &[ModelRule],
) -> Result<(), Failure> {
    if rules.len() > MODEL_RULES_MAX {
        return Err(Failure::Refused(Error::Limit { what: "model rules", max: MODEL_RULES_MAX as u64 }));
    }
    let known = connection
        .prepare_cached("SELECT 1 FROM source WHERE org = ?1 AND id = ?2")?
        .exists((Org(org), Text(source)))?;
    found(usize::from(known))?;
    forget_rules(connection, org, source)?;
    let mut insert = connection
        .prepare_cached("INSERT INTO model_rule (org, source, number, hint, model) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for (number, rule) in rules.iter().enumerate() {
        insert.execute((Org(org), Text(source), count(number), &rule.hint, &rule.model))?;
    }
    Ok(())
}

fn forget_rules(connection: &Connection, org: OrgId, source: SourceId) -> Result<(), Failure> {
    connection
        .prepare_cached("DELETE FROM model_rule WHERE org = ?1 AND source = ?2")?
        .execute((Org(org), Text(source)))?;
    Ok(())
}

pub(super) fn list_rules(connection: &Connection, org: OrgId, source: SourceId) -> Result<Vec<ModelRule>, Failure> {
    let mut statement = connection
        .prepare_cached("SELECT hint, model FROM model_rule WHERE org = ?1 AND source = ?2 ORDER BY number")?;
    let read = |row: &Row<'_>| Ok(ModelRule { hint: row.get(0)?, model: row.get(1)? });
    let rules = statement.query_map((Org(org), Text(source)), read)?;
    Ok(rules.collect::<Result<_, _>>()?)
}

/// By the token it has, or the one it had before.
pub(super) fn find(connection: &Connection, token: SecretHash) -> Result<Option<Source>, Failure> {
    let sql = format!("SELECT {COLUMNS} FROM source WHERE token = ?1 OR previous_token = ?1");
    Ok(connection.prepare_cached(&sql)?.query_row([Hash(token)], read).optional()?)
}

/// A token is one source's, whether it has it or had it before.
fn refuse_taken(connection: &Connection, token: SecretHash) -> Result<(), Failure> {
    if find(connection, token)?.is_some() { Err(Failure::conflict(Kind::Source)) } else { Ok(()) }
}

fn found(rows: usize) -> Result<(), Failure> {
    if rows == 1 { Ok(()) } else { Err(Failure::not_found(Kind::Source)) }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Source> {
    let (Text(id), Org(org), Text(kind)) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let (Hash(token), Time(created_at)) = (row.get(4)?, row.get(6)?);
    let previous = match (row.get(7)?, row.get(8)?) {
        (Some(Hash(token)), Some(Time(until))) => Some(PreviousToken { token, until }),
        _ => None,
    };
    Ok(Source { id, org, kind, name: row.get(3)?, token, auto_add: row.get(5)?, created_at, previous })
}
