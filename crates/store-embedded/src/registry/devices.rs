use std::ops::RangeInclusive;

use model::{Antenna, ChannelMap, Device, DeviceEui, DeviceId, DeviceNotes, GeoPoint, GroupId, OrgId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row};
use store::{Binding, DeviceChange, DeviceFilter, Error, Kind};

use super::{
    channels,
    column::{self, Org, Text, Time, count},
    failure::Failure,
    groups, organizations,
};

pub(super) fn bind(connection: &Connection, binding: Binding) -> Result<Device, Failure> {
    organizations::get(connection, binding.org)?;
    groups::check(connection, binding.org, binding.group)?;
    let before = connection
        .prepare_cached("SELECT id, bound_at IS NOT NULL FROM device WHERE org = ?1 AND eui = ?2")?
        .query_row((Org(binding.org), Text(binding.eui)), |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (id, generation) = match before {
        Some((_, true)) => return Err(Failure::conflict(Kind::Device)),
        Some((id, false)) => (id, rebind(connection, id, &binding)?),
        None => (bind_first(connection, &binding)?, 1),
    };
    Ok(binding.into_device(DeviceId(id.cast_unsigned()), generation))
}

pub(super) fn bind_within(connection: &Connection, binding: Binding, devices_max: usize) -> Result<Device, Failure> {
    let alike: i64 = connection
        .prepare_cached("SELECT count(*) FROM device WHERE org = ?1 AND model = ?2 AND bound_at IS NOT NULL")?
        .query_row((Org(binding.org), &binding.model), |row| row.get(0))?;
    if alike >= count(devices_max) {
        return Err(Failure::Refused(Error::Limit { what: "devices", max: devices_max as u64 }));
    }
    bind(connection, binding)
}

fn bind_first(connection: &Connection, binding: &Binding) -> Result<i64, Failure> {
    connection
        .prepare_cached(
            "INSERT INTO device (org, eui, kind, model, name, group_id, latitude, longitude, frequency, code, bound_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute((
            Org(binding.org),
            Text(binding.eui),
            column::Kind(binding.kind),
            &binding.model,
            &binding.name,
            binding.group.map(Text),
            binding.place.map(|place| place.latitude),
            binding.place.map(|place| place.longitude),
            &binding.frequency,
            &binding.code,
            Time(binding.bound_at),
        ))?;
    Ok(connection.last_insert_rowid())
}

/// The device's new generation.
fn rebind(connection: &Connection, id: i64, binding: &Binding) -> Result<u32, Failure> {
    let generation = connection
        .prepare_cached(
            "UPDATE device SET kind = ?2, model = ?3, name = ?4, group_id = ?5, latitude = ?6, longitude = ?7,
             frequency = ?8, code = ?9, bound_at = ?10, generation = generation + 1, report_cycle_min = NULL,
             description = '', country = '', antenna = NULL, altitude_m = NULL, channel_map = ''
             WHERE id = ?1 RETURNING generation",
        )?
        .query_row(
            (
                id,
                column::Kind(binding.kind),
                &binding.model,
                &binding.name,
                binding.group.map(Text),
                binding.place.map(|place| place.latitude),
                binding.place.map(|place| place.longitude),
                &binding.frequency,
                &binding.code,
                Time(binding.bound_at),
            ),
            |row| row.get(0),
        )?;
    channels::forget(connection, id)?;
    Ok(generation)
}

pub(super) fn unbind(connection: &Connection, org: OrgId, eui: DeviceEui) -> Result<(), Failure> {
    let unbound = connection
        .prepare_cached("UPDATE device SET bound_at = NULL WHERE org = ?1 AND eui = ?2 AND bound_at IS NOT NULL")?
        .execute((Org(org), Text(eui)))?;
    found(unbound)
}

