//! Limits, and what is used of them.

use model::{AccessId, AccessKey, Allowance, Day, KeyLimits, OrgLimits, Period, Rate, Reading, Scopes, SecretHash};

use super::fixtures::{DAY, Probe, assert_refused, at, eui, org, organization};
use crate::{Charge, Drawn, Error, ExpireKind, Kind, Store, USAGE_DAYS, USAGE_DEVICES_MAX, Usage, Used};

fn id(byte: u8) -> AccessId {
    AccessId::from_random([byte; 16])
}

/// Organization 1 with two keys, and organization 2 with one.
async fn set_up(store: &dyn Store) {
    for number in [1, 2] {
        store.create_organization(organization(number)).await.expect("create");
    }
    for (number, byte) in [(1, 5), (1, 6), (2, 7)] {
        let key =
            AccessKey::new(id(byte), org(number), SecretHash([byte; 32]), String::new(), Scopes::READ_WRITE, at(1));
        store.create_access_key(key).await.expect("create");
    }
}

fn used(calls: u64, dm: u64) -> Used {
    Used { calls, dm, ..Used::default() }
}

fn charge(number: u64, byte: u8, endpoint: &'static str, device: u64, minute: i64, used: Used) -> Charge {
    let device = (device > 0).then(|| eui(device));
    Charge { org: org(number), id: id(byte), endpoint, device, last_used_at: at(minute), used }
}

fn day(number: i32) -> Day {
    Day::of(at(0)).plus(number)
}

fn allowance(amount: u64, period: Period) -> Option<Allowance> {
    Some(Allowance { amount: amount.try_into().expect("not 0"), period })
}

fn rate(per_minute: u32, burst: u32) -> Option<Rate> {
    Some(Rate { per_minute: per_minute.try_into().expect("not 0"), burst: burst.try_into().expect("not 0") })
}

pub async fn limits_read_back_and_are_lifted(store: &dyn Store) {
    assert_refused!(store.get_limits(org(1)).await, Error::NotFound(Kind::Organization));
    let limits = OrgLimits {
        rate: rate(60, 10),
        um: allowance(100_000, Period::Month),
        dm: allowance(u64::from(u32::MAX) + 1, Period::Day),
    };
    assert_refused!(store.limit_organization(org(1), limits).await, Error::NotFound(Kind::Organization));
    set_up(store).await;
    assert_eq!(*store.get_limits(org(1)).await.expect("get"), OrgLimits::default());
    store.limit_organization(org(1), limits).await.expect("limit");
    assert_eq!(*store.get_limits(org(1)).await.expect("get"), limits);
    assert_eq!(*store.get_limits(org(2)).await.expect("get"), OrgLimits::default());
    store.limit_organization(org(1), OrgLimits::default()).await.expect("limit");
    assert_eq!(*store.get_limits(org(1)).await.expect("get"), OrgLimits::default());

    let key_limits = async |byte| store.find_access_key(id(byte)).await.expect("find").expect("there").limits.clone();
    let wanted = KeyLimits { rate: rate(1, 1), dm: allowance(1, Period::Day), ..KeyLimits::default() };
    store.limit_access_key(org(1), id(5), wanted.rate, wanted.dm).await.expect("limit");
    assert_eq!(key_limits(5).await, wanted);
    assert_eq!(key_limits(6).await, KeyLimits::default());
    store.limit_access_key(org(1), id(5), None, None).await.expect("limit");
    assert_eq!(key_limits(5).await, KeyLimits::default());
    let foreign = store.limit_access_key(org(1), id(7), wanted.rate, wanted.dm).await;
    assert_refused!(foreign, Error::NotFound(Kind::AccessKey));
    assert_eq!(key_limits(7).await, KeyLimits::default());
}

