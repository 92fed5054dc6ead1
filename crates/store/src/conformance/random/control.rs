use std::sync::Arc;

use model::{
    AccessId, AccessKey, Channel, ChannelIndex, Device, DeviceEui, DeviceId, DeviceKind, GeoPoint, Group, GroupId,
    MeasurementId, OrgId, Organization, Scopes, SecretHash, Source, SourceId, SourceKind, Timestamp,
};

use super::{
    query::print,
    world::{LABELS, ORGANIZATIONS, World},
};
use crate::{
    Binding, Charge, DeviceChange, DeviceFilter, Store,
    conformance::fixtures::{binding, eui, org, organization},
};

/// Something to do or ask in the control plane.
#[derive(Debug, Clone)]
pub(super) enum Control {
    CreateOrganization(Organization),
    ListOrganizations(Option<OrgId>, usize),
    CreateKey(AccessKey),
    RevokeKey(OrgId, AccessId, Timestamp),
    FindKey(AccessId),
    ListKeys(OrgId),
    Charge(Vec<Charge>),
    CreateGroup(Group),
    RenameGroup(OrgId, GroupId, String),
    DeleteGroup(OrgId, GroupId),
    ListGroups(OrgId),
    Move(OrgId, Vec<DeviceEui>, Option<GroupId>),
    Bind(Binding),
    Unbind(OrgId, DeviceEui),
    Find(OrgId, DeviceEui),
    List(OrgId, DeviceFilter, Option<DeviceEui>, usize),
    Update(OrgId, DeviceEui, DeviceChange),
    Describe(OrgId, DeviceEui, Channel),
    CreateSource(Source),
    DeleteSource(OrgId, SourceId),
    FindSource(SecretHash),
    ListSources(OrgId),
}

impl Control {
    pub(super) fn random(world: &mut World) -> Self {
        let now = world.now;
        let org = world.org();
        let rng = &mut world.rng;
        let eui = eui(rng.below(LABELS));
        let kind = if rng.percent(50) { DeviceKind::Node } else { DeviceKind::Gateway };
        let access_id = AccessId::from_random([rng.below(12) as u8; 16]);
        let group = GroupId::from_raw(org.get() * 10 + rng.below(6));
        let some_group = rng.percent(50).then_some(group);
        let name = rng.pick(&["", "barn", "field", "Dach, Süd", "a'b\"c"]).to_string();
        let source = SourceId::from_raw(rng.below(8));
        let token = SecretHash([rng.below(8) as u8; 32]);
        match rng.below(100) {
            0..=2 => Self::CreateOrganization(organization(1 + rng.below(ORGANIZATIONS))),
            3..=4 => Self::ListOrganizations(rng.percent(50).then_some(org), rng.index(5)),
            5..=9 => Self::CreateKey(AccessKey {
                id: access_id,
                org,
                secret: SecretHash([rng.bits() as u8; 32]),
                name,
                scopes: Scopes { read: rng.percent(90), write: rng.percent(50), manage: rng.percent(20) },
                created_at: now,
                revoked_at: None,
                last_used_at: None,
            }),
            10..=11 => Self::RevokeKey(org, access_id, now),
            12..=14 => Self::FindKey(access_id),
            15..=17 => Self::ListKeys(org),
            18..=22 => {
                let charges = (0..rng.below(4)).map(|_| Charge {
                    org,
                    id: AccessId::from_random([rng.below(12) as u8; 16]),
                    calls: rng.below(9),
                    dm: rng.below(5_000),
                    last_used_at: now.minus_ms(rng.between(0, 5_000)),
                });
                Self::Charge(charges.collect())
            }
            23..=28 => Self::CreateGroup(Group { org, id: group, name }),
            29..=31 => Self::RenameGroup(org, group, name),
            32..=33 => Self::DeleteGroup(org, group),
            34..=37 => Self::ListGroups(org),
            38..=42 => {
                let euis = (0..rng.below(3)).map(|_| super::super::fixtures::eui(rng.below(LABELS)));
                Self::Move(org, euis.collect(), some_group)
            }
            43..=56 => {
                let place = rng.percent(30).then(|| place(rng));
                let group = some_group.filter(|_| rng.percent(40));
                Self::Bind(Binding { kind, name, group, place, bound_at: now, ..binding(org, eui) })
            }
            57..=61 => Self::Unbind(org, eui),
            62..=68 => Self::Find(org, eui),
            69..=76 => {
                let filter = DeviceFilter {
                    kind: rng.percent(30).then_some(kind),
                    group: rng.percent(30).then_some(some_group),
                };
                Self::List(org, filter, rng.percent(40).then_some(eui), rng.index(6))
            }
            77..=81 => {
                let change = DeviceChange {
                    name: rng.percent(50).then_some(name),
                    model: rng.percent(30).then(|| "S2120".to_owned()),
                    place: rng.percent(30).then(|| place(rng)),
                };
                Self::Update(org, eui, change)
            }
            82..=86 => Self::Describe(
                org,
                eui,
                Channel {
                    index: ChannelIndex(rng.below(4) as u16),
                    name,
                    sensor_type: rng.percent(50).then(|| "100A".to_owned()),
                    sensor_id: "A1".repeat(rng.index(3)),
                    measurements: (0..rng.below(3) as u32).map(|id| MeasurementId(4097 + id)).collect(),
                    created_at: now,
                },
            ),
            87..=91 => Self::CreateSource(Source {
                id: source,
                org,
                kind: *rng.pick(&SourceKind::ALL),
                name,
                token,
                auto_add: rng.percent(50),
                created_at: now,
            }),
            92..=93 => Self::DeleteSource(org, source),
            94..=97 => Self::FindSource(token),
            _ => Self::ListSources(org),
        }
    }

