//! New decodings of uplinks that are in the store.

use model::{CodecVersion, Reading, Row, RowFlags, Window};

use super::fixtures::{DAY, Probe, at, frame, minutes, row};
use crate::{Scope, Select, Store, StoredUplink};

const NOTHING: [&str; 0] = [];

fn temperature(value: f64) -> [Reading; 1] {
    [Reading::new(1, 4097, value)]
}

fn both(value: f64) -> [Reading; 2] {
    [Reading::new(1, 4097, value), Reading::new(1, 4098, value)]
}

pub async fn hides_all_earlier_rows_cells_that_are_now_absent_included(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    probe.append_one(probe.uplink(0, both(1.0))).await;
    let position = probe.append_one(probe.uplink_of(2, [row(2, both(2.0)), row(1, both(3.0))])).await;
    probe.append_one(probe.redecode(position, 2, [row(2, temperature(9.0))])).await;
    assert_eq!(probe.range(Window::ALL, 10).await, ["1/4097 2m=9 0m=1", "1/4098 0m=1"]);
    assert_eq!(probe.rows(Window::ALL, 10).await, ["2m 1/4097=9", "0m 1/4097=1 1/4098=1"]);
    assert_eq!(probe.latest(Select::READINGS).await, ["1/4097 2m=9", "1/4098 0m=1"]);
    assert_eq!(probe.segments(minutes(0..10), 10).await, ["1/4097 0m:2×5(1..9)", "1/4098 0m:1×1(1..1)"]);
    assert_eq!(
        probe.all_rows(Window::ALL).await,
        ["2m 1/4097=9", "2m 1/4097=2 1/4098=2", "1m 1/4097=3 1/4098=3", "0m 1/4097=1 1/4098=1"],
        "nothing is overwritten"
    );
}

pub async fn its_rows_name_the_uplink_they_replace(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    let position = probe.append_one(probe.uplink(0, temperature(1.0))).await;
    let again = probe.append_one(probe.redecode(position, 0, [row(3, temperature(2.0))])).await;
    assert!(again > position);
    let expected = Row {
        measured_at: at(3),
        received_at: at(0),
        position: again,
        replaces: Some(position),
        codec: CodecVersion(2),
        flags: RowFlags::NONE,
        readings: temperature(2.0).to_vec(),
    };
    assert_eq!(probe.whole_rows(Window::ALL, 10, false).await, [expected]);
}

pub async fn a_second_new_decoding_hides_the_first(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    let position = probe.append_one(probe.uplink(0, both(1.0))).await;
    probe.append_one(probe.redecode(position, 0, [row(0, temperature(2.0)), row(1, temperature(3.0))])).await;
    probe.append_one(probe.redecode(position, 0, [row(0, both(4.0))])).await;
    assert_eq!(probe.range(Window::ALL, 10).await, ["1/4097 0m=4", "1/4098 0m=4"]);
    assert_eq!(probe.all_rows(Window::ALL).await.len(), 4);
    // Both in one batch, and with the uplink of another one between them.
    let other = probe.append_one(probe.uplink(5, temperature(5.0))).await;
    probe
        .append([
            probe.redecode(position, 0, [row(0, temperature(6.0))]),
            probe.redecode(other, 5, [row(5, temperature(7.0))]),
            probe.redecode(position, 0, [row(0, temperature(8.0))]),
        ])
        .await;
    assert_eq!(probe.rows(Window::ALL, 10).await, ["5m 1/4097=7", "0m 1/4097=8"]);
}

pub async fn without_rows_it_leaves_an_empty_one(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    let position = probe.append_one(probe.uplink(3, temperature(1.0))).await;
    probe.append_one(probe.redecode(position, 4, [])).await;
    assert_eq!(probe.rows(Window::ALL, 10).await, ["4m"]);
    assert_eq!(probe.latest(Select::READINGS).await, NOTHING);
    assert_eq!(probe.range(Window::ALL, 10).await, NOTHING);
    assert_eq!(probe.segments(minutes(0..10), 10).await, NOTHING);
}

pub async fn rows_may_move_in_time(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    probe.append((0..4).map(|minute| probe.uplink(minute, temperature(minute as f64)))).await;
    let position = probe.append_one(probe.uplink(10, temperature(9.0))).await;
    probe.append_one(probe.redecode(position, 10, [row(-30 * DAY, temperature(9.0))])).await;
    assert_eq!(probe.range(minutes(0..20), 2).await, ["1/4097 3m=3 2m=2"]);
    assert_eq!(probe.range(minutes(-31 * DAY..0), 2).await, ["1/4097 -43200m=9"]);
    assert_eq!(probe.latest(Select::READINGS).await, ["1/4097 3m=3"]);
}

