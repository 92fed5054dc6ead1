use std::sync::Arc;

use model::{
    AccessId, AccessKey, Allowance, Antenna, Channel, ChannelIndex, Day, DedupKey, Device, DeviceEui, DeviceId,
    DeviceKind, GeoPoint, Group, GroupId, Keep, KeyLimits, MeasurementId, OrgId, OrgLimits, Organization, Period, Rate,
    Retention, Scopes, SecretHash, Source, SourceId, SourceKind, Timestamp, Uplink,
};

use super::{
    people::People,
    query::print,
    world::{LABELS, ORGANIZATIONS, World},
};
use crate::{
    Binding, Charge, DeviceChange, DeviceFilter, ModelRule, SourceChange, SourceNote, Store, Used,
    conformance::fixtures::{binding, eui, org, organization},
};

/// Something to do or ask in the control plane.
#[derive(Debug, Clone)]
pub(super) enum Control {
    CreateOrganization(Organization),
    ListOrganizations(Option<OrgId>, usize),
    RenameOrganization(OrgId, String),
    CreateKey(AccessKey),
    RevokeKey(OrgId, AccessId, Timestamp),
    FindKey(AccessId),
    ListKeys(OrgId),
    Charge(Vec<Charge>),
    LimitKey(OrgId, AccessId, Option<Rate>, Option<Allowance>),
    LimitOrganization(OrgId, OrgLimits),
    Draw(OrgId, Option<AccessId>, Day, u64, u64),
    Return(OrgId, Option<AccessId>, Day, u64),
    Usage(OrgId, Day),
    CreateGroup(Group),
    RenameGroup(OrgId, GroupId, String),
    DeleteGroup(OrgId, GroupId),
    ListGroups(OrgId),
    SetRetention(OrgId, Option<GroupId>, Retention),
    Retention(OrgId),
    Move(OrgId, Vec<DeviceEui>, Option<GroupId>),
    Bind(Binding),
    BindWithin(Binding, usize),
    Unbind(OrgId, DeviceEui),
    Find(OrgId, DeviceEui),
    List(OrgId, DeviceFilter, Option<DeviceEui>, usize),
    Update(OrgId, DeviceEui, DeviceChange),
    SetReportCycle(OrgId, Vec<DeviceEui>, u16),
    Describe(OrgId, DeviceEui, Channel),
    CreateSource(Source),
    DeleteSource(OrgId, SourceId),
    FindSource(SecretHash),
    ListSources(OrgId),
    UpdateSource(OrgId, SourceId, SourceChange),
    Rotate(OrgId, SourceId, SecretHash, Timestamp),
    NoteSources(Vec<SourceNote>),
    ListHealth(OrgId),
    SetModelRules(OrgId, SourceId, Vec<ModelRule>),
    KeepUnbound(Uplink, bool),
    ListUnbound(OrgId, usize),
    Settle(OrgId, DeviceEui, usize),
    ForgetUnbound(OrgId, DeviceEui),
    People(People),
}

