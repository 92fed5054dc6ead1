use model::{Channel, ChannelIndex, DeviceEui, MeasurementId, OrgId};
use rusqlite::{Connection, Row};

use super::{
    column::{self, Time},
    devices,
    failure::Failure,
};

pub(super) fn describe(connection: &Connection, org: OrgId, eui: DeviceEui, channel: &Channel) -> Result<(), Failure> {
    let device = devices::id(connection, org, eui)?;
    let measurements: Vec<String> = channel.measurements.iter().map(MeasurementId::to_string).collect();
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO channel (device, number, name, sensor_type, sensor_id, measurements, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute((
            device,
            channel.index.0,
            &channel.name,
            &channel.sensor_type,
            &channel.sensor_id,
            measurements.join(","),
            Time(channel.created_at),
        ))?;
    Ok(())
}

pub(super) fn forget(connection: &Connection, device: i64) -> Result<(), Failure> {
    connection.prepare_cached("DELETE FROM channel WHERE device = ?1")?.execute([device])?;
    Ok(())
}

/// The channel whose columns begin at `first`, if the joined row has one.
pub(super) fn read(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<Channel>> {
    let Some(index) = row.get(first)? else { return Ok(None) };
    let Time(created_at) = row.get(first + 5)?;
    Ok(Some(Channel {
        index: ChannelIndex(index),
        name: row.get(first + 1)?,
        sensor_type: row.get(first + 2)?,
        sensor_id: row.get(first + 3)?,
        measurements: column::list(row, first + 4)?,
        created_at,
    }))
}
