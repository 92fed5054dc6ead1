use std::sync::Arc;

use codec::{Codec, Decoded};
use model::{CodecVersion, Device, DeviceKind, Reading, RowFlags, Source, SourceKind, Timestamp, Uplink};
use store::{Binding, Entry, NewRow, Store, StoredUplink};

use crate::Refusal;

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Accepted {
    /// How many readings are in the store now that were not before.
    pub stored: usize,
    /// Whether the message had been stored already.
    pub duplicate: bool,
    /// What somebody should look at.
    pub warnings: Vec<String>,
}

/// What a network server itself says about a device.
#[derive(Debug, Clone, PartialEq)]
pub struct StatusReport {
    /// Whose device, which, and when; without a payload.
    pub uplink: Uplink,
    /// Battery, signal.
    pub statuses: Vec<Reading>,
}

/// Takes one uplink into the store.
///
/// **Errors**: nothing of it is stored, for the reason given.
pub async fn accept(store: &dyn Store, source: &Source, uplink: Uplink) -> Result<Accepted, Refusal> {
    let mut accepted = accept_all(store, source, vec![uplink]).await?;
    Ok(accepted.pop().unwrap_or_default())
}

/// Takes uplinks into the store, all in one commit or none.
///
/// **Errors**: nothing of any is stored, for the reason that the first one gave.
pub async fn accept_all(store: &dyn Store, source: &Source, uplinks: Vec<Uplink>) -> Result<Vec<Accepted>, Refusal> {
    let mut ready = Vec::with_capacity(uplinks.len());
    for uplink in uplinks {
        let device = find_device(store, source, &uplink, |codec| decode(codec, &uplink).map(drop)).await?;
        let codec = choose_codec(&device)?;
        let decoded = decode(codec, &uplink)?;
        ready.push(stamp(&device, source, codec, uplink, decoded));
    }
    append(store, ready).await
}

/// Takes what a network server says about a device into the store.
///
/// **Errors**: nothing of it is stored, for the reason given.
pub async fn accept_status(store: &dyn Store, source: &Source, report: StatusReport) -> Result<Accepted, Refusal> {
    let StatusReport { uplink, statuses } = report;
    let device = find_device(store, source, &uplink, |_| Ok(())).await?;
    let (measured_at, flags) = believable(uplink.sent_at, uplink.received_at);
    let rows = vec![NewRow { measured_at, flags: flags.with(origin(source)), readings: statuses }];
    let stored = stored_uplink(&device, uplink, CodecVersion::default(), rows);
    let mut accepted = append(store, vec![(StoredUplink { frame: None, ..stored }, Vec::new())]).await?;
    Ok(accepted.pop().unwrap_or_default())
}

/// The bound device, or a newly bound one if the source may add devices, says which model it is, and
/// what it says agrees with that.
async fn find_device(
    store: &dyn Store,
    source: &Source,
    uplink: &Uplink,
    agrees: impl FnOnce(&Codec) -> Result<(), Refusal>,
) -> Result<Arc<Device>, Refusal> {
    if let Some(device) = store.find_device(source.org, uplink.eui).await? {
        return Ok(device);
    }
    let unknown = || Refusal::UnknownDevice(uplink.eui);
    let codec = uplink.model_hints.iter().find_map(|hint| Codec::guess(hint)).filter(|_| source.auto_add);
    let codec = codec.ok_or_else(unknown)?;
    agrees(codec)?;
    match store.bind_device(bind_by_itself(source, codec, uplink)).await {
        Ok(device) => {
            tracing::info!(org = %device.org, eui = %device.eui, model = device.model, "added a device");
            Ok(device)
        }
        // Somebody else was quicker.
        Err(store::Error::Conflict(_)) => store.find_device(source.org, uplink.eui).await?.ok_or_else(unknown),
        Err(error) => Err(error.into()),
    }
}

