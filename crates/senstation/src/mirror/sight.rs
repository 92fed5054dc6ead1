//! What another station has, and what it costs to bring home.

use std::{collections::BTreeMap, path::Path};

use anyhow::Context;
use model::{DeviceEui, Timestamp};
use portal::MirrorSight;
use serde_json::{Value, json};

use super::{
    WIDTH_MS_MAX, Wanted,
    devices::Inventory,
    state::{Copied, State},
};

/// What was seen of a station.
pub(crate) struct Sight {
    pub(super) inventory: Inventory,
    pub(crate) shown: MirrorSight,
    dm_spent: u64,
}

impl Sight {
    pub(super) fn json(&self, wanted: &Wanted) -> Value {
        let MirrorSight { station, other_org, groups, devices, gateways, dm, calls, hours } = &self.shown;
        json!({
            "station": station,
            "other_org_id": other_org,
            "org_id": wanted.org.to_string(),
            "groups": groups.len(),
            "devices": devices.len(),
            "gateways": gateways,
            "series": devices.iter().map(|(_, _, series)| series).sum::<usize>(),
            "since": wanted.since.to_string(),
            "estimate": { "dm": dm, "calls": calls, "hours": hours },
            "dm_spent": self.dm_spent,
        })
    }
}

/// Looks at a station without spending any of its data.
pub(crate) async fn look(wanted: &Wanted, data_dir: &Path) -> anyhow::Result<Sight> {
    let there = wanted.station.to_string();
    let client = wanted.client()?;
    let other_org = client.call(|client| client.view_organization()).await;
    let other_org = other_org.with_context(|| format!("`{there}`"))?.data;
    let inventory = Inventory::ask(&client).await.with_context(|| format!("`{there}`"))?;
    let state = wanted.file(data_dir).load()?;
    let devices = inventory.copied();
    let (dm, calls) = estimate(&devices, &inventory.intervals, &state, (wanted.since, wanted.until()));
    let hours =
        if wanted.calls_per_minute == 0 { 0.0 } else { calls as f64 / f64::from(wanted.calls_per_minute) / 60.0 };
    let (groups, gateways) = (inventory.group_names(), inventory.gateway_count());
    let seen =
        inventory.names().zip(&devices).map(|(name, device)| (device.eui.to_string(), name, device.series.len()));
    let devices = seen.collect();
    let shown = MirrorSight { station: there, other_org, groups, devices, gateways, dm, calls, hours };
    Ok(Sight { inventory, shown, dm_spent: state.dm })
}

/// How many data what is missing has, and how many calls it takes, about.
fn estimate(
    devices: &[Copied],
    intervals: &BTreeMap<DeviceEui, i64>,
    state: &State,
    (since, until): (Timestamp, Timestamp),
) -> (u64, u64) {
    /// Of a device whose interval its station does not know.
    const INTERVAL_MIN: i64 = 60;
    let (mut dm, mut calls) = (0, 0);
    let span = (since.as_millis(), until.as_millis());
    for device in devices {
        let known = state.devices.get(&device.eui.to_string());
        let minutes = intervals.get(&device.eui).copied().filter(|minutes| *minutes > 0).unwrap_or(INTERVAL_MIN);
        for series in &device.series {
            let missing = known.map_or_else(|| vec![span], |known| known.missing(*series, span));
            let ms: i64 = missing.iter().map(|(from, to)| to - from).sum();
            let points = u64::try_from(ms / 60_000 / minutes).unwrap_or_default();
            dm += points;
            calls += (points / 900).max(u64::try_from(ms / WIDTH_MS_MAX).unwrap_or_default()) + 1;
        }
    }
    (dm, calls)
}
