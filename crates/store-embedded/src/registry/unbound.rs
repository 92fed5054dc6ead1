use model::{DedupKey, DeviceEui, OrgId, SourceId, Timestamp, Uplink};
use rusqlite::{Connection, OptionalExtension, Row};
use store::{
    DEDUP_WINDOW_MS, Error, Kind, UNBOUND_DEVICES_MAX, UNBOUND_SOURCE_UPLINKS_MAX, UNBOUND_UPLINKS_MAX, UnboundDevice,
    UnboundUplink,
};

use super::{
    column::{self, Org, Text, Time, count},
    devices,
    failure::Failure,
};
use crate::{
    bytes::{self, Damaged, put_i64},
    entry::{put_frame, take_frame},
};

const COLUMNS: &str = "source, eui, model, name, first_heard_at, last_heard_at, kept, dropped";
const IS_NOT_BOUND: &str = "NOT EXISTS (SELECT 1 FROM device
     WHERE device.org = unbound_device.org AND device.eui = unbound_device.eui AND bound_at IS NOT NULL)";
const VERSION: u8 = 1;

/// Keeps an uplink, unless it is kept already, which is what it says.
pub(super) fn keep(connection: &Connection, uplink: &Uplink, model: &str) -> Result<bool, Failure> {
    let (org, source, eui) = (uplink.org, uplink.source, uplink.eui);
    let has_source = connection
        .prepare_cached("SELECT 1 FROM source WHERE org = ?1 AND id = ?2")?
        .exists((Org(org), Text(source)))?;
    if !has_source {
        return Err(Failure::not_found(Kind::Source));
    }
    if devices::is_bound(connection, org, eui)? {
        return Err(Failure::conflict(Kind::Device));
    }
    let key = uplink.dedup.0.to_be_bytes();
    let oldest = uplink.received_at.minus_ms(DEDUP_WINDOW_MS);
    let is_known = "SELECT 1 FROM unbound_uplink
         WHERE org = ?1 AND source = ?2 AND eui = ?3 AND dedup = ?4 AND received_at > ?5";
    if connection.prepare_cached(is_known)?.exists((Org(org), Text(source), Text(eui), key.as_slice(), Time(oldest)))? {
        return Ok(true);
    }
    connection
        .prepare_cached(
            "INSERT INTO unbound_device
             (org, source, eui, model, name, first_heard_at, last_heard_at, kept, dropped)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, 1, 0)
             ON CONFLICT (org, source, eui) DO UPDATE SET
             model = iif(excluded.model = '', model, excluded.model),
             name = iif(excluded.name = '', name, excluded.name),
             last_heard_at = max(last_heard_at, excluded.last_heard_at), kept = kept + 1",
        )?
        .execute((Org(org), Text(source), Text(eui), model, &uplink.name_hint, Time(uplink.received_at)))?;
    connection
        .prepare_cached(
            "INSERT INTO unbound_uplink (org, source, eui, dedup, received_at, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute((Org(org), Text(source), Text(eui), key.as_slice(), Time(uplink.received_at), encode(uplink)))?;
    make_room(connection, org, source, eui)?;
    Ok(false)
}

fn make_room(connection: &Connection, org: OrgId, source: SourceId, eui: DeviceEui) -> Result<(), Failure> {
    let kept = "SELECT kept FROM unbound_device WHERE org = ?1 AND source = ?2 AND eui = ?3";
    let kept: i64 =
        connection.prepare_cached(kept)?.query_row((Org(org), Text(source), Text(eui)), |row| row.get(0))?;
    if kept > count(UNBOUND_UPLINKS_MAX) {
        let oldest = "SELECT number FROM unbound_uplink WHERE org = ?1 AND eui = ?2 AND source = ?3
                      ORDER BY number LIMIT 1";
        let oldest =
            connection.prepare_cached(oldest)?.query_row((Org(org), Text(eui), Text(source)), |row| row.get(0));
        drop_uplink(connection, oldest?)?;
    }
    let all = "SELECT total(kept), count(*) FROM unbound_device WHERE org = ?1 AND source = ?2";
    let (kept, devices): (f64, i64) =
        connection.prepare_cached(all)?.query_row((Org(org), Text(source)), |row| Ok((row.get(0)?, row.get(1)?)))?;
    if kept > UNBOUND_SOURCE_UPLINKS_MAX as f64 {
        let oldest = "SELECT number FROM unbound_uplink WHERE org = ?1 AND source = ?2 ORDER BY number LIMIT 1";
        let oldest = connection.prepare_cached(oldest)?.query_row((Org(org), Text(source)), |row| row.get(0));
        drop_uplink(connection, oldest?)?;
    }
    if devices > count(UNBOUND_DEVICES_MAX) {
        drop_silent(connection, org, source, eui)?;
    }
    Ok(())
}