fn bind_by_itself(source: &Source, codec: &Codec, uplink: &Uplink) -> Binding {
    const NAME_CHARS_MAX: usize = 64;
    Binding {
        org: source.org,
        eui: uplink.eui,
        kind: DeviceKind::Node,
        model: codec.model().to_owned(),
        name: uplink.name_hint.chars().take(NAME_CHARS_MAX).collect(),
        group: None,
        place: None,
        frequency: String::new(),
        code: String::new(),
        bound_at: uplink.received_at,
    }
}

fn choose_codec(device: &Device) -> Result<&'static Codec, Refusal> {
    Codec::find(&device.model).ok_or_else(|| Refusal::NoCodec { eui: device.eui, model: device.model.clone() })
}

fn decode(codec: &Codec, uplink: &Uplink) -> Result<Decoded, Refusal> {
    codec.decode(uplink.frame.f_port, &uplink.frame.payload).map_err(|fault| Refusal::Undecodable {
        eui: uplink.eui,
        model: codec.model(),
        fault,
    })
}

/// Gives every row its time and what is to be known about it.
fn stamp(
    device: &Device,
    source: &Source,
    codec: &Codec,
    mut uplink: Uplink,
    decoded: Decoded,
) -> (StoredUplink, Vec<String>) {
    let mut warnings: Vec<String> = decoded.warnings.iter().map(ToString::to_string).collect();
    uplink.frame.fault = decoded.warnings.iter().find_map(|warning| match warning {
        codec::Warning::Fault { fault, .. } => Some(fault.to_string().into()),
        _ => None,
    });
    let rows = decoded.rows.into_iter().map(|row| {
        let said = row.measured_at.unwrap_or(uplink.sent_at);
        let (measured_at, flags) = believable(said, uplink.received_at);
        if flags.has(RowFlags::CLAMPED) {
            warnings.push(format!("the time `{said}` cannot be right; the time of receipt was taken instead"));
        }
        let flags = flags.with(origin(source));
        NewRow { measured_at, flags, readings: row.readings }
    });
    let rows = rows.collect();
    (stored_uplink(device, uplink, codec.version(), rows), warnings)
}

/// A time of the device, or the time of receipt where the device's cannot be right.
pub(crate) fn believable(said: Timestamp, received_at: Timestamp) -> (Timestamp, RowFlags) {
    /// 2015-01-01: there was no LoRaWAN before.
    const FIRST: Timestamp = Timestamp::from_millis(1_420_070_400_000);
    const AHEAD_MS: i64 = 24 * 3_600_000;
    const LATE_MS: i64 = 10 * 60_000;
    if said < FIRST || said > received_at.plus_ms(AHEAD_MS) {
        (received_at, RowFlags::CLAMPED)
    } else if received_at.since_ms(said) > LATE_MS {
        (said, RowFlags::LATE)
    } else {
        (said, RowFlags::NONE)
    }
}

pub(crate) fn origin(source: &Source) -> RowFlags {
    if source.kind == SourceKind::Demo { RowFlags::SIMULATED } else { RowFlags::NONE }
}

pub(crate) fn stored_uplink(device: &Device, uplink: Uplink, codec: CodecVersion, rows: Vec<NewRow>) -> StoredUplink {
    StoredUplink {
        org: device.org,
        device: device.id,
        eui: device.eui,
        source: uplink.source,
        dedup: uplink.dedup,
        received_at: uplink.received_at,
        codec,
        frame: Some(uplink.frame),
        rows,
    }
}

pub(crate) async fn append(
    store: &dyn Store,
    ready: Vec<(StoredUplink, Vec<String>)>,
) -> Result<Vec<Accepted>, Refusal> {
    let mut accepted = Vec::with_capacity(ready.len());
    let mut entries = Vec::with_capacity(ready.len());
    for (uplink, warnings) in ready {
        let stored = uplink.rows.iter().map(|row| row.readings.len()).sum();
        accepted.push(Accepted { stored, duplicate: false, warnings });
        entries.push(Entry::Uplink(uplink));
    }
    let outcomes = store.append(entries).await?;
    for (accepted, outcome) in accepted.iter_mut().zip(outcomes) {
        if outcome.duplicate {
            accepted.stored = 0;
            accepted.duplicate = true;
        }
    }
    Ok(accepted)
}
