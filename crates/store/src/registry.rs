use std::sync::Arc;

use async_trait::async_trait;
use model::{
    AccessId, AccessKey, Allowance, Antenna, Broker, BrokerState, Channel, ChannelMap, CodecVersion, Day, Deed, Device,
    DeviceEui, DeviceId, DeviceKind, DeviceNotes, Downlink, Email, GeoPoint, Group, GroupId, Invite, Mirror, MirrorId,
    OrgId, OrgLimits, Organization, PasswordHash, Person, PersonId, Position, Rate, Retention, RetentionRules, Role,
    SecretHash, Session, Source, SourceHealth, SourceId, StreamSession, Timestamp, Uplink, UserCodec,
};

use crate::{Charge, Drawn, Error, Message, UnboundDevice, UnboundUplink, Usage};

/// Most groups an organization may have, as the contract says.
pub const GROUPS_MAX: usize = 50;
/// Most messages that are kept for late subscribers of an organization's private space.
pub const RETAINED_MAX: usize = 4_096;

/// Most readers of its stream that an organization may have that are kept while they are away.
pub const STREAM_SESSIONS_MAX: usize = 1_000;

/// Most rules about models that a source may have.
pub const MODEL_RULES_MAX: usize = 100;

/// Most codecs that an organization may have written itself.
pub const USER_CODECS_MAX: usize = 100;

/// The most other stations that an organization mirrors.
pub const MIRRORS_MAX: usize = 16;

/// The control plane: who owns what, and who may do what.
///
/// Ids, secrets and times are the caller's to make; a rule that needs a transaction is one method
/// here. Every method names the organization, but those that find out which it is, by a secret or an
/// e-mail address, and those that are about the whole station.
#[async_trait]
pub trait Registry: Send + Sync {
    /// Creates an organization. **Errors**: `Conflict` if the id is taken.
    async fn create_organization(&self, organization: Organization) -> Result<(), Error>;
    /// The organization. **Errors**: `NotFound`.
    async fn get_organization(&self, org: OrgId) -> Result<Organization, Error>;
    /// Organizations by ascending id, after `after`.
    async fn list_organizations(&self, after: Option<OrgId>, limit: usize) -> Result<Vec<Organization>, Error>;

    /// Renames an organization. **Errors**: `NotFound`.
    async fn rename_organization(&self, org: OrgId, name: &str) -> Result<(), Error>;

    /// Creates an access key. **Errors**: `NotFound` organization, `Conflict` if the id is taken.
    async fn create_access_key(&self, key: AccessKey) -> Result<(), Error>;
    /// The organization's keys, revoked ones included, by ascending id.
    async fn list_access_keys(&self, org: OrgId) -> Result<Vec<AccessKey>, Error>;
    /// Revokes a key for good; the first revocation keeps its time. **Errors**: `NotFound`.
    async fn revoke_access_key(&self, org: OrgId, id: AccessId, at: Timestamp) -> Result<(), Error>;
    /// The key of an access id, revoked or not; whoever asks compares the secret in constant time.
    async fn find_access_key(&self, id: AccessId) -> Result<Option<Arc<AccessKey>>, Error>;
    /// Limits what a key may use, or lifts its limits. **Errors**: `NotFound`.
    async fn limit_access_key(
        &self,
        org: OrgId,
        id: AccessId,
        rate: Option<Rate>,
        dm: Option<Allowance>,
    ) -> Result<(), Error>;
    /// Limits what an organization may use, or lifts its limits. **Errors**: `NotFound`.
    async fn limit_organization(&self, org: OrgId, limits: OrgLimits) -> Result<(), Error>;
    /// What an organization may use. **Errors**: `NotFound`.
    async fn get_limits(&self, org: OrgId) -> Result<Arc<OrgLimits>, Error>;
    /// Takes up to `amount` data out of an allowance of `max` for the days from `first` to `last`, both included: a
    /// key's, or the organization's own. What is granted counts as used from then on, whatever becomes of whoever
    /// drew it; where more was charged on these days than was drawn, that counts.
    /// **Errors**: `NotFound` organization or access key.
    async fn draw_dm(
        &self,
        org: OrgId,
        id: Option<AccessId>,
        first: Day,
        last: Day,
        amount: u64,
        max: u64,
    ) -> Result<Drawn, Error>;
    /// Gives back what was drawn and not spent; nothing where nothing was drawn.
    async fn return_dm(&self, org: OrgId, id: Option<AccessId>, first: Day, amount: u64) -> Result<(), Error>;
    /// What the organization used from one day to another, both included, and at most so many devices.
    async fn list_usage(&self, org: OrgId, first: Day, last: Day, devices_max: usize) -> Result<Usage, Error>;

