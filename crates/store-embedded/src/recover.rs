//! Brings memory up to date: what was last written of each device, then the log from there.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::Ordering::Relaxed,
};

use model::{Day, DeviceId, OrgId, Position, Timestamp};
use rusqlite::Connection;
use store::Error;

use crate::{
    devices::{Devices, SHARDS},
    entry::{self, Logged},
    error::{damaged_bytes, sqlite},
    log::{self, Commit},
    shared::Shared,
    state::DeviceState,
    writer::device_of,
};

/// How far positions are skipped when nobody can tell any more which were given last.
const POSITIONS_SKIPPED: u64 = 1 << 20;

/// Reads everything that a store needs before it can answer; gives the next position.
pub(crate) fn recover(shared: &Shared, log: &Connection, rows: &Connection) -> Result<Position, Error> {
    let rebuilt = load_states(shared, rows)?;
    let checkpoint = log::meta(rows, "checkpoint")?;
    let trimmed = log::meta(log, "trimmed")?;
    shared.trimmed.store(trimmed, Relaxed);
    shared.frames_through.store(log::meta(rows, "frames")?, Relaxed);
    {
        let mut ledger = shared.ledger();
        // No state may know a position that is given away again.
        ledger.head = newest_position(shared).max(Position::from_raw(checkpoint.max(trimmed)));
        let mut select = rows.prepare("SELECT org, um FROM org_um").map_err(sqlite)?;
        let totals = select.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))).map_err(sqlite)?;
        for total in totals {
            let (org, um) = total.map_err(sqlite)?;
            ledger.um.insert(OrgId::from_raw(org as u64), um as u64);
        }
        let mut select = rows.prepare("SELECT org, day, um FROM org_um_day ORDER BY org, day").map_err(sqlite)?;
        let days = select.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get::<_, i64>(2)?)));
        for day in days.map_err(sqlite)? {
            let (org, day, um) = day.map_err(sqlite)?;
            let days = ledger.um_by_day.entry(OrgId::from_raw(org as u64)).or_default();
            days.push((Day::from_raw(day), um as u64));
        }
    }
    let checkpoint = Position::from_raw(checkpoint);
    if !rebuilt.is_empty() {
        reread(shared, log, checkpoint, &rebuilt)?;
    }
    // A restored store goes on behind all that the one it comes from may have given away.
    let floor = Position::from_raw(log::meta(log, "floor")?);
    Ok(replay(shared, log, checkpoint)?.max(floor))
}

fn newest_position(shared: &Shared) -> Position {
    let newest = |shard| shared.devices.read(shard).values().map(|state| state.through).max();
    (0..SHARDS).filter_map(newest).max().unwrap_or_default()
}

/// Loads the saved states; gives the devices whose state is damaged, each with the last position
/// that is in its chunks.
fn load_states(shared: &Shared, rows: &Connection) -> Result<BTreeMap<DeviceId, Position>, Error> {
    let mut rebuilt = BTreeMap::new();
    let mut select = rows.prepare("SELECT device, org, bytes FROM device").map_err(sqlite)?;
    let mut found = select.query([]).map_err(sqlite)?;
    while let Some(row) = found.next().map_err(sqlite)? {
        let device = DeviceId(row.get::<_, i64>(0).map_err(sqlite)? as u64);
        let org = OrgId::from_raw(row.get::<_, i64>(1).map_err(sqlite)? as u64);
        let bytes = row.get_ref(2).map_err(sqlite)?;
        let bytes = bytes.as_blob().map_err(|cause| Error::internal(cause.to_string()))?;
        let state = match DeviceState::decode(bytes) {
            Ok(state) => state,
            Err(cause) => {
                shared.counters.damaged.fetch_add(1, Relaxed);
                drop(damaged_bytes(format!("the saved state of device {device}"), cause));
                let (state, sealed_through) = rebuild(rows, org, device)?;
                rebuilt.insert(device, sealed_through);
                state
            }
        };
        shared.count_open(0, state.open.bytes());
        shared.devices.write(Devices::shard(device)).insert(device, state);
    }
    Ok(rebuilt)
}

