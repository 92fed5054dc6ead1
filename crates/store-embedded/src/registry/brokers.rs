use model::{Broker, BrokerState, OrgId, SourceId};
use rusqlite::{Connection, Row};
use store::Kind;

use super::{
    column::{Org, Text, Time},
    failure::Failure,
};

pub(super) fn set(connection: &Connection, broker: &Broker) -> Result<(), Failure> {
    find_source(connection, broker.org, broker.source)?;
    let topics: String = broker.topics.iter().flat_map(|topic| [topic.as_str(), "\n"]).collect();
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO broker (source, org, url, user, password, ca_pem, topics)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute((
            Text(broker.source),
            Org(broker.org),
            broker.url.to_string(),
            &broker.user,
            &broker.password,
            &broker.ca_pem,
            topics,
        ))?;
    Ok(())
}

pub(super) fn remove(connection: &Connection, org: OrgId, id: SourceId) -> Result<(), Failure> {
    find_source(connection, org, id)?;
    connection.prepare_cached("DELETE FROM broker WHERE source = ?1")?.execute([Text(id)])?;
    Ok(())
}

pub(super) fn list(connection: &Connection, org: Option<OrgId>) -> Result<Vec<(Broker, Option<BrokerState>)>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT source, org, url, user, password, ca_pem, topics, is_connected, trouble, since
         FROM broker WHERE ?1 IS NULL OR org = ?1 ORDER BY source",
    )?;
    let brokers = statement.query_map([org.map(Org)], read)?;
    Ok(brokers.collect::<Result<_, _>>()?)
}

pub(super) fn note(connection: &Connection, org: OrgId, id: SourceId, state: &BrokerState) -> Result<(), Failure> {
    connection
        .prepare_cached("UPDATE broker SET is_connected = ?3, trouble = ?4, since = ?5 WHERE source = ?1 AND org = ?2")?
        .execute((Text(id), Org(org), state.is_connected, &state.trouble, Time(state.since)))?;
    Ok(())
}

pub(super) fn find_source(connection: &Connection, org: OrgId, id: SourceId) -> Result<(), Failure> {
    let known =
        connection.prepare_cached("SELECT 1 FROM source WHERE org = ?1 AND id = ?2")?.exists((Org(org), Text(id)))?;
    if known { Ok(()) } else { Err(Failure::not_found(Kind::Source)) }
}

fn read(row: &Row<'_>) -> rusqlite::Result<(Broker, Option<BrokerState>)> {
    let (Text(source), Org(org), Text(url)) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let topics: String = row.get(6)?;
    let broker = Broker {
        org,
        source,
        url,
        user: row.get(3)?,
        password: row.get(4)?,
        ca_pem: row.get(5)?,
        topics: topics.lines().map(str::to_owned).collect(),
    };
    let state = match (row.get(7)?, row.get(9)?) {
        (Some(is_connected), Some(Time(since))) => Some(BrokerState { is_connected, trouble: row.get(8)?, since }),
        _ => None,
    };
    Ok((broker, state))
}