impl Control {
    pub(super) fn random(world: &mut World) -> Self {
        if world.rng.percent(35) {
            return Self::People(People::random(world));
        }
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
            3 => Self::ListOrganizations(rng.percent(50).then_some(org), rng.index(5)),
            4 => Self::RenameOrganization(org, name),
            5..=9 => {
                let secret = SecretHash([rng.bits() as u8; 32]);
                let scopes = Scopes { read: rng.percent(90), write: rng.percent(50), manage: rng.percent(20) };
                let limits = KeyLimits {
                    expires_at: rng.percent(30).then(|| now.plus_ms(rng.between(-5_000, 5_000))),
                    origins: (0..rng.below(3)).map(|number| format!("https://{number}.example.org")).collect(),
                    groups: (0..rng.below(3)).map(|_| GroupId::from_raw(rng.bits())).collect(),
                    rate: some_rate(rng),
                    dm: some_allowance(rng),
                };
                Self::CreateKey(AccessKey { limits, ..AccessKey::new(access_id, org, secret, name, scopes, now) })
            }
            10..=11 => Self::RevokeKey(org, access_id, now),
            12..=14 => Self::FindKey(access_id),
            15..=16 => Self::ListKeys(org),
            17..=21 => match rng.below(8) {
                0 => Self::LimitKey(org, access_id, some_rate(rng), some_allowance(rng)),
                1 => {
                    let (rate, um, dm) = (some_rate(rng), some_allowance(rng), some_allowance(rng));
                    Self::LimitOrganization(org, OrgLimits { rate, um, dm })
                }
                2 => {
                    let (amount, max) = (rng.below(9_000), 1 + rng.below(40_000));
                    Self::Draw(org, rng.percent(50).then_some(access_id), Day::of(now), amount, max)
                }
                3 => Self::Return(org, rng.percent(50).then_some(access_id), Day::of(now), rng.below(900)),
                4 => Self::Usage(org, Day::of(now)),
                _ => {
                    let charges = (0..rng.below(4)).map(|_| Charge {
                        org,
                        id: AccessId::from_random([rng.below(12) as u8; 16]),
                        endpoint: if rng.percent(50) { "/openapi/list_devices" } else { "/1.0/lists/node" },
                        device: rng.percent(60).then(|| super::super::fixtures::eui(rng.below(LABELS))),
                        last_used_at: now.minus_ms(rng.between(0, 5_000)),
                        used: Used { calls: rng.below(9), refused: rng.below(3), unchanged: 0, dm: rng.below(5_000) },
                    });
                    Self::Charge(charges.collect())
                }
            },
            22..=26 => Self::CreateGroup(Group { org, id: group, name }),
            27..=29 => Self::RenameGroup(org, group, name),
            30..=31 => Self::DeleteGroup(org, group),
            32 => Self::ListGroups(org),
            33 => match rng.below(3) {
                0 => Self::Retention(org),
                _ => {
                    let retention = Retention { readings: some_keep(rng), frames: some_keep(rng) };
                    Self::SetRetention(org, some_group, retention)
                }
            },
            34..=38 => {
                let euis = (0..rng.below(3)).map(|_| super::super::fixtures::eui(rng.below(LABELS)));
                Self::Move(org, euis.collect(), some_group)
            }
            39..=52 => {
                let place = rng.percent(30).then(|| place(rng));
                let group = some_group.filter(|_| rng.percent(40));
                let binding = Binding { kind, name, group, place, bound_at: now, ..binding(org, eui) };
                if rng.percent(20) { Self::BindWithin(binding, rng.index(9)) } else { Self::Bind(binding) }
            }
            53..=56 => Self::Unbind(org, eui),
            57..=61 => Self::Find(org, eui),
            62..=68 => {
                let filter = DeviceFilter {
                    kind: rng.percent(30).then_some(kind),
                    group: rng.percent(30).then_some(some_group),
                };
                Self::List(org, filter, rng.percent(40).then_some(eui), rng.index(6))
            }
            69 => {
                let euis = (0..rng.below(3)).map(|_| super::super::fixtures::eui(rng.below(LABELS)));
                Self::SetReportCycle(org, euis.collect(), rng.below(1_440) as u16)
            }
            70..=72 => {
                let change = DeviceChange {
                    name: rng.percent(50).then_some(name),
                    model: rng.percent(30).then(|| "S2120".to_owned()),
                    place: rng.percent(30).then(|| place(rng)),
                    group: rng.percent(30).then_some(some_group),
                    description: rng.percent(20).then(|| "by the door".to_owned()),
                    country: rng.percent(20).then(|| "DEU".to_owned()),
                    antenna: rng.percent(20).then_some(Antenna::Indoor),
                    altitude_m: rng.percent(20).then(|| rng.below(3_000) as f64),
                    channel_map: rng.percent(20).then(|| {
                        let to = if rng.percent(50) { "4102" } else { "4103" };
                        if rng.percent(20) {
                            Default::default()
                        } else {
                            format!("1/4097={to}").parse().unwrap_or_default()
                        }
                    }),
                };
                Self::Update(org, eui, change)
            }
            73..=77 => Self::Describe(
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
            78..=82 => Self::CreateSource(Source {
                id: source,
                org,
                kind: *rng.pick(&SourceKind::ALL),
                name,
                token,
                auto_add: rng.percent(50),
                created_at: now,
                previous: None,
            }),
            83 => Self::DeleteSource(org, source),
            84..=87 => Self::FindSource(token),
            88..=89 => Self::ListSources(org),
            90..=91 => {
                let name = rng.percent(50).then_some(name);
                Self::UpdateSource(
                    org,
                    source,
                    SourceChange { name, auto_add: rng.percent(50).then(|| rng.percent(50)) },
                )
            }
            92..=94 => Self::Rotate(org, source, token, now.plus_ms(rng.between(0, 5_000))),
            95 => Self::NoteSources((0..rng.below(4)).map(|_| note(rng, org, now)).collect()),
            96..=97 => match rng.below(7) {
                6 => {
                    let rule = ModelRule { hint: name, model: "S2101".to_owned() };
                    Self::SetModelRules(org, source, vec![rule; rng.index(3)])
                }
                0 => Self::Settle(org, eui, rng.index(3)),
                1 => Self::ForgetUnbound(org, eui),
                2 => Self::ListUnbound(org, rng.index(9)),
                _ => {
                    let uplink = Uplink { org, source, eui, received_at: now, ..unbound(rng, name) };
                    Self::KeepUnbound(uplink, rng.percent(50))
                }
            },
            _ => Self::ListHealth(org),
        }
    }