    /// Adds what keys have used since the last call, also to the keys' own counters; keys that are
    /// gone are passed over. Devices are told apart as far as [`USAGE_DEVICES_MAX`](crate::USAGE_DEVICES_MAX)
    /// allows, those of one call by ascending EUI; days are forgotten beyond the newest
    /// [`USAGE_DAYS`](crate::USAGE_DAYS).
    async fn charge(&self, charges: Vec<Charge>) -> Result<(), Error>;
    /// How many data the organization has read over HTTP, in the contract's unit `dm`.
    async fn count_dm(&self, org: OrgId) -> Result<u64, Error>;

    /// Creates a group. **Errors**: `Conflict` if the name is taken, `Limit` beyond 50 groups,
    /// `NotFound` organization.
    async fn create_group(&self, group: Group) -> Result<(), Error>;
    /// Renames a group. **Errors**: `NotFound`, `Conflict` if another has the name.
    async fn rename_group(&self, org: OrgId, id: GroupId, name: &str) -> Result<(), Error>;
    /// Deletes a group; its devices move to the default group. **Errors**: `NotFound`.
    async fn delete_group(&self, org: OrgId, id: GroupId) -> Result<(), Error>;
    /// The organization's groups in the order they were created.
    async fn list_groups(&self, org: OrgId) -> Result<Vec<Group>, Error>;
    /// Moves devices to a group (`None`: the default one), all or none. **Errors**: `NotFound`
    /// group, or device if any of them is not the organization's.
    async fn move_devices_to_group(
        &self,
        org: OrgId,
        devices: &[DeviceEui],
        group: Option<GroupId>,
    ) -> Result<(), Error>;

    /// Says how long the devices of an organization keep history, or those of one of its groups; it goes with the
    /// group. **Errors**: `NotFound` organization or group.
    async fn set_retention(&self, org: OrgId, group: Option<GroupId>, retention: Retention) -> Result<(), Error>;
    /// What an organization and its groups say about how long history is kept.
    async fn get_retention(&self, org: OrgId) -> Result<RetentionRules, Error>;
    /// The devices whose history the organization has, by ascending id, after `after`, each with its group; one that
    /// is unbound is in the group that it was in.
    async fn list_histories(
        &self,
        org: OrgId,
        after: Option<DeviceId>,
        limit: usize,
    ) -> Result<Vec<(DeviceId, Option<GroupId>)>, Error>;

