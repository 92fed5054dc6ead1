//! Erasing a device.

use model::{Position, Reading, Window};

use super::fixtures::{Probe, at, binding, frame, message, minutes, row};
use crate::{Entry, Scope, Select, Store, StoredUplink};

const NOTHING: [&str; 0] = [];

fn temperature(value: f64) -> [Reading; 1] {
    [Reading::new(1, 4097, value)]
}

async fn purge(probe: &Probe<'_>) {
    probe.store.purge(probe.org, probe.device).await.expect("purge");
}

pub async fn nothing_of_the_device_is_left(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    for batch in 0..7 {
        let uplinks = (batch * 100..batch * 100 + 100).map(|minute| StoredUplink {
            frame: Some(frame(&[1])),
            ..probe.uplink(minute, [Reading::new(1, 4097, minute as f64), Reading::status(3000, 90.0)])
        });
        probe.append(uplinks).await;
    }
    purge(&probe).await;
    assert_eq!(probe.all_rows(Window::ALL).await, NOTHING);
    assert_eq!(probe.range(Window::ALL, 10).await, NOTHING);
    assert_eq!(probe.latest(Select::READINGS).await, NOTHING);
    assert_eq!(probe.latest(Select::Statuses).await, NOTHING);
    assert_eq!(probe.segments(minutes(0..1_000), 1_000).await, NOTHING);
    assert_eq!(probe.frames(Window::ALL, 10).await, []);
    assert_eq!(store.last_heard(probe.org, probe.device).await.expect("last heard"), None);
    purge(&probe).await;
}

pub async fn the_log_forgets_it_and_keeps_the_others(store: &dyn Store) {
    let (probe, other) = (Probe::bind_in(store, 1, 1).await, Probe::bind_in(store, 1, 2).await);
    let foreign = Probe::bind_in(store, 2, 1).await;
    let first = probe.append_one(probe.uplink(0, temperature(1.0))).await;
    let kept = [
        other.append_one(other.uplink(1, temperature(2.0))).await,
        foreign.append_one(foreign.uplink(2, temperature(3.0))).await,
        probe.append_one(message(probe.org, 3, "a")).await,
    ];
    let last = probe.append_one(probe.redecode(first, 0, [row(0, temperature(4.0))])).await;
    purge(&probe).await;
    let followed = store.follow(Scope::All, Position::START, 10).await.expect("follow");
    assert_eq!(followed.entries.iter().map(|it| it.position).collect::<Vec<_>>(), kept);
    assert_eq!(followed.next, last, "a position once given stays given");
    assert_eq!(other.range(Window::ALL, 10).await, ["1/4097 1m=2"]);
    assert_eq!(foreign.range(Window::ALL, 10).await, ["1/4097 2m=3"]);
    assert!(other.append_one(other.uplink(5, [])).await > last);
}

pub async fn what_was_uploaded_stays_counted(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    probe.append_one(probe.uplink(0, temperature(1.0))).await;
    purge(&probe).await;
    assert_eq!(store.count_um(probe.org).await.expect("count um"), 1);
}

pub async fn the_device_stays_bound_and_starts_anew(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    let uplink = probe.uplink(0, temperature(1.0));
    probe.append_one(uplink.clone()).await;
    purge(&probe).await;
    let bound = store.find_device(probe.org, probe.eui).await.expect("find").expect("still bound");
    assert_eq!(bound.id, probe.device);
    // Nothing is remembered, so the same uplink is a new one.
    probe.append_one(uplink).await;
    assert_eq!(probe.all_rows(Window::ALL).await, ["0m 1/4097=1"]);
    assert_eq!(store.last_heard(probe.org, probe.device).await.expect("last heard"), Some(at(0)));
}

pub async fn an_unbound_device_is_erased_too_and_keeps_its_id(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    probe.append_one(probe.uplink(0, temperature(1.0))).await;
    store.unbind_device(probe.org, probe.eui).await.expect("unbind");
    purge(&probe).await;
    let again = store.bind_device(binding(probe.org, probe.eui)).await.expect("bind");
    assert_eq!(again.id, probe.device);
    assert_eq!(probe.all_rows(Window::ALL).await, NOTHING);
}

pub async fn purging_what_is_not_there_erases_nothing(store: &dyn Store) {
    let (mine, other) = (Probe::bind_in(store, 1, 1).await, Probe::bind_in(store, 2, 1).await);
    let entries: [Entry; 2] = [mine.uplink(0, temperature(1.0)).into(), other.uplink(0, temperature(2.0)).into()];
    mine.append(entries).await;
    store.purge(mine.org, other.device).await.expect("purge");
    store.purge(other.org, mine.device).await.expect("purge");
    assert_eq!(mine.all_rows(Window::ALL).await, ["0m 1/4097=1"]);
    assert_eq!(other.all_rows(Window::ALL).await, ["0m 1/4097=2"]);
}
