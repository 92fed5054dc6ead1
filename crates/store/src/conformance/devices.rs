//! Devices and their channels.

use std::sync::Arc;

use model::{
    Antenna, Channel, ChannelIndex, ChannelMap, DeviceKind, DeviceNotes, GeoPoint, Group, GroupId, MeasurementId,
    Reading, Window,
};

use super::fixtures::{Probe, assert_refused, at, binding, eui, org, organization};
use crate::{Binding, DeviceChange, DeviceFilter, Error, Kind, Store};

fn channel(index: u16, name: &str) -> Channel {
    Channel {
        index: ChannelIndex(index),
        name: name.to_owned(),
        sensor_type: Some("1001".to_owned()),
        sensor_id: "A1".to_owned(),
        measurements: vec![MeasurementId(4097), MeasurementId(4098)],
        created_at: at(3),
    }
}

pub async fn a_bound_device_reads_back(store: &dyn Store) {
    store.create_organization(organization(1)).await.expect("create");
    let barn = Group { org: org(1), id: GroupId::from_raw(1), name: "barn".to_owned() };
    store.create_group(barn).await.expect("create");
    let full = Binding {
        kind: DeviceKind::Gateway,
        model: "SenseCAP M2".to_owned(),
        name: "Dach, Süd".to_owned(),
        group: Some(GroupId::from_raw(1)),
        place: Some(GeoPoint { latitude: -33.868_820_1, longitude: 151.209_295_5 }),
        frequency: "EU868".to_owned(),
        code: "3A91F27BB1C0D2E4".to_owned(),
        ..binding(org(1), eui(1))
    };
    let bound = store.bind_device(full.clone()).await.expect("bind");
    assert_eq!(*bound, full.into_device(bound.id, 1));
    assert_eq!(store.find_device(org(1), eui(1)).await.expect("find"), Some(bound));
    assert_eq!(store.find_device(org(1), eui(2)).await.expect("find"), None);
}

pub async fn refuses_to_bind_twice_or_into_what_is_not_there(store: &dyn Store) {
    assert_refused!(store.bind_device(binding(org(1), eui(1))).await, Error::NotFound(Kind::Organization));
    store.create_organization(organization(1)).await.expect("create");
    let unknown_group = Binding { group: Some(GroupId::from_raw(1)), ..binding(org(1), eui(1)) };
    assert_refused!(store.bind_device(unknown_group).await, Error::NotFound(Kind::Group));
    store.bind_device(binding(org(1), eui(1))).await.expect("bind");
    assert_refused!(store.bind_device(binding(org(1), eui(1))).await, Error::Conflict(Kind::Device));
}

pub async fn an_unbound_device_is_remembered_until_it_is_bound_again(store: &dyn Store) {
    store.create_organization(organization(1)).await.expect("create");
    store.create_organization(organization(2)).await.expect("create");
    let group = GroupId::from_raw(1);
    store.create_group(Group { org: org(1), id: group, name: "barn".to_owned() }).await.expect("create");
    let place = Some(GeoPoint { latitude: 1.5, longitude: -2.5 });
    let code = "3A91F27BB1C0D2E4".to_owned();
    let first = Binding { code, place, group: Some(group), ..binding(org(1), eui(1)) };
    store.bind_device(first.clone()).await.expect("bind");
    assert_eq!(store.find_unbound_device(org(1), eui(1), at(9)).await.expect("find"), None);
    let change = DeviceChange { name: Some("north".to_owned()), ..DeviceChange::default() };
    store.update_device(org(1), eui(1), change).await.expect("update");
    store.unbind_device(org(1), eui(1)).await.expect("unbind");

    let known = Binding { name: "north".to_owned(), bound_at: at(9), ..first };
    let found = store.find_unbound_device(org(1), eui(1), at(9)).await.expect("find");
    assert_eq!(found.as_ref(), Some(&known));
    assert_eq!(store.find_unbound_device(org(2), eui(1), at(9)).await.expect("find"), None);
    assert_eq!(store.find_unbound_device(org(1), eui(2), at(9)).await.expect("find"), None);
    store.delete_group(org(1), group).await.expect("delete");
    let found = store.find_unbound_device(org(1), eui(1), at(9)).await.expect("find");
    assert_eq!(found, Some(Binding { group: None, ..known.clone() }), "its group is gone");
    store.bind_device(Binding { group: None, ..known }).await.expect("bind");
    assert_eq!(store.find_unbound_device(org(1), eui(1), at(9)).await.expect("find"), None);
}

