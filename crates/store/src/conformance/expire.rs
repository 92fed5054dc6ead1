//! Retention.

use model::{Position, Reading, Window};

use super::fixtures::{DAY, Probe, at, frame, minutes, row};
use crate::{ExpireKind, Scope, Select, Store, StoredUplink};

const NOTHING: [&str; 0] = [];

fn temperature(value: f64) -> [Reading; 1] {
    [Reading::new(1, 4097, value)]
}

async fn expire(probe: &Probe<'_>, before: i64, kind: ExpireKind) -> u64 {
    let counted = probe.store.count_old(probe.org, probe.device, at(before), kind).await.expect("count");
    let removed = probe.store.expire(probe.org, probe.device, at(before), kind).await.expect("expire");
    assert_eq!(removed, counted, "what is removed was counted before");
    removed
}

pub async fn rows_measured_before_are_gone_and_counted(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    probe.append((0..5).map(|minute| probe.uplink(minute, temperature(minute as f64)))).await;
    probe.append_one(probe.late(1, 9, temperature(9.0))).await;
    assert_eq!(expire(&probe, 2, ExpireKind::Rows).await, 3);
    assert_eq!(probe.all_rows(Window::ALL).await, ["4m 1/4097=4", "3m 1/4097=3", "2m 1/4097=2"]);
    assert_eq!(probe.range(Window::ALL, 10).await, ["1/4097 4m=4 3m=3 2m=2"]);
    assert_eq!(expire(&probe, 2, ExpireKind::Rows).await, 0);
    assert_eq!(expire(&probe, 100, ExpireKind::Rows).await, 3);
    assert_eq!(probe.latest(Select::READINGS).await, NOTHING);
    assert_eq!(probe.segments(minutes(0..10), 10).await, NOTHING);
}

pub async fn the_latest_reading_of_a_silent_series_goes_with_its_row(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    probe.append_one(probe.uplink(0, [Reading::new(2, 4097, 1.0), Reading::status(3000, 90.0)])).await;
    probe.append_one(probe.uplink(5, temperature(2.0))).await;
    expire(&probe, 1, ExpireKind::Rows).await;
    assert_eq!(probe.latest(Select::READINGS).await, ["1/4097 5m=2"]);
    assert_eq!(probe.latest(Select::Statuses).await, NOTHING);
}

pub async fn many_rows_are_cut_exactly_where_the_time_says(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    for batch in 0..12 {
        let minutes = batch * 100..batch * 100 + 100;
        probe.append(minutes.map(|minute| probe.uplink(minute, temperature(minute as f64)))).await;
    }
    assert_eq!(expire(&probe, 701, ExpireKind::Rows).await, 701);
    assert_eq!(probe.all_rows(Window::ALL).await.len(), 499);
    assert_eq!(probe.range(minutes(0..703), 10).await, ["1/4097 702m=702 701m=701"]);
}

pub async fn what_arrives_afterwards_is_kept_however_old(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    probe.append_one(probe.uplink(0, temperature(1.0))).await;
    assert_eq!(expire(&probe, DAY, ExpireKind::Rows).await, 1);
    probe.append_one(probe.late(0, DAY, temperature(2.0))).await;
    assert_eq!(probe.range(Window::ALL, 10).await, ["1/4097 0m=2"]);
}

pub async fn frames_received_before_are_gone_and_rows_stay(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    let framed = |received: i64, measured: i64| StoredUplink {
        frame: Some(frame(&[received as u8])),
        ..probe.uplink_of(received, [row(measured, temperature(1.0))])
    };
    probe.append([framed(0, 50), framed(1, 0), framed(2, 0)]).await;
    assert_eq!(expire(&probe, 2, ExpireKind::Frames).await, 2);
    let left: Vec<_> = probe.frames(Window::ALL, 10).await.iter().map(|stored| stored.frame.payload[0]).collect();
    assert_eq!(left, [2]);
    assert_eq!(probe.all_rows(Window::ALL).await.len(), 3);
    assert_eq!(expire(&probe, 50, ExpireKind::Rows).await, 2);
    assert_eq!(probe.frames(Window::ALL, 10).await.len(), 1, "rows and frames have retentions of their own");
}

pub async fn it_keeps_to_its_device_and_organization(store: &dyn Store) {
    let (mine, other) = (Probe::bind_in(store, 1, 1).await, Probe::bind_in(store, 2, 1).await);
    let second = Probe::bind_in(store, 1, 2).await;
    for probe in [&mine, &other, &second] {
        probe.append_one(StoredUplink { frame: Some(frame(&[1])), ..probe.uplink(0, temperature(1.0)) }).await;
    }
    for kind in [ExpireKind::Rows, ExpireKind::Frames] {
        let foreign = store.expire(mine.org, other.device, at(1), kind).await.expect("expire");
        assert_eq!(foreign, 0, "another organization's device");
        assert_eq!(store.count_old(mine.org, other.device, at(1), kind).await.expect("count"), 0);
        assert_eq!(expire(&mine, 1, kind).await, 1);
    }
    for probe in [&other, &second] {
        assert_eq!(probe.all_rows(Window::ALL).await.len(), 1);
        assert_eq!(probe.frames(Window::ALL, 10).await.len(), 1);
    }
}

pub async fn counters_and_duplicates_remember_what_has_expired(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    let uplink = StoredUplink { frame: Some(frame(&[1])), ..probe.uplink(0, temperature(1.0)) };
    probe.append_one(uplink.clone()).await;
    expire(&probe, 1, ExpireKind::Rows).await;
    expire(&probe, 1, ExpireKind::Frames).await;
    assert_eq!(store.count_um(probe.org).await.expect("count um"), 1);
    assert_eq!(store.last_heard(probe.org, probe.device).await.expect("last heard"), Some(at(0)));
    assert!(probe.append([uplink]).await[0].duplicate);
    assert_eq!(store.follow(Scope::All, Position::START, 10).await.expect("follow").entries.len(), 1);
}

pub async fn hidden_rows_expire_too_and_never_come_back(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    let position = probe.append_one(probe.uplink_of(9, [row(9, temperature(1.0)), row(0, temperature(2.0))])).await;
    probe.append_one(probe.redecode(position, 9, [row(1, temperature(3.0))])).await;
    // What hides the row of minute 9 expires; the row stays hidden all the same.
    assert_eq!(expire(&probe, 2, ExpireKind::Rows).await, 2);
    assert_eq!(probe.all_rows(Window::ALL).await, ["9m 1/4097=1"]);
    assert_eq!(probe.rows(Window::ALL, 10).await, NOTHING);
    assert_eq!(probe.latest(Select::READINGS).await, NOTHING);
}
