//! Uplinks of devices that nobody has bound yet.

use model::{DedupKey, DeviceEui, Reception, SourceId, Uplink};

use super::{
    fixtures::{DAY, assert_refused, at, binding, eui, frame, org, organization},
    sources::source,
};
use crate::{
    Error, Kind, Store, UNBOUND_BYTES_MAX, UNBOUND_DEVICES_MAX, UNBOUND_SOURCE_UPLINKS_MAX, UNBOUND_UPLINKS_MAX,
    UnboundDevice, UnboundUplink,
};

/// Sources 5 and 7 of organization 1, and source 6 of organization 2.
async fn create(store: &dyn Store) {
    for number in [1, 2] {
        store.create_organization(organization(number)).await.expect("create");
    }
    for source in [source(1, 7, 1), source(1, 5, 2), source(2, 6, 3)] {
        store.create_source(source).await.expect("create");
    }
}

pub(super) fn uplink(org_number: u64, source: u64, label: u64, key: u64, minute: i64) -> Uplink {
    Uplink {
        org: org(org_number),
        source: SourceId::from_raw(source),
        eui: eui(label),
        sent_at: at(minute).minus_ms(700),
        received_at: at(minute),
        dedup: DedupKey(u128::from(key) << 64 | 7),
        frame: frame(&key.to_be_bytes()),
        model_hints: Vec::new(),
        name_hint: String::new(),
    }
}

fn device(source: u64, label: u64, first: i64, last: i64, kept: u64) -> UnboundDevice {
    UnboundDevice {
        source: SourceId::from_raw(source),
        eui: eui(label),
        model: String::new(),
        name: String::new(),
        first_heard_at: at(first),
        last_heard_at: at(last),
        kept,
        dropped: 0,
    }
}

async fn keep(store: &dyn Store, uplink: Uplink) {
    assert!(!store.keep_unbound(uplink, "").await.expect("keep"), "it was not kept before");
}

async fn kept(store: &dyn Store, org_number: u64, label: u64) -> Vec<Uplink> {
    let kept = store.list_unbound_uplinks(org(org_number), eui(label), usize::MAX).await.expect("list");
    assert!(kept.is_sorted_by(|a, b| a.number < b.number));
    kept.into_iter().map(|UnboundUplink { uplink, .. }| uplink).collect()
}

pub async fn what_is_kept_reads_back_in_its_order(store: &dyn Store) {
    create(store).await;
    let first = Uplink { name_hint: "barn".to_owned(), ..uplink(1, 7, 1, 1, 10) };
    assert!(!store.keep_unbound(first, "S2101").await.expect("keep"));
    keep(store, uplink(1, 7, 1, 2, 8)).await;
    keep(store, uplink(1, 5, 1, 3, 9)).await;
    keep(store, uplink(1, 5, 2, 4, 9)).await;
    let known = UnboundDevice { model: "S2101".to_owned(), name: "barn".to_owned(), ..device(7, 1, 10, 10, 2) };
    let expected = [known.clone(), device(5, 1, 9, 9, 1), device(5, 2, 9, 9, 1)];
    assert_eq!(store.list_unbound(org(1), 9).await.expect("list"), expected);
    assert_eq!(store.list_unbound(org(1), 1).await.expect("list"), expected[..1]);
    assert_eq!(store.find_unbound(org(1), eui(1)).await.expect("find"), Some(known));
    assert_eq!(store.find_unbound(org(1), eui(3)).await.expect("find"), None);
    let uplinks = [uplink(1, 7, 1, 1, 10), uplink(1, 7, 1, 2, 8), uplink(1, 5, 1, 3, 9)];
    assert_eq!(kept(store, 1, 1).await, uplinks);
    let two = store.list_unbound_uplinks(org(1), eui(1), 2).await.expect("list");
    assert_eq!(two.into_iter().map(|kept| kept.uplink).collect::<Vec<_>>(), uplinks[..2]);
    assert_eq!(store.count_unbound_lost(org(1)).await.expect("count"), 0);
}

