//! The registry half of the contract, which is `registry`'s.

use std::sync::Arc;

use async_trait::async_trait;
use model::{
    AccessId, AccessKey, Allowance, Broker, BrokerState, Channel, CodecVersion, Day, Deed, Device, DeviceEui, DeviceId,
    Downlink, Email, Group, GroupId, Invite, Mirror, MirrorId, OrgId, OrgLimits, Organization, Person, PersonId, Rate,
    Retention, RetentionRules, SecretHash, Session, Source, SourceHealth, SourceId, StreamSession, Timestamp, Uplink,
    UserCodec,
};
use store::{
    Binding, Charge, DeviceChange, DeviceFilter, Drawn, Error, Message, ModelRule, PersonChange, Registry,
    SourceChange, SourceNote, StreamNote, UnboundDevice, UnboundUplink, Usage,
};

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

    async fn rename_organization(&self, org: OrgId, name: &str) -> Result<(), Error> {
        self.registry.rename_organization(org, name).await
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

    async fn limit_access_key(
        &self,
        org: OrgId,
        id: AccessId,
        rate: Option<Rate>,
        dm: Option<Allowance>,
    ) -> Result<(), Error> {
        self.registry.limit_access_key(org, id, rate, dm).await
    }

    async fn limit_organization(&self, org: OrgId, limits: OrgLimits) -> Result<(), Error> {
        self.registry.limit_organization(org, limits).await
    }

    async fn get_limits(&self, org: OrgId) -> Result<Arc<OrgLimits>, Error> {
        self.registry.get_limits(org).await
    }

    async fn draw_dm(
        &self,
        org: OrgId,
        id: Option<AccessId>,
        first: Day,
        last: Day,
        amount: u64,
        max: u64,
    ) -> Result<Drawn, Error> {
        self.registry.draw_dm(org, id, first, last, amount, max).await
    }

    async fn return_dm(&self, org: OrgId, id: Option<AccessId>, first: Day, amount: u64) -> Result<(), Error> {
        self.registry.return_dm(org, id, first, amount).await
    }

    async fn list_usage(&self, org: OrgId, first: Day, last: Day, devices_max: usize) -> Result<Usage, Error> {
        self.registry.list_usage(org, first, last, devices_max).await
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

    async fn set_retention(&self, org: OrgId, group: Option<GroupId>, retention: Retention) -> Result<(), Error> {
        self.registry.set_retention(org, group, retention).await
    }

    async fn get_retention(&self, org: OrgId) -> Result<RetentionRules, Error> {
        self.registry.get_retention(org).await
    }

    async fn list_histories(
        &self,
        org: OrgId,
        after: Option<DeviceId>,
        limit: usize,
    ) -> Result<Vec<(DeviceId, Option<GroupId>)>, Error> {
        self.registry.list_histories(org, after, limit).await
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

    async fn bind_device_within(&self, binding: Binding, devices_max: usize) -> Result<Arc<Device>, Error> {
        self.registry.bind_device_within(binding, devices_max).await
    }

    async fn unbind_device(&self, org: OrgId, eui: DeviceEui) -> Result<(), Error> {
        self.registry.unbind_device(org, eui).await
    }

    async fn find_device(&self, org: OrgId, eui: DeviceEui) -> Result<Option<Arc<Device>>, Error> {
        self.registry.find_device(org, eui).await
    }

    async fn list_owners(&self, eui: DeviceEui, limit: usize) -> Result<Vec<Arc<Device>>, Error> {
        self.registry.list_owners(eui, limit).await
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

    async fn set_report_cycle(&self, org: OrgId, devices: &[DeviceEui], minutes: u16) -> Result<(), Error> {
        self.registry.set_report_cycle(org, devices, minutes).await
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

    async fn update_source(&self, org: OrgId, id: SourceId, change: SourceChange) -> Result<(), Error> {
        self.registry.update_source(org, id, change).await
    }

    async fn rotate_source_token(
        &self,
        org: OrgId,
        id: SourceId,
        token: SecretHash,
        until: Timestamp,
    ) -> Result<(), Error> {
        self.registry.rotate_source_token(org, id, token, until).await
    }

    async fn note_sources(&self, notes: Vec<SourceNote>) -> Result<(), Error> {
        self.registry.note_sources(notes).await
    }

    async fn list_source_health(&self, org: OrgId) -> Result<Vec<SourceHealth>, Error> {
        self.registry.list_source_health(org).await
    }

    async fn keep_downlink(&self, downlink: Downlink) -> Result<(), Error> {
        self.registry.keep_downlink(downlink).await
    }

    async fn find_downlink(&self, org: OrgId, id: SourceId, eui: DeviceEui) -> Result<Option<Vec<u8>>, Error> {
        self.registry.find_downlink(org, id, eui).await
    }

    async fn set_broker(&self, broker: Broker) -> Result<(), Error> {
        self.registry.set_broker(broker).await
    }

    async fn remove_broker(&self, org: OrgId, id: SourceId) -> Result<(), Error> {
        self.registry.remove_broker(org, id).await
    }

    async fn list_brokers(&self, org: Option<OrgId>) -> Result<Vec<(Broker, Option<BrokerState>)>, Error> {
        self.registry.list_brokers(org).await
    }

    async fn note_broker(&self, org: OrgId, id: SourceId, state: BrokerState) -> Result<(), Error> {
        self.registry.note_broker(org, id, state).await
    }

    async fn delete_source(&self, org: OrgId, id: SourceId) -> Result<(), Error> {
        self.registry.delete_source(org, id).await
    }

    async fn find_source(&self, token: SecretHash) -> Result<Option<Arc<Source>>, Error> {
        self.registry.find_source(token).await
    }

    async fn set_model_rules(&self, org: OrgId, source: SourceId, rules: Vec<ModelRule>) -> Result<(), Error> {
        self.registry.set_model_rules(org, source, rules).await
    }

    async fn list_model_rules(&self, org: OrgId, source: SourceId) -> Result<Vec<ModelRule>, Error> {
        self.registry.list_model_rules(org, source).await
    }

    async fn set_user_codec(&self, codec: UserCodec) -> Result<CodecVersion, Error> {
        self.registry.set_user_codec(codec).await
    }

    async fn find_user_codec(&self, org: OrgId, model: &str) -> Result<Option<Arc<UserCodec>>, Error> {
        self.registry.find_user_codec(org, model).await
    }

    async fn list_user_codecs(&self, org: OrgId) -> Result<Vec<Arc<UserCodec>>, Error> {
        self.registry.list_user_codecs(org).await
    }

    async fn remove_user_codec(&self, org: OrgId, model: &str) -> Result<(), Error> {
        self.registry.remove_user_codec(org, model).await
    }

    async fn set_mirror(&self, mirror: Mirror) -> Result<(), Error> {
        self.registry.set_mirror(mirror).await
    }

    async fn list_mirrors(&self, org: Option<OrgId>) -> Result<Vec<Mirror>, Error> {
        self.registry.list_mirrors(org).await
    }

    async fn remove_mirror(&self, org: OrgId, id: MirrorId) -> Result<(), Error> {
        self.registry.remove_mirror(org, id).await
    }

    async fn keep_unbound(&self, uplink: Uplink, model: &str) -> Result<bool, Error> {
        self.registry.keep_unbound(uplink, model).await
    }

    async fn list_unbound(&self, org: OrgId, limit: usize) -> Result<Vec<UnboundDevice>, Error> {
        self.registry.list_unbound(org, limit).await
    }

    async fn find_unbound(&self, org: OrgId, eui: DeviceEui) -> Result<Option<UnboundDevice>, Error> {
        self.registry.find_unbound(org, eui).await
    }

    async fn count_unbound_lost(&self, org: OrgId) -> Result<u64, Error> {
        self.registry.count_unbound_lost(org).await
    }

    async fn list_unbound_uplinks(
        &self,
        org: OrgId,
        eui: DeviceEui,
        limit: usize,
    ) -> Result<Vec<UnboundUplink>, Error> {
        self.registry.list_unbound_uplinks(org, eui, limit).await
    }

    async fn settle_unbound(&self, org: OrgId, eui: DeviceEui, through: u64) -> Result<(), Error> {
        self.registry.settle_unbound(org, eui, through).await
    }

    async fn forget_unbound(&self, org: OrgId, eui: DeviceEui) -> Result<(), Error> {
        self.registry.forget_unbound(org, eui).await
    }

    async fn list_adoptable(&self, limit: usize) -> Result<Vec<(OrgId, DeviceEui)>, Error> {
        self.registry.list_adoptable(limit).await
    }

    async fn create_invite(&self, invite: Invite) -> Result<(), Error> {
        self.registry.create_invite(invite).await
    }

    async fn find_invite(&self, token: SecretHash) -> Result<Option<Invite>, Error> {
        self.registry.find_invite(token).await
    }

    async fn list_invites(&self, org: OrgId) -> Result<Vec<Invite>, Error> {
        self.registry.list_invites(org).await
    }

    async fn delete_invite(&self, org: Option<OrgId>, token: SecretHash) -> Result<(), Error> {
        self.registry.delete_invite(org, token).await
    }

    async fn expire_invites(&self, now: Timestamp) -> Result<(), Error> {
        self.registry.expire_invites(now).await
    }

    async fn accept_invite(
        &self,
        token: SecretHash,
        person: Person,
        founded: Option<Organization>,
    ) -> Result<Person, Error> {
        self.registry.accept_invite(token, person, founded).await
    }

    async fn create_person(&self, person: Person) -> Result<(), Error> {
        self.registry.create_person(person).await
    }

    async fn list_people(&self, org: OrgId) -> Result<Vec<Person>, Error> {
        self.registry.list_people(org).await
    }

    async fn count_people(&self) -> Result<u64, Error> {
        self.registry.count_people().await
    }

    async fn find_person(&self, email: &Email) -> Result<Option<Person>, Error> {
        self.registry.find_person(email).await
    }

    async fn update_person(&self, org: OrgId, id: PersonId, change: PersonChange) -> Result<(), Error> {
        self.registry.update_person(org, id, change).await
    }

    async fn remove_person(&self, org: OrgId, id: PersonId) -> Result<(), Error> {
        self.registry.remove_person(org, id).await
    }

    async fn create_session(&self, session: Session) -> Result<(), Error> {
        self.registry.create_session(session).await
    }

    async fn find_session(&self, token: SecretHash) -> Result<Option<Arc<(Session, Person)>>, Error> {
        self.registry.find_session(token).await
    }

    async fn touch_session(&self, token: SecretHash, at: Timestamp) -> Result<(), Error> {
        self.registry.touch_session(token, at).await
    }

    async fn list_sessions(&self, org: OrgId) -> Result<Vec<Session>, Error> {
        self.registry.list_sessions(org).await
    }

    async fn end_session(&self, org: OrgId, token: SecretHash) -> Result<(), Error> {
        self.registry.end_session(org, token).await
    }

    async fn expire_sessions(&self, before: Timestamp) -> Result<(), Error> {
        self.registry.expire_sessions(before).await
    }

    async fn keep_stream_session(&self, session: StreamSession) -> Result<(), Error> {
        self.registry.keep_stream_session(session).await
    }

    async fn find_stream_session(&self, org: OrgId, client_id: &str) -> Result<Option<StreamSession>, Error> {
        self.registry.find_stream_session(org, client_id).await
    }

    async fn note_stream_sessions(&self, notes: Vec<StreamNote>) -> Result<(), Error> {
        self.registry.note_stream_sessions(notes).await
    }

    async fn forget_stream_session(&self, org: OrgId, client_id: &str) -> Result<(), Error> {
        self.registry.forget_stream_session(org, client_id).await
    }

    async fn expire_stream_sessions(&self, now: Timestamp) -> Result<(), Error> {
        self.registry.expire_stream_sessions(now).await
    }

    async fn retain_message(&self, message: Message) -> Result<(), Error> {
        self.registry.retain_message(message).await
    }

    async fn list_retained_messages(&self, org: OrgId) -> Result<Vec<Message>, Error> {
        self.registry.list_retained_messages(org).await
    }

    async fn forget_retained_message(&self, org: OrgId, topic: &str) -> Result<(), Error> {
        self.registry.forget_retained_message(org, topic).await
    }

    async fn record(&self, deed: Deed) -> Result<(), Error> {
        self.registry.record(deed).await
    }

    async fn list_deeds(&self, org: OrgId, before: Option<u64>, limit: usize) -> Result<Vec<(u64, Deed)>, Error> {
        self.registry.list_deeds(org, before, limit).await
    }
}
