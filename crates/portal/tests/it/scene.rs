//! An organization with one of everything, and what each route is asked there.

use model::{
    Channel, ChannelIndex, CodecVersion, DedupKey, Device, DeviceEui, DeviceKind, Frame, Group, GroupId, Invite,
    KeyLimits, Mirror, MirrorId, OrgId, Reading, Reception, Role, RowFlags, SecretHash, Source, SourceId, SourceKind,
    Timestamp, Uplink, UserCodec,
};
use portal::Secret;
use store::{Binding, Entry, NewRow, Registry, StoredUplink, Telemetry};

use crate::support::{App, Caller, DAY_MS, NOW_MS, PASSWORD, at, handle, scopes};

/// What a place in a path stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Device,
    Channel,
    /// A device that nobody has bound.
    Unbound,
    Group,
    /// A codec of the organization's own, by its model.
    Codec,
    /// A station that is mirrored.
    Mirror,
    Key,
    Source,
    Person,
    /// A session of somebody of the organization.
    Session,
    /// A session of whoever asks.
    OwnSession,
    /// The handle of an invite.
    Invite,
    /// The token of an invite.
    Token,
    Document,
}

/// What stands in each place of a path, by what is before it.
const PLACES: [(&str, &str, Kind); 27] = [
    ("/join/", "{token}", Kind::Token),
    ("/setup/chirpstack/", "{id}", Kind::Source),
    ("/devices/", "{eui}", Kind::Device),
    ("/devices/unbound/", "{eui}", Kind::Unbound),
    ("/api/unbound/", "{eui}", Kind::Unbound),
    ("/groups/", "{id}", Kind::Group),
    ("/keys/", "{id}", Kind::Key),
    ("/mirrors/", "{id}", Kind::Mirror),
    ("/api/mirrors/", "{id}", Kind::Mirror),
    ("/codecs/", "{model}", Kind::Codec),
    ("/api/codecs/", "{model}", Kind::Codec),
    ("/usage/keys/", "{id}", Kind::Key),
    ("/sources/", "{id}", Kind::Source),
    ("/people/uninvite/", "{token}", Kind::Invite),
    ("/people/sessions/", "{token}", Kind::Session),
    ("/people/", "{id}", Kind::Person),
    ("/account/sessions/", "{token}", Kind::OwnSession),
    ("/guide/", "{name}", Kind::Document),
    ("/api/devices/", "{eui}", Kind::Device),
    ("/api/devices/{eui}/channels/", "{index}", Kind::Channel),
    ("/api/groups/", "{id}", Kind::Group),
    ("/api/keys/", "{id}", Kind::Key),
    ("/api/sources/", "{id}", Kind::Source),
    ("/api/people/", "{id}", Kind::Person),
    ("/api/invites/", "{id}", Kind::Invite),
    ("/api/sessions/", "{id}", Kind::Session),
    ("/api/account/sessions/", "{id}", Kind::OwnSession),
];