pub async fn an_uplink_is_kept_once_a_day(store: &dyn Store) {
    create(store).await;
    keep(store, uplink(1, 7, 1, 1, 0)).await;
    assert!(store.keep_unbound(uplink(1, 7, 1, 1, DAY - 1), "S2101").await.expect("keep"));
    assert_eq!(store.list_unbound(org(1), 9).await.expect("list"), [device(7, 1, 0, 0, 1)], "nothing changed");
    keep(store, uplink(1, 7, 1, 1, DAY)).await;
    keep(store, uplink(1, 7, 2, 1, 0)).await;
    keep(store, uplink(1, 5, 1, 1, 0)).await;
}

pub async fn refuses_to_keep_what_has_a_place_or_none(store: &dyn Store) {
    create(store).await;
    for (org_number, source) in [(1, 8), (1, 6), (3, 7)] {
        let refused = store.keep_unbound(uplink(org_number, source, 1, 1, 0), "").await;
        assert_refused!(refused, Error::NotFound(Kind::Source));
    }
    let mut large = uplink(1, 7, 1, 1, 0);
    large.frame.receptions.truncate(1);
    large.frame.receptions[0] = Reception { gateway: "a".into(), ..large.frame.receptions[0].clone() };
    large.frame.payload = vec![7; UNBOUND_BYTES_MAX - 9].into();
    keep(store, large.clone()).await;
    large.frame.payload = vec![7; UNBOUND_BYTES_MAX - 8].into();
    assert_refused!(store.keep_unbound(large, "").await, Error::Limit { .. });
    store.bind_device(binding(org(1), eui(2))).await.expect("bind");
    assert_refused!(store.keep_unbound(uplink(1, 7, 2, 2, 0), "").await, Error::Conflict(Kind::Device));
    store.unbind_device(org(1), eui(2)).await.expect("unbind");
    keep(store, uplink(1, 7, 2, 2, 0)).await;
}

pub async fn a_bound_device_is_adoptable_until_it_is_settled(store: &dyn Store) {
    create(store).await;
    for key in 1..=3 {
        keep(store, uplink(1, 7, 1, key, key as i64)).await;
    }
    keep(store, uplink(2, 6, 1, 1, 0)).await;
    let adoptable = async || store.list_adoptable(9).await.expect("list");
    assert_eq!(adoptable().await, []);
    store.bind_device(binding(org(1), eui(1))).await.expect("bind");
    assert_eq!(adoptable().await, [(org(1), eui(1))]);
    assert_eq!(store.list_adoptable(0).await.expect("list"), []);
    assert_eq!(store.list_unbound(org(1), 9).await.expect("list"), [], "it is bound");
    assert_eq!(store.find_unbound(org(1), eui(1)).await.expect("find"), None);
    assert_refused!(store.forget_unbound(org(1), eui(1)).await, Error::NotFound(Kind::Device));

    let numbers: Vec<u64> = store
        .list_unbound_uplinks(org(1), eui(1), 9)
        .await
        .expect("list")
        .into_iter()
        .map(|kept| kept.number)
        .collect();
    store.settle_unbound(org(1), eui(1), numbers[1]).await.expect("settle");
    assert_eq!(kept(store, 1, 1).await, [uplink(1, 7, 1, 3, 3)]);
    assert_eq!(adoptable().await, [(org(1), eui(1))]);
    store.unbind_device(org(1), eui(1)).await.expect("unbind");
    assert_eq!(adoptable().await, []);
    assert_eq!(store.list_unbound(org(1), 9).await.expect("list"), [device(7, 1, 1, 3, 1)]);
    store.settle_unbound(org(1), eui(1), u64::MAX).await.expect("settle");
    assert_eq!(store.list_unbound(org(1), 9).await.expect("list"), []);
    assert_eq!(kept(store, 2, 1).await.len(), 1, "the neighbour's is another device");
}

pub async fn a_forgotten_device_begins_anew(store: &dyn Store) {
    create(store).await;
    assert_refused!(store.forget_unbound(org(1), eui(1)).await, Error::NotFound(Kind::Device));
    keep(store, uplink(1, 7, 1, 1, 0)).await;
    keep(store, uplink(1, 5, 1, 2, 0)).await;
    keep(store, uplink(2, 6, 1, 3, 0)).await;
    store.forget_unbound(org(1), eui(1)).await.expect("forget");
    assert_eq!((store.list_unbound(org(1), 9).await.expect("list"), kept(store, 1, 1).await), (vec![], vec![]));
    assert_eq!(kept(store, 2, 1).await.len(), 1);
    keep(store, uplink(1, 7, 1, 1, 5)).await;
    assert_eq!(store.list_unbound(org(1), 9).await.expect("list"), [device(7, 1, 5, 5, 1)]);
}