pub async fn usage_is_told_apart_by_day_key_endpoint_and_device(store: &dyn Store) {
    set_up(store).await;
    let (list, chart) = ("/openapi/list_telemetry_data", "/openapi/aggregate_chart_points");
    let refused = Used { calls: 2, refused: 2, unchanged: 0, dm: 0 };
    let unchanged = Used { calls: 3, refused: 0, unchanged: 3, dm: 0 };
    store
        .charge(vec![
            charge(1, 5, list, 1, 5, used(1, 100)),
            charge(1, 5, list, 2, 6, used(2, 7)),
            charge(1, 6, chart, 1, 7, unchanged),
            charge(2, 7, list, 1, 8, used(50, 50)),
        ])
        .await
        .expect("charge");
    store
        .charge(vec![charge(1, 5, list, 0, DAY, refused), charge(1, 6, chart, 1, DAY, used(1, 5))])
        .await
        .expect("charge");
    let sum = |parts: &[Used]| {
        parts.iter().fold(Used::default(), |mut sum, part| {
            sum.add(*part);
            sum
        })
    };
    let first = sum(&[used(3, 107), unchanged]);
    let second = sum(&[refused, used(1, 5)]);
    let expected = Usage {
        days: vec![(day(0), first), (day(1), second)],
        keys: vec![(id(5), sum(&[used(3, 107), refused])), (id(6), sum(&[unchanged, used(1, 5)]))],
        endpoints: vec![
            (id(5), list.into(), sum(&[used(3, 107), refused])),
            (id(6), chart.into(), sum(&[unchanged, used(1, 5)])),
        ],
        devices: vec![(Some(eui(1)), sum(&[used(1, 100), unchanged, used(1, 5)])), (Some(eui(2)), used(2, 7))],
    };
    assert_eq!(store.list_usage(org(1), day(-9), day(9), 100).await.expect("list"), expected);
    let one = store.list_usage(org(1), day(1), day(1), 1).await.expect("list");
    assert_eq!((one.days, one.devices), (vec![(day(1), second)], vec![(Some(eui(1)), used(1, 5))]));
    assert_eq!(store.list_usage(org(1), day(2), day(0), 100).await.expect("list"), Usage::default());
}

pub async fn devices_are_told_apart_up_to_a_bound(store: &dyn Store) {
    set_up(store).await;
    let max = USAGE_DEVICES_MAX as u64;
    let charges = (1..=max + 5).map(|device| charge(1, 5, "/a", device, 0, used(1, device)));
    store.charge(charges.collect()).await.expect("charge");
    // Known ones are charged on, new ones are not told apart; on the next day they are.
    store
        .charge(vec![charge(1, 5, "/a", max + 1, 1, used(1, 1)), charge(1, 5, "/a", 1, 1, used(1, 1_000_000))])
        .await
        .expect("charge");
    let devices = store.list_usage(org(1), day(0), day(0), usize::MAX).await.expect("list").devices;
    assert_eq!(devices.len(), USAGE_DEVICES_MAX + 1);
    assert_eq!(devices[0], (Some(eui(1)), used(2, 1_000_001)));
    assert_eq!(devices[1], (None, used(6, 5 * max + 16)));
    store.charge(vec![charge(1, 5, "/a", max + 1, DAY, used(1, 3))]).await.expect("charge");
    let devices = store.list_usage(org(1), day(1), day(1), usize::MAX).await.expect("list").devices;
    assert_eq!(devices, [(Some(eui(max + 1)), used(1, 3))]);
}

pub async fn usage_is_kept_of_the_newest_days(store: &dyn Store) {
    set_up(store).await;
    let days = USAGE_DAYS as i64;
    store.charge(vec![charge(2, 7, "/a", 1, 0, used(1, 1))]).await.expect("charge");
    for number in 0..=days {
        store.charge(vec![charge(1, 5, "/a", 1, number * DAY, used(1, 1))]).await.expect("charge");
    }
    let kept = store.list_usage(org(1), day(-1), day(10_000), 1).await.expect("list");
    assert_eq!((kept.days.len(), kept.days[0].0), (USAGE_DAYS, day(1)));
    assert_eq!(kept.devices, [(Some(eui(1)), used(days as u64, days as u64))]);
    // A clock that jumps ahead, and back again, costs two days and not all.
    for minute in [5_000 * DAY, days * DAY] {
        store.charge(vec![charge(1, 5, "/a", 1, minute, used(1, 1))]).await.expect("charge");
    }
    let kept = store.list_usage(org(1), day(-1), day(10_000), 1).await.expect("list");
    assert_eq!((kept.days.len(), kept.days[0].0), (USAGE_DAYS, day(2)));
    assert_eq!(store.list_usage(org(2), day(0), day(0), 1).await.expect("list").days.len(), 1);
}