pub(super) fn update(
    connection: &Connection,
    org: OrgId,
    eui: DeviceEui,
    change: &DeviceChange,
) -> Result<(), Failure> {
    if let Some(group) = change.group {
        groups::check(connection, org, group)?;
    }
    let updated = connection
        .prepare_cached(
            "UPDATE device SET name = coalesce(?3, name), model = coalesce(?4, model),
             latitude = coalesce(?5, latitude), longitude = coalesce(?6, longitude),
             group_id = iif(?7, ?8, group_id), description = coalesce(?9, description),
             country = coalesce(?10, country), antenna = coalesce(?11, antenna),
             altitude_m = coalesce(?12, altitude_m), channel_map = coalesce(?13, channel_map)
             WHERE org = ?1 AND eui = ?2 AND bound_at IS NOT NULL",
        )?
        .execute((
            Org(org),
            Text(eui),
            &change.name,
            &change.model,
            change.place.map(|place| place.latitude),
            change.place.map(|place| place.longitude),
            change.group.is_some(),
            change.group.flatten().map(Text),
            &change.description,
            &change.country,
            change.antenna.map(Text),
            change.altitude_m,
            change.channel_map.as_ref().map(Text),
        ))?;
    found(updated)
}

pub(super) fn move_to_group(
    connection: &Connection,
    org: OrgId,
    devices: &[DeviceEui],
    group: Option<GroupId>,
) -> Result<(), Failure> {
    groups::check(connection, org, group)?;
    let mut statement = connection
        .prepare_cached("UPDATE device SET group_id = ?3 WHERE org = ?1 AND eui = ?2 AND bound_at IS NOT NULL")?;
    for eui in devices {
        found(statement.execute((Org(org), Text(*eui), group.map(Text)))?)?;
    }
    Ok(())
}

pub(super) fn set_report_cycle(
    connection: &Connection,
    org: OrgId,
    devices: &[DeviceEui],
    minutes: u16,
) -> Result<(), Failure> {
    let mut statement = connection.prepare_cached(
        "UPDATE device SET report_cycle_min = ?3 WHERE org = ?1 AND eui = ?2 AND bound_at IS NOT NULL",
    )?;
    for eui in devices {
        found(statement.execute((Org(org), Text(*eui), minutes))?)?;
    }
    Ok(())
}

pub(super) fn is_bound(connection: &Connection, org: OrgId, eui: DeviceEui) -> Result<bool, Failure> {
    let sql = "SELECT 1 FROM device WHERE org = ?1 AND eui = ?2 AND bound_at IS NOT NULL";
    Ok(connection.prepare_cached(sql)?.exists((Org(org), Text(eui)))?)
}

/// The id of a bound device.
pub(super) fn id(connection: &Connection, org: OrgId, eui: DeviceEui) -> Result<i64, Failure> {
    connection
        .prepare_cached("SELECT id FROM device WHERE org = ?1 AND eui = ?2 AND bound_at IS NOT NULL")?
        .query_row((Org(org), Text(eui)), |row| row.get(0))
        .optional()?
        .ok_or(Failure::not_found(Kind::Device))
}

pub(super) fn find(connection: &Connection, org: OrgId, eui: DeviceEui) -> Result<Option<Device>, Failure> {
    Ok(select(connection, org, DeviceFilter::default(), eui..=eui, 1)?.pop())
}

/// Who has bound a device.
pub(super) fn list_owners(connection: &Connection, eui: DeviceEui, limit: usize) -> Result<Vec<OrgId>, Failure> {
    let mut statement = connection
        .prepare_cached("SELECT org FROM device WHERE eui = ?1 AND bound_at IS NOT NULL ORDER BY org LIMIT ?2")?;
    let orgs = statement.query_map((Text(eui), count(limit as u64)), |row| row.get(0).map(|Org(org)| org))?;
    Ok(orgs.collect::<Result<_, _>>()?)
}

/// Bound or not.
pub(super) fn find_id(connection: &Connection, org: OrgId, eui: DeviceEui) -> Result<Option<DeviceId>, Failure> {
    let id = connection
        .prepare_cached("SELECT id FROM device WHERE org = ?1 AND eui = ?2")?
        .query_row((Org(org), Text(eui)), |row| row.get::<_, i64>(0))
        .optional()?;
    Ok(id.map(|id| DeviceId(id.cast_unsigned())))
}

pub(super) fn find_unbound(
    connection: &Connection,
    org: OrgId,
    eui: DeviceEui,
    at: Timestamp,
) -> Result<Option<Binding>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT id, org, eui, kind, model, name, group_id, latitude, longitude, frequency, code, ?3,
                generation, report_cycle_min, description, country, antenna, altitude_m, channel_map
         FROM device WHERE org = ?1 AND eui = ?2 AND bound_at IS NULL",
    )?;
    let device = statement.query_row((Org(org), Text(eui), Time(at)), read).optional()?;
    Ok(device.map(|device| Binding::of(&device, at)))
}