pub async fn a_deleted_source_takes_along_what_it_brought(store: &dyn Store) {
    create(store).await;
    keep(store, uplink(1, 7, 1, 1, 0)).await;
    keep(store, uplink(1, 5, 1, 2, 0)).await;
    store.delete_source(org(1), SourceId::from_raw(7)).await.expect("delete");
    assert_eq!(store.list_unbound(org(1), 9).await.expect("list"), [device(5, 1, 0, 0, 1)]);
    assert_eq!(kept(store, 1, 1).await, [uplink(1, 5, 1, 2, 0)]);
}

pub async fn the_oldest_uplinks_of_a_device_make_room(store: &dyn Store) {
    create(store).await;
    let most = UNBOUND_UPLINKS_MAX as u64;
    for key in 0..most + 2 {
        keep(store, uplink(1, 7, 1, key, key as i64)).await;
    }
    let expected = UnboundDevice { dropped: 2, ..device(7, 1, 0, most as i64 + 1, most) };
    assert_eq!(store.list_unbound(org(1), 9).await.expect("list"), [expected]);
    let kept = kept(store, 1, 1).await;
    assert_eq!((kept.len(), &kept[0]), (UNBOUND_UPLINKS_MAX, &uplink(1, 7, 1, 2, 2)));
}

pub async fn the_oldest_uplinks_of_a_source_make_room(store: &dyn Store) {
    create(store).await;
    keep(store, uplink(1, 5, 1, 0, 0)).await;
    let (devices, each) = (20, UNBOUND_SOURCE_UPLINKS_MAX as u64 / 20);
    for label in 1..=devices {
        for key in 0..each {
            keep(store, uplink(1, 7, label, key, key as i64)).await;
        }
    }
    keep(store, uplink(1, 7, devices + 1, 0, DAY)).await;
    let list = store.list_unbound(org(1), 100).await.expect("list");
    let kept_of = |source, label| {
        let device = list.iter().find(|device| (device.source, device.eui) == (SourceId::from_raw(source), eui(label)));
        device.map(|device| (device.kept, device.dropped))
    };
    assert_eq!(kept_of(7, 1), Some((each - 1, 1)));
    assert_eq!((kept_of(7, 2), kept_of(7, devices + 1)), (Some((each, 0)), Some((1, 0))));
    assert_eq!(kept_of(5, 1), Some((1, 0)), "every source has its own room");
}

pub async fn the_device_silent_for_longest_makes_room(store: &dyn Store) {
    create(store).await;
    let most = UNBOUND_DEVICES_MAX as u64;
    let label = |number: u64| DeviceEui::from_raw(0x1000 + number);
    for number in 0..most {
        let heard = Uplink { eui: label(number), ..uplink(1, 7, 0, number, if number == 3 { 1 } else { 2 }) };
        keep(store, heard).await;
    }
    keep(store, Uplink { eui: label(3), ..uplink(1, 7, 0, most, 1) }).await;
    keep(store, Uplink { eui: label(most), ..uplink(1, 7, 0, most, 0) }).await;
    assert_eq!(store.find_unbound(org(1), label(3)).await.expect("find"), None);
    assert_eq!(store.list_unbound_uplinks(org(1), label(3), 9).await.expect("list"), []);
    assert_eq!(store.list_unbound(org(1), 2_000).await.expect("list").len(), UNBOUND_DEVICES_MAX);
    assert_eq!(store.count_unbound_lost(org(1)).await.expect("count"), 2);
    keep(store, Uplink { eui: label(most + 1), ..uplink(1, 7, 0, most + 1, 3) }).await;
    assert_eq!(store.find_unbound(org(1), label(most)).await.expect("find"), None);
    assert_eq!(store.count_unbound_lost(org(1)).await.expect("count"), 3);
    assert_eq!(store.count_unbound_lost(org(2)).await.expect("count"), 0);
}
