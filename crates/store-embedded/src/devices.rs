//! The states of all devices, in shards so that readers and the writer seldom meet.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use model::{DeviceId, OrgId};
use rustc_hash::FxHashMap;

use crate::state::DeviceState;

pub(crate) const SHARDS: usize = 64;

#[derive(Debug)]
pub(crate) struct Devices {
    shards: [RwLock<Shard>; SHARDS],
}

/// Device ids are the store's own, so nobody can choose them to collide.
pub(crate) type Shard = FxHashMap<DeviceId, DeviceState>;

impl Devices {
    pub(crate) fn new() -> Self {
        Self { shards: std::array::from_fn(|_| RwLock::default()) }
    }

    pub(crate) fn read(&self, shard: usize) -> RwLockReadGuard<'_, Shard> {
        self.shards[shard].read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self, shard: usize) -> RwLockWriteGuard<'_, Shard> {
        self.shards[shard].write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn shard(device: DeviceId) -> usize {
        device.0 as usize % SHARDS
    }

    /// What `f` finds in the state of a device; `None` if the organization has no such device.
    pub(crate) fn peek<T>(&self, org: OrgId, device: DeviceId, f: impl FnOnce(&DeviceState) -> T) -> Option<T> {
        self.read(Self::shard(device)).get(&device).filter(|state| state.org == org).map(f)
    }

    /// Changes the state of a device that exists.
    pub(crate) fn change<T>(&self, device: DeviceId, f: impl FnOnce(&mut DeviceState) -> T) -> Option<T> {
        self.write(Self::shard(device)).get_mut(&device).map(f)
    }

    /// The devices of an organization, or all.
    pub(crate) fn list(&self, org: Option<OrgId>) -> Vec<DeviceId> {
        let meant = |state: &DeviceState| org.is_none_or(|org| org == state.org);
        (0..SHARDS)
            .flat_map(|shard| {
                let shard = self.read(shard);
                shard.iter().filter(|(_, state)| meant(state)).map(|(device, _)| *device).collect::<Vec<_>>()
            })
            .collect()
    }
}