pub async fn never_more_is_drawn_than_allowed(store: &dyn Store) {
    assert_refused!(store.draw_dm(org(1), None, day(0), day(0), 1, 1).await, Error::NotFound(Kind::Organization));
    set_up(store).await;
    let foreign = store.draw_dm(org(1), Some(id(7)), day(0), day(0), 1, 1).await;
    assert_refused!(foreign, Error::NotFound(Kind::AccessKey));
    let draw = async |amount, max| store.draw_dm(org(1), None, day(0), day(30), amount, max).await.expect("draw");
    assert_eq!(draw(40, 100).await, Drawn { granted: 40, total: 40 });
    assert_eq!(draw(40, 100).await, Drawn { granted: 40, total: 80 });
    assert_eq!(draw(40, 100).await, Drawn { granted: 20, total: 100 });
    assert_eq!(draw(1, 100).await, Drawn { granted: 0, total: 100 });
    // A limit that was lowered takes nothing back, one that was raised gives more.
    assert_eq!(draw(1, 50).await, Drawn { granted: 0, total: 100 });
    assert_eq!(draw(40, 120).await, Drawn { granted: 20, total: 120 });
    store.return_dm(org(1), None, day(0), 15).await.expect("return");
    assert_eq!(draw(40, 120).await, Drawn { granted: 15, total: 120 });
    // Keys, organizations and periods have allowances of their own.
    let of_key = store.draw_dm(org(1), Some(id(5)), day(0), day(30), 7, 10).await.expect("draw");
    assert_eq!(of_key, Drawn { granted: 7, total: 7 });
    let other = store.draw_dm(org(2), None, day(0), day(30), 7, 10).await.expect("draw");
    assert_eq!(other, Drawn { granted: 7, total: 7 });
    let later = store.draw_dm(org(1), None, day(31), day(60), 7, 10).await.expect("draw");
    assert_eq!(later, Drawn { granted: 7, total: 7 });
    store.return_dm(org(2), Some(id(7)), day(0), 5).await.expect("what was never drawn is not given back");
}

pub async fn what_was_charged_before_anything_was_drawn_counts(store: &dyn Store) {
    set_up(store).await;
    let charges = [(5, -1, 1_000), (5, 0, 30), (6, 1, 20), (5, 31, 1_000)];
    let charges = charges.map(|(byte, day, dm)| charge(1, byte, "/a", 0, day * DAY, used(1, dm)));
    store.charge(charges.to_vec()).await.expect("charge");
    let draw = async |id, amount| store.draw_dm(org(1), id, day(0), day(30), amount, 100).await.expect("draw");
    assert_eq!(draw(None, 10).await, Drawn { granted: 10, total: 60 });
    assert_eq!(draw(Some(id(5)), 10).await, Drawn { granted: 10, total: 40 });
    // What is charged afterwards was drawn, as long as it is not more than that.
    store.charge(vec![charge(1, 5, "/a", 0, 0, used(1, 10))]).await.expect("charge");
    assert_eq!(draw(None, 10).await, Drawn { granted: 10, total: 70 });
    store.charge(vec![charge(1, 6, "/a", 0, 0, used(1, 35))]).await.expect("charge");
    assert_eq!(draw(None, 10).await, Drawn { granted: 5, total: 100 });
}

pub async fn um_is_counted_by_the_day_that_uplinks_were_received_on(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    let readings = [Reading::new(1, 4097, 21.5), Reading::new(1, 4098, 60.0), Reading::status(3000, 90.0)];
    for (measured, received) in [(0, 0), (-5 * DAY, DAY - 1), (DAY, DAY), (3 * DAY, 3 * DAY)] {
        probe.append_one(probe.late(measured, received, readings.clone())).await;
    }
    let list = async |first, last| {
        let days = store.list_um(probe.org, day(first), day(last)).await.expect("list um");
        days.into_iter().map(|(found, um)| (found.get() - day(0).get(), um)).collect::<Vec<_>>()
    };
    assert_eq!(list(-10, 10).await, [(0, 4), (1, 2), (3, 2)]);
    assert_eq!(list(1, 2).await, [(1, 2)]);
    assert_eq!(list(2, 1).await, []);
    assert_eq!(store.list_um(org(99), day(0), day(9)).await.expect("list um"), []);
    store.expire(probe.org, probe.device, at(2 * DAY), ExpireKind::Rows).await.expect("expire");
    assert_eq!(list(0, 0).await, [(0, 4)], "what is removed was uploaded all the same");
    store.purge(probe.org, probe.device).await.expect("purge");
    assert_eq!(list(0, 5).await, [(0, 4), (1, 2), (3, 2)], "and so was what is erased");
}

pub async fn um_is_kept_of_the_newest_days(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    for number in 0..=USAGE_DAYS as i64 {
        probe.append_one(probe.uplink(number * DAY, [Reading::new(1, 4097, 1.0)])).await;
    }
    let kept = store.list_um(probe.org, day(-1), day(10_000)).await.expect("list um");
    assert_eq!((kept.len(), kept[0]), (USAGE_DAYS, (day(1), 1)));
    assert_eq!(store.count_um(probe.org).await.expect("count"), USAGE_DAYS as u64 + 1);
}