    /// Binds a device. The organization that had it before gets the same device id, and its
    /// history with it; another organization a new one. **Errors**: `Conflict` if it is bound
    /// here, `NotFound` organization or group.
    async fn bind_device(&self, binding: Binding) -> Result<Arc<Device>, Error>;
    /// As [`bind_device`](Registry::bind_device), unless the organization has so many bound devices
    /// of that model already. **Errors**: `Limit` then, else as there.
    async fn bind_device_within(&self, binding: Binding, devices_max: usize) -> Result<Arc<Device>, Error>;
    /// Unbinds a device: it is hidden and stopped, its history stays. **Errors**: `NotFound`.
    async fn unbind_device(&self, org: OrgId, eui: DeviceEui) -> Result<(), Error>;
    /// The bound device of an EUI, if the organization has it.
    async fn find_device(&self, org: OrgId, eui: DeviceEui) -> Result<Option<Arc<Device>>, Error>;
    /// The bound devices of an EUI, whichever organization has them, by ascending organization: for a
    /// device that proves by a secret of its own which of them it is.
    async fn list_owners(&self, eui: DeviceEui, limit: usize) -> Result<Vec<Arc<Device>>, Error>;
    /// The id of a device that the organization has, or ever had; what is to be purged is found by
    /// it.
    async fn find_device_id(&self, org: OrgId, eui: DeviceEui) -> Result<Option<DeviceId>, Error>;
    /// What a device that the organization unbound would be bound with once more, at `at`.
    async fn find_unbound_device(&self, org: OrgId, eui: DeviceEui, at: Timestamp) -> Result<Option<Binding>, Error>;
    /// Bound devices by ascending EUI, after `after`.
    async fn list_devices(
        &self,
        org: OrgId,
        filter: DeviceFilter,
        after: Option<DeviceEui>,
        limit: usize,
    ) -> Result<Vec<Arc<Device>>, Error>;
    /// Changes what is given. **Errors**: `NotFound` device or group.
    async fn update_device(&self, org: OrgId, eui: DeviceEui, change: DeviceChange) -> Result<(), Error>;
    /// Says how often devices are to report, in minutes: all of them or none. **Errors**: `NotFound`
    /// if any of them is not the organization's.
    async fn set_report_cycle(&self, org: OrgId, devices: &[DeviceEui], minutes: u16) -> Result<(), Error>;
    /// Describes a channel, anew or for the first time. **Errors**: `NotFound` device.
    async fn describe_channel(&self, org: OrgId, eui: DeviceEui, channel: Channel) -> Result<(), Error>;

    /// Creates a source. **Errors**: `NotFound` organization, `Conflict` if the id or a token is
    /// taken; every token that a source has, or had before the one it has, is taken.
    async fn create_source(&self, source: Source) -> Result<(), Error>;
    /// The organization's sources by ascending id.
    async fn list_sources(&self, org: OrgId) -> Result<Vec<Source>, Error>;
    /// Changes what is given. **Errors**: `NotFound`.
    async fn update_source(&self, org: OrgId, id: SourceId, change: SourceChange) -> Result<(), Error>;
    /// Gives a source another token; the one it had is good until `until`, any before that no more.
    /// **Errors**: `NotFound`, `Conflict` if the token is taken.
    async fn rotate_source_token(
        &self,
        org: OrgId,
        id: SourceId,
        token: SecretHash,
        until: Timestamp,
    ) -> Result<(), Error>;
    /// Adds what sources have brought since the last call; times move only forward, and sources that
    /// are gone are passed over.
    async fn note_sources(&self, notes: Vec<SourceNote>) -> Result<(), Error>;
    /// How the organization's sources have been doing, by ascending id: one for each source.
    async fn list_source_health(&self, org: OrgId) -> Result<Vec<SourceHealth>, Error>;
    /// Says which broker a source's messages are fetched from, in place of the one before.
    /// **Errors**: `NotFound` source.
    async fn set_broker(&self, broker: Broker) -> Result<(), Error>;
    /// Fetches a source's messages from nowhere, if they were. **Errors**: `NotFound` source.
    async fn remove_broker(&self, org: OrgId, id: SourceId) -> Result<(), Error>;
    /// Every broker, or those of one organization, by ascending source, and how fetching goes as far
    /// as that was noted.
    async fn list_brokers(&self, org: Option<OrgId>) -> Result<Vec<(Broker, Option<BrokerState>)>, Error>;
    /// Writes down how fetching a source's messages goes; nothing for a source without a broker.
    async fn note_broker(&self, org: OrgId, id: SourceId, state: BrokerState) -> Result<(), Error>;
    /// Keeps how a network server takes messages to a device, in place of what it said before.
    /// **Errors**: `NotFound` source.
    async fn keep_downlink(&self, downlink: Downlink) -> Result<(), Error>;
    /// How a source's network server takes messages to a device, sealed, if it has ever said so.
    async fn find_downlink(&self, org: OrgId, id: SourceId, eui: DeviceEui) -> Result<Option<Vec<u8>>, Error>;
    /// Deletes a source, forgets its broker, its downlinks and what it brought of devices that nobody has bound; its token is worth
    /// nothing from then on. **Errors**: `NotFound`.
    async fn delete_source(&self, org: OrgId, id: SourceId) -> Result<(), Error>;
    /// The source that a token is, or was the one before of, by the token's hash; whoever asks
    /// looks whether it still is with [`Source::has_token`].
    async fn find_source(&self, token: SecretHash) -> Result<Option<Arc<Source>>, Error>;