pub async fn an_unbound_device_is_hidden_and_comes_back_with_its_id_and_history(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    probe.append_one(probe.uplink(0, [Reading::new(1, 4097, 21.5)])).await;
    store.describe_channel(org(1), eui(1), channel(1, "north")).await.expect("describe");
    store.set_report_cycle(org(1), &[eui(1)], 15).await.expect("set");
    store.update_device(org(1), eui(1), noted()).await.expect("update");
    store.unbind_device(org(1), eui(1)).await.expect("unbind");
    assert_eq!(store.find_device(org(1), eui(1)).await.expect("find"), None);
    assert_eq!(store.find_device_id(org(1), eui(1)).await.expect("find"), Some(probe.device));
    assert_eq!(store.find_device_id(org(2), eui(1)).await.expect("find"), None);
    assert_eq!(store.find_device_id(org(1), eui(2)).await.expect("find"), None);
    assert_eq!(store.list_devices(org(1), DeviceFilter::default(), None, 10).await.expect("list"), []);
    assert_refused!(store.unbind_device(org(1), eui(1)).await, Error::NotFound(Kind::Device));

    Probe::bind_in(store, 1, 2).await;
    let renamed = Binding { name: "again".to_owned(), bound_at: at(9), ..binding(org(1), eui(1)) };
    let again = store.bind_device(renamed.clone()).await.expect("bind");
    assert_eq!(*again, renamed.into_device(probe.device, 2), "the same id, and nothing else of before");
    assert_eq!(probe.range(Window::ALL, 10).await, ["1/4097 0m=21.5"]);
}

pub async fn another_organization_gets_another_device_id(store: &dyn Store) {
    let first = Probe::bind_in(store, 1, 1).await;
    store.unbind_device(org(1), eui(1)).await.expect("unbind");
    let second = Probe::bind_in(store, 2, 1).await;
    assert_ne!(first.device, second.device);
    let again = store.bind_device(binding(org(1), eui(1))).await.expect("both may have it");
    assert_eq!(again.id, first.device);
}

pub async fn lists_devices_by_eui_in_pages_and_by_filter(store: &dyn Store) {
    store.create_organization(organization(1)).await.expect("create");
    let barn = Group { org: org(1), id: GroupId::from_raw(1), name: "barn".to_owned() };
    store.create_group(barn).await.expect("create");
    let kinds = [(3, DeviceKind::Node, None), (1, DeviceKind::Gateway, None), (2, DeviceKind::Node, Some(1))];
    for (number, kind, group) in kinds {
        let group = group.map(GroupId::from_raw);
        store.bind_device(Binding { kind, group, ..binding(org(1), eui(number)) }).await.expect("bind");
    }
    let list = async |filter, after: Option<u64>, limit| {
        let devices = store.list_devices(org(1), filter, after.map(eui), limit).await.expect("list");
        devices.iter().map(|device| device.eui.get() - eui(0).get()).collect::<Vec<_>>()
    };
    let all = DeviceFilter::default();
    assert_eq!(list(all, None, 10).await, [1, 2, 3]);
    assert_eq!(list(all, None, 2).await, [1, 2]);
    assert_eq!(list(all, Some(2), 2).await, [3]);
    let nodes = DeviceFilter { kind: Some(DeviceKind::Node), ..all };
    assert_eq!(list(nodes, None, 10).await, [2, 3]);
    assert_eq!(list(nodes, Some(2), 10).await, [3]);
    assert_eq!(list(DeviceFilter { group: Some(None), ..all }, None, 10).await, [1, 3]);
    assert_eq!(list(DeviceFilter { group: Some(None), ..nodes }, None, 10).await, [3]);
    assert_eq!(list(DeviceFilter { group: Some(Some(GroupId::from_raw(1))), ..all }, None, 10).await, [2]);
}

