use std::sync::Arc;

use async_trait::async_trait;
use model::{
    AccessId, AccessKey, Channel, Device, DeviceEui, DeviceId, Group, GroupId, OrgId, Organization, SecretHash, Source,
    SourceId, Timestamp,
};
use store::{Binding, Charge, DeviceChange, DeviceFilter, Error, Registry};

use super::{RegistryDb, access_keys, begin, channels, devices, groups, organizations, sources};

#[async_trait]
impl Registry for RegistryDb {
    async fn create_organization(&self, organization: Organization) -> Result<(), Error> {
        self.change(move |db| organizations::create(db, &organization)).await
    }

    async fn get_organization(&self, org: OrgId) -> Result<Organization, Error> {
        self.read(move |db| organizations::get(db, org)).await
    }

    async fn list_organizations(&self, after: Option<OrgId>, limit: usize) -> Result<Vec<Organization>, Error> {
        self.read(move |db| organizations::list(db, after, limit)).await
    }

    async fn create_access_key(&self, key: AccessKey) -> Result<(), Error> {
        self.change(move |db| access_keys::create(db, &key)).await
    }

    async fn list_access_keys(&self, org: OrgId) -> Result<Vec<AccessKey>, Error> {
        self.read(move |db| access_keys::list(db, org)).await
    }

    async fn revoke_access_key(&self, org: OrgId, id: AccessId, at: Timestamp) -> Result<(), Error> {
        self.change(move |db| access_keys::revoke(db, org, id, at)).await
    }

    async fn find_access_key(&self, id: AccessId) -> Result<Option<Arc<AccessKey>>, Error> {
        self.read_through(&self.caches.keys, id, move |db| access_keys::find(db, id)).await
    }

    async fn charge(&self, charges: Vec<Charge>) -> Result<(), Error> {
        let caches = Arc::clone(&self.caches);
        // Nobody's rights change, so that nothing needs to be read again.
        let transact = move |connection: &mut _| {
            let transaction = begin(connection)?;
            access_keys::charge(&transaction, &charges)?;
            transaction.commit()?;
            caches.keys.update(
                &charges,
                |charge| charge.id,
                |charge, key| {
                    if key.org == charge.org {
                        key.last_used_at = key.last_used_at.max(Some(charge.last_used_at));
                    }
                },
            );
            Ok(())
        };
        self.writer.run(transact).await
    }

    async fn count_dm(&self, org: OrgId) -> Result<u64, Error> {
        self.read(move |db| access_keys::count_dm(db, org)).await
    }

    async fn create_group(&self, group: Group) -> Result<(), Error> {
        self.change(move |db| groups::create(db, &group)).await
    }

    async fn rename_group(&self, org: OrgId, id: GroupId, name: &str) -> Result<(), Error> {
        let name = name.to_owned();
        self.change(move |db| groups::rename(db, org, id, &name)).await
    }

    async fn delete_group(&self, org: OrgId, id: GroupId) -> Result<(), Error> {
        self.change(move |db| groups::delete(db, org, id)).await
    }

    async fn list_groups(&self, org: OrgId) -> Result<Vec<Group>, Error> {
        self.read(move |db| groups::list(db, org)).await
    }

    async fn move_devices_to_group(
        &self,
        org: OrgId,
        devices: &[DeviceEui],
        group: Option<GroupId>,
    ) -> Result<(), Error> {
        let devices = devices.to_vec();
        self.change(move |db| devices::move_to_group(db, org, &devices, group)).await
    }

    async fn bind_device(&self, binding: Binding) -> Result<Arc<Device>, Error> {
        self.change(move |db| devices::bind(db, binding)).await.map(Arc::new)
    }

    async fn unbind_device(&self, org: OrgId, eui: DeviceEui) -> Result<(), Error> {
        self.change(move |db| devices::unbind(db, org, eui)).await
    }

    async fn find_device(&self, org: OrgId, eui: DeviceEui) -> Result<Option<Arc<Device>>, Error> {
        self.read_through(&self.caches.devices, (org, eui), move |db| devices::find(db, org, eui)).await
    }

    async fn find_device_id(&self, org: OrgId, eui: DeviceEui) -> Result<Option<DeviceId>, Error> {
        self.read(move |db| devices::find_id(db, org, eui)).await
    }

    async fn find_unbound_device(&self, org: OrgId, eui: DeviceEui, at: Timestamp) -> Result<Option<Binding>, Error> {
        self.read(move |db| devices::find_unbound(db, org, eui, at)).await
    }

    async fn list_devices(
        &self,
        org: OrgId,
        filter: DeviceFilter,
        after: Option<DeviceEui>,
        limit: usize,
    ) -> Result<Vec<Arc<Device>>, Error> {
        let devices = self.read(move |db| devices::list(db, org, filter, after, limit)).await?;
        Ok(devices.into_iter().map(Arc::new).collect())
    }

    async fn update_device(&self, org: OrgId, eui: DeviceEui, change: DeviceChange) -> Result<(), Error> {
        self.change(move |db| devices::update(db, org, eui, &change)).await
    }

    async fn describe_channel(&self, org: OrgId, eui: DeviceEui, channel: Channel) -> Result<(), Error> {
        self.change(move |db| channels::describe(db, org, eui, &channel)).await
    }

    async fn create_source(&self, source: Source) -> Result<(), Error> {
        self.change(move |db| sources::create(db, &source)).await
    }

    async fn list_sources(&self, org: OrgId) -> Result<Vec<Source>, Error> {
        self.read(move |db| sources::list(db, org)).await
    }

    async fn delete_source(&self, org: OrgId, id: SourceId) -> Result<(), Error> {
        self.change(move |db| sources::delete(db, org, id)).await
    }

    async fn find_source(&self, token: SecretHash) -> Result<Option<Arc<Source>>, Error> {
        self.read_through(&self.caches.sources, token, move |db| sources::find(db, token)).await
    }
}