    /// Says which model devices are that the source's words name, in the order that is tried: at most
    /// [`MODEL_RULES_MAX`] rules, in place of those there were. **Errors**: `NotFound` source, `Limit`.
    async fn set_model_rules(&self, org: OrgId, source: SourceId, rules: Vec<ModelRule>) -> Result<(), Error>;
    /// The source's rules in their order; none if there is no such source.
    async fn list_model_rules(&self, org: OrgId, source: SourceId) -> Result<Vec<ModelRule>, Error>;

    /// Keeps a codec in place of the organization's of that model, in any case, if there is one, and says which version
    /// it is now; the one that it brings does not matter. Versions count from 1 and never come again, also after a
    /// removal. **Errors**: `NotFound` organization, `Limit` beyond [`USER_CODECS_MAX`] and beyond 65,535 versions.
    async fn set_user_codec(&self, codec: UserCodec) -> Result<CodecVersion, Error>;
    /// The organization's codec of a model, in any case.
    async fn find_user_codec(&self, org: OrgId, model: &str) -> Result<Option<Arc<UserCodec>>, Error>;
    /// The organization's codecs, by ascending model in lower case.
    async fn list_user_codecs(&self, org: OrgId) -> Result<Vec<Arc<UserCodec>>, Error>;
    /// Removes a codec; what its devices send from then on is kept undecoded. **Errors**: `NotFound`.
    async fn remove_user_codec(&self, org: OrgId, model: &str) -> Result<(), Error>;

    /// Keeps a mirror in place of the organization's of that id, if there is one. **Errors**: `NotFound` organization,
    /// `Conflict` if another of its mirrors is of that station and Access ID, `Limit` beyond [`MIRRORS_MAX`].
    async fn set_mirror(&self, mirror: Mirror) -> Result<(), Error>;
    /// Every mirror, or those of one organization, by ascending organization and id.
    async fn list_mirrors(&self, org: Option<OrgId>) -> Result<Vec<Mirror>, Error>;
    /// Removes a mirror; what it has brought stays. **Errors**: `NotFound`.
    async fn remove_mirror(&self, org: OrgId, id: MirrorId) -> Result<(), Error>;