fn drop_uplink(connection: &Connection, number: i64) -> Result<(), Failure> {
    connection
        .prepare_cached(
            "UPDATE unbound_device SET kept = kept - 1, dropped = dropped + 1
             WHERE (org, source, eui) = (SELECT org, source, eui FROM unbound_uplink WHERE number = ?1)",
        )?
        .execute([number])?;
    connection.prepare_cached("DELETE FROM unbound_uplink WHERE number = ?1")?.execute([number])?;
    Ok(())
}

/// Forgets the device of a source that was not heard for longest, other than the one that just was.
fn drop_silent(connection: &Connection, org: OrgId, source: SourceId, heard: DeviceEui) -> Result<(), Failure> {
    let silent = "SELECT eui, kept FROM unbound_device WHERE org = ?1 AND source = ?2 AND eui <> ?3
                  ORDER BY last_heard_at, eui LIMIT 1";
    let (silent, kept): (Text<DeviceEui>, i64) = connection
        .prepare_cached(silent)?
        .query_row((Org(org), Text(source), Text(heard)), |row| Ok((row.get(0)?, row.get(1)?)))?;
    connection
        .prepare_cached(
            "INSERT INTO unbound_lost (org, source, uplinks) VALUES (?1, ?2, ?3)
             ON CONFLICT (org, source) DO UPDATE SET uplinks = uplinks + excluded.uplinks",
        )?
        .execute((Org(org), Text(source), kept))?;
    for table in ["unbound_uplink", "unbound_device"] {
        connection
            .prepare_cached(&format!("DELETE FROM {table} WHERE org = ?1 AND source = ?2 AND eui = ?3"))?
            .execute((Org(org), Text(source), Text(silent.0)))?;
    }
    Ok(())
}

pub(super) fn list(connection: &Connection, org: OrgId, limit: usize) -> Result<Vec<UnboundDevice>, Failure> {
    let sql = format!(
        "SELECT {COLUMNS} FROM unbound_device WHERE org = ?1 AND {IS_NOT_BOUND}
         ORDER BY last_heard_at DESC, source, eui LIMIT ?2"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let devices = statement.query_map((Org(org), count(limit)), read)?;
    Ok(devices.collect::<Result<_, _>>()?)
}

pub(super) fn find(connection: &Connection, org: OrgId, eui: DeviceEui) -> Result<Option<UnboundDevice>, Failure> {
    let sql = format!(
        "SELECT {COLUMNS} FROM unbound_device WHERE org = ?1 AND eui = ?2 AND {IS_NOT_BOUND}
         ORDER BY last_heard_at DESC, source LIMIT 1"
    );
    Ok(connection.prepare_cached(&sql)?.query_row((Org(org), Text(eui)), read).optional()?)
}

pub(super) fn count_lost(connection: &Connection, org: OrgId) -> Result<u64, Failure> {
    let sql = "SELECT coalesce(sum(uplinks), 0) FROM unbound_lost WHERE org = ?1";
    Ok(connection.prepare_cached(sql)?.query_row([Org(org)], |row| column::number(row, 0))?)
}

pub(super) fn uplinks(
    connection: &Connection,
    org: OrgId,
    eui: DeviceEui,
    limit: usize,
) -> Result<Vec<UnboundUplink>, Failure> {
    let sql = "SELECT number, source, dedup, received_at, bytes FROM unbound_uplink
               WHERE org = ?1 AND eui = ?2 ORDER BY number LIMIT ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query((Org(org), Text(eui), count(limit)))?;
    let mut uplinks = Vec::new();
    while let Some(row) = rows.next()? {
        let (Text(source), Time(received_at)) = (row.get(1)?, row.get(3)?);
        let uplink = Uplink {
            org,
            source,
            eui,
            sent_at: received_at,
            received_at,
            dedup: DedupKey(u128::from_be_bytes(row.get(2)?)),
            frame: model::Frame::default(),
            model_hints: Vec::new(),
            name_hint: String::new(),
        };
        let number = column::number(row, 0)?;
        let bytes = row.get_ref(4)?.as_blob().map_err(rusqlite::Error::from)?;
        let uplink = decode(bytes, uplink)
            .map_err(|Damaged(what)| Failure::Refused(Error::internal(format!("unbound uplink {number}: {what}"))))?;
        uplinks.push(UnboundUplink { number, uplink });
    }
    Ok(uplinks)
}

pub(super) fn settle(connection: &Connection, org: OrgId, eui: DeviceEui, through: u64) -> Result<(), Failure> {
    let device = (Org(org), Text(eui), count(through));
    connection
        .prepare_cached("DELETE FROM unbound_uplink WHERE org = ?1 AND eui = ?2 AND number <= ?3")?
        .execute(device)?;
    connection
        .prepare_cached(
            "UPDATE unbound_device SET kept = (SELECT count(*) FROM unbound_uplink
             WHERE unbound_uplink.org = unbound_device.org AND unbound_uplink.source = unbound_device.source
             AND unbound_uplink.eui = unbound_device.eui) WHERE org = ?1 AND eui = ?2",
        )?
        .execute((Org(org), Text(eui)))?;
    connection
        .prepare_cached("DELETE FROM unbound_device WHERE org = ?1 AND eui = ?2 AND kept = 0")?
        .execute((Org(org), Text(eui)))?;
    Ok(())
}

