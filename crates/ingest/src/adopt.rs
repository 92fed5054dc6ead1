//! What was kept of a device before somebody bound it becomes its history.

use std::collections::{BTreeMap, BTreeSet};

use model::{DeviceEui, OrgId, RowFlags, SourceId, Window};
use store::{Entry, Error, FrameQuery, Store, StoredFrame, UnboundUplink};

use crate::{
    Scripts,
    pipeline::{Ready, origin, prepare},
};

/// Uplinks that are decoded and appended in one commit.
const UPLINKS_AT_ONCE: usize = 250;
/// Devices that are looked for at once.
const DEVICES_AT_ONCE: usize = 100;

/// What became of the uplinks that were kept of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Adopted {
    /// How many uplinks were appended.
    pub uplinks: u64,
    /// How many readings they had.
    pub readings: u64,
    /// How many of the uplinks nothing could be decoded of; their frames are kept with the reason.
    pub undecodable: u64,
}

/// Appends what was kept of every device that is bound by now.
///
/// **Errors**: those of the store; what was done until then stays done.
pub async fn adopt_all(store: &dyn Store, scripts: &Scripts) -> Result<(), Error> {
    loop {
        let devices = store.list_adoptable(DEVICES_AT_ONCE).await?;
        for (org, eui) in &devices {
            let adopted = adopt(store, scripts, *org, *eui).await?;
            let Adopted { uplinks, readings, undecodable } = adopted;
            tracing::info!(%org, %eui, uplinks, readings, undecodable, "decoded what a device had sent before");
        }
        if devices.len() < DEVICES_AT_ONCE {
            return Ok(());
        }
    }
}

/// Appends what was kept of a device, each uplink once, however often this is begun; nothing if it is not bound.
///
/// **Errors**: as [`adopt_all`].
pub async fn adopt(store: &dyn Store, scripts: &Scripts, org: OrgId, eui: DeviceEui) -> Result<Adopted, Error> {
    let sources = store.list_sources(org).await?;
    let origins: BTreeMap<SourceId, RowFlags> = sources.iter().map(|source| (source.id, origin(source))).collect();
    let mut adopted = Adopted::default();
    // One that is unbound meanwhile keeps what is left.
    while let Some(device) = store.find_device(org, eui).await? {
        let kept = store.list_unbound_uplinks(org, eui, UPLINKS_AT_ONCE).await?;
        let Some(last) = kept.last().map(|kept| kept.number) else { break };
        let there = appended_before(store, org, device.id, &kept).await?;
        let mut ready: Vec<Ready> = Vec::with_capacity(kept.len());
        for UnboundUplink { uplink, .. } in kept.into_iter().filter(|kept| !there.iter().any(|one| is_same(one, kept)))
        {
            let origin = origins.get(&uplink.source).copied().unwrap_or_default();
            ready.push(prepare(store, scripts, &device, origin, uplink).await?);
        }
        let undecodable = ready.iter().filter(|ready| ready.refusal.is_some()).count() as u64;
        let readings: usize = ready.iter().flat_map(|ready| &ready.uplink.rows).map(|row| row.readings.len()).sum();
        let uplinks = ready.len() as u64;
        store.append(ready.into_iter().map(|ready| Entry::Uplink(ready.uplink)).collect()).await?;
        store.settle_unbound(org, eui, last).await?;
        adopted.uplinks += uplinks;
        adopted.readings += readings as u64;
        adopted.undecodable += undecodable;
    }
    Ok(adopted)
}

/// Frames of the times of some kept uplinks: after a crash between appending and forgetting, these are among them.
async fn appended_before(
    store: &dyn Store,
    org: OrgId,
    device: model::DeviceId,
    kept: &[UnboundUplink],
) -> Result<Vec<StoredFrame>, Error> {
    /// A device is not heard more often in one millisecond.
    const FRAMES_MAX: usize = 1_000;
    let times: BTreeSet<_> = kept.iter().map(|kept| kept.uplink.received_at).collect();
    let mut frames = Vec::new();
    // Each time by itself: whatever else the device sent between them must not crowd these out.
    for time in times {
        let query = FrameQuery { device, window: Window::new(time, time.plus_ms(1)), limit: FRAMES_MAX };
        frames.extend(store.frames(org, query).await?);
    }
    Ok(frames)
}

fn is_same(stored: &StoredFrame, kept: &UnboundUplink) -> bool {
    let (frame, uplink) = (&stored.frame, &kept.uplink);
    (stored.received_at, frame.f_port, frame.f_cnt) == (uplink.received_at, uplink.frame.f_port, uplink.frame.f_cnt)
        && frame.payload == uplink.frame.payload
}