pub async fn a_change_changes_what_it_names_and_nothing_else(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    let before = store.find_device(org(1), eui(1)).await.expect("find").expect("bound");
    let change = |change| store.update_device(org(1), eui(1), change);
    let find = async || store.find_device(org(1), eui(1)).await.expect("find").expect("bound");

    change(DeviceChange::default()).await.expect("change nothing");
    assert_eq!(find().await, before);
    change(DeviceChange { name: Some("roof".to_owned()), ..DeviceChange::default() }).await.expect("change");
    let place = GeoPoint { latitude: 52.5, longitude: 13.375 };
    change(DeviceChange { place: Some(place), ..DeviceChange::default() }).await.expect("change");
    change(DeviceChange { model: Some("S2120".to_owned()), ..DeviceChange::default() }).await.expect("change");
    let mut expected = (*before).clone();
    (expected.name, expected.model, expected.place) = ("roof".to_owned(), "S2120".to_owned(), Some(place));
    assert_eq!(find().await, Arc::new(expected.clone()));
    change(noted()).await.expect("change");
    let description = Some("by the door".to_owned());
    change(DeviceChange { description, ..DeviceChange::default() }).await.expect("change");
    expected.notes = DeviceNotes {
        description: "by the door".to_owned(),
        country: "DEU".to_owned(),
        antenna: Some(Antenna::Outdoor),
        altitude_m: Some(-2.5),
    };
    assert_eq!(find().await, Arc::new(expected));
    assert_eq!(before.name, format!("device {}", probe.eui), "an answer once given does not change");
    assert_refused!(store.update_device(org(1), eui(2), DeviceChange::default()).await, Error::NotFound(Kind::Device));
}

/// Everything that can be written down about a device.
fn noted() -> DeviceChange {
    DeviceChange {
        description: Some("im Hof, \"hinten\"".to_owned()),
        country: Some("DEU".to_owned()),
        antenna: Some(Antenna::Outdoor),
        altitude_m: Some(-2.5),
        ..DeviceChange::default()
    }
}

pub async fn a_change_may_move_a_device_into_a_group_that_is_there(store: &dyn Store) {
    Probe::bind(store).await;
    let group = GroupId::from_raw(1);
    let change =
        |name: &str, group| DeviceChange { name: Some(name.to_owned()), group: Some(group), ..DeviceChange::default() };
    let find = async || {
        let device = store.find_device(org(1), eui(1)).await.expect("find").expect("bound");
        (device.name.clone(), device.group)
    };
    let (name, _) = find().await;
    let refused = store.update_device(org(1), eui(1), change("barn", Some(group))).await;
    assert_refused!(refused, Error::NotFound(Kind::Group));
    assert_eq!(find().await, (name, None), "nothing of a change that is refused");
    store.create_group(Group { org: org(1), id: group, name: "barn".to_owned() }).await.expect("create");
    store.update_device(org(1), eui(1), change("in", Some(group))).await.expect("change");
    assert_eq!(find().await, ("in".to_owned(), Some(group)));
    let renamed = DeviceChange { name: Some("still in".to_owned()), ..DeviceChange::default() };
    store.update_device(org(1), eui(1), renamed).await.expect("change");
    assert_eq!(find().await, ("still in".to_owned(), Some(group)));
    store.update_device(org(1), eui(1), change("out", None)).await.expect("change");
    assert_eq!(find().await, ("out".to_owned(), None));
}

