use model::{DeviceEui, Downlink, OrgId, SourceId};
use rusqlite::{Connection, OptionalExtension};

use super::{
    brokers::find_source,
    column::{Org, Text},
    failure::Failure,
};

pub(super) fn keep(connection: &Connection, downlink: &Downlink) -> Result<(), Failure> {
    find_source(connection, downlink.org, downlink.source)?;
    connection
        .prepare_cached("INSERT OR REPLACE INTO downlink (source, eui, sealed) VALUES (?1, ?2, ?3)")?
        .execute((Text(downlink.source), Text(downlink.eui), &downlink.sealed))?;
    Ok(())
}

pub(super) fn find(
    connection: &Connection,
    org: OrgId,
    id: SourceId,
    eui: DeviceEui,
) -> Result<Option<Vec<u8>>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT sealed FROM downlink JOIN source ON source.id = downlink.source
         WHERE source.org = ?1 AND source.id = ?2 AND eui = ?3",
    )?;
    Ok(statement.query_row((Org(org), Text(id), Text(eui)), |row| row.get(0)).optional()?)
}
