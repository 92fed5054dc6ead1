//! The registry half of the contract, which is `registry`'s.

use std::sync::Arc;

use async_trait::async_trait;
use model::{
    AccessId, AccessKey, Channel, Device, DeviceEui, DeviceId, Group, GroupId, OrgId, Organization, SecretHash, Source,
    SourceId, Timestamp,
};
use store::{Binding, Charge, DeviceChange, DeviceFilter, Error, Registry};

use crate::EmbeddedStore;

#[async_trait]
impl Registry for EmbeddedStore {
    async fn create_organization(&self, organization: Organization) -> Result<(), Error> {
        self.registry.create_organization(organization).await
    }

    async fn get_organization(&self, org: OrgId) -> Result<Organization, Error> {
        self.registry.get_organization(org).await
    }

    async fn list_organizations(&self, after: Option<OrgId>, limit: usize) -> Result<Vec<Organization>, Error> {
        self.registry.list_organizations(after, limit).await
    }

    async fn create_access_key(&self, key: AccessKey) -> Result<(), Error> {
        self.registry.create_access_key(key).await
    }

    async fn list_access_keys(&self, org: OrgId) -> Result<Vec<AccessKey>, Error> {
        self.registry.list_access_keys(org).await
    }

    async fn revoke_access_key(&self, org: OrgId, id: AccessId, at: Timestamp) -> Result<(), Error> {
        self.registry.revoke_access_key(org, id, at).await
    }

    async fn find_access_key(&self, id: AccessId) -> Result<Option<Arc<AccessKey>>, Error> {
        self.registry.find_access_key(id).await
    }

    async fn charge(&self, charges: Vec<Charge>) -> Result<(), Error> {
        self.registry.charge(charges).await
    }

    async fn count_dm(&self, org: OrgId) -> Result<u64, Error> {
        self.registry.count_dm(org).await
    }

    async fn create_group(&self, group: Group) -> Result<(), Error> {
        self.registry.create_group(group).await
    }

    async fn rename_group(&self, org: OrgId, id: GroupId, name: &str) -> Result<(), Error> {
        self.registry.rename_group(org, id, name).await
    }

    async fn delete_group(&self, org: OrgId, id: GroupId) -> Result<(), Error> {
        self.registry.delete_group(org, id).await
    }

    async fn list_groups(&self, org: OrgId) -> Result<Vec<Group>, Error> {
        self.registry.list_groups(org).await
    }

    async fn move_devices_to_group(
        &self,
        org: OrgId,
        devices: &[DeviceEui],
        group: Option<GroupId>,
    ) -> Result<(), Error> {
        self.registry.move_devices_to_group(org, devices, group).await
    }

    async fn bind_device(&self, binding: Binding) -> Result<Arc<Device>, Error> {
        self.registry.bind_device(binding).await
    }

    async fn unbind_device(&self, org: OrgId, eui: DeviceEui) -> Result<(), Error> {
        self.registry.unbind_device(org, eui).await
    }

    async fn find_device(&self, org: OrgId, eui: DeviceEui) -> Result<Option<Arc<Device>>, Error> {
        self.registry.find_device(org, eui).await
    }

    async fn find_device_id(&self, org: OrgId, eui: DeviceEui) -> Result<Option<DeviceId>, Error> {
        self.registry.find_device_id(org, eui).await
    }

    async fn find_unbound_device(&self, org: OrgId, eui: DeviceEui, at: Timestamp) -> Result<Option<Binding>, Error> {
        self.registry.find_unbound_device(org, eui, at).await
    }

    async fn list_devices(
        &self,
        org: OrgId,
        filter: DeviceFilter,
        after: Option<DeviceEui>,
        limit: usize,
    ) -> Result<Vec<Arc<Device>>, Error> {
        self.registry.list_devices(org, filter, after, limit).await
    }

    async fn update_device(&self, org: OrgId, eui: DeviceEui, change: DeviceChange) -> Result<(), Error> {
        self.registry.update_device(org, eui, change).await
    }

    async fn describe_channel(&self, org: OrgId, eui: DeviceEui, channel: Channel) -> Result<(), Error> {
        self.registry.describe_channel(org, eui, channel).await
    }

    async fn create_source(&self, source: Source) -> Result<(), Error> {
        self.registry.create_source(source).await
    }

    async fn list_sources(&self, org: OrgId) -> Result<Vec<Source>, Error> {
        self.registry.list_sources(org).await
    }

    async fn delete_source(&self, org: OrgId, id: SourceId) -> Result<(), Error> {
        self.registry.delete_source(org, id).await
    }

    async fn find_source(&self, token: SecretHash) -> Result<Option<Arc<Source>>, Error> {
        self.registry.find_source(token).await
    }
}