pub(super) fn forget(connection: &Connection, org: OrgId, eui: DeviceEui) -> Result<(), Failure> {
    let is_bound = devices::is_bound(connection, org, eui)?;
    connection
        .prepare_cached("DELETE FROM unbound_uplink WHERE org = ?1 AND eui = ?2")?
        .execute((Org(org), Text(eui)))?;
    let forgotten = connection
        .prepare_cached("DELETE FROM unbound_device WHERE org = ?1 AND eui = ?2")?
        .execute((Org(org), Text(eui)))?;
    // The transaction ends with the refusal, so that nothing is deleted then.
    if is_bound || forgotten == 0 { Err(Failure::not_found(Kind::Device)) } else { Ok(()) }
}

pub(super) fn adoptable(connection: &Connection, limit: usize) -> Result<Vec<(OrgId, DeviceEui)>, Failure> {
    let sql = "SELECT DISTINCT unbound_device.org, unbound_device.eui FROM unbound_device
               JOIN device ON device.org = unbound_device.org AND device.eui = unbound_device.eui
               WHERE bound_at IS NOT NULL ORDER BY 1, 2 LIMIT ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let names = statement.query_map([count(limit)], |row| {
        let (Org(org), Text(eui)) = (row.get(0)?, row.get(1)?);
        Ok((org, eui))
    })?;
    Ok(names.collect::<Result<_, _>>()?)
}

/// Forgets what a source brought, before it goes itself.
pub(super) fn delete_source(connection: &Connection, org: OrgId, source: SourceId) -> Result<(), Failure> {
    for table in ["unbound_uplink", "unbound_device", "unbound_lost"] {
        connection
            .prepare_cached(&format!("DELETE FROM {table} WHERE org = ?1 AND source = ?2"))?
            .execute((Org(org), Text(source)))?;
    }
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<UnboundDevice> {
    let (Text(source), Text(eui)) = (row.get(0)?, row.get(1)?);
    let (Time(first_heard_at), Time(last_heard_at)) = (row.get(4)?, row.get(5)?);
    Ok(UnboundDevice {
        source,
        eui,
        model: row.get(2)?,
        name: row.get(3)?,
        first_heard_at,
        last_heard_at,
        kept: column::number(row, 6)?,
        dropped: column::number(row, 7)?,
    })
}

fn encode(uplink: &Uplink) -> Vec<u8> {
    let mut out = vec![VERSION];
    put_i64(&mut out, uplink.sent_at.as_millis());
    put_frame(&mut out, &uplink.frame);
    bytes::close(&mut out);
    out
}

/// Adds to an uplink what its bytes say.
fn decode(bytes: &[u8], uplink: Uplink) -> Result<Uplink, Damaged> {
    let mut take = bytes::open(bytes)?;
    if take.u8()? != VERSION {
        return Err(Damaged("an uplink of an unknown version"));
    }
    let sent_at = Timestamp::from_millis(take.i64()?);
    let frame = take_frame(&mut take)?;
    if take.is_empty() {
        Ok(Uplink { sent_at, frame, ..uplink })
    } else {
        Err(Damaged("an uplink goes on after its end"))
    }
}