/// What can be known of a device whose saved state is damaged without reading the log: what is in
/// its chunks, and up to which position that is.
fn rebuild(rows: &Connection, org: OrgId, device: DeviceId) -> Result<(DeviceState, Position), Error> {
    let mut state = DeviceState::new(org);
    state.last_is_stale = true;
    state.has_decodings = true;
    let sql = "SELECT MAX(last_ms), MAX(last_position) FROM chunk WHERE device = ?";
    let (sealed_until, position): (Option<i64>, Option<i64>) =
        rows.query_row(sql, [device.0 as i64], |row| Ok((row.get(0)?, row.get(1)?))).map_err(sqlite)?;
    state.sealed_until = sealed_until.map_or(Timestamp::MIN, Timestamp::from_millis);
    Ok((state, Position::from_raw(position.unwrap_or_default() as u64)))
}

/// Takes in what the log still holds, up to the checkpoint, of devices whose state is damaged.
fn reread(
    shared: &Shared,
    connection: &Connection,
    checkpoint: Position,
    rebuilt: &BTreeMap<DeviceId, Position>,
) -> Result<(), Error> {
    log::each_after(connection, Position::START, |commit| {
        let Ok(blob) = commit.blob() else { return Ok(true) };
        for (position, _, bytes) in blob.entries().filter(|(position, ..)| *position <= checkpoint) {
            let Ok(Logged::Entry(entry)) = bytes.and_then(entry::decode) else { continue };
            let Some((_, device)) = device_of(&entry) else { continue };
            let Some(sealed_through) = rebuilt.get(&device) else { continue };
            shared.devices.change(device, |state| {
                let before = state.open.bytes();
                if position <= *sealed_through {
                    state.remember(&entry, position);
                } else {
                    state.apply(entry, position);
                    // The newest values are those of the chunks too.
                    state.last_is_stale = true;
                }
                shared.count_open(before, state.open.bytes());
            });
        }
        Ok(commit.position <= checkpoint)
    })
}

/// Takes in the log after a position, and gives the next position.
///
/// A damaged commit or entry is named in the log of the program and passed over: the rest is
/// worth more than none.
pub(crate) fn replay(shared: &Shared, connection: &Connection, after: Position) -> Result<Position, Error> {
    let mut skip = 0;
    log::each_after(connection, after, |commit| {
        skip = if apply(shared, &commit, after) { 0 } else { POSITIONS_SKIPPED };
        Ok(true)
    })?;
    if let Some((_, last)) = log::ends(connection)? {
        let mut ledger = shared.ledger();
        ledger.head = ledger.head.max(last);
    }
    let head = shared.ledger().head;
    shared.head.send_replace(head);
    Ok(Position::from_raw(head.get() + skip + 1))
}

/// Takes in one commit; whether all of it could be read.
fn apply(shared: &Shared, commit: &Commit, after: Position) -> bool {
    let Ok(blob) = commit.blob() else {
        shared.counters.damaged.fetch_add(1, Relaxed);
        return false;
    };
    let (mut orgs, mut whole) = (BTreeSet::new(), true);
    for (position, _, bytes) in blob.entries().filter(|(position, ..)| *position > after) {
        let entry = match bytes.and_then(entry::decode) {
            Ok(Logged::Entry(entry)) => entry,
            Ok(Logged::Erased { org, um, received_at }) => {
                let received_at = received_at.unwrap_or(Timestamp::from_millis(commit.received_ms));
                shared.ledger().count_um(org, received_at, um);
                continue;
            }
            Err(cause) => {
                shared.counters.damaged.fetch_add(1, Relaxed);
                drop(damaged_bytes(format!("the log's entry at position {position}"), cause));
                whole = false;
                continue;
            }
        };
        shared.log_bytes.fetch_add(bytes.map_or(0, |bytes| bytes.len() as u64), Relaxed);
        orgs.insert(entry.org());
        shared.ledger().count_um(entry.org(), entry.received_at(), entry.um());
        if let Some((org, device)) = device_of(&entry) {
            let mut shard = shared.devices.write(Devices::shard(device));
            let state = shard.entry(device).or_insert_with(|| DeviceState::new(org));
            let before = state.open.bytes();
            state.apply(entry, position);
            shared.count_open(before, state.open.bytes());
        }
    }
    if let Some(last) = blob.last().filter(|last| *last > after) {
        shared.ledger().commit(commit.position, last, &orgs);
    }
    whole
}