    /// Keeps an uplink of a device that nobody in its organization has bound, until somebody does, and says whether
    /// it was kept before: the device and source have a kept one with the same key, received less than 24 h before
    /// it. What its source's words make likely is `model`, if anything; an empty model or name leaves what there is.
    ///
    /// Beyond [`UNBOUND_UPLINKS_MAX`](crate::UNBOUND_UPLINKS_MAX) of the device, and then beyond
    /// [`UNBOUND_SOURCE_UPLINKS_MAX`](crate::UNBOUND_SOURCE_UPLINKS_MAX) of the source, the oldest is dropped and
    /// counted; beyond [`UNBOUND_DEVICES_MAX`](crate::UNBOUND_DEVICES_MAX) of the source, the device that was not
    /// heard for longest (of equals the one of the lowest EUI) goes with all it has.
    ///
    /// **Errors**: `Limit` if it is too large, `NotFound` source, `Conflict` device if it is bound here.
    async fn keep_unbound(&self, uplink: Uplink, model: &str) -> Result<bool, Error>;
    /// Devices that uplinks were brought of and that are not bound, those that were heard last first, of one time by
    /// source and EUI.
    async fn list_unbound(&self, org: OrgId, limit: usize) -> Result<Vec<UnboundDevice>, Error>;
    /// What is known of such a device; where several sources bring its uplinks, from the one that did last.
    async fn find_unbound(&self, org: OrgId, eui: DeviceEui) -> Result<Option<UnboundDevice>, Error>;
    /// How many uplinks went with devices that made room for others.
    async fn count_unbound_lost(&self, org: OrgId) -> Result<u64, Error>;
    /// The kept uplinks of a device, bound or not, in the order they were kept.
    async fn list_unbound_uplinks(&self, org: OrgId, eui: DeviceEui, limit: usize)
    -> Result<Vec<UnboundUplink>, Error>;
    /// Forgets the kept uplinks of a device up to a number, because they are appended now, and the device when it
    /// has none left.
    async fn settle_unbound(&self, org: OrgId, eui: DeviceEui, through: u64) -> Result<(), Error>;
    /// Forgets a device that nobody has bound, and its uplinks. **Errors**: `NotFound`.
    async fn forget_unbound(&self, org: OrgId, eui: DeviceEui) -> Result<(), Error>;
    /// Devices that are bound and have uplinks from before, in whatever organization.
    async fn list_adoptable(&self, limit: usize) -> Result<Vec<(OrgId, DeviceEui)>, Error>;

    /// Creates an invite. **Errors**: `NotFound` organization, `Conflict` if the token is taken.
    async fn create_invite(&self, invite: Invite) -> Result<(), Error>;
    /// The invite of a token, by the token's hash, expired or not.
    async fn find_invite(&self, token: SecretHash) -> Result<Option<Invite>, Error>;
    /// The organization's invites, oldest first (by time and token); those that found one belong to
    /// none.
    async fn list_invites(&self, org: OrgId) -> Result<Vec<Invite>, Error>;
    /// Deletes an invite, also one that belongs to no organization yet. **Errors**: `NotFound`.
    async fn delete_invite(&self, org: Option<OrgId>, token: SecretHash) -> Result<(), Error>;
    /// Deletes the invites that have expired: `expires_at` is not after `now`.
    async fn expire_invites(&self, now: Timestamp) -> Result<(), Error>;
    /// Makes a person of an invite, which is worth nothing from then on, in one step with the
    /// organization to be founded, if the invite is for that. Organization, role and operatorship
    /// are the invite's, whatever `person` says; without an organization of the invite's it is
    /// `founded`'s.
    ///
    /// **Errors**, the first that applies: `NotFound` invite if there is none, or it has expired by
    /// `person.created_at`; `NotFound` organization if the invite names none and `founded` is
    /// `None`; `Conflict` organization or person (id or e-mail address) if one is taken. The invite
    /// is then still there.
    async fn accept_invite(
        &self,
        token: SecretHash,
        person: Person,
        founded: Option<Organization>,
    ) -> Result<Person, Error>;
    /// Creates a person directly. **Errors**: `NotFound` organization, `Conflict` if id or e-mail
    /// address is taken.
    async fn create_person(&self, person: Person) -> Result<(), Error>;
    /// The organization's people, by ascending e-mail address.
    async fn list_people(&self, org: OrgId) -> Result<Vec<Person>, Error>;
    /// How many people the station has.
    async fn count_people(&self) -> Result<u64, Error>;
    /// The person of an e-mail address.
    async fn find_person(&self, email: &Email) -> Result<Option<Person>, Error>;
    /// Changes what is given; another password ends every session but `change.keep`.
    /// **Errors**: `NotFound`; `LastOwner` if the role is another and nobody else is an owner.
    async fn update_person(&self, org: OrgId, id: PersonId, change: PersonChange) -> Result<(), Error>;
    /// Removes a person and ends their sessions. **Errors**: `NotFound`; `LastOwner` if nobody else
    /// is an owner.
    async fn remove_person(&self, org: OrgId, id: PersonId) -> Result<(), Error>;

