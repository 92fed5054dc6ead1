use std::sync::Arc;

use codec::{Codec, Decoded};
use model::{ChannelMap, CodecVersion, Device, DeviceKind, Reading, RowFlags, Source, SourceKind, Timestamp, Uplink};
use store::{Binding, Entry, NewRow, Store, StoredUplink};

use crate::{
    Refusal, Scripts,
    chosen::{Chosen, choose_codec},
};

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Accepted {
    /// How many readings are in the store now that were not before.
    pub stored: usize,
    /// Whether the message had been stored already.
    pub duplicate: bool,
    /// Whether nobody has bound the device: the message is kept until somebody does.
    pub kept: bool,
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
/// **Errors**: as [`accept_all`].
pub async fn accept(
    store: &dyn Store,
    scripts: &Scripts,
    source: &Source,
    uplink: Uplink,
) -> Result<Accepted, Refusal> {
    let mut accepted = accept_all(store, scripts, source, vec![uplink]).await?;
    Ok(accepted.pop().unwrap_or_default())
}

/// Takes uplinks into the store: those of bound devices in one commit, those of others each into the inventory.
///
/// **Errors**: `NoCodec` and `Undecodable` for the first uplink that nothing could be decoded of; its frame is stored
/// with the reason, and so are all others. With anything else, nothing of the bound devices is stored.
pub async fn accept_all(
    store: &dyn Store,
    scripts: &Scripts,
    source: &Source,
    uplinks: Vec<Uplink>,
) -> Result<Vec<Accepted>, Refusal> {
    let mut accepted = Vec::with_capacity(uplinks.len());
    let (mut places, mut ready, mut refusal) = (Vec::new(), Vec::new(), None);
    for uplink in uplinks {
        match find_or_keep(store, source, &uplink).await? {
            Found::Device(device) => {
                places.push(accepted.len());
                accepted.push(Accepted::default());
                let prepared = prepare(store, scripts, &device, origin(source), uplink).await?;
                ready.push((prepared.uplink, prepared.warnings));
                refusal = refusal.or(prepared.refusal);
            }
            Found::Kept(kept) => accepted.push(kept),
        }
    }
    let stored = append(store, ready).await?;
    places.into_iter().zip(stored).for_each(|(place, stored)| accepted[place] = stored);
    refusal.map_or(Ok(accepted), Err)
}

/// Takes an uplink that no device has sent into the store, flagged as such, if its device is bound.
///
/// **Errors**: as [`accept_all`].
pub(crate) async fn accept_simulated(
    store: &dyn Store,
    scripts: &Scripts,
    source: &Source,
    uplink: Uplink,
) -> Result<Accepted, Refusal> {
    let Some(device) = store.find_device(source.org, uplink.eui).await? else {
        let warning =
            format!("a simulated uplink of device `{}`, which nobody has bound: it was not stored", uplink.eui);
        return Ok(Accepted { warnings: vec![warning], ..Accepted::default() });
    };
    let prepared = prepare(store, scripts, &device, RowFlags::SIMULATED, uplink).await?;
    let mut accepted = append(store, vec![(prepared.uplink, prepared.warnings)]).await?;
    prepared.refusal.map_or_else(|| Ok(accepted.pop().unwrap_or_default()), Err)
}

/// Where an uplink goes.
enum Found {
    Device(Arc<Device>),
    /// Nobody has bound the device.
    Kept(Accepted),
}

async fn find_or_keep(store: &dyn Store, source: &Source, uplink: &Uplink) -> Result<Found, Refusal> {
    const TRIES: usize = 3;
    for _ in 0..TRIES {
        let agrees = |codec: &Codec| codec.decode(uplink.frame.f_port, &uplink.frame.payload).is_ok();
        if let Some(device) = find_device(store, source, uplink, agrees).await? {
            return Ok(Found::Device(device));
        }
        let name_hint = name(uplink);
        let model = guess(store, uplink).await?.unwrap_or_default();
        match store.keep_unbound(Uplink { name_hint, ..uplink.clone() }, &model).await {
            Ok(duplicate) => return Ok(Found::Kept(kept(uplink, duplicate))),
            // Somebody has bound it meanwhile.
            Err(store::Error::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(store::Error::Unavailable(format!("device `{}` is bound and unbound again and again", uplink.eui)).into())
}

fn kept(uplink: &Uplink, duplicate: bool) -> Accepted {
    let warning = format!(
        "no device `{}` is bound here; what it sends is kept, and decoded when you bind it with `senstation device add`",
        uplink.eui
    );
    Accepted { stored: 0, duplicate, kept: true, warnings: vec![warning] }
}

/// The bound device, or a newly bound one if the source may add devices, says which model it is, and
/// what it says agrees with that.
pub(crate) async fn find_device(
    store: &dyn Store,
    source: &Source,
    uplink: &Uplink,
    agrees: impl FnOnce(&Codec) -> bool,
) -> Result<Option<Arc<Device>>, Refusal> {
    if let Some(device) = store.find_device(source.org, uplink.eui).await? {
        return Ok(Some(device));
    }
    if !source.auto_add {
        return Ok(None);
    }
    let Some(model) = guess(store, uplink).await? else { return Ok(None) };
    // A rule that names a codec of the organization's own is its word; a guess has to fit.
    if Codec::find(&model).is_some_and(|codec| !agrees(codec)) {
        return Ok(None);
    }
    match store.bind_device(bind_by_itself(source, model, uplink)).await {
        Ok(device) => {
            tracing::info!(org = %device.org, eui = %device.eui, model = device.model, "added a device");
            Ok(Some(device))
        }
        // Somebody else was quicker.
        Err(store::Error::Conflict(_)) => Ok(store.find_device(source.org, uplink.eui).await?),
        Err(error) => Err(error.into()),
    }
}

/// The model that the network server's own words mean by the source's rules, or else make likely.
async fn guess(store: &dyn Store, uplink: &Uplink) -> Result<Option<String>, Refusal> {
    if uplink.model_hints.is_empty() {
        return Ok(None);
    }
    let rules = store.list_model_rules(uplink.org, uplink.source).await?;
    let ruled = rules.iter().find(|rule| uplink.model_hints.iter().any(|hint| rule.fits(hint)));
    if let Some(rule) = ruled
        && let Some(chosen) = Chosen::find(store, uplink.org, &rule.model).await?
    {
        return Ok(Some(chosen.model().to_owned()));
    }
    let guessed = uplink.model_hints.iter().find_map(|hint| Codec::guess(hint));
    Ok(guessed.map(|codec| codec.model().to_owned()))
}

fn name(uplink: &Uplink) -> String {
    const NAME_CHARS_MAX: usize = 64;
    uplink.name_hint.chars().take(NAME_CHARS_MAX).collect()
}

fn bind_by_itself(source: &Source, model: String, uplink: &Uplink) -> Binding {
    Binding {
        org: source.org,
        eui: uplink.eui,
        kind: DeviceKind::Node,
        model,
        name: name(uplink),
        group: None,
        place: None,
        frequency: String::new(),
        code: String::new(),
        bound_at: uplink.received_at,
    }
}

/// An uplink on its way into the store.
pub(crate) struct Ready {
    pub(crate) uplink: StoredUplink,
    pub(crate) warnings: Vec<String>,
    /// Why nothing of it could be decoded, if so.
    pub(crate) refusal: Option<Refusal>,
}

/// Decodes an uplink; one of which nothing can be decoded keeps its frame, with the reason.
///
/// **Errors**: the store cannot say which codec the device has.
pub(crate) async fn prepare(
    store: &dyn Store,
    scripts: &Scripts,
    device: &Device,
    origin: RowFlags,
    uplink: Uplink,
) -> Result<Ready, store::Error> {
    let Some(codec) = choose_codec(store, device).await? else {
        let refusal = Refusal::NoCodec { eui: device.eui, model: device.model.clone() };
        return Ok(keep_bytes(device, origin, uplink, refusal));
    };
    Ok(match codec.decode(scripts, &uplink.frame, uplink.received_at).await {
        Ok(decoded) => stamp(device, origin, codec.version(), uplink, decoded),
        Err(fault) => {
            let refusal = Refusal::Undecodable { eui: uplink.eui, model: codec.model().to_owned(), fault };
            keep_bytes(device, origin, uplink, refusal)
        }
    })
}

/// Gives every row its time and what is to be known about it.
fn stamp(device: &Device, origin: RowFlags, codec: CodecVersion, mut uplink: Uplink, decoded: Decoded) -> Ready {
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
        NewRow { measured_at, flags: flags.with(origin), readings: mapped(&device.channel_map, row.readings) }
    });
    let rows = rows.collect();
    Ready { uplink: stored_uplink(device, uplink, codec, rows), warnings, refusal: None }
}

/// The readings under the measurements that they stand for.
pub(crate) fn mapped(map: &ChannelMap, mut readings: Vec<Reading>) -> Vec<Reading> {
    if !map.is_empty() {
        readings.iter_mut().for_each(|reading| reading.series = map.series(reading.series));
    }
    readings
}

/// A row without readings, which says when the device sent what nobody understands.
fn keep_bytes(device: &Device, origin: RowFlags, mut uplink: Uplink, refusal: Refusal) -> Ready {
    let reason = match &refusal {
        Refusal::Undecodable { fault, .. } => fault.to_string(),
        other => other.to_string(),
    };
    uplink.frame.fault = Some(reason.into());
    let (measured_at, flags) = believable(uplink.sent_at, uplink.received_at);
    let rows = vec![NewRow { measured_at, flags: flags.with(origin), readings: Vec::new() }];
    let uplink = stored_uplink(device, uplink, CodecVersion::default(), rows);
    Ready { uplink, warnings: Vec::new(), refusal: Some(refusal) }
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
        accepted.push(Accepted { stored, warnings, ..Accepted::default() });
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