    /// Everything there is to ask.
    pub(super) fn all() -> Vec<Self> {
        let mut all = vec![Self::ListOrganizations(None, 100)];
        for number in 1..=ORGANIZATIONS {
            let org = org(number);
            let filter = DeviceFilter::default();
            all.extend([Self::ListKeys(org), Self::ListGroups(org), Self::ListSources(org)]);
            all.push(Self::Retention(org));
            all.extend([Self::List(org, filter, None, 100), Self::ListHealth(org)]);
            all.push(Self::ListUnbound(org, 100));
            all.push(Self::Usage(org, Day::of(Timestamp::MIN)));
        }
        all.extend((0..12).map(|byte| Self::FindKey(AccessId::from_random([byte; 16]))));
        all.extend((0..8).map(|byte| Self::FindSource(SecretHash([byte; 32]))));
        all.extend(People::all().into_iter().map(Self::People));
        all
    }

    /// The answer as text, without the names that the store itself gives to devices.
    pub(super) async fn ask(&self, store: &dyn Store) -> String {
        match self.clone() {
            Self::CreateOrganization(organization) => print(store.create_organization(organization).await),
            Self::ListOrganizations(after, limit) => print(store.list_organizations(after, limit).await),
            Self::RenameOrganization(org, name) => print(store.rename_organization(org, &name).await),
            Self::CreateKey(key) => print(store.create_access_key(key).await),
            Self::RevokeKey(org, id, at) => print(store.revoke_access_key(org, id, at).await),
            // A secret's hash does not print itself.
            Self::FindKey(id) => print(store.find_access_key(id).await.map(|key| key.map(|key| (key.secret.0, key)))),
            Self::ListKeys(org) => print(store.list_access_keys(org).await),
            Self::Charge(charges) => print(store.charge(charges).await),
            Self::LimitKey(org, id, rate, dm) => print(store.limit_access_key(org, id, rate, dm).await),
            Self::LimitOrganization(org, limits) => print(store.limit_organization(org, limits).await),
            Self::Draw(org, id, first, amount, max) => {
                print(store.draw_dm(org, id, first, first.plus(2), amount, max).await)
            }
            Self::Return(org, id, first, amount) => print(store.return_dm(org, id, first, amount).await),
            Self::Usage(org, first) => {
                let usage = store.list_usage(org, first, Day::of(Timestamp::MAX), 9).await;
                print(store.get_limits(org).await) + &print(usage)
            }
            Self::CreateGroup(group) => print(store.create_group(group).await),
            Self::RenameGroup(org, id, name) => print(store.rename_group(org, id, &name).await),
            Self::DeleteGroup(org, id) => print(store.delete_group(org, id).await),
            Self::ListGroups(org) => print(store.list_groups(org).await),
            Self::SetRetention(org, group, retention) => print(store.set_retention(org, group, retention).await),
            Self::Retention(org) => {
                let groups = store.list_histories(org, None, 100).await;
                let groups = groups.map(|all| all.into_iter().map(|(_, group)| group).collect::<Vec<_>>());
                print(store.get_retention(org).await) + &print(groups)
            }
            Self::Move(org, devices, group) => print(store.move_devices_to_group(org, &devices, group).await),
            Self::Bind(binding) => print(store.bind_device(binding).await.map(nameless)),
            Self::BindWithin(binding, max) => print(store.bind_device_within(binding, max).await.map(nameless)),
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
            Self::SetReportCycle(org, devices, minutes) => print(store.set_report_cycle(org, &devices, minutes).await),
            Self::Describe(org, eui, channel) => print(store.describe_channel(org, eui, channel).await),
            Self::CreateSource(source) => print(store.create_source(source).await),
            Self::DeleteSource(org, id) => print(store.delete_source(org, id).await),
            Self::FindSource(token) => {
                let found = store.find_source(token).await;
                print(found.map(|source| source.map(|source| (tokens(&source), source))))
            }
            Self::ListSources(org) => {
                let sources = store.list_sources(org).await;
                print(sources.map(|all| all.into_iter().map(|source| (tokens(&source), source)).collect::<Vec<_>>()))
            }
            Self::UpdateSource(org, id, change) => print(store.update_source(org, id, change).await),
            Self::Rotate(org, id, token, until) => print(store.rotate_source_token(org, id, token, until).await),
            Self::NoteSources(notes) => print(store.note_sources(notes).await),
            Self::ListHealth(org) => print(store.list_source_health(org).await),
            Self::SetModelRules(org, source, rules) => {
                let set = print(store.set_model_rules(org, source, rules).await);
                set + &print(store.list_model_rules(org, source).await)
            }
            Self::KeepUnbound(uplink, is_guessed) => {
                print(store.keep_unbound(uplink, if is_guessed { "S2101" } else { "" }).await)
            }
            Self::ListUnbound(org, limit) => {
                let mut all = print(store.list_unbound(org, limit).await);
                for label in 0..LABELS {
                    let label = eui(label);
                    let uplinks = store.list_unbound_uplinks(org, label, limit).await;
                    all += &print(uplinks.map(|all| all.into_iter().map(|kept| kept.uplink).collect::<Vec<_>>()));
                    all += &print(store.find_unbound(org, label).await);
                }
                all + &print(store.list_adoptable(100).await)
            }
            Self::Settle(org, eui, count) => match store.list_unbound_uplinks(org, eui, count).await {
                Ok(kept) => match kept.last() {
                    Some(last) => print(store.settle_unbound(org, eui, last.number).await),
                    None => String::new(),
                },
                refused => print(refused),
            },
            Self::ForgetUnbound(org, eui) => print(store.forget_unbound(org, eui).await),
            Self::People(people) => people.ask(store).await,
        }
    }
}