    /// Begins a session. **Errors**: `NotFound` person, `Conflict` if the token is taken.
    async fn create_session(&self, session: Session) -> Result<(), Error>;
    /// The session of a token, by the token's hash, and who is signed in; whoever asks looks
    /// whether it is too old.
    async fn find_session(&self, token: SecretHash) -> Result<Option<Arc<(Session, Person)>>, Error>;
    /// Notes that a session was used, which moves only forward; one that has ended is passed over.
    async fn touch_session(&self, token: SecretHash, at: Timestamp) -> Result<(), Error>;
    /// The sessions of the organization's people, newest first; of one time by ascending token.
    async fn list_sessions(&self, org: OrgId) -> Result<Vec<Session>, Error>;
    /// Ends a session of one of the organization's people. **Errors**: `NotFound`.
    async fn end_session(&self, org: OrgId, token: SecretHash) -> Result<(), Error>;
    /// Ends the sessions that were last used before `before`.
    async fn expire_sessions(&self, before: Timestamp) -> Result<(), Error>;

    /// Keeps a reader of a stream, in place of the one of that name if there is one. **Errors**:
    /// `NotFound` organization, `Limit` if it would be one more than [`STREAM_SESSIONS_MAX`].
    async fn keep_stream_session(&self, session: StreamSession) -> Result<(), Error>;
    /// The reader of that name, expired or not.
    async fn find_stream_session(&self, org: OrgId, client_id: &str) -> Result<Option<StreamSession>, Error>;
    /// Writes down how far readers have come and when they were seen, both of which move only
    /// forward; readers that are gone are passed over.
    async fn note_stream_sessions(&self, notes: Vec<StreamNote>) -> Result<(), Error>;
    /// Forgets a reader, if there is one of that name.
    async fn forget_stream_session(&self, org: OrgId, client_id: &str) -> Result<(), Error>;
    /// Forgets the readers that have been away for too long.
    async fn expire_stream_sessions(&self, now: Timestamp) -> Result<(), Error>;

    /// Keeps a message for late subscribers of an organization's private space, in place of the one
    /// of that topic if there is one. **Errors**: `NotFound` organization, `Limit` if it would be one
    /// more than [`RETAINED_MAX`].
    async fn retain_message(&self, message: Message) -> Result<(), Error>;
    /// The messages that are kept, by ascending topic.
    async fn list_retained_messages(&self, org: OrgId) -> Result<Vec<Message>, Error>;
    /// Forgets the message of a topic, if one is kept.
    async fn forget_retained_message(&self, org: OrgId, topic: &str) -> Result<(), Error>;

    /// Writes a deed down. **Errors**: `NotFound` organization.
    async fn record(&self, deed: Deed) -> Result<(), Error>;
    /// The organization's deeds, the last one recorded first, each with its number; only those with
    /// a number below `before`. Numbers ascend, with gaps.
    async fn list_deeds(&self, org: OrgId, before: Option<u64>, limit: usize) -> Result<Vec<(u64, Deed)>, Error>;
}

/// Which model devices are that a source names so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelRule {
    /// What the source says of the device, such as the name of its device profile; in any case.
    pub hint: String,
    /// The product model that it means.
    pub model: String,
}

impl ModelRule {
    /// Whether it is about what a source says.
    pub fn fits(&self, hint: &str) -> bool {
        self.hint.trim().to_lowercase() == hint.trim().to_lowercase()
    }
}

/// What to change about a source; `None` leaves it as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SourceChange {
    /// A new name.
    pub name: Option<String>,
    /// Whether it may add devices.
    pub auto_add: Option<bool>,
}

