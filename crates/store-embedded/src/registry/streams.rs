use model::{OrgId, Position, StreamSession, Subscription, Timestamp};
use rusqlite::{Connection, Row};
use store::{Error, STREAM_SESSIONS_MAX, StreamNote};

use super::{
    column::{self, Org, Time, count},
    failure::Failure,
    organizations,
};

pub(super) fn keep(connection: &Connection, session: &StreamSession) -> Result<(), Failure> {
    organizations::get(connection, session.org)?;
    let org = Org(session.org);
    let sql = "SELECT count(*) FROM stream_session WHERE org = ?1 AND client_id <> ?2";
    let others = connection.prepare_cached(sql)?.query_row((&org, &session.client_id), |row| column::number(row, 0))?;
    if others >= STREAM_SESSIONS_MAX as u64 {
        let limit = Error::Limit { what: "readers of a stream", max: STREAM_SESSIONS_MAX as u64 };
        return Err(Failure::Refused(limit));
    }
    forget(connection, session.org, &session.client_id)?;
    connection
        .prepare_cached(
            "INSERT INTO stream_session (org, client_id, position, seen_at, expires_after_s, is_private, state)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute((
            &org,
            &session.client_id,
            count(session.position.get()),
            Time(session.seen_at),
            session.expires_after_s,
            session.is_private,
            &session.state,
        ))?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO subscription (org, client_id, filter, qos, no_local, retain_as_published, number, since)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for Subscription { filter, qos, no_local, retain_as_published, number, since } in &session.subscriptions {
        let name = &session.client_id;
        insert.execute((&org, name, filter, qos, no_local, retain_as_published, number, count(since.get())))?;
    }
    Ok(())
}

pub(super) fn find(connection: &Connection, org: OrgId, client_id: &str) -> Result<Option<StreamSession>, Failure> {
    // In one statement, so that they belong together; a reader without a filter has one row.
    let mut select = connection.prepare_cached(
        "SELECT position, seen_at, expires_after_s, is_private, state,
             filter, qos, no_local, retain_as_published, number, since
         FROM stream_session LEFT JOIN subscription USING (org, client_id)
         WHERE org = ?1 AND client_id = ?2 ORDER BY filter",
    )?;
    let mut found: Option<StreamSession> = None;
    let mut rows = select.query((Org(org), client_id))?;
    while let Some(row) = rows.next()? {
        let session = match &mut found {
            Some(session) => session,
            None => found.insert(read(row, org, client_id)?),
        };
        session.subscriptions.extend(read_subscription(row)?);
    }
    Ok(found)
}

pub(super) fn note(connection: &Connection, notes: &[StreamNote]) -> Result<(), Failure> {
    let mut update = connection.prepare_cached(
        "UPDATE stream_session SET position = max(position, ?3), seen_at = max(seen_at, ?4)
         WHERE org = ?1 AND client_id = ?2",
    )?;
    for note in notes {
        update.execute((Org(note.org), &note.client_id, count(note.position.get()), Time(note.seen_at)))?;
    }
    Ok(())
}

pub(super) fn forget(connection: &Connection, org: OrgId, client_id: &str) -> Result<(), Failure> {
    connection
        .prepare_cached("DELETE FROM subscription WHERE org = ?1 AND client_id = ?2")?
        .execute((Org(org), client_id))?;
    connection
        .prepare_cached("DELETE FROM stream_session WHERE org = ?1 AND client_id = ?2")?
        .execute((Org(org), client_id))?;
    Ok(())
}

pub(super) fn expire(connection: &Connection, now: Timestamp) -> Result<(), Failure> {
    let sql = "SELECT org, client_id FROM stream_session WHERE ?1 - seen_at >= expires_after_s * 1000";
    let mut select = connection.prepare_cached(sql)?;
    let expired = select.query_map([Time(now)], |row| Ok((row.get::<_, Org>(0)?.0, row.get::<_, String>(1)?)))?;
    for (org, client_id) in expired.collect::<Result<Vec<_>, _>>()? {
        forget(connection, org, &client_id)?;
    }
    Ok(())
}

fn read(row: &Row<'_>, org: OrgId, client_id: &str) -> rusqlite::Result<StreamSession> {
    let Time(seen_at) = row.get(1)?;
    Ok(StreamSession {
        org,
        client_id: client_id.to_owned(),
        subscriptions: Vec::new(),
        position: Position::from_raw(column::number(row, 0)?),
        seen_at,
        expires_after_s: row.get(2)?,
        is_private: row.get(3)?,
        state: row.get(4)?,
    })
}

fn read_subscription(row: &Row<'_>) -> rusqlite::Result<Option<Subscription>> {
    let Some(filter) = row.get(5)? else { return Ok(None) };
    Ok(Some(Subscription {
        filter,
        qos: row.get(6)?,
        no_local: row.get(7)?,
        retain_as_published: row.get(8)?,
        number: row.get(9)?,
        since: Position::from_raw(column::number(row, 10)?),
    }))
}