/// What each route that changes something is sent, so that it does.
const BODIES: [(&str, &str, &str); 81] = [
    ("POST", "/sign-in", "email=OPERATOR&password=PASSWORD"),
    ("POST", "/sign-out", ""),
    ("POST", "/preferences", "language=zh&next=/devices"),
    ("POST", "/join/{token}", "email=NEW@example.org&name=New&password=PASSWORD&time_zone=UTC"),
    ("POST", "/setup/fleet", ""),
    ("POST", "/setup/fleet/remove", ""),
    ("POST", "/setup/chirpstack", ""),
    ("POST", "/devices", "eui=NEWEUI&model=S2101&name=New"),
    ("POST", "/devices/{eui}/settings", "name=Other"),
    ("POST", "/devices/{eui}/retire", ""),
    ("POST", "/devices/unbound/{eui}/forget", ""),
    ("DELETE", "/api/unbound/{eui}", ""),
    ("POST", "/groups", "name=Other"),
    ("POST", "/groups/{id}/rename", "name=Other"),
    ("POST", "/groups/{id}/delete", ""),
    ("POST", "/retention", "readings=400&frames=forever"),
    ("POST", "/keys", "name=Other&scope=read"),
    ("POST", "/keys/{id}/revoke", ""),
    ("POST", "/usage/limits", "rate=60&dm=1000&dm_period=day"),
    ("POST", "/usage/keys/{id}", "rate=60&burst=5&dm=1000&dm_period=month"),
    ("POST", "/sources", "name=Other"),
    ("POST", "/sources/{id}", "name=Other"),
    ("POST", "/sources/{id}/rotate", ""),
    ("POST", "/sources/{id}/delete", ""),
    ("POST", "/sources/{id}/broker", "url=mqtt://broker.farm"),
    ("POST", "/sources/{id}/broker/remove", ""),
    ("POST", "/sources/{id}/rules", "rules=Probe%3DS2120"),
    ("PUT", "/api/sources/{id}/rules", r#"{"items":[{"name":"Probe","model":"S2120"}]}"#),
    ("POST", "/mirrors", "station=global&access_id=NEW&access_key=0123456789ABCDEF0123456789ABCDEF&do=start"),
    ("POST", "/mirrors/{id}", "do=pause"),
    ("POST", "/mirrors/{id}/remove", ""),
    ("POST", "/api/mirrors", r#"{"station":"global","access_id":"NEW","access_key":"0123456789ABCDEF"}"#),
    ("PATCH", "/api/mirrors/{id}", r#"{"budget_dm":5}"#),
    ("DELETE", "/api/mirrors/{id}", ""),
    ("POST", "/api/mirror-estimates", r#"{"station":"global","access_id":"NEW","access_key":"0123456789ABCDEF"}"#),
    ("POST", "/codecs", "model=NEW&source=x&table=a%3D1/4097&examples=2+00+-%3E+1/4097%3D1"),
    ("POST", "/codecs/{model}", "source=y&table=a%3D1/4097&examples=2+00+-%3E+1/4097%3D1"),
    ("POST", "/codecs/{model}/remove", ""),
    ("POST", "/api/codecs", r#"{"model":"NEW","source":"x","table":"a = 1/4097","examples":"2 00 -> 1/4097=1"}"#),
    ("PUT", "/api/codecs/{model}", r#"{"source":"y","table":"a = 1/4097","examples":"2 00 -> 1/4097=1"}"#),
    ("DELETE", "/api/codecs/{model}", ""),
    ("POST", "/api/codec-trials", r#"{"source":"x","f_port":2,"payload":"00"}"#),
    ("POST", "/people/organization", "name=Other"),
    ("POST", "/people/invite", "role=viewer&note=Other"),
    ("POST", "/people/uninvite/{token}", ""),
    ("POST", "/people/{id}/role", "role=manager"),
    ("POST", "/people/{id}/remove", ""),
    ("POST", "/people/sessions/{token}/end", ""),
    ("POST", "/account", "name=Other&time_zone=Europe/Zurich"),
    ("POST", "/account/password", "old=PASSWORD&new=another+password"),
    ("POST", "/account/sessions/{token}/end", ""),
    ("PUT", "/api/fleet", ""),
    ("DELETE", "/api/fleet", ""),
    ("PATCH", "/api/organization", r#"{"name":"Other"}"#),
    ("POST", "/api/devices", r#"{"eui":"NEWEUI","model":"S2101","name":"New"}"#),
    ("PATCH", "/api/devices/{eui}", r#"{"name":"Other"}"#),
    ("DELETE", "/api/devices/{eui}", ""),
    ("PUT", "/api/devices/{eui}/channels/{index}", r#"{"name":"Other"}"#),
    ("POST", "/api/groups", r#"{"name":"Other"}"#),
    ("PATCH", "/api/groups/{id}", r#"{"name":"Other"}"#),
    ("DELETE", "/api/groups/{id}", ""),
    ("POST", "/api/keys", r#"{"name":"Other","scopes":["read"]}"#),
    ("PATCH", "/api/organization/limits", r#"{"um":{"amount":7,"period":"month"}}"#),
    ("PUT", "/api/organization/retention", r#"{"readings_days":400}"#),
    ("PUT", "/api/groups/{id}/retention", r#"{"readings_days":400,"frames_days":0}"#),
    ("PATCH", "/api/keys/{id}", r#"{"rate":{"per_minute":6}}"#),
    ("DELETE", "/api/keys/{id}", ""),
    ("POST", "/api/sources", r#"{"kind":"chirpstack","name":"Other"}"#),
    ("PATCH", "/api/sources/{id}", r#"{"name":"Other"}"#),
    ("POST", "/api/sources/{id}/token", ""),
    ("PUT", "/api/sources/{id}/broker", r#"{"url":"mqtt://broker.farm"}"#),
    ("DELETE", "/api/sources/{id}/broker", ""),
    ("DELETE", "/api/sources/{id}", ""),
    ("PATCH", "/api/people/{id}", r#"{"role":"manager"}"#),
    ("DELETE", "/api/people/{id}", ""),
    ("POST", "/api/invites", r#"{"role":"viewer","note":"Other"}"#),
    ("DELETE", "/api/invites/{id}", ""),
    ("DELETE", "/api/sessions/{id}", ""),
    ("PATCH", "/api/account", r#"{"name":"Other","time_zone":"Europe/Zurich"}"#),
    ("PUT", "/api/account/password", r#"{"old":"PASSWORD","new":"another password"}"#),
    ("DELETE", "/api/account/sessions/{id}", ""),
];

/// A route of the portal: method, path, and the right it takes.
pub(crate) type Route = (String, &'static str, u8);

/// Every route of the portal.
pub(crate) fn routes() -> Vec<Route> {
    portal::walk().map(|(method, path, right)| (method.to_string(), path, right)).collect()
}

/// Whether a path is about whoever is signed in, so that keys have nothing there.
pub(crate) fn is_account(path: &str) -> bool {
    path.starts_with("/api/account")
}

/// Whether a path is about something that is only tried.
pub(crate) fn is_trial(path: &str) -> bool {
    path == "/api/codec-trials" || path == "/api/mirror-estimates"
}

pub(crate) fn is_api(path: &str) -> bool {
    path.starts_with("/api/")
}

/// The places of a path, each with what stands there.
pub(crate) fn places(path: &str) -> Vec<(&'static str, Kind)> {
    let mut found = Vec::new();
    for (at, _) in path.match_indices('{') {
        let (before, rest) = path.split_at(at);
        let place = PLACES.iter().find(|(prefix, name, _)| *prefix == before && rest.starts_with(name));
        let (_, name, kind) = place.unwrap_or_else(|| panic!("`{path}`: add what stands there to `PLACES`"));
        found.push((*name, *kind));
    }
    found
}

/// An organization with one of everything.
pub(crate) struct Scene<'a> {
    pub(crate) app: &'a App,
    pub(crate) org: OrgId,
    pub(crate) viewer: Caller<'a>,
    pub(crate) manager: Caller<'a>,
    pub(crate) owner: Caller<'a>,
    pub(crate) operator: Caller<'a>,
    pub(crate) device: std::sync::Arc<Device>,
    pub(crate) unbound: DeviceEui,
    pub(crate) group: GroupId,
    pub(crate) source: SourceId,
    pub(crate) key: String,
    pub(crate) codec: String,
    pub(crate) mirror: String,
    pub(crate) person: String,
    pub(crate) session: String,
    pub(crate) invite: SecretHash,
    pub(crate) invite_token: String,
}

impl<'a> Scene<'a> {
    pub(crate) async fn set(app: &'a App) -> Self {
        let org = app.organization().await;
        let count = app.count();
        let viewer = app.member(org, Role::Viewer, false).await;
        let manager = app.member(org, Role::Manager, false).await;
        let owner = app.member(org, Role::Owner, false).await;
        let operator = app.member(org, Role::Owner, true).await;
        let group = GroupId::from_raw(0xB000_0000_0000_0000 + count);
        app.store.create_group(Group { org, id: group, name: "Barn".to_owned() }).await.unwrap();
        let device = bind(app, org, 0x2CF7_F120_0000_0000 + count, "Roof", Some(group)).await;
        uplink(app, &device, at(NOW_MS - 1_000), vec![Reading::new(1, 4097, 21.5)]).await;
        let source = source(app, org, "Network", SourceKind::ChirpStack).await;
        let unbound = DeviceEui::from_raw(0x2CF7_F120_EEEE_0000 + count);
        hear(app, org, source, unbound, "Meadow").await;
        let (_, key) = app.narrow_program(org, scopes(true, true, false), KeyLimits::default()).await;
        let spare = app.person(org, Role::Viewer, false).await;
        let session = app.session(spare.id).await;
        let (invite_token, invite) = invite(app, org, "for Bob").await;
        Self {
            app,
            org,
            viewer,
            manager,
            owner,
            operator,
            device,
            unbound,
            group,
            source,
            key: key.to_string(),
            codec: codec(app, org).await,
            mirror: mirror(app, org).await,
            person: spare.id.to_string(),
            session: handle(Secret::of(session).hash),
            invite,
            invite_token,
        }
    }

    /// What stands in a place of a path when somebody asks.
    pub(crate) fn id(&self, kind: Kind, caller: &Caller<'_>) -> String {
        match kind {
            Kind::Device => self.device.eui.to_string(),
            Kind::Unbound => self.unbound.to_string(),
            Kind::Channel => "1".to_owned(),
            Kind::Group => self.group.to_string(),
            Kind::Key => self.key.clone(),
            Kind::Codec => self.codec.clone(),
            Kind::Mirror => self.mirror.clone(),
            Kind::Source => self.source.to_string(),
            Kind::Person => self.person.clone(),
            Kind::Session => self.session.clone(),
            // Whoever has none asks for somebody else's.
            Kind::OwnSession if caller.spare_session.is_empty() => self.session.clone(),
            Kind::OwnSession => caller.spare_session.clone(),
            Kind::Invite => handle(self.invite),
            Kind::Token => self.invite_token.clone(),
            Kind::Document => "access".to_owned(),
        }
    }

    /// A route's path, filled in.
    pub(crate) fn path(&self, path: &str, caller: &Caller<'_>) -> String {
        let mut filled = path.to_owned();
        for (name, kind) in places(path) {
            filled = filled.replacen(name, &self.id(kind, caller), 1);
        }
        filled
    }

    /// What a route is sent.
    pub(crate) fn body(&self, method: &str, path: &str) -> String {
        if method == "GET" {
            return String::new();
        }
        let case = BODIES.iter().find(|case| (case.0, case.1) == (method, path));
        let (.., body) = case.unwrap_or_else(|| panic!("`{method} {path}`: add what it is sent to `BODIES`"));
        let count = self.app.count();
        let operator = self.operator.person.as_ref().expect("a person").email.as_str();
        let body = body.replace("OPERATOR", operator).replace("PASSWORD", PASSWORD);
        body.replace("NEWEUI", &format!("{:016X}", 0x2CF7_F120_FFFF_0000 + count))
            .replace("NEW", &format!("new{count}"))
    }

    /// Everybody who is known, least first, and programs.
    pub(crate) async fn everybody(&self) -> Vec<Caller<'a>> {
        let program = self.app.program(self.org, scopes(true, true, false)).await;
        let manages = self.app.program(self.org, scopes(false, false, true)).await;
        let limits = KeyLimits { groups: vec![self.group], ..KeyLimits::default() };
        let (narrow, _) = self.app.narrow_program(self.org, scopes(true, true, true), limits).await;
        let people = [&self.viewer, &self.manager, &self.owner, &self.operator].map(Clone::clone);
        let programs = [program, manages, narrow.named("a key of one group", 0)];
        people.into_iter().chain(programs).collect()
    }

    /// Everybody whose credentials are worth nothing.
    pub(crate) async fn strangers(&self) -> Vec<Caller<'a>> {
        let (app, all) = (self.app, scopes(true, true, true));
        let (revoked, id) = app.narrow_program(self.org, all, KeyLimits::default()).await;
        app.store.revoke_access_key(self.org, id, app.now()).await.unwrap();
        let until = KeyLimits { expires_at: Some(app.now()), ..KeyLimits::default() };
        let (expired, _) = app.narrow_program(self.org, all, until).await;
        let elsewhere = KeyLimits { origins: vec!["https://there.example.org".to_owned()], ..KeyLimits::default() };
        let (elsewhere, _) = app.narrow_program(self.org, all, elsewhere).await;
        let (_, id) = app.narrow_program(self.org, all, KeyLimits::default()).await;
        let guessed = app.nobody().with_key(&id.to_string(), &"0".repeat(64));
        vec![
            app.nobody(),
            revoked.named("a revoked key", 0),
            expired.named("an expired key", 0),
            elsewhere.named("a key of another origin", 0),
            guessed.named("a guessed key", 0),
            app.nobody().with_session(&"0".repeat(64)).named("a guessed session", 0),
        ]
    }
}

/// Binds a node.
pub(crate) async fn bind(
    app: &App,
    org: OrgId,
    eui: u64,
    name: &str,
    group: Option<GroupId>,
) -> std::sync::Arc<Device> {
    let binding = Binding {
        org,
        eui: DeviceEui::from_raw(eui),
        kind: DeviceKind::Node,
        model: "S2101".to_owned(),
        name: name.to_owned(),
        group,
        place: None,
        frequency: "EU868".to_owned(),
        code: String::new(),
        bound_at: at(NOW_MS),
    };
    app.store.bind_device(binding).await.unwrap()
}

pub(crate) async fn name_channel(app: &App, device: &Device, index: u16, name: &str) {
    let channel = Channel {
        index: ChannelIndex(index),
        name: name.to_owned(),
        sensor_type: None,
        sensor_id: String::new(),
        measurements: Vec::new(),
        created_at: at(NOW_MS),
    };
    app.store.describe_channel(device.org, device.eui, channel).await.unwrap();
}

/// One uplink of a device, received the moment it was measured.
pub(crate) async fn uplink(app: &App, device: &Device, at: Timestamp, readings: Vec<Reading>) {
    uplink_in(app, device, at, readings, Frame { f_port: 2, payload: [1, 2].into(), ..Frame::default() }).await;
}

pub(crate) async fn uplink_in(app: &App, device: &Device, at: Timestamp, readings: Vec<Reading>, frame: Frame) {
    let entry = Entry::Uplink(StoredUplink {
        org: device.org,
        device: device.id,
        eui: device.eui,
        source: SourceId::from_raw(1),
        dedup: DedupKey(app.count().into()),
        received_at: at,
        codec: CodecVersion(1),
        frame: Some(frame),
        rows: vec![NewRow { measured_at: at, flags: RowFlags::NONE, readings }],
    });
    app.store.append(vec![entry]).await.unwrap();
}

/// A codec of the organization's own.
async fn codec(app: &App, org: OrgId) -> String {
    let model = format!("PROBE{:04X}", app.count());
    let codec = UserCodec {
        org,
        model: model.clone(),
        version: CodecVersion(0),
        source: "function Decoder() {}".to_owned(),
        table: "a = 1/4097".parse().unwrap(),
        examples: "2 00 -> 1/4097=1".parse().unwrap(),
        changed_at: at(NOW_MS),
    };
    app.store.set_user_codec(codec).await.unwrap();
    model
}

/// A station that is mirrored.
async fn mirror(app: &App, org: OrgId) -> String {
    let id = MirrorId::from_raw(app.count());
    let mirror = Mirror {
        org,
        id,
        station: "china".to_owned(),
        access_id: format!("PROBE{id}"),
        access_key: vec![1],
        since: at(0),
        budget_dm: None,
        calls_per_minute: 40,
        streams: false,
        stream_at: None,
        is_paused: false,
        compare_until: None,
        created_at: at(NOW_MS),
    };
    app.store.set_mirror(mirror).await.unwrap();
    id.to_string()
}

/// One uplink of a device that nobody has bound.
pub(crate) async fn hear(app: &App, org: OrgId, source: SourceId, eui: DeviceEui, name: &str) {
    let uplink = Uplink {
        org,
        source,
        eui,
        sent_at: at(NOW_MS - 2_000),
        received_at: at(NOW_MS - 1_000),
        dedup: DedupKey(app.count().into()),
        frame: frame("roof", None),
        model_hints: Vec::new(),
        name_hint: name.to_owned(),
    };
    assert!(!app.store.keep_unbound(uplink, "S2103").await.unwrap());
}

/// A frame that a gateway heard.
pub(crate) fn frame(gateway: &str, fault: Option<&str>) -> Frame {
    let receptions = vec![Reception { gateway: gateway.into(), rssi_dbm: -90, snr_db: 7.5 }];
    Frame { f_port: 2, payload: [0xAB].into(), receptions, fault: fault.map(Into::into), ..Frame::default() }
}

pub(crate) async fn source(app: &App, org: OrgId, name: &str, kind: SourceKind) -> SourceId {
    let count = app.count();
    let id = SourceId::from_raw(0xC000_0000_0000_0000 + count);
    let token = Secret::of(format!("token {count}")).hash;
    let name = name.to_owned();
    let source = Source { id, org, kind, name, token, auto_add: false, created_at: at(NOW_MS), previous: None };
    app.store.create_source(source).await.unwrap();
    id
}

/// An invite for a manager, good for a day: its token, and that one's hash.
pub(crate) async fn invite(app: &App, org: OrgId, note: &str) -> (String, SecretHash) {
    let token = format!("{:064x}", app.count());
    let hash = Secret::of(token.clone()).hash;
    let invite = Invite {
        token: hash,
        org: Some(org),
        role: Role::Manager,
        is_operator: false,
        note: note.to_owned(),
        created_at: app.now(),
        expires_at: app.now().plus_ms(DAY_MS),
    };
    app.store.create_invite(invite).await.unwrap();
    (token, hash)
}