pub async fn a_reading_that_was_covered_shows_again(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    probe.append_one(probe.uplink(0, both(1.0))).await;
    let position = probe.append_one(probe.uplink(0, both(2.0))).await;
    assert_eq!(probe.range(Window::ALL, 10).await, ["1/4097 0m=2", "1/4098 0m=2"]);
    probe.append_one(probe.redecode(position, 0, [row(0, temperature(3.0))])).await;
    assert_eq!(probe.range(Window::ALL, 10).await, ["1/4097 0m=3", "1/4098 0m=1"]);
    assert_eq!(probe.latest(Select::READINGS).await, ["1/4097 0m=3", "1/4098 0m=1"]);
}

pub async fn the_latest_reading_is_found_far_back(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    probe.append_one(probe.uplink(-1, [Reading::status(3000, 80.0), Reading::new(2, 4097, 7.0)])).await;
    for batch in 0..10 {
        let rows = (batch * 100..batch * 100 + 100).map(|minute| probe.uplink(minute, temperature(minute as f64)));
        probe.append(rows).await;
    }
    let newest = [Reading::status(3000, 10.0), Reading::new(2, 4097, 8.0), Reading::new(1, 4097, 8.0)];
    let position = probe.append_one(probe.uplink(1_000, newest)).await;
    probe.append_one(probe.redecode(position, 1_000, [])).await;
    assert_eq!(probe.latest(Select::READINGS).await, ["1/4097 999m=999", "2/4097 -1m=7"]);
    assert_eq!(probe.latest(Select::Statuses).await, ["0/3000 -1m=80"]);
}

pub async fn an_old_uplink_among_many_is_decoded_again(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    let mut positions = Vec::new();
    for batch in 0..10 {
        let rows = (batch * 100..batch * 100 + 100).map(|minute| probe.uplink(minute, both(1.0)));
        positions.extend(probe.append(rows).await);
    }
    let again = (0..1_000).step_by(10).map(|minute| {
        let replaces = positions[minute as usize].position;
        probe.redecode(replaces, minute, [row(minute, temperature(2.0))])
    });
    probe.append(again).await;
    assert_eq!(
        probe.segments(minutes(0..1_000), 1_000).await.iter().map(|line| line.split('×').count()).collect::<Vec<_>>(),
        [3, 3],
        "two buckets a series"
    );
    let rows = probe.rows(minutes(40..62), 100).await;
    assert_eq!(rows.iter().filter(|row| !row.contains("4098")).count(), 3, "{rows:?}");
    assert_eq!(rows.len(), 22);
    assert_eq!(probe.all_rows(minutes(40..62)).await.len(), 25);
}

pub async fn the_raw_frame_stays_as_it_was(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    let uplink = StoredUplink { frame: Some(frame(&[1, 2])), ..probe.uplink(0, temperature(1.0)) };
    let position = probe.append_one(uplink).await;
    probe.append_one(probe.redecode(position, 0, [row(0, temperature(2.0))])).await;
    let frames = probe.frames(Window::ALL, 10).await;
    assert_eq!(frames.iter().map(|frame| frame.position).collect::<Vec<_>>(), [position]);
}

pub async fn followers_see_it_as_an_entry_of_its_own(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    let position = probe.append_one(probe.uplink(0, temperature(1.0))).await;
    let redecode = probe.redecode(position, 0, [row(0, temperature(2.0))]);
    let again = probe.append_one(redecode.clone()).await;
    let followed = store.follow(Scope::Org(probe.org), position, 10).await.expect("follow");
    assert_eq!(followed.entries, [crate::LogEntry { position: again, entry: redecode.into() }]);
}

pub async fn decodings_are_those_up_to_a_position(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    let decodings = async |through| store.decodings(probe.org, probe.device, through).await.expect("ask for decodings");
    let first = probe.append_one(probe.uplink(0, temperature(1.0))).await;
    let other = probe.append_one(probe.uplink(5, temperature(5.0))).await;
    assert_eq!(decodings(other).await, []);
    let second = probe.append_one(probe.redecode(first, 0, [row(100_000, temperature(2.0))])).await;
    let third = probe.append_one(probe.redecode(other, 5, [row(5, temperature(6.0))])).await;
    let fourth = probe.append_one(probe.redecode(first, 0, [])).await;
    assert_eq!(decodings(other).await, []);
    assert_eq!(decodings(second).await, [(first, second)]);
    assert_eq!(decodings(third).await, [(first, second), (other, third)]);
    assert_eq!(decodings(fourth).await, [(first, fourth), (other, third)]);
    let stranger = Probe::bind_in(store, 2, 2).await;
    assert_eq!(store.decodings(stranger.org, probe.device, fourth).await.expect("ask for decodings"), []);
}
