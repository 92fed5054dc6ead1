use model::OrgId;
use rusqlite::Connection;
use store::{Error, Message, RETAINED_MAX};

use super::{
    column::{self, Org, Time},
    failure::Failure,
    organizations,
};

pub(super) fn keep(connection: &Connection, message: &Message) -> Result<(), Failure> {
    organizations::get(connection, message.org)?;
    let org = Org(message.org);
    let sql = "SELECT count(*) FROM retained WHERE org = ?1 AND topic <> ?2";
    let others = connection.prepare_cached(sql)?.query_row((&org, &message.topic), |row| column::number(row, 0))?;
    if others >= RETAINED_MAX as u64 {
        return Err(Failure::Refused(Error::Limit { what: "retained messages", max: RETAINED_MAX as u64 }));
    }
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO retained (org, topic, received_at, payload, header) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute((&org, &message.topic, Time(message.received_at), &message.payload, &message.header))?;
    Ok(())
}

pub(super) fn list(connection: &Connection, org: OrgId) -> Result<Vec<Message>, Failure> {
    let sql = "SELECT topic, received_at, payload, header FROM retained WHERE org = ?1 ORDER BY topic";
    let mut select = connection.prepare_cached(sql)?;
    let messages = select.query_map([Org(org)], |row| {
        let Time(received_at) = row.get(1)?;
        Ok(Message { org, received_at, topic: row.get(0)?, payload: row.get(2)?, retain: true, header: row.get(3)? })
    })?;
    Ok(messages.collect::<Result<_, _>>()?)
}

pub(super) fn forget(connection: &Connection, org: OrgId, topic: &str) -> Result<(), Failure> {
    connection.prepare_cached("DELETE FROM retained WHERE org = ?1 AND topic = ?2")?.execute((Org(org), topic))?;
    Ok(())
}
