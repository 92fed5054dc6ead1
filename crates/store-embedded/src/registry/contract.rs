use std::sync::Arc;

use async_trait::async_trait;
use model::{
    AccessId, AccessKey, Allowance, Broker, BrokerState, Channel, CodecVersion, Day, Deed, Device, DeviceEui, DeviceId,
    Downlink, Email, Group, GroupId, Invite, Mirror, MirrorId, OrgId, OrgLimits, Organization, Person, PersonId, Rate,
    Retention, RetentionRules, SecretHash, Session, Source, SourceHealth, SourceId, StreamSession, Timestamp, Uplink,
    UserCodec,
};
use store::{
    Binding, Charge, DeviceChange, DeviceFilter, Drawn, Error, Kind, Message, ModelRule, PersonChange, Registry,
    SourceChange, SourceNote, StreamNote, UnboundDevice, UnboundUplink, Usage,
};

use super::{
    Caches, RegistryDb, access_keys, brokers, channels, codecs, deeds, devices, downlinks, groups, invites, limits,
    mirrors, organizations, people, retained, retention, sessions, sources, streams, unbound, usage,
};

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

    async fn rename_organization(&self, org: OrgId, name: &str) -> Result<(), Error> {
        let name = name.to_owned();
        self.change(move |db| organizations::rename(db, org, &name)).await
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

    async fn limit_access_key(
        &self,
        org: OrgId,
        id: AccessId,
        rate: Option<Rate>,
        dm: Option<Allowance>,
    ) -> Result<(), Error> {
        self.change(move |db| limits::limit_key(db, org, id, rate, dm)).await
    }

    async fn limit_organization(&self, org: OrgId, limits: OrgLimits) -> Result<(), Error> {
        self.change(move |db| limits::limit_organization(db, org, limits)).await
    }

    async fn get_limits(&self, org: OrgId) -> Result<Arc<OrgLimits>, Error> {
        let found = self.read_through(&self.caches.limits, org, move |db| limits::find(db, org)).await?;
        found.ok_or(Error::NotFound(Kind::Organization))
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
        self.note(move |db| usage::draw(db, org, id, (first, last), amount, max), |_, drawn| drawn).await
    }

    async fn return_dm(&self, org: OrgId, id: Option<AccessId>, first: Day, amount: u64) -> Result<(), Error> {
        self.note(move |db| usage::give_back(db, org, id, first, amount), |_, ()| {}).await
    }

    async fn list_usage(&self, org: OrgId, first: Day, last: Day, devices_max: usize) -> Result<Usage, Error> {
        self.read(move |db| usage::list(db, org, first, last, devices_max)).await
    }

    async fn charge(&self, charges: Vec<Charge>) -> Result<(), Error> {
        let update = |caches: &Caches, keys: Vec<AccessKey>| {
            caches.keys.update(&keys, |key| key.id, |key, cached| cached.clone_from(key));
        };
        self.note(move |db| access_keys::charge(db, charges), update).await
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

    async fn set_retention(&self, org: OrgId, group: Option<GroupId>, retention: Retention) -> Result<(), Error> {
        self.change(move |db| retention::set(db, org, group, retention)).await
    }

    async fn get_retention(&self, org: OrgId) -> Result<RetentionRules, Error> {
        self.read(move |db| retention::get(db, org)).await
    }

    async fn list_histories(
        &self,
        org: OrgId,
        after: Option<DeviceId>,
        limit: usize,
    ) -> Result<Vec<(DeviceId, Option<GroupId>)>, Error> {
        self.read(move |db| retention::list_histories(db, org, after, limit)).await
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

    async fn bind_device_within(&self, binding: Binding, devices_max: usize) -> Result<Arc<Device>, Error> {
        self.change(move |db| devices::bind_within(db, binding, devices_max)).await.map(Arc::new)
    }

    async fn unbind_device(&self, org: OrgId, eui: DeviceEui) -> Result<(), Error> {
        self.change(move |db| devices::unbind(db, org, eui)).await
    }

    async fn find_device(&self, org: OrgId, eui: DeviceEui) -> Result<Option<Arc<Device>>, Error> {
        self.read_through(&self.caches.devices, (org, eui), move |db| devices::find(db, org, eui)).await
    }

    async fn list_owners(&self, eui: DeviceEui, limit: usize) -> Result<Vec<Arc<Device>>, Error> {
        let orgs = self.read(move |db| devices::list_owners(db, eui, limit)).await?;
        let mut owners = Vec::with_capacity(orgs.len());
        for org in orgs {
            owners.extend(self.find_device(org, eui).await?);
        }
        Ok(owners)
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

    async fn set_report_cycle(&self, org: OrgId, devices: &[DeviceEui], minutes: u16) -> Result<(), Error> {
        let devices = devices.to_vec();
        self.change(move |db| devices::set_report_cycle(db, org, &devices, minutes)).await
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

    async fn update_source(&self, org: OrgId, id: SourceId, change: SourceChange) -> Result<(), Error> {
        self.change(move |db| sources::update(db, org, id, &change)).await
    }

    async fn rotate_source_token(
        &self,
        org: OrgId,
        id: SourceId,
        token: SecretHash,
        until: Timestamp,
    ) -> Result<(), Error> {
        self.change(move |db| sources::rotate(db, org, id, token, until)).await
    }

    async fn note_sources(&self, notes: Vec<SourceNote>) -> Result<(), Error> {
        self.note(move |db| sources::note(db, &notes), |_, ()| {}).await
    }

    async fn list_source_health(&self, org: OrgId) -> Result<Vec<SourceHealth>, Error> {
        self.read(move |db| sources::list_health(db, org)).await
    }

    async fn keep_downlink(&self, downlink: Downlink) -> Result<(), Error> {
        self.change(move |db| downlinks::keep(db, &downlink)).await
    }

    async fn find_downlink(&self, org: OrgId, id: SourceId, eui: DeviceEui) -> Result<Option<Vec<u8>>, Error> {
        self.read(move |db| downlinks::find(db, org, id, eui)).await
    }

    async fn set_broker(&self, broker: Broker) -> Result<(), Error> {
        self.change(move |db| brokers::set(db, &broker)).await
    }

    async fn remove_broker(&self, org: OrgId, id: SourceId) -> Result<(), Error> {
        self.change(move |db| brokers::remove(db, org, id)).await
    }

    async fn list_brokers(&self, org: Option<OrgId>) -> Result<Vec<(Broker, Option<BrokerState>)>, Error> {
        self.read(move |db| brokers::list(db, org)).await
    }

    async fn note_broker(&self, org: OrgId, id: SourceId, state: BrokerState) -> Result<(), Error> {
        self.note(move |db| brokers::note(db, org, id, &state), |_, ()| {}).await
    }

    async fn delete_source(&self, org: OrgId, id: SourceId) -> Result<(), Error> {
        self.change(move |db| sources::delete(db, org, id)).await
    }

    async fn find_source(&self, token: SecretHash) -> Result<Option<Arc<Source>>, Error> {
        self.read_through(&self.caches.sources, token, move |db| sources::find(db, token)).await
    }

    async fn set_model_rules(&self, org: OrgId, source: SourceId, rules: Vec<ModelRule>) -> Result<(), Error> {
        self.note(move |db| sources::set_rules(db, org, source, &rules), |_, ()| {}).await
    }

    async fn list_model_rules(&self, org: OrgId, source: SourceId) -> Result<Vec<ModelRule>, Error> {
        self.read(move |db| sources::list_rules(db, org, source)).await
    }

    async fn set_user_codec(&self, codec: UserCodec) -> Result<CodecVersion, Error> {
        self.change(move |db| codecs::set(db, &codec)).await
    }

    async fn find_user_codec(&self, org: OrgId, model: &str) -> Result<Option<Arc<UserCodec>>, Error> {
        let name = model.to_lowercase();
        let key = (org, name.clone());
        self.read_through(&self.caches.codecs, key, move |db| codecs::find(db, org, &name)).await
    }

    async fn list_user_codecs(&self, org: OrgId) -> Result<Vec<Arc<UserCodec>>, Error> {
        let codecs = self.read(move |db| codecs::list(db, org)).await?;
        Ok(codecs.into_iter().map(Arc::new).collect())
    }

    async fn remove_user_codec(&self, org: OrgId, model: &str) -> Result<(), Error> {
        let name = model.to_lowercase();
        self.change(move |db| codecs::remove(db, org, &name)).await
    }

    async fn set_mirror(&self, mirror: Mirror) -> Result<(), Error> {
        self.note(move |db| mirrors::set(db, &mirror), |_, ()| {}).await
    }

    async fn list_mirrors(&self, org: Option<OrgId>) -> Result<Vec<Mirror>, Error> {
        self.read(move |db| mirrors::list(db, org)).await
    }

    async fn remove_mirror(&self, org: OrgId, id: MirrorId) -> Result<(), Error> {
        self.note(move |db| mirrors::remove(db, org, id), |_, ()| {}).await
    }

    async fn keep_unbound(&self, uplink: Uplink, model: &str) -> Result<bool, Error> {
        UnboundUplink::check(&uplink)?;
        let model = model.to_owned();
        self.note(move |db| unbound::keep(db, &uplink, &model), |_, was_kept| was_kept).await
    }

    async fn list_unbound(&self, org: OrgId, limit: usize) -> Result<Vec<UnboundDevice>, Error> {
        self.read(move |db| unbound::list(db, org, limit)).await
    }

    async fn find_unbound(&self, org: OrgId, eui: DeviceEui) -> Result<Option<UnboundDevice>, Error> {
        self.read(move |db| unbound::find(db, org, eui)).await
    }

    async fn count_unbound_lost(&self, org: OrgId) -> Result<u64, Error> {
        self.read(move |db| unbound::count_lost(db, org)).await
    }

    async fn list_unbound_uplinks(
        &self,
        org: OrgId,
        eui: DeviceEui,
        limit: usize,
    ) -> Result<Vec<UnboundUplink>, Error> {
        self.read(move |db| unbound::uplinks(db, org, eui, limit)).await
    }

    async fn settle_unbound(&self, org: OrgId, eui: DeviceEui, through: u64) -> Result<(), Error> {
        self.note(move |db| unbound::settle(db, org, eui, through), |_, ()| {}).await
    }

    async fn forget_unbound(&self, org: OrgId, eui: DeviceEui) -> Result<(), Error> {
        self.note(move |db| unbound::forget(db, org, eui), |_, ()| {}).await
    }

    async fn list_adoptable(&self, limit: usize) -> Result<Vec<(OrgId, DeviceEui)>, Error> {
        self.read(move |db| unbound::adoptable(db, limit)).await
    }

    async fn create_invite(&self, invite: Invite) -> Result<(), Error> {
        self.change(move |db| invites::create(db, &invite)).await
    }

    async fn find_invite(&self, token: SecretHash) -> Result<Option<Invite>, Error> {
        self.read(move |db| invites::find(db, token)).await
    }

    async fn list_invites(&self, org: OrgId) -> Result<Vec<Invite>, Error> {
        self.read(move |db| invites::list(db, org)).await
    }

    async fn delete_invite(&self, org: Option<OrgId>, token: SecretHash) -> Result<(), Error> {
        self.change(move |db| invites::delete(db, org, token)).await
    }

    async fn expire_invites(&self, now: Timestamp) -> Result<(), Error> {
        // They were worth nothing already.
        self.note(move |db| invites::expire(db, now), |_, ()| {}).await
    }

    async fn accept_invite(
        &self,
        token: SecretHash,
        person: Person,
        founded: Option<Organization>,
    ) -> Result<Person, Error> {
        self.change(move |db| invites::accept(db, token, person, founded.as_ref())).await
    }

    async fn create_person(&self, person: Person) -> Result<(), Error> {
        self.change(move |db| people::create(db, &person)).await
    }

    async fn list_people(&self, org: OrgId) -> Result<Vec<Person>, Error> {
        self.read(move |db| people::list(db, org)).await
    }

    async fn count_people(&self) -> Result<u64, Error> {
        self.read(people::count).await
    }

    async fn find_person(&self, email: &Email) -> Result<Option<Person>, Error> {
        let email = email.clone();
        self.read(move |db| people::find(db, &email)).await
    }

    async fn update_person(&self, org: OrgId, id: PersonId, change: PersonChange) -> Result<(), Error> {
        self.change(move |db| people::update(db, org, id, &change)).await
    }

    async fn remove_person(&self, org: OrgId, id: PersonId) -> Result<(), Error> {
        self.change(move |db| people::remove(db, org, id)).await
    }

    async fn create_session(&self, session: Session) -> Result<(), Error> {
        self.change(move |db| sessions::create(db, &session)).await
    }

    async fn find_session(&self, token: SecretHash) -> Result<Option<Arc<(Session, Person)>>, Error> {
        self.read_through(&self.caches.sessions, token, move |db| sessions::find(db, token)).await
    }

    async fn touch_session(&self, token: SecretHash, at: Timestamp) -> Result<(), Error> {
        self.note(
            move |db| sessions::touch(db, token, at),
            move |caches, ()| {
                caches.sessions.update(&[at], |_| token, |at, (session, _)| session.seen_at = session.seen_at.max(*at));
            },
        )
        .await
    }

    async fn list_sessions(&self, org: OrgId) -> Result<Vec<Session>, Error> {
        self.read(move |db| sessions::list(db, org)).await
    }

    async fn end_session(&self, org: OrgId, token: SecretHash) -> Result<(), Error> {
        self.change(move |db| sessions::end(db, org, token)).await
    }

    async fn expire_sessions(&self, before: Timestamp) -> Result<(), Error> {
        // As a rule there is none, and then nobody needs to read anything again.
        if self.read(move |db| sessions::any_before(db, before)).await? {
            self.change(move |db| sessions::expire(db, before)).await?;
        }
        Ok(())
    }

    async fn keep_stream_session(&self, session: StreamSession) -> Result<(), Error> {
        self.note(move |db| streams::keep(db, &session), |_, ()| {}).await
    }

    async fn find_stream_session(&self, org: OrgId, client_id: &str) -> Result<Option<StreamSession>, Error> {
        let client_id = client_id.to_owned();
        self.read(move |db| streams::find(db, org, &client_id)).await
    }

    async fn note_stream_sessions(&self, notes: Vec<StreamNote>) -> Result<(), Error> {
        self.note(move |db| streams::note(db, &notes), |_, ()| {}).await
    }

    async fn forget_stream_session(&self, org: OrgId, client_id: &str) -> Result<(), Error> {
        let client_id = client_id.to_owned();
        self.note(move |db| streams::forget(db, org, &client_id), |_, ()| {}).await
    }

    async fn expire_stream_sessions(&self, now: Timestamp) -> Result<(), Error> {
        self.note(move |db| streams::expire(db, now), |_, ()| {}).await
    }

    async fn retain_message(&self, message: Message) -> Result<(), Error> {
        self.note(move |db| retained::keep(db, &message), |_, ()| {}).await
    }

    async fn list_retained_messages(&self, org: OrgId) -> Result<Vec<Message>, Error> {
        self.read(move |db| retained::list(db, org)).await
    }

    async fn forget_retained_message(&self, org: OrgId, topic: &str) -> Result<(), Error> {
        let topic = topic.to_owned();
        self.note(move |db| retained::forget(db, org, &topic), |_, ()| {}).await
    }

    async fn record(&self, deed: Deed) -> Result<(), Error> {
        self.note(move |db| deeds::record(db, &deed), |_, ()| {}).await
    }

    async fn list_deeds(&self, org: OrgId, before: Option<u64>, limit: usize) -> Result<Vec<(u64, Deed)>, Error> {
        self.read(move |db| deeds::list(db, org, before, limit)).await
    }
}
