//! How long history is kept.

use model::{DeviceId, GroupId, Keep, OrgId, Retention, RetentionRules};
use rusqlite::{Connection, types::FromSqlError};

use super::{
    column::{Org, Text, count},
    failure::Failure,
    groups, organizations,
};

pub(super) fn set(
    connection: &Connection,
    org: OrgId,
    group: Option<GroupId>,
    retention: Retention,
) -> Result<(), Failure> {
    organizations::get(connection, org)?;
    groups::check(connection, org, group)?;
    forget(connection, org, group)?;
    if retention != Retention::default() {
        let days = |keep: Option<Keep>| keep.map(Keep::as_days);
        connection
            .prepare_cached(
                "INSERT INTO retention (org, group_id, readings_days, frames_days) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute((Org(org), name(group), days(retention.readings), days(retention.frames)))?;
    }
    Ok(())
}

pub(super) fn forget(connection: &Connection, org: OrgId, group: Option<GroupId>) -> Result<(), Failure> {
    connection
        .prepare_cached("DELETE FROM retention WHERE org = ?1 AND group_id = ?2")?
        .execute((Org(org), name(group)))?;
    Ok(())
}

pub(super) fn get(connection: &Connection, org: OrgId) -> Result<RetentionRules, Failure> {
    let sql = "SELECT group_id, readings_days, frames_days FROM retention WHERE org = ?1";
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query([Org(org)])?;
    let mut rules = RetentionRules::default();
    while let Some(row) = rows.next()? {
        let keep = |column| -> rusqlite::Result<Option<Keep>> {
            let days: Option<u32> = row.get(column)?;
            let keep = days.map(Keep::days).transpose();
            Ok(keep.map_err(|_| FromSqlError::OutOfRange(days.unwrap_or_default().into()))?)
        };
        let retention = Retention { readings: keep(1)?, frames: keep(2)? };
        if row.get_ref(0)?.as_str().is_ok_and(str::is_empty) {
            rules.organization = retention;
        } else {
            let Text(group) = row.get(0)?;
            rules.groups.insert(group, retention);
        }
    }
    Ok(rules)
}

pub(super) fn list_histories(
    connection: &Connection,
    org: OrgId,
    after: Option<DeviceId>,
    limit: usize,
) -> Result<Vec<(DeviceId, Option<GroupId>)>, Failure> {
    let sql = "SELECT id, group_id FROM device WHERE org = ?1 AND id > ?2 ORDER BY id LIMIT ?3";
    let mut select = connection.prepare_cached(sql)?;
    let after = after.map_or(0, |DeviceId(id)| id.cast_signed());
    let devices = select.query_map((Org(org), after, count(limit)), |row| {
        let id: i64 = row.get(0)?;
        let group: Option<Text<GroupId>> = row.get(1)?;
        Ok((DeviceId(id.cast_unsigned()), group.map(|Text(group)| group)))
    })?;
    Ok(devices.collect::<Result<_, _>>()?)
}

fn name(group: Option<GroupId>) -> String {
    group.map(|group| group.to_string()).unwrap_or_default()
}
