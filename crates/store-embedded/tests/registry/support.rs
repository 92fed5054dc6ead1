//! A folder for a registry, and what to put into it.

use std::path::PathBuf;

use model::{
    AccessId, AccessKey, Channel, ChannelIndex, Deed, DeviceEui, DeviceKind, Email, GeoPoint, Group, GroupId, Invite,
    MeasurementId, OrgId, Organization, PasswordHash, Person, PersonId, Role, Scopes, SecretHash, Session, Source,
    SourceId, SourceKind, Timestamp,
};
use store::{Binding, Charge, Used};
use store_embedded::registry::RegistryDb;

pub(crate) struct Folder(pub(crate) tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("registry.db")
    }

    pub(crate) fn open(&self) -> RegistryDb {
        RegistryDb::open(&self.path()).unwrap()
    }
}

pub(crate) fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

pub(crate) fn org(number: u64) -> OrgId {
    OrgId::from_random(number)
}

pub(crate) fn organization(number: u64) -> Organization {
    Organization { id: org(number), name: format!("organization {number}"), created_at: at(1) }
}

pub(crate) fn key(org_number: u64, byte: u8) -> AccessKey {
    let (id, secret) = (AccessId::from_random([byte; 16]), SecretHash([byte; 32]));
    AccessKey::new(id, org(org_number), secret, format!("key {byte}"), Scopes::READ_WRITE, at(2))
}

pub(crate) fn charge(key: &AccessKey, dm: u64, used_at: i64) -> Charge {
    let used = Used { calls: 1, dm, ..Used::default() };
    Charge { org: key.org, id: key.id, endpoint: "/a", device: None, last_used_at: at(used_at), used }
}

pub(crate) fn group(org_number: u64, number: u64) -> Group {
    Group { org: org(org_number), id: GroupId::from_raw(number), name: format!("group {number}") }
}

/// The upper half of all labels too, whose order an `i64` gets wrong.
pub(crate) fn eui(number: u64) -> DeviceEui {
    DeviceEui::from_raw(number.wrapping_mul(0x5555_5555_5555_5555))
}

pub(crate) fn binding(org_number: u64, number: u64) -> Binding {
    Binding {
        org: org(org_number),
        eui: eui(number),
        kind: if number.is_multiple_of(2) { DeviceKind::Gateway } else { DeviceKind::Node },
        model: "S2101".to_owned(),
        name: format!("device {number}"),
        group: None,
        place: number.is_multiple_of(3).then_some(GeoPoint { latitude: -33.5, longitude: 151.25 }),
        frequency: "EU868".to_owned(),
        code: String::new(),
        bound_at: at(3),
    }
}

pub(crate) fn channel(index: u16) -> Channel {
    Channel {
        index: ChannelIndex(index),
        name: format!("channel {index}"),
        sensor_type: index.is_multiple_of(2).then(|| "1001".to_owned()),
        sensor_id: String::new(),
        measurements: (0..u32::from(index)).map(|id| MeasurementId(4100 - id)).collect(),
        created_at: at(4),
    }
}

pub(crate) fn source(org_number: u64, number: u64) -> Source {
    Source {
        id: SourceId::from_raw(number << 62 | number),
        org: org(org_number),
        kind: SourceKind::ChirpStack,
        name: String::new(),
        token: SecretHash([number as u8; 32]),
        auto_add: number.is_multiple_of(2),
        created_at: at(5),
        previous: None,
    }
}

pub(crate) fn email(number: u64) -> Email {
    format!("person-{number}@example.org").parse().unwrap()
}

pub(crate) fn person(org_number: u64, number: u64, role: Role) -> Person {
    Person {
        id: PersonId::from_raw(number << 62 | number),
        org: org(org_number),
        email: email(number),
        name: String::new(),
        role,
        is_operator: number.is_multiple_of(2),
        password: PasswordHash(format!("$argon2id${number}")),
        time_zone: "Europe/Zurich".to_owned(),
        created_at: at(6),
    }
}

pub(crate) fn invite(org_number: Option<u64>, token: u8) -> Invite {
    Invite {
        token: SecretHash([token; 32]),
        org: org_number.map(org),
        role: Role::Owner,
        is_operator: token.is_multiple_of(2),
        note: String::new(),
        created_at: at(5),
        expires_at: at(7),
    }
}

pub(crate) fn deed(org_number: u64) -> Deed {
    Deed {
        org: org(org_number),
        at: at(8),
        actor: "command line".to_owned(),
        address: String::new(),
        action: "org.rename".to_owned(),
        subject: String::new(),
        detail: String::new(),
    }
}

pub(crate) fn session(number: u64, token: u8) -> Session {
    Session {
        token: SecretHash([token; 32]),
        person: person(0, number, Role::Viewer).id,
        created_at: at(6),
        seen_at: at(6),
        address: "192.0.2.7".to_owned(),
        agent: "Browser/1.0".to_owned(),
    }
}
