use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use model::{
    AccessId, AccessKey, Channel, Device, DeviceEui, DeviceId, Group, GroupId, OrgId, Organization, SecretHash, Source,
    SourceId, Timestamp,
};

use super::{Reference, lock};
use crate::{Binding, Charge, DeviceChange, DeviceFilter, Error, Kind, Registry, registry::GROUPS_MAX};

#[derive(Debug, Default)]
pub(super) struct Tables {
    organizations: BTreeMap<OrgId, Organization>,
    keys: BTreeMap<AccessId, AccessKey>,
    dm: BTreeMap<OrgId, u64>,
    groups: Vec<Group>,
    devices: BTreeMap<(OrgId, DeviceEui), Arc<Device>>,
    unbound: BTreeMap<(OrgId, DeviceEui), Arc<Device>>,
    /// Device ids once given, unbound ones included.
    ids: BTreeMap<(OrgId, DeviceEui), DeviceId>,
    sources: BTreeMap<(OrgId, SourceId), Source>,
}

impl Tables {
    fn organization(&self, org: OrgId) -> Result<&Organization, Error> {
        self.organizations.get(&org).ok_or(Error::NotFound(Kind::Organization))
    }

    fn group(&self, org: OrgId, id: GroupId) -> Result<usize, Error> {
        self.groups.iter().position(|group| group.org == org && group.id == id).ok_or(Error::NotFound(Kind::Group))
    }

    fn refuse_taken_name(&self, org: OrgId, name: &str) -> Result<(), Error> {
        let taken = self.groups.iter().any(|group| group.org == org && group.name == name);
        if taken { Err(Error::Conflict(Kind::Group)) } else { Ok(()) }
    }

    fn device(&mut self, org: OrgId, eui: DeviceEui) -> Result<&mut Device, Error> {
        self.devices.get_mut(&(org, eui)).map(Arc::make_mut).ok_or(Error::NotFound(Kind::Device))
    }
}

#[async_trait]
impl Registry for Reference {
    async fn create_organization(&self, organization: Organization) -> Result<(), Error> {
        let mut tables = lock(&self.registry)?;
        if tables.organizations.contains_key(&organization.id) {
            return Err(Error::Conflict(Kind::Organization));
        }
        tables.organizations.insert(organization.id, organization);
        Ok(())
    }

    async fn get_organization(&self, org: OrgId) -> Result<Organization, Error> {
        lock(&self.registry)?.organization(org).cloned()
    }

    async fn list_organizations(&self, after: Option<OrgId>, limit: usize) -> Result<Vec<Organization>, Error> {
        let tables = lock(&self.registry)?;
        let later =
            tables.organizations.values().filter(|organization| after.is_none_or(|after| organization.id > after));
        Ok(later.take(limit).cloned().collect())
    }

    async fn create_access_key(&self, key: AccessKey) -> Result<(), Error> {
        let mut tables = lock(&self.registry)?;
        tables.organization(key.org)?;
        if tables.keys.contains_key(&key.id) {
            return Err(Error::Conflict(Kind::AccessKey));
        }
        tables.keys.insert(key.id, key);
        Ok(())
    }

    async fn list_access_keys(&self, org: OrgId) -> Result<Vec<AccessKey>, Error> {
        Ok(lock(&self.registry)?.keys.values().filter(|key| key.org == org).cloned().collect())
    }

    async fn revoke_access_key(&self, org: OrgId, id: AccessId, at: Timestamp) -> Result<(), Error> {
        let mut tables = lock(&self.registry)?;
        let key = tables.keys.get_mut(&id).filter(|key| key.org == org).ok_or(Error::NotFound(Kind::AccessKey))?;
        key.revoked_at.get_or_insert(at);
        Ok(())
    }

    async fn find_access_key(&self, id: AccessId) -> Result<Option<Arc<AccessKey>>, Error> {
        Ok(lock(&self.registry)?.keys.get(&id).cloned().map(Arc::new))
    }

    async fn charge(&self, charges: Vec<Charge>) -> Result<(), Error> {
        let mut tables = lock(&self.registry)?;
        for charge in charges {
            let Some(key) = tables.keys.get_mut(&charge.id).filter(|key| key.org == charge.org) else { continue };
            key.last_used_at = key.last_used_at.max(Some(charge.last_used_at));
            *tables.dm.entry(charge.org).or_default() += charge.dm;
        }
        Ok(())
    }

    async fn count_dm(&self, org: OrgId) -> Result<u64, Error> {
        Ok(lock(&self.registry)?.dm.get(&org).copied().unwrap_or_default())
    }

    async fn create_group(&self, group: Group) -> Result<(), Error> {
        let mut tables = lock(&self.registry)?;
        tables.organization(group.org)?;
        tables.refuse_taken_name(group.org, &group.name)?;
        if tables.groups.iter().filter(|other| other.org == group.org).count() >= GROUPS_MAX {
            return Err(Error::Limit { what: "groups", max: GROUPS_MAX as u64 });
        }
        if tables.group(group.org, group.id).is_ok() {
            return Err(Error::Conflict(Kind::Group));
        }
        tables.groups.push(group);
        Ok(())
    }

    async fn rename_group(&self, org: OrgId, id: GroupId, name: &str) -> Result<(), Error> {
        let mut tables = lock(&self.registry)?;
        let at = tables.group(org, id)?;
        if tables.groups[at].name != name {
            tables.refuse_taken_name(org, name)?;
            name.clone_into(&mut tables.groups[at].name);
        }
        Ok(())
    }