/// What one source has brought since it was last noted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceNote {
    /// Whose source.
    pub org: OrgId,
    /// The source.
    pub id: SourceId,
    /// How many messages were taken.
    pub messages: u64,
    /// When the last of them came; `None` if none did.
    pub last_message_at: Option<Timestamp>,
    /// When and why one was refused, if one was.
    pub last_error: Option<(Timestamp, String)>,
}

/// How far a reader of a stream has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamNote {
    /// Whose stream.
    pub org: OrgId,
    /// What the reader calls itself.
    pub client_id: String,
    /// Everything up to here has been read.
    pub position: Position,
    /// When it was connected.
    pub seen_at: Timestamp,
}

/// What to change about a person; `None` leaves it as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PersonChange {
    /// A new name.
    pub name: Option<String>,
    /// Another role.
    pub role: Option<Role>,
    /// Another zone.
    pub time_zone: Option<String>,
    /// Another password.
    pub password: Option<PasswordHash>,
    /// The session that another password does not end.
    pub keep: Option<SecretHash>,
}

/// What a device is bound with.
#[derive(Debug, Clone, PartialEq)]
pub struct Binding {
    /// Who gets it.
    pub org: OrgId,
    /// Its label.
    pub eui: DeviceEui,
    /// Gateway or node.
    pub kind: DeviceKind,
    /// Its product model.
    pub model: String,
    /// What people call it.
    pub name: String,
    /// Its group; `None` is the default group.
    pub group: Option<GroupId>,
    /// Where it was put.
    pub place: Option<GeoPoint>,
    /// Frequency plan as free text.
    pub frequency: String,
    /// The code on its label.
    pub code: String,
    /// Now.
    pub bound_at: Timestamp,
}

impl Binding {
    /// What a device was bound with, as it has become since, to bind it once more at `at`.
    pub fn of(device: &Device, at: Timestamp) -> Self {
        Self {
            org: device.org,
            eui: device.eui,
            kind: device.kind,
            model: device.model.clone(),
            name: device.name.clone(),
            group: device.group,
            place: device.place,
            frequency: device.frequency.clone(),
            code: device.code.clone(),
            bound_at: at,
        }
    }

    /// The device as it is right after the organization bound it, `generation` times in all.
    pub fn into_device(self, id: DeviceId, generation: u32) -> Device {
        Device {
            id,
            org: self.org,
            eui: self.eui,
            kind: self.kind,
            model: self.model,
            name: self.name,
            group: self.group,
            place: self.place,
            frequency: self.frequency,
            code: self.code,
            channels: Vec::new(),
            bound_at: self.bound_at,
            generation,
            report_cycle_min: None,
            notes: DeviceNotes::default(),
            channel_map: ChannelMap::default(),
        }
    }
}

/// What to change about a device; `None` leaves it as it is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeviceChange {
    /// A new name.
    pub name: Option<String>,
    /// Another product model; it decodes what comes from now on.
    pub model: Option<String>,
    /// Another place.
    pub place: Option<GeoPoint>,
    /// Another group; `Some(None)` is the default one.
    pub group: Option<Option<GroupId>>,
    /// Another description.
    pub description: Option<String>,
    /// Another country.
    pub country: Option<String>,
    /// Another place of the antenna.
    pub antenna: Option<Antenna>,
    /// Another height, in metres above the sea.
    pub altitude_m: Option<f64>,
    /// Another map of what its measurements stand for; it holds for what comes from now on.
    pub channel_map: Option<ChannelMap>,
}

/// Which devices are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeviceFilter {
    /// Only gateways, or only nodes.
    pub kind: Option<DeviceKind>,
    /// Only those of one group; `Some(None)` is the default group.
    pub group: Option<Option<GroupId>>,
}

impl DeviceFilter {
    /// Whether a device is meant.
    pub fn matches(&self, device: &Device) -> bool {
        self.kind.is_none_or(|kind| kind == device.kind) && self.group.is_none_or(|group| group == device.group)
    }
}
