use std::{collections::BTreeMap, sync::Arc};

use model::{
    AccessId, AccessKey, Device, DeviceEui, DeviceId, Group, GroupId, OrgId, Organization, RetentionRules, SourceId,
};

use super::{
    codecs::Codecs,
    mirrors::Mirrors,
    people::People,
    sources::Sources,
    streams::{Retained, Streams},
    unbound::Unbounds,
    usage::Accounts,
};
use crate::{Binding, Error, Kind, MODEL_RULES_MAX, ModelRule};

/// What the control plane knows, as ordered maps.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) organizations: BTreeMap<OrgId, Organization>,
    pub(super) keys: BTreeMap<AccessId, AccessKey>,
    pub(super) groups: Vec<Group>,
    pub(super) retention: BTreeMap<OrgId, RetentionRules>,
    pub(super) devices: BTreeMap<(OrgId, DeviceEui), Arc<Device>>,
    pub(super) unbound: BTreeMap<(OrgId, DeviceEui), Arc<Device>>,
    /// Device ids once given, unbound ones included.
    pub(super) ids: BTreeMap<(OrgId, DeviceEui), DeviceId>,
    pub(super) sources: Sources,
    pub(super) unbounds: Unbounds,
    pub(super) model_rules: BTreeMap<(OrgId, SourceId), Vec<ModelRule>>,
    pub(super) codecs: Codecs,
    pub(super) mirrors: Mirrors,
    pub(super) people: People,
    pub(super) streams: Streams,
    pub(super) retained: Retained,
    pub(super) accounts: Accounts,
}

impl Tables {
    pub(super) fn organization(&self, org: OrgId) -> Result<&Organization, Error> {
        self.organizations.get(&org).ok_or(Error::NotFound(Kind::Organization))
    }

    pub(super) fn key(&mut self, org: OrgId, id: AccessId) -> Result<&mut AccessKey, Error> {
        self.keys.get_mut(&id).filter(|key| key.org == org).ok_or(Error::NotFound(Kind::AccessKey))
    }

    pub(super) fn found(&mut self, organization: Organization) -> Result<(), Error> {
        if self.organizations.contains_key(&organization.id) {
            return Err(Error::Conflict(Kind::Organization));
        }
        self.organizations.insert(organization.id, organization);
        Ok(())
    }

    pub(super) fn group(&self, org: OrgId, id: GroupId) -> Result<usize, Error> {
        self.groups.iter().position(|group| group.org == org && group.id == id).ok_or(Error::NotFound(Kind::Group))
    }

    pub(super) fn refuse_taken_name(&self, org: OrgId, name: &str) -> Result<(), Error> {
        let taken = self.groups.iter().any(|group| group.org == org && group.name == name);
        if taken { Err(Error::Conflict(Kind::Group)) } else { Ok(()) }
    }

    pub(super) fn device(&mut self, org: OrgId, eui: DeviceEui) -> Result<&mut Device, Error> {
        self.devices.get_mut(&(org, eui)).map(Arc::make_mut).ok_or(Error::NotFound(Kind::Device))
    }

    pub(super) fn move_devices(
        &mut self,
        org: OrgId,
        devices: &[DeviceEui],
        group: Option<GroupId>,
    ) -> Result<(), Error> {
        if let Some(group) = group {
            self.group(org, group)?;
        }
        for eui in devices {
            self.device(org, *eui)?;
        }
        for eui in devices {
            self.device(org, *eui)?.group = group;
        }
        Ok(())
    }

    pub(super) fn set_rules(&mut self, org: OrgId, source: SourceId, rules: Vec<ModelRule>) -> Result<(), Error> {
        if rules.len() > MODEL_RULES_MAX {
            return Err(Error::Limit { what: "model rules", max: MODEL_RULES_MAX as u64 });
        }
        if !self.sources.list(org).iter().any(|known| known.id == source) {
            return Err(Error::NotFound(Kind::Source));
        }
        self.model_rules.insert((org, source), rules);
        Ok(())
    }

    pub(super) fn bind(&mut self, binding: Binding) -> Result<Arc<Device>, Error> {
        self.organization(binding.org)?;
        if let Some(group) = binding.group {
            self.group(binding.org, group)?;
        }
        let name = (binding.org, binding.eui);
        if self.devices.contains_key(&name) {
            return Err(Error::Conflict(Kind::Device));
        }
        let next = DeviceId(self.ids.len() as u64 + 1);
        let id = *self.ids.entry(name).or_insert(next);
        let before = self.unbound.remove(&name).map_or(0, |device| device.generation);
        let device = Arc::new(binding.into_device(id, before + 1));
        self.devices.insert(name, Arc::clone(&device));
        Ok(device)
    }
}