pub(super) fn list(
    connection: &Connection,
    org: OrgId,
    filter: DeviceFilter,
    after: Option<DeviceEui>,
    limit: usize,
) -> Result<Vec<Device>, Failure> {
    let first = match after {
        None => 0,
        Some(after) => match after.get().checked_add(1) {
            Some(first) => first,
            None => return Ok(Vec::new()),
        },
    };
    let range = DeviceEui::from_raw(first)..=DeviceEui::from_raw(u64::MAX);
    select(connection, org, filter, range, limit)
}

/// Bound devices with their channels, in one statement so that they belong together. Both indexes
/// have the order asked for, so that nothing is sorted, and what is beyond the limit is not read.
fn select(
    connection: &Connection,
    org: OrgId,
    filter: DeviceFilter,
    range: RangeInclusive<DeviceEui>,
    limit: usize,
) -> Result<Vec<Device>, Failure> {
    let kind = if filter.kind.is_some() { "AND d.kind = ?4" } else { "" };
    let group = if filter.group.is_some() { "AND d.group_id IS ?5" } else { "" };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT d.id, d.org, d.eui, d.kind, d.model, d.name, d.group_id, d.latitude, d.longitude, d.frequency,
                d.code, d.bound_at, d.generation, d.report_cycle_min, d.description, d.country, d.antenna,
                d.altitude_m, d.channel_map, c.number, c.name, c.sensor_type, c.sensor_id, c.measurements, c.created_at
         FROM device AS d LEFT JOIN channel AS c ON c.device = d.id
         WHERE d.org = ?1 AND d.eui BETWEEN ?2 AND ?3 AND d.bound_at IS NOT NULL {kind} {group}
         ORDER BY d.eui, c.number"
    ))?;
    statement.raw_bind_parameter(1, Org(org))?;
    statement.raw_bind_parameter(2, Text(range.start()))?;
    statement.raw_bind_parameter(3, Text(range.end()))?;
    if let Some(kind) = filter.kind {
        statement.raw_bind_parameter(4, column::Kind(kind))?;
    }
    if let Some(group) = filter.group {
        statement.raw_bind_parameter(5, group.map(Text))?;
    }
    let mut devices: Vec<Device> = Vec::new();
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        let Text(eui) = row.get(2)?;
        if devices.last().is_none_or(|device| device.eui != eui) {
            if devices.len() == limit {
                break;
            }
            devices.push(read(row)?);
        }
        if let (Some(device), Some(channel)) = (devices.last_mut(), channels::read(row, 19)?) {
            device.channels.push(channel);
        }
    }
    Ok(devices)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Device> {
    let (Org(org), Text(eui), column::Kind(kind), Time(bound_at)) =
        (row.get(1)?, row.get(2)?, row.get(3)?, row.get(11)?);
    let place = match (row.get(7)?, row.get(8)?) {
        (Some(latitude), Some(longitude)) => Some(GeoPoint { latitude, longitude }),
        _ => None,
    };
    Ok(Device {
        id: DeviceId(row.get::<_, i64>(0)?.cast_unsigned()),
        org,
        eui,
        kind,
        model: row.get(4)?,
        name: row.get(5)?,
        group: row.get::<_, Option<Text<GroupId>>>(6)?.map(|Text(id)| id),
        place,
        frequency: row.get(9)?,
        code: row.get(10)?,
        channels: Vec::new(),
        bound_at,
        generation: row.get(12)?,
        report_cycle_min: row.get(13)?,
        notes: DeviceNotes {
            description: row.get(14)?,
            country: row.get(15)?,
            antenna: row.get::<_, Option<Text<Antenna>>>(16)?.map(|Text(antenna)| antenna),
            altitude_m: row.get(17)?,
        },
        channel_map: row.get::<_, Text<ChannelMap>>(18)?.0,
    })
}

fn found(rows: usize) -> Result<(), Failure> {
    if rows == 1 { Ok(()) } else { Err(Failure::not_found(Kind::Device)) }
}