pub async fn a_report_cycle_is_set_on_all_devices_or_none(store: &dyn Store) {
    for number in 1..=2 {
        Probe::bind_in(store, 1, number).await;
    }
    Probe::bind_in(store, 2, 3).await;
    let cycles = async || {
        let devices = store.list_devices(org(1), DeviceFilter::default(), None, 10).await.expect("list");
        devices.iter().map(|device| device.report_cycle_min).collect::<Vec<_>>()
    };
    assert_eq!(cycles().await, [None, None]);
    for stranger in [3, 4] {
        let refused = store.set_report_cycle(org(1), &[eui(1), eui(stranger)], 5).await;
        assert_refused!(refused, Error::NotFound(Kind::Device));
    }
    assert_eq!(cycles().await, [None, None]);
    store.set_report_cycle(org(1), &[eui(1), eui(2)], 5).await.expect("set");
    store.set_report_cycle(org(1), &[eui(2)], 1_440).await.expect("set");
    assert_eq!(cycles().await, [Some(5), Some(1_440)]);
    let found = store.find_device(org(1), eui(2)).await.expect("find").expect("bound");
    assert_eq!(found.report_cycle_min, Some(1_440));
}

pub async fn refuses_more_devices_of_a_model_than_are_allowed(store: &dyn Store) {
    store.create_organization(organization(1)).await.expect("create");
    store.create_organization(organization(2)).await.expect("create");
    let kit = |of, number| Binding { model: "kit".to_owned(), ..binding(org(of), eui(number)) };
    store.bind_device(binding(org(1), eui(9))).await.expect("another model does not count");
    for number in 1..=2 {
        store.bind_device_within(kit(1, number), 2).await.expect("bind");
    }
    let refused = store.bind_device_within(kit(1, 3), 2).await;
    assert_refused!(refused, Error::Limit { what: "devices", max: 2 });
    assert_eq!(store.find_device(org(1), eui(3)).await.expect("find"), None);
    store.bind_device_within(kit(2, 3), 2).await.expect("another organization does not count");
    store.unbind_device(org(1), eui(1)).await.expect("unbind");
    store.bind_device_within(kit(1, 3), 2).await.expect("what is unbound does not count");
    assert_refused!(store.bind_device_within(kit(1, 3), 9).await, Error::Conflict(Kind::Device));
    assert_refused!(store.bind_device_within(kit(3, 1), 9).await, Error::NotFound(Kind::Organization));
}

pub async fn a_channel_is_described_anew(store: &dyn Store) {
    assert_refused!(store.describe_channel(org(1), eui(1), channel(1, "north")).await, Error::NotFound(Kind::Device));
    Probe::bind(store).await;
    let again = Channel { sensor_type: None, measurements: Vec::new(), ..channel(2, "south") };
    for channel in [channel(2, "north"), channel(1, "east"), again.clone()] {
        store.describe_channel(org(1), eui(1), channel).await.expect("describe");
    }
    let device = store.find_device(org(1), eui(1)).await.expect("find").expect("bound");
    assert_eq!(device.channels, [channel(1, "east"), again]);
    let listed = store.list_devices(org(1), DeviceFilter::default(), None, 1).await.expect("list");
    assert_eq!(listed, [device]);
}

pub async fn a_channel_map_reads_back_until_the_device_is_bound_again(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    let map: ChannelMap = "1/4165=4102,2/4097=4103".parse().expect("a map");
    let change = DeviceChange { channel_map: Some(map.clone()), ..DeviceChange::default() };
    store.update_device(probe.org, probe.eui, change).await.expect("change");
    let found =
        async || store.find_device(probe.org, probe.eui).await.expect("find").expect("bound").channel_map.clone();
    assert_eq!(found().await, map);
    let change = DeviceChange { name: Some("barn".to_owned()), ..DeviceChange::default() };
    store.update_device(probe.org, probe.eui, change).await.expect("change");
    assert_eq!(found().await, map, "nobody spoke of it");
    store.unbind_device(probe.org, probe.eui).await.expect("unbind");
    store.bind_device(binding(probe.org, probe.eui)).await.expect("bind");
    assert!(found().await.is_empty());
}