    /// Everything there is to ask.
    pub(super) fn all() -> Vec<Self> {
        let mut all = vec![Self::ListOrganizations(None, 100)];
        for number in 1..=ORGANIZATIONS {
            let org = org(number);
            let filter = DeviceFilter::default();
            all.extend([Self::ListKeys(org), Self::ListGroups(org), Self::ListSources(org)]);
            all.push(Self::List(org, filter, None, 100));
        }
        all.extend((0..12).map(|byte| Self::FindKey(AccessId::from_random([byte; 16]))));
        all.extend((0..8).map(|byte| Self::FindSource(SecretHash([byte; 32]))));
        all
    }

    /// The answer as text, without the names that the store itself gives to devices.
    pub(super) async fn ask(&self, store: &dyn Store) -> String {
        match self.clone() {
            Self::CreateOrganization(organization) => print(store.create_organization(organization).await),
            Self::ListOrganizations(after, limit) => print(store.list_organizations(after, limit).await),
            Self::CreateKey(key) => print(store.create_access_key(key).await),
            Self::RevokeKey(org, id, at) => print(store.revoke_access_key(org, id, at).await),
            // A secret's hash does not print itself.
            Self::FindKey(id) => print(store.find_access_key(id).await.map(|key| key.map(|key| (key.secret.0, key)))),
            Self::ListKeys(org) => print(store.list_access_keys(org).await),
            Self::Charge(charges) => print(store.charge(charges).await),
            Self::CreateGroup(group) => print(store.create_group(group).await),
            Self::RenameGroup(org, id, name) => print(store.rename_group(org, id, &name).await),
            Self::DeleteGroup(org, id) => print(store.delete_group(org, id).await),
            Self::ListGroups(org) => print(store.list_groups(org).await),
            Self::Move(org, devices, group) => print(store.move_devices_to_group(org, &devices, group).await),
            Self::Bind(binding) => print(store.bind_device(binding).await.map(nameless)),
            Self::Unbind(org, eui) => print(store.unbind_device(org, eui).await),
            Self::Find(org, eui) => {
                let unbound = store.find_unbound_device(org, eui, Timestamp::EPOCH).await;
                print(store.find_device(org, eui).await.map(|device| device.map(nameless))) + &print(unbound)
            }
            Self::List(org, filter, after, limit) => {
                let devices = store.list_devices(org, filter, after, limit).await;
                print(devices.map(|devices| devices.into_iter().map(nameless).collect::<Vec<_>>()))
            }
            Self::Update(org, eui, change) => print(store.update_device(org, eui, change).await),
            Self::Describe(org, eui, channel) => print(store.describe_channel(org, eui, channel).await),
            Self::CreateSource(source) => print(store.create_source(source).await),
            Self::DeleteSource(org, id) => print(store.delete_source(org, id).await),
            Self::FindSource(token) => {
                print(store.find_source(token).await.map(|source| source.map(|source| (source.token.0, source))))
            }
            Self::ListSources(org) => print(store.list_sources(org).await),
        }
    }
}

fn nameless(device: Arc<Device>) -> Device {
    Device { id: DeviceId(0), ..(*device).clone() }
}

fn place(rng: &mut super::Rng) -> GeoPoint {
    let degrees = |rng: &mut super::Rng, most: i64| rng.between(-most * 1_000_000, most * 1_000_000) as f64 / 1e6;
    GeoPoint { latitude: degrees(rng, 90), longitude: degrees(rng, 180) }
}