fn nameless(device: Arc<Device>) -> Device {
    Device { id: DeviceId(0), ..(*device).clone() }
}

/// The first bytes of a source's tokens, which do not print themselves.
fn tokens(source: &Source) -> (u8, Option<u8>) {
    (source.token.0[0], source.previous.map(|previous| previous.token.0[0]))
}

fn note(rng: &mut super::Rng, org: OrgId, now: Timestamp) -> SourceNote {
    let mut time = |percent| rng.percent(percent).then(|| now.minus_ms(rng.between(0, 5_000)));
    let (last_message_at, refused_at) = (time(70), time(40));
    SourceNote {
        org,
        id: SourceId::from_raw(rng.below(8)),
        messages: rng.below(9),
        last_message_at,
        last_error: refused_at.map(|at| (at, format!("refused at `{at}`"))),
    }
}

fn unbound(rng: &mut super::Rng, name_hint: String) -> Uplink {
    Uplink {
        dedup: DedupKey(u128::from(rng.below(20))),
        frame: super::values::frame(rng),
        name_hint,
        ..super::super::unbound::uplink(1, 1, 1, 1, 0)
    }
}

fn some_rate(rng: &mut super::Rng) -> Option<Rate> {
    let (per_minute, burst) = (rng.below(600) as u32, rng.below(60) as u32);
    Some(Rate { per_minute: per_minute.try_into().ok()?, burst: burst.try_into().ok()? })
}

fn some_keep(rng: &mut super::Rng) -> Option<Keep> {
    Keep::days(rng.below(3) as u32).ok().filter(|_| rng.percent(70))
}

fn some_allowance(rng: &mut super::Rng) -> Option<Allowance> {
    let period = if rng.percent(50) { Period::Day } else { Period::Month };
    Some(Allowance { amount: rng.below(3).try_into().ok()?, period })
}

fn place(rng: &mut super::Rng) -> GeoPoint {
    let degrees = |rng: &mut super::Rng, most: i64| rng.between(-most * 1_000_000, most * 1_000_000) as f64 / 1e6;
    GeoPoint { latitude: degrees(rng, 90), longitude: degrees(rng, 180) }
}