    async fn delete_group(&self, org: OrgId, id: GroupId) -> Result<(), Error> {
        let mut tables = lock(&self.registry)?;
        let at = tables.group(org, id)?;
        tables.groups.remove(at);
        let Tables { devices, unbound, .. } = &mut *tables;
        let members = devices.values_mut().chain(unbound.values_mut());
        for device in members.filter(|device| device.org == org && device.group == Some(id)) {
            Arc::make_mut(device).group = None;
        }
        Ok(())
    }

    async fn list_groups(&self, org: OrgId) -> Result<Vec<Group>, Error> {
        Ok(lock(&self.registry)?.groups.iter().filter(|group| group.org == org).cloned().collect())
    }

    async fn move_devices_to_group(
        &self,
        org: OrgId,
        devices: &[DeviceEui],
        group: Option<GroupId>,
    ) -> Result<(), Error> {
        let mut tables = lock(&self.registry)?;
        if let Some(group) = group {
            tables.group(org, group)?;
        }
        for eui in devices {
            tables.device(org, *eui)?;
        }
        for eui in devices {
            tables.device(org, *eui)?.group = group;
        }
        Ok(())
    }

    async fn bind_device(&self, binding: Binding) -> Result<Arc<Device>, Error> {
        let mut tables = lock(&self.registry)?;
        tables.organization(binding.org)?;
        if let Some(group) = binding.group {
            tables.group(binding.org, group)?;
        }
        let name = (binding.org, binding.eui);
        if tables.devices.contains_key(&name) {
            return Err(Error::Conflict(Kind::Device));
        }
        let next = DeviceId(tables.ids.len() as u64 + 1);
        let id = *tables.ids.entry(name).or_insert(next);
        let device = Arc::new(binding.into_device(id));
        tables.devices.insert(name, Arc::clone(&device));
        tables.unbound.remove(&name);
        Ok(device)
    }

    async fn unbind_device(&self, org: OrgId, eui: DeviceEui) -> Result<(), Error> {
        let mut tables = lock(&self.registry)?;
        let device = tables.devices.remove(&(org, eui)).ok_or(Error::NotFound(Kind::Device))?;
        tables.unbound.insert((org, eui), device);
        Ok(())
    }

    async fn find_unbound_device(&self, org: OrgId, eui: DeviceEui, at: Timestamp) -> Result<Option<Binding>, Error> {
        Ok(lock(&self.registry)?.unbound.get(&(org, eui)).map(|device| Binding::of(device, at)))
    }

    async fn find_device(&self, org: OrgId, eui: DeviceEui) -> Result<Option<Arc<Device>>, Error> {
        Ok(lock(&self.registry)?.devices.get(&(org, eui)).cloned())
    }

    async fn find_device_id(&self, org: OrgId, eui: DeviceEui) -> Result<Option<DeviceId>, Error> {
        Ok(lock(&self.registry)?.ids.get(&(org, eui)).copied())
    }

    async fn list_devices(
        &self,
        org: OrgId,
        filter: DeviceFilter,
        after: Option<DeviceEui>,
        limit: usize,
    ) -> Result<Vec<Arc<Device>>, Error> {
        let tables = lock(&self.registry)?;
        let devices = tables.devices.values().filter(|device| {
            device.org == org && filter.matches(device) && after.is_none_or(|after| device.eui > after)
        });
        Ok(devices.take(limit).cloned().collect())
    }

    async fn update_device(&self, org: OrgId, eui: DeviceEui, change: DeviceChange) -> Result<(), Error> {
        let mut tables = lock(&self.registry)?;
        let device = tables.device(org, eui)?;
        if let Some(name) = change.name {
            device.name = name;
        }
        if let Some(model) = change.model {
            device.model = model;
        }
        if let Some(place) = change.place {
            device.place = Some(place);
        }
        Ok(())
    }

    async fn describe_channel(&self, org: OrgId, eui: DeviceEui, channel: Channel) -> Result<(), Error> {
        let mut tables = lock(&self.registry)?;
        let channels = &mut tables.device(org, eui)?.channels;
        channels.retain(|other| other.index != channel.index);
        channels.push(channel);
        channels.sort_by_key(|channel| channel.index);
        Ok(())
    }

    async fn create_source(&self, source: Source) -> Result<(), Error> {
        let mut tables = lock(&self.registry)?;
        tables.organization(source.org)?;
        if tables.sources.values().any(|other| other.id == source.id || other.token == source.token) {
            return Err(Error::Conflict(Kind::Source));
        }
        tables.sources.insert((source.org, source.id), source);
        Ok(())
    }

    async fn list_sources(&self, org: OrgId) -> Result<Vec<Source>, Error> {
        Ok(lock(&self.registry)?.sources.values().filter(|source| source.org == org).cloned().collect())
    }

    async fn delete_source(&self, org: OrgId, id: SourceId) -> Result<(), Error> {
        lock(&self.registry)?.sources.remove(&(org, id)).map(drop).ok_or(Error::NotFound(Kind::Source))
    }

    async fn find_source(&self, token: SecretHash) -> Result<Option<Arc<Source>>, Error> {
        Ok(lock(&self.registry)?.sources.values().find(|source| source.token == token).cloned().map(Arc::new))
    }
}
