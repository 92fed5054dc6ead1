use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode},
};
use model::{Channel, ChannelIndex, Device, DeviceEui, RowFlags, StationKey, Timestamp, sensor_type};
use serde::Serialize;
use store::Store;

use super::{
    auth::{authenticate, is_key_of},
    body::{self, Declared},
    envelope::{Answer, Fault},
};
use crate::{Accepted, BODY_BYTES_MAX, IngestState, Refusal, report::store_reports};

/// What became of a report.
#[derive(Debug, Serialize)]
pub(crate) struct Taken {
    stored: usize,
    duplicate: bool,
    warnings: Vec<String>,
}

/// `POST /deviceapi/kit/message_uplink`, `/deviceapi/device/report_data` and
/// `/deviceapi/device/report_status`: one body, whichever of them it is posted to.
pub(crate) async fn report(
    State(state): State<Arc<IngestState>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Answer<Taken>, Fault> {
    let store = state.store.as_ref();
    let device = authenticate(store, &state.devices.station_key, &headers).await?;
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Fault::TooLarge(BODY_BYTES_MAX),
        _ => Fault::Body("the body ended before its end; send it again".to_owned()),
    })?;
    let taken = take(store, &state.devices.station_key, &device, &body, (state.now)()).await;
    if let Err(fault) = &taken {
        tracing::warn!(org = %device.org, eui = %device.eui, "a report is refused: {fault:?}");
    }
    let Accepted { stored, duplicate, warnings, .. } = taken?;
    Ok(Answer(Taken { stored, duplicate, warnings }))
}

/// Takes what a device published into the store, as if it had posted it; who it is, it has proved
/// already.
///
/// **Errors**: nothing of it is stored, for the reason given.
pub async fn accept_device_message(
    store: &dyn Store,
    device: &Arc<Device>,
    body: &[u8],
    received_at: Timestamp,
) -> Result<Accepted, Refusal> {
    let contents = body::read(device.eui, body, received_at)?;
    keep(store, device, contents, received_at).await
}

/// How many readings a report has, and what of it is not kept.
///
/// **Errors**: a body that is no report of the device.
pub fn read_device_report(
    eui: DeviceEui,
    body: &[u8],
    received_at: Timestamp,
) -> Result<(usize, Vec<String>), Refusal> {
    let contents = body::read(eui, body, received_at)?;
    Ok((contents.reports.iter().map(|report| report.readings.len()).sum(), contents.warnings))
}

async fn take(
    store: &dyn Store,
    station_key: &StationKey,
    device: &Arc<Device>,
    body: &[u8],
    received_at: Timestamp,
) -> Result<Accepted, Fault> {
    let contents = body::read(device.eui, body, received_at)?;
    if contents.key.as_ref().is_some_and(|key| !is_key_of(station_key, device, key)) {
        return Err(Fault::WrongKey);
    }
    Ok(keep(store, device, contents, received_at).await?)
}

async fn keep(
    store: &dyn Store,
    device: &Arc<Device>,
    contents: body::Contents,
    received_at: Timestamp,
) -> Result<Accepted, Refusal> {
    for declared in contents.declared {
        declare(store, device, declared, received_at).await?;
    }
    if contents.reports.is_empty() {
        return Ok(Accepted { warnings: contents.warnings, ..Accepted::default() });
    }
    let reports = contents.reports.into_iter().map(|report| (Arc::clone(device), report.of(device, received_at)));
    let mut accepted = store_reports(store, RowFlags::NONE, reports.collect()).await?;
    accepted.warnings.extend(contents.warnings);
    Ok(accepted)
}

/// Writes down which sensor is in a socket, unless that is known; devices repeat it.
async fn declare(
    store: &dyn Store,
    device: &Device,
    declared: Declared,
    received_at: Timestamp,
) -> Result<(), store::Error> {
    let index = ChannelIndex(declared.channel);
    let known = device.channels.iter().find(|channel| channel.index == index);
    if known.is_some_and(|channel| channel.sensor_type.as_ref() == Some(&declared.sensor_type)) {
        return Ok(());
    }
    let measurements = sensor_type(&declared.sensor_type).map(|known| known.measurements.clone()).unwrap_or_default();
    let channel = match known {
        Some(channel) => Channel { sensor_type: Some(declared.sensor_type), measurements, ..channel.clone() },
        None => Channel {
            index,
            name: String::new(),
            sensor_type: Some(declared.sensor_type),
            sensor_id: String::new(),
            measurements,
            created_at: received_at,
        },
    };
    store.describe_channel(device.org, device.eui, channel).await
}
