use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use model::{AccessId, Day, DeviceEui, OrgId, OrgLimits};

use crate::{Charge, Drawn, USAGE_DAYS, USAGE_DEVICES_MAX, Usage, Used};

/// What organizations and keys may use, and what they did.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    pub(super) limits: BTreeMap<OrgId, OrgLimits>,
    calls: BTreeMap<(OrgId, Day, AccessId, &'static str), Used>,
    devices: BTreeMap<(OrgId, Day, Option<DeviceEui>), Used>,
    drawn: BTreeMap<(OrgId, Option<AccessId>, Day), u64>,
}

impl Accounts {
    /// Takes in what keys that are there have used.
    pub(super) fn charge(&mut self, charges: &[Charge]) {
        let mut devices: BTreeMap<(OrgId, Day, DeviceEui), Used> = BTreeMap::new();
        for charge in charges {
            let day = Day::of(charge.last_used_at);
            self.calls.entry((charge.org, day, charge.id, charge.endpoint)).or_default().add(charge.used);
            if let Some(eui) = charge.device {
                devices.entry((charge.org, day, eui)).or_default().add(charge.used);
            }
        }
        for ((org, day, eui), used) in devices {
            let known = self.devices.range((org, day, Some(DeviceEui::from_raw(0)))..(org, day.plus(1), None)).count();
            let is_told_apart = known < USAGE_DEVICES_MAX || self.devices.contains_key(&(org, day, Some(eui)));
            self.devices.entry((org, day, is_told_apart.then_some(eui))).or_default().add(used);
        }
        for org in charges.iter().map(|charge| charge.org) {
            let days: BTreeSet<Day> = self.calls.keys().filter(|(o, ..)| *o == org).map(|(_, day, ..)| *day).collect();
            let Some(oldest) = days.iter().rev().nth(USAGE_DAYS - 1) else { continue };
            self.calls.retain(|(o, day, ..), _| *o != org || day >= oldest);
            self.devices.retain(|(o, day, _), _| *o != org || day >= oldest);
        }
    }

    pub(super) fn draw(
        &mut self,
        (org, id): (OrgId, Option<AccessId>),
        (first, last): (Day, Day),
        amount: u64,
        max: u64,
    ) -> Drawn {
        let calls = self.calls.iter().filter(|((o, day, key, _), _)| {
            *o == org && (first..=last).contains(day) && id.is_none_or(|id| id == *key)
        });
        let charged: u64 = calls.map(|(_, used)| used.dm).sum();
        let drawn = self.drawn.entry((org, id, first)).or_default();
        let before = charged.max(*drawn);
        let granted = amount.min(max.saturating_sub(before));
        *drawn = before + granted;
        Drawn { granted, total: *drawn }
    }

    pub(super) fn give_back(&mut self, org: OrgId, id: Option<AccessId>, first: Day, amount: u64) {
        if let Some(drawn) = self.drawn.get_mut(&(org, id, first)) {
            *drawn = drawn.saturating_sub(amount);
        }
    }

    pub(super) fn usage(&self, org: OrgId, first: Day, last: Day, devices_max: usize) -> Usage {
        let mut days: BTreeMap<Day, Used> = BTreeMap::new();
        let mut keys: BTreeMap<AccessId, Used> = BTreeMap::new();
        let mut endpoints: BTreeMap<(AccessId, &str), Used> = BTreeMap::new();
        let calls = self.calls.iter().filter(|((o, day, ..), _)| *o == org && (first..=last).contains(day));
        for ((_, day, id, endpoint), used) in calls {
            days.entry(*day).or_default().add(*used);
            keys.entry(*id).or_default().add(*used);
            endpoints.entry((*id, endpoint)).or_default().add(*used);
        }
        let mut devices: BTreeMap<Option<DeviceEui>, Used> = BTreeMap::new();
        for ((_, _, eui), used) in
            self.devices.iter().filter(|((o, day, _), _)| *o == org && (first..=last).contains(day))
        {
            devices.entry(*eui).or_default().add(*used);
        }
        let mut devices: Vec<_> = devices.into_iter().collect();
        devices.sort_by_key(|(eui, used)| (Reverse(used.dm), Reverse(used.calls), *eui));
        devices.truncate(devices_max);
        let endpoints = endpoints.into_iter().map(|((id, endpoint), used)| (id, endpoint.into(), used));
        Usage {
            days: days.into_iter().collect(),
            keys: keys.into_iter().collect(),
            endpoints: endpoints.collect(),
            devices,
        }
    }
}
