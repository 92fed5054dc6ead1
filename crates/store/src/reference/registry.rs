use std::sync::Arc;

use async_trait::async_trait;
use model::{
    AccessId, AccessKey, Allowance, Broker, BrokerState, Channel, CodecVersion, Day, Deed, Device, DeviceEui, DeviceId,
    Downlink, Email, Group, GroupId, Invite, Mirror, MirrorId, OrgId, OrgLimits, Organization, Person, PersonId, Rate,
    Retention, RetentionRules, SecretHash, Session, Source, SourceHealth, SourceId, StreamSession, Timestamp, Uplink,
    UserCodec,
};

use super::{Reference, lock, tables::Tables};
use crate::{
    Binding, Charge, DeviceChange, DeviceFilter, Drawn, Error, Kind, Message, ModelRule, PersonChange, Registry,
    SourceChange, SourceNote, StreamNote, UnboundDevice, UnboundUplink, Usage, registry::GROUPS_MAX,
};

#[async_trait]
impl Registry for Reference {
    async fn create_organization(&self, organization: Organization) -> Result<(), Error> {
        lock(&self.registry)?.found(organization)
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

    async fn rename_organization(&self, org: OrgId, name: &str) -> Result<(), Error> {
        let mut tables = lock(&self.registry)?;
        let organization = tables.organizations.get_mut(&org).ok_or(Error::NotFound(Kind::Organization))?;
        name.clone_into(&mut organization.name);
        Ok(())
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
        tables.key(org, id)?.revoked_at.get_or_insert(at);
        Ok(())
    }

    async fn find_access_key(&self, id: AccessId) -> Result<Option<Arc<AccessKey>>, Error> {
        Ok(lock(&self.registry)?.keys.get(&id).cloned().map(Arc::new))
    }

    async fn limit_access_key(
        &self,
        org: OrgId,
        id: AccessId,
        rate: Option<Rate>,
        dm: Option<Allowance>,
    ) -> Result<(), Error> {
        let mut tables = lock(&self.registry)?;
        let limits = &mut tables.key(org, id)?.limits;
        (limits.rate, limits.dm) = (rate, dm);
        Ok(())
    }

    async fn limit_organization(&self, org: OrgId, limits: OrgLimits) -> Result<(), Error> {
        let mut tables = lock(&self.registry)?;
        tables.organization(org)?;
        tables.accounts.limits.insert(org, limits);
        Ok(())
    }

    async fn get_limits(&self, org: OrgId) -> Result<Arc<OrgLimits>, Error> {
        let tables = lock(&self.registry)?;
        tables.organization(org)?;
        Ok(Arc::new(tables.accounts.limits.get(&org).copied().unwrap_or_default()))
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
        let mut tables = lock(&self.registry)?;
        tables.organization(org)?;
        if let Some(id) = id {
            tables.key(org, id)?;
        }
        Ok(tables.accounts.draw((org, id), (first, last), amount, max))
    }

    async fn return_dm(&self, org: OrgId, id: Option<AccessId>, first: Day, amount: u64) -> Result<(), Error> {
        lock(&self.registry)?.accounts.give_back(org, id, first, amount);
        Ok(())
    }

    async fn list_usage(&self, org: OrgId, first: Day, last: Day, devices_max: usize) -> Result<Usage, Error> {
        Ok(lock(&self.registry)?.accounts.usage(org, first, last, devices_max))
    }

    async fn charge(&self, mut charges: Vec<Charge>) -> Result<(), Error> {
        let mut tables = lock(&self.registry)?;
        charges.retain(|charge| {
            let Ok(key) = tables.key(charge.org, charge.id) else { return false };
            key.last_used_at = key.last_used_at.max(Some(charge.last_used_at));
            key.calls += charge.used.calls;
            key.dm += charge.used.dm;
            true
        });
        tables.accounts.charge(&charges);
        Ok(())
    }

    async fn count_dm(&self, org: OrgId) -> Result<u64, Error> {
        Ok(lock(&self.registry)?.keys.values().filter(|key| key.org == org).map(|key| key.dm).sum())
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
        tables.retention.entry(org).or_default().groups.remove(&id);
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

    async fn set_retention(&self, org: OrgId, group: Option<GroupId>, retention: Retention) -> Result<(), Error> {
        let mut tables = lock(&self.registry)?;
        tables.organization(org)?;
        if let Some(id) = group {
            tables.group(org, id)?;
        }
        let rules = tables.retention.entry(org).or_default();
        match group {
            None => rules.organization = retention,
            Some(id) if retention == Retention::default() => drop(rules.groups.remove(&id)),
            Some(id) => drop(rules.groups.insert(id, retention)),
        }
        Ok(())
    }

    async fn get_retention(&self, org: OrgId) -> Result<RetentionRules, Error> {
        Ok(lock(&self.registry)?.retention.get(&org).cloned().unwrap_or_default())
    }

    async fn list_histories(
        &self,
        org: OrgId,
        after: Option<DeviceId>,
        limit: usize,
    ) -> Result<Vec<(DeviceId, Option<GroupId>)>, Error> {
        let tables = lock(&self.registry)?;
        let known = tables.devices.values().chain(tables.unbound.values()).filter(|device| device.org == org);
        let mut known: Vec<_> = known.map(|device| (device.id, device.group)).collect();
        known.sort_unstable();
        known.retain(|(id, _)| Some(*id) > after);
        known.truncate(limit);
        Ok(known)
    }

    async fn move_devices_to_group(
        &self,
        org: OrgId,
        devices: &[DeviceEui],
        group: Option<GroupId>,
    ) -> Result<(), Error> {
        lock(&self.registry)?.move_devices(org, devices, group)
    }

    async fn bind_device(&self, binding: Binding) -> Result<Arc<Device>, Error> {
        lock(&self.registry)?.bind(binding)
    }

    async fn bind_device_within(&self, binding: Binding, devices_max: usize) -> Result<Arc<Device>, Error> {
        let mut tables = lock(&self.registry)?;
        let alike = tables.devices.values().filter(|device| device.org == binding.org && device.model == binding.model);
        if alike.count() >= devices_max {
            return Err(Error::Limit { what: "devices", max: devices_max as u64 });
        }
        tables.bind(binding)
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

    async fn list_owners(&self, eui: DeviceEui, limit: usize) -> Result<Vec<Arc<Device>>, Error> {
        let tables = lock(&self.registry)?;
        Ok(tables.devices.values().filter(|device| device.eui == eui).take(limit).cloned().collect())
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
        if let Some(Some(group)) = change.group {
            tables.group(org, group)?;
        }
        let device = tables.device(org, eui)?;
        if let Some(name) = change.name {
            device.name = name;
        }
        if let Some(model) = change.model {
            device.model = model;
        }
        device.place = change.place.or(device.place);
        device.group = change.group.unwrap_or(device.group);
        let notes = &mut device.notes;
        if let Some(description) = change.description {
            notes.description = description;
        }
        if let Some(country) = change.country {
            notes.country = country;
        }
        notes.antenna = change.antenna.or(notes.antenna);
        notes.altitude_m = change.altitude_m.or(notes.altitude_m);
        if let Some(map) = change.channel_map {
            device.channel_map = map;
        }
        Ok(())
    }

    async fn set_report_cycle(&self, org: OrgId, devices: &[DeviceEui], minutes: u16) -> Result<(), Error> {
        let mut tables = lock(&self.registry)?;
        for eui in devices {
            tables.device(org, *eui)?;
        }
        for eui in devices {
            tables.device(org, *eui)?.report_cycle_min = Some(minutes);
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
        tables.sources.create(source)
    }

    async fn list_sources(&self, org: OrgId) -> Result<Vec<Source>, Error> {
        Ok(lock(&self.registry)?.sources.list(org))
    }

    async fn update_source(&self, org: OrgId, id: SourceId, change: SourceChange) -> Result<(), Error> {
        lock(&self.registry)?.sources.update(org, id, change)
    }

    async fn rotate_source_token(
        &self,
        org: OrgId,
        id: SourceId,
        token: SecretHash,
        until: Timestamp,
    ) -> Result<(), Error> {
        lock(&self.registry)?.sources.rotate(org, id, token, until)
    }

    async fn note_sources(&self, notes: Vec<SourceNote>) -> Result<(), Error> {
        lock(&self.registry)?.sources.note(notes);
        Ok(())
    }

    async fn list_source_health(&self, org: OrgId) -> Result<Vec<SourceHealth>, Error> {
        Ok(lock(&self.registry)?.sources.list_health(org))
    }

    async fn keep_downlink(&self, downlink: Downlink) -> Result<(), Error> {
        lock(&self.registry)?.sources.keep_downlink(downlink)
    }

    async fn find_downlink(&self, org: OrgId, id: SourceId, eui: DeviceEui) -> Result<Option<Vec<u8>>, Error> {
        Ok(lock(&self.registry)?.sources.find_downlink(org, id, eui))
    }

    async fn set_broker(&self, broker: Broker) -> Result<(), Error> {
        lock(&self.registry)?.sources.set_broker(broker)
    }

    async fn remove_broker(&self, org: OrgId, id: SourceId) -> Result<(), Error> {
        lock(&self.registry)?.sources.remove_broker(org, id)
    }

    async fn list_brokers(&self, org: Option<OrgId>) -> Result<Vec<(Broker, Option<BrokerState>)>, Error> {
        Ok(lock(&self.registry)?.sources.list_brokers(org))
    }

    async fn note_broker(&self, org: OrgId, id: SourceId, state: BrokerState) -> Result<(), Error> {
        lock(&self.registry)?.sources.note_broker(org, id, state);
        Ok(())
    }

    async fn delete_source(&self, org: OrgId, id: SourceId) -> Result<(), Error> {
        let mut tables = lock(&self.registry)?;
        tables.sources.delete(org, id)?;
        tables.unbounds.delete_source(org, id);
        tables.model_rules.remove(&(org, id));
        Ok(())
    }

    async fn find_source(&self, token: SecretHash) -> Result<Option<Arc<Source>>, Error> {
        Ok(lock(&self.registry)?.sources.find(token).map(Arc::new))
    }

    async fn set_model_rules(&self, org: OrgId, source: SourceId, rules: Vec<ModelRule>) -> Result<(), Error> {
        lock(&self.registry)?.set_rules(org, source, rules)
    }

    async fn list_model_rules(&self, org: OrgId, source: SourceId) -> Result<Vec<ModelRule>, Error> {
        Ok(lock(&self.registry)?.model_rules.get(&(org, source)).cloned().unwrap_or_default())
    }

    async fn set_user_codec(&self, codec: UserCodec) -> Result<CodecVersion, Error> {
        let mut tables = lock(&self.registry)?;
        tables.organization(codec.org)?;
        tables.codecs.set(codec)
    }

    async fn find_user_codec(&self, org: OrgId, model: &str) -> Result<Option<Arc<UserCodec>>, Error> {
        Ok(lock(&self.registry)?.codecs.find(org, model))
    }

    async fn list_user_codecs(&self, org: OrgId) -> Result<Vec<Arc<UserCodec>>, Error> {
        Ok(lock(&self.registry)?.codecs.list(org))
    }

    async fn remove_user_codec(&self, org: OrgId, model: &str) -> Result<(), Error> {
        lock(&self.registry)?.codecs.remove(org, model)
    }

    async fn set_mirror(&self, mirror: Mirror) -> Result<(), Error> {
        let mut tables = lock(&self.registry)?;
        tables.organization(mirror.org)?;
        tables.mirrors.set(mirror)
    }

    async fn list_mirrors(&self, org: Option<OrgId>) -> Result<Vec<Mirror>, Error> {
        Ok(lock(&self.registry)?.mirrors.list(org))
    }

    async fn remove_mirror(&self, org: OrgId, id: MirrorId) -> Result<(), Error> {
        lock(&self.registry)?.mirrors.remove(org, id)
    }

    async fn keep_unbound(&self, uplink: Uplink, model: &str) -> Result<bool, Error> {
        UnboundUplink::check(&uplink)?;
        let mut tables = lock(&self.registry)?;
        if !tables.sources.list(uplink.org).iter().any(|source| source.id == uplink.source) {
            return Err(Error::NotFound(Kind::Source));
        }
        if tables.devices.contains_key(&(uplink.org, uplink.eui)) {
            return Err(Error::Conflict(Kind::Device));
        }
        Ok(tables.unbounds.keep(uplink, model))
    }

    async fn list_unbound(&self, org: OrgId, limit: usize) -> Result<Vec<UnboundDevice>, Error> {
        let tables = lock(&self.registry)?;
        let mut list = tables.unbounds.list(org);
        list.retain(|device| !tables.devices.contains_key(&(org, device.eui)));
        list.truncate(limit);
        Ok(list)
    }

    async fn find_unbound(&self, org: OrgId, eui: DeviceEui) -> Result<Option<UnboundDevice>, Error> {
        let tables = lock(&self.registry)?;
        let list = tables.unbounds.list(org).into_iter();
        Ok(list.filter(|device| !tables.devices.contains_key(&(org, device.eui))).find(|device| device.eui == eui))
    }

    async fn count_unbound_lost(&self, org: OrgId) -> Result<u64, Error> {
        Ok(lock(&self.registry)?.unbounds.count_lost(org))
    }

    async fn list_unbound_uplinks(
        &self,
        org: OrgId,
        eui: DeviceEui,
        limit: usize,
    ) -> Result<Vec<UnboundUplink>, Error> {
        Ok(lock(&self.registry)?.unbounds.uplinks(org, eui, limit))
    }

    async fn settle_unbound(&self, org: OrgId, eui: DeviceEui, through: u64) -> Result<(), Error> {
        lock(&self.registry)?.unbounds.settle(org, eui, through);
        Ok(())
    }

    async fn forget_unbound(&self, org: OrgId, eui: DeviceEui) -> Result<(), Error> {
        let mut tables = lock(&self.registry)?;
        if tables.devices.contains_key(&(org, eui)) || !tables.unbounds.forget(org, eui) {
            return Err(Error::NotFound(Kind::Device));
        }
        Ok(())
    }

    async fn list_adoptable(&self, limit: usize) -> Result<Vec<(OrgId, DeviceEui)>, Error> {
        let tables = lock(&self.registry)?;
        let named = tables.unbounds.names().into_iter().filter(|name| tables.devices.contains_key(name));
        Ok(named.take(limit).collect())
    }

    async fn create_invite(&self, invite: Invite) -> Result<(), Error> {
        let mut tables = lock(&self.registry)?;
        if let Some(org) = invite.org {
            tables.organization(org)?;
        }
        tables.people.create_invite(invite)
    }

    async fn find_invite(&self, token: SecretHash) -> Result<Option<Invite>, Error> {
        Ok(lock(&self.registry)?.people.find_invite(token))
    }

    async fn list_invites(&self, org: OrgId) -> Result<Vec<Invite>, Error> {
        Ok(lock(&self.registry)?.people.list_invites(org))
    }

    async fn delete_invite(&self, org: Option<OrgId>, token: SecretHash) -> Result<(), Error> {
        lock(&self.registry)?.people.delete_invite(org, token)
    }

    async fn expire_invites(&self, now: Timestamp) -> Result<(), Error> {
        lock(&self.registry)?.people.expire_invites(now);
        Ok(())
    }

    async fn accept_invite(
        &self,
        token: SecretHash,
        person: Person,
        founded: Option<Organization>,
    ) -> Result<Person, Error> {
        let mut tables = lock(&self.registry)?;
        let invite = tables.people.find_invite(token).filter(|invite| person.created_at < invite.expires_at);
        let invite = invite.ok_or(Error::NotFound(Kind::Invite))?;
        let founded = if invite.org.is_some() { None } else { founded };
        let org = invite.org.or(founded.as_ref().map(|organization| organization.id));
        let org = org.ok_or(Error::NotFound(Kind::Organization))?;
        if founded.is_some() && tables.organizations.contains_key(&org) {
            return Err(Error::Conflict(Kind::Organization));
        }
        let person = Person { org, role: invite.role, is_operator: invite.is_operator, ..person };
        tables.people.create(person.clone())?;
        if let Some(organization) = founded {
            tables.found(organization)?;
        }
        tables.people.delete_invite(invite.org, token)?;
        Ok(person)
    }

    async fn create_person(&self, person: Person) -> Result<(), Error> {
        let mut tables = lock(&self.registry)?;
        tables.organization(person.org)?;
        tables.people.create(person)
    }

    async fn list_people(&self, org: OrgId) -> Result<Vec<Person>, Error> {
        Ok(lock(&self.registry)?.people.list(org))
    }

    async fn count_people(&self) -> Result<u64, Error> {
        Ok(lock(&self.registry)?.people.count())
    }

    async fn find_person(&self, email: &Email) -> Result<Option<Person>, Error> {
        Ok(lock(&self.registry)?.people.find(email))
    }

    async fn update_person(&self, org: OrgId, id: PersonId, change: PersonChange) -> Result<(), Error> {
        lock(&self.registry)?.people.update(org, id, change)
    }

    async fn remove_person(&self, org: OrgId, id: PersonId) -> Result<(), Error> {
        lock(&self.registry)?.people.remove(org, id)
    }

    async fn create_session(&self, session: Session) -> Result<(), Error> {
        lock(&self.registry)?.people.create_session(session)
    }

    async fn find_session(&self, token: SecretHash) -> Result<Option<Arc<(Session, Person)>>, Error> {
        Ok(lock(&self.registry)?.people.find_session(token).map(Arc::new))
    }

    async fn touch_session(&self, token: SecretHash, at: Timestamp) -> Result<(), Error> {
        lock(&self.registry)?.people.touch_session(token, at);
        Ok(())
    }

    async fn list_sessions(&self, org: OrgId) -> Result<Vec<Session>, Error> {
        Ok(lock(&self.registry)?.people.list_sessions(org))
    }

    async fn end_session(&self, org: OrgId, token: SecretHash) -> Result<(), Error> {
        lock(&self.registry)?.people.end_session(org, token)
    }

    async fn expire_sessions(&self, before: Timestamp) -> Result<(), Error> {
        lock(&self.registry)?.people.expire_sessions(before);
        Ok(())
    }

    async fn keep_stream_session(&self, session: StreamSession) -> Result<(), Error> {
        let mut tables = lock(&self.registry)?;
        tables.organization(session.org)?;
        tables.streams.keep(session)
    }

    async fn find_stream_session(&self, org: OrgId, client_id: &str) -> Result<Option<StreamSession>, Error> {
        Ok(lock(&self.registry)?.streams.find(org, client_id))
    }

    async fn note_stream_sessions(&self, notes: Vec<StreamNote>) -> Result<(), Error> {
        lock(&self.registry)?.streams.note(notes);
        Ok(())
    }

    async fn forget_stream_session(&self, org: OrgId, client_id: &str) -> Result<(), Error> {
        lock(&self.registry)?.streams.forget(org, client_id);
        Ok(())
    }

    async fn expire_stream_sessions(&self, now: Timestamp) -> Result<(), Error> {
        lock(&self.registry)?.streams.expire(now);
        Ok(())
    }

    async fn retain_message(&self, message: Message) -> Result<(), Error> {
        let mut tables = lock(&self.registry)?;
        tables.organization(message.org)?;
        tables.retained.keep(message)
    }

    async fn list_retained_messages(&self, org: OrgId) -> Result<Vec<Message>, Error> {
        Ok(lock(&self.registry)?.retained.list(org))
    }

    async fn forget_retained_message(&self, org: OrgId, topic: &str) -> Result<(), Error> {
        lock(&self.registry)?.retained.forget(org, topic);
        Ok(())
    }

    async fn record(&self, deed: Deed) -> Result<(), Error> {
        let mut tables = lock(&self.registry)?;
        tables.organization(deed.org)?;
        tables.people.record(deed);
        Ok(())
    }

    async fn list_deeds(&self, org: OrgId, before: Option<u64>, limit: usize) -> Result<Vec<(u64, Deed)>, Error> {
        Ok(lock(&self.registry)?.people.list_deeds(org, before, limit))
    }
}
