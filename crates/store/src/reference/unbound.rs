use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use model::{DeviceEui, OrgId, SourceId, Uplink};

use crate::{
    DEDUP_WINDOW_MS, UNBOUND_DEVICES_MAX, UNBOUND_SOURCE_UPLINKS_MAX, UNBOUND_UPLINKS_MAX, UnboundDevice, UnboundUplink,
};

type Name = (OrgId, SourceId, DeviceEui);

/// What is known of devices that nobody has bound, and what they sent, in the order it came.
#[derive(Debug, Default)]
pub(super) struct Unbounds {
    devices: BTreeMap<Name, UnboundDevice>,
    uplinks: BTreeMap<u64, Uplink>,
    last_number: u64,
    lost: BTreeMap<(OrgId, SourceId), u64>,
}

impl Unbounds {
    pub(super) fn keep(&mut self, uplink: Uplink, model: &str) -> bool {
        let name = name(&uplink);
        let has = |kept: &Uplink| {
            let since_ms = uplink.received_at.since_ms(kept.received_at);
            self::name(kept) == name && kept.dedup == uplink.dedup && since_ms < DEDUP_WINDOW_MS
        };
        if self.uplinks.values().any(has) {
            return true;
        }
        let device = self.devices.entry(name).or_insert_with(|| UnboundDevice {
            source: uplink.source,
            eui: uplink.eui,
            model: String::new(),
            name: String::new(),
            first_heard_at: uplink.received_at,
            last_heard_at: uplink.received_at,
            kept: 0,
            dropped: 0,
        });
        for (known, said) in [(&mut device.model, model), (&mut device.name, uplink.name_hint.as_str())] {
            if !said.is_empty() {
                said.clone_into(known);
            }
        }
        device.last_heard_at = device.last_heard_at.max(uplink.received_at);
        device.kept += 1;
        self.last_number += 1;
        let kept = Uplink { model_hints: Vec::new(), name_hint: String::new(), ..uplink };
        self.uplinks.insert(self.last_number, kept);
        self.make_room(name);
        false
    }

    fn make_room(&mut self, name: Name) {
        let of_device = |uplink: &Uplink| self::name(uplink) == name;
        if self.uplinks.values().filter(|uplink| of_device(uplink)).count() > UNBOUND_UPLINKS_MAX {
            self.drop_oldest(of_device);
        }
        let of_source = |uplink: &Uplink| (uplink.org, uplink.source) == (name.0, name.1);
        if self.uplinks.values().filter(|uplink| of_source(uplink)).count() > UNBOUND_SOURCE_UPLINKS_MAX {
            self.drop_oldest(of_source);
        }
        let others = self.devices.iter().filter(|(other, _)| (other.0, other.1) == (name.0, name.1) && **other != name);
        if others.clone().count() >= UNBOUND_DEVICES_MAX
            && let Some((other, device)) = others.min_by_key(|(other, device)| (device.last_heard_at, other.2))
        {
            let (other, kept) = (*other, device.kept);
            self.devices.remove(&other);
            self.uplinks.retain(|_, uplink| self::name(uplink) != other);
            *self.lost.entry((name.0, name.1)).or_default() += kept;
        }
    }

    fn drop_oldest(&mut self, is_meant: impl Fn(&Uplink) -> bool) {
        let oldest = self.uplinks.iter().find(|(_, uplink)| is_meant(uplink)).map(|(number, _)| *number);
        let Some(uplink) = oldest.and_then(|number| self.uplinks.remove(&number)) else { return };
        if let Some(device) = self.devices.get_mut(&name(&uplink)) {
            device.kept -= 1;
            device.dropped += 1;
        }
    }

    pub(super) fn list(&self, org: OrgId) -> Vec<UnboundDevice> {
        let of_org = self.devices.iter().filter(|(name, _)| name.0 == org);
        let mut list: Vec<UnboundDevice> = of_org.map(|(_, device)| device.clone()).collect();
        list.sort_by_key(|device| (Reverse(device.last_heard_at), device.source, device.eui));
        list
    }

    pub(super) fn names(&self) -> BTreeSet<(OrgId, DeviceEui)> {
        self.devices.keys().map(|(org, _, eui)| (*org, *eui)).collect()
    }

    pub(super) fn count_lost(&self, org: OrgId) -> u64 {
        self.lost.iter().filter(|((other, _), _)| *other == org).map(|(_, lost)| lost).sum()
    }

    pub(super) fn uplinks(&self, org: OrgId, eui: DeviceEui, limit: usize) -> Vec<UnboundUplink> {
        let of_device = self.uplinks.iter().filter(|(_, uplink)| (uplink.org, uplink.eui) == (org, eui));
        of_device
            .take(limit)
            .map(|(number, uplink)| UnboundUplink { number: *number, uplink: uplink.clone() })
            .collect()
    }

    pub(super) fn settle(&mut self, org: OrgId, eui: DeviceEui, through: u64) {
        self.uplinks.retain(|number, uplink| (uplink.org, uplink.eui) != (org, eui) || *number > through);
        let uplinks = &self.uplinks;
        self.devices.retain(|name, device| {
            if (name.0, name.2) != (org, eui) {
                return true;
            }
            device.kept = uplinks.values().filter(|uplink| self::name(uplink) == *name).count() as u64;
            device.kept > 0
        });
    }

    /// Whether there was something to forget.
    pub(super) fn forget(&mut self, org: OrgId, eui: DeviceEui) -> bool {
        let before = self.devices.len();
        self.devices.retain(|name, _| (name.0, name.2) != (org, eui));
        self.uplinks.retain(|_, uplink| (uplink.org, uplink.eui) != (org, eui));
        before != self.devices.len()
    }

    pub(super) fn delete_source(&mut self, org: OrgId, source: SourceId) {
        self.devices.retain(|name, _| (name.0, name.1) != (org, source));
        self.uplinks.retain(|_, uplink| (uplink.org, uplink.source) != (org, source));
        self.lost.remove(&(org, source));
    }
}

fn name(uplink: &Uplink) -> Name {
    (uplink.org, uplink.source, uplink.eui)
}
