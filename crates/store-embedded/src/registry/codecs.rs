//! Codecs that organizations write themselves.

use model::{CodecVersion, OrgId, UserCodec};
use rusqlite::{Connection, OptionalExtension, Row};
use store::{Error, Kind, USER_CODECS_MAX};

use super::{
    column::{Org, Text, Time},
    failure::Failure,
    organizations,
};

const COLUMNS: &str = "org, model, version, source, fields, examples, changed_at";

pub(super) fn set(connection: &Connection, codec: &UserCodec) -> Result<CodecVersion, Failure> {
    organizations::get(connection, codec.org)?;
    let name = codec.model.to_lowercase();
    let before: Option<(u16, bool)> = connection
        .prepare_cached("SELECT version, is_removed FROM user_codec WHERE org = ?1 AND name = ?2")?
        .query_row((Org(codec.org), &name), |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if before.is_none_or(|(_, is_removed)| is_removed) {
        let count: u32 = connection
            .prepare_cached("SELECT count(*) FROM user_codec WHERE org = ?1 AND NOT is_removed")?
            .query_row([Org(codec.org)], |row| row.get(0))?;
        if count as usize >= USER_CODECS_MAX {
            return Err(Failure::Refused(Error::Limit { what: "codecs", max: USER_CODECS_MAX as u64 }));
        }
    }
    let too_often = Error::Limit { what: "versions of a codec", max: u16::MAX.into() };
    let version = before.map_or(0, |(version, _)| version).checked_add(1).ok_or(Failure::Refused(too_often))?;
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO user_codec
             (org, name, model, version, is_removed, source, fields, examples, changed_at)
             VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6, ?7, ?8)",
        )?
        .execute((
            Org(codec.org),
            name,
            &codec.model,
            version,
            &codec.source,
            Text(&codec.table),
            Text(&codec.examples),
            Time(codec.changed_at),
        ))?;
    Ok(CodecVersion(version))
}

pub(super) fn find(connection: &Connection, org: OrgId, name: &str) -> Result<Option<UserCodec>, Failure> {
    let sql = format!("SELECT {COLUMNS} FROM user_codec WHERE org = ?1 AND name = ?2 AND NOT is_removed");
    Ok(connection.prepare_cached(&sql)?.query_row((Org(org), name), read).optional()?)
}

pub(super) fn list(connection: &Connection, org: OrgId) -> Result<Vec<UserCodec>, Failure> {
    let sql = format!("SELECT {COLUMNS} FROM user_codec WHERE org = ?1 AND NOT is_removed ORDER BY name");
    let mut statement = connection.prepare_cached(&sql)?;
    let codecs = statement.query_map([Org(org)], read)?;
    Ok(codecs.collect::<Result<_, _>>()?)
}

/// Its version stays, so that none is given twice.
pub(super) fn remove(connection: &Connection, org: OrgId, name: &str) -> Result<(), Failure> {
    let removed = connection
        .prepare_cached(
            "UPDATE user_codec SET is_removed = 1, source = '', fields = '', examples = ''
             WHERE org = ?1 AND name = ?2 AND NOT is_removed",
        )?
        .execute((Org(org), name))?;
    if removed == 1 { Ok(()) } else { Err(Failure::not_found(Kind::Codec)) }
}

fn read(row: &Row<'_>) -> rusqlite::Result<UserCodec> {
    let (Org(org), Text(table), Text(examples), Time(changed_at)) =
        (row.get(0)?, row.get(4)?, row.get(5)?, row.get(6)?);
    let version = CodecVersion(row.get(2)?);
    Ok(UserCodec { org, model: row.get(1)?, version, source: row.get(3)?, table, examples, changed_at })
}
