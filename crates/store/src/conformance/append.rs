//! Entries on their way in: positions, duplicates, um, limits.

use std::collections::BTreeSet;

use model::{Frame, Position, Reading, Reception, Timestamp, Value, Window};

use super::fixtures::{DAY, Probe, abandon, assert_refused, at, frame, join, message, minutes, row};
use crate::{Appended, Entry, Error, Message, Scope, Store, StoredUplink};

fn temperature(value: f64) -> [Reading; 1] {
    [Reading::new(1, 4097, value)]
}

async fn um(probe: &Probe<'_>) -> u64 {
    probe.store.count_um(probe.org).await.expect("count um")
}

pub async fn later_entries_of_a_device_have_higher_positions(store: &dyn Store) {
    let (probe, other) = (Probe::bind(store).await, Probe::bind_in(store, 2, 1).await);
    let mut positions = Vec::new();
    for batch in 0..4 {
        let minutes = (0..25).map(|minute| batch * 25 + minute);
        let uplinks = minutes.map(|minute| if minute % 3 == 0 { &other } else { &probe }.uplink(-minute, []));
        positions.extend(probe.append(uplinks).await);
    }
    assert!(positions.iter().all(|appended| !appended.duplicate));
    assert!(positions.iter().all(|appended| appended.position > Position::START));
    let distinct: BTreeSet<_> = positions.iter().map(|appended| appended.position).collect();
    assert_eq!(distinct.len(), 100, "no position is given twice");
    for mine in [true, false] {
        let of_one = positions.iter().enumerate().filter(|(minute, _)| (minute % 3 == 0) == mine);
        assert!(of_one.map(|(_, appended)| appended.position).is_sorted());
    }
}

pub async fn an_empty_batch_changes_nothing(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    assert_eq!(probe.append::<Entry>([]).await, []);
    let followed = store.follow(Scope::All, Position::START, 10).await.expect("follow");
    assert_eq!((followed.entries.len(), followed.next), (0, Position::START));
}

pub async fn a_duplicate_is_answered_with_the_firsts_position_and_changes_nothing(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    let first = StoredUplink { frame: Some(frame(&[1])), ..probe.uplink(0, temperature(21.5)) };
    let position = probe.append_one(first.clone()).await;
    let again = StoredUplink { received_at: at(3), frame: Some(frame(&[2])), rows: vec![row(3, [])], ..first.clone() };
    let appended = probe.append([first.clone(), again]).await;
    assert_eq!(appended, [Appended { position, duplicate: true }; 2]);

    assert_eq!(probe.all_rows(Window::ALL).await, ["0m 1/4097=21.5"]);
    assert_eq!(probe.frames(Window::ALL, 10).await.len(), 1);
    assert_eq!(store.follow(Scope::All, Position::START, 10).await.expect("follow").entries.len(), 1);
    assert_eq!(um(&probe).await, 1, "charged once");
    assert_eq!(store.last_heard(probe.org, probe.device).await.expect("last heard"), Some(at(0)));
}

pub async fn a_duplicate_inside_one_batch_is_found(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    let (first, second) = (probe.uplink(0, temperature(1.0)), probe.uplink(1, temperature(2.0)));
    let appended = probe.append([first.clone(), second.clone(), first, second]).await;
    assert_eq!(appended.iter().map(|it| it.duplicate).collect::<Vec<_>>(), [false, false, true, true]);
    assert_eq!((appended[0].position, appended[1].position), (appended[2].position, appended[3].position));
    assert_eq!(probe.all_rows(Window::ALL).await, ["1m 1/4097=2", "0m 1/4097=1"]);
    assert_eq!(um(&probe).await, 2);
}

pub async fn of_two_callers_with_the_same_uplink_one_brought_the_duplicate(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    let (same, other) = (probe.uplink(0, temperature(1.0)), probe.uplink(1, temperature(2.0)));
    let (a, b) = join(probe.append([same.clone()]), probe.append([other, same])).await;
    assert_eq!(a[0].position, b[1].position);
    assert!(a[0].duplicate != b[1].duplicate, "{a:?} {b:?}");
    assert_eq!(probe.all_rows(Window::ALL).await, ["1m 1/4097=2", "0m 1/4097=1"]);
}

pub async fn many_callers_at_once_lose_and_mix_nothing(store: &dyn Store) {
    let probes = [Probe::bind_in(store, 1, 1).await, Probe::bind_in(store, 2, 1).await];
    let call = async |probe: &Probe<'_>, caller: i64| {
        let mut positions = Vec::new();
        for batch in 0..5 {
            let minutes = (0..3).map(|at| caller * 100 + batch * 10 + at);
            positions.extend(probe.append(minutes.map(|minute| probe.uplink(minute, temperature(1.0)))).await);
        }
        positions.iter().map(|it| it.position).collect::<Vec<_>>()
    };
    let two = async |caller| join(call(&probes[0], caller), call(&probes[1], caller)).await;
    let ((a, b), (c, d)) = join(two(0), two(1)).await;
    for positions in [&a, &b, &c, &d] {
        assert!(positions.is_sorted(), "of one device, and a caller that waits: {positions:?}");
    }
    assert_eq!([a, b, c, d].concat().into_iter().collect::<BTreeSet<_>>().len(), 60);
    for probe in &probes {
        assert_eq!(probe.all_rows(Window::ALL).await.len(), 30);
        assert_eq!(um(probe).await, 30);
    }
    assert_eq!(store.follow(Scope::All, Position::START, 100).await.expect("follow").entries.len(), 60);
}

pub async fn when_the_caller_goes_away_its_batch_is_there_or_not(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    let batch = || [probe.uplink(0, temperature(1.0)), probe.uplink(1, temperature(2.0))];
    let abandoned = batch();
    abandon(probe.append(abandoned.clone())).await;
    // Whoever is not answered asks again.
    let again = probe.append(abandoned).await;
    assert_eq!(again[0].duplicate, again[1].duplicate, "all or none: {again:?}");
    probe.append(batch()).await;
    let expected = ["1m 1/4097=2", "1m 1/4097=2", "0m 1/4097=1", "0m 1/4097=1"];
    assert_eq!(probe.all_rows(Window::ALL).await, expected);
    assert_eq!(um(&probe).await, 4);
}

pub async fn a_key_is_remembered_for_24_hours_and_not_a_millisecond_longer(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    let first = probe.uplink(0, temperature(1.0));
    let position = probe.append_one(first.clone()).await;
    let received = |received_at: Timestamp| StoredUplink { received_at, ..first.clone() };
    let appended = probe.append([received(at(DAY).minus_ms(1)), received(at(DAY)), received(at(DAY + 1))]).await;
    assert_eq!(appended[0], Appended { position, duplicate: true });
    assert!(!appended[1].duplicate);
    assert_eq!(appended[2], Appended { position: appended[1].position, duplicate: true }, "the newer of the two");
}

pub async fn a_duplicate_does_not_prolong_the_24_hours(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    let first = probe.uplink(0, temperature(1.0));
    probe.append_one(first.clone()).await;
    let again = |minute| StoredUplink { received_at: at(minute), ..first.clone() };
    assert!(probe.append([again(DAY - 1)]).await[0].duplicate);
    assert!(!probe.append([again(DAY + 1)]).await[0].duplicate);
}

pub async fn a_clock_that_stepped_back_still_finds_the_duplicate(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    let first = probe.uplink(0, temperature(1.0));
    probe.append_one(first.clone()).await;
    assert!(probe.append([StoredUplink { received_at: at(-1), ..first }]).await[0].duplicate);
}

pub async fn equal_keys_of_two_devices_are_two_uplinks(store: &dyn Store) {
    let mine =
        [Probe::bind_in(store, 1, 1).await, Probe::bind_in(store, 1, 2).await, Probe::bind_in(store, 2, 1).await];
    let dedup = mine[0].uplink(0, []).dedup;
    for probe in &mine {
        probe.append_one(StoredUplink { dedup, ..probe.uplink(0, temperature(1.0)) }).await;
    }
    for probe in &mine {
        assert_eq!(probe.all_rows(Window::ALL).await, ["0m 1/4097=1"]);
    }
}

pub async fn equal_rows_under_other_keys_are_kept_but_count_once_in_answers(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    probe.append([probe.uplink(0, temperature(1.0)), probe.uplink(0, temperature(1.0))]).await;
    assert_eq!(probe.range(Window::ALL, 10).await, ["1/4097 0m=1"]);
    assert_eq!(probe.segments(minutes(0..60), 60).await, ["1/4097 0m:1×1(1..1)"]);
    assert_eq!(probe.rows(Window::ALL, 10).await.len(), 2);
}

pub async fn um_counts_the_readings_of_uplinks_but_no_statuses(store: &dyn Store) {
    let (probe, other) = (Probe::bind(store).await, Probe::bind_in(store, 2, 1).await);
    let readings = [Reading::new(1, 4097, 1.0), Reading::new(2, 4097, Value::text("x")), Reading::status(3000, 90.0)];
    let position = probe.append_one(probe.uplink_of(0, [row(0, readings.clone()), row(-5, readings)])).await;
    probe.append_one(probe.uplink_of(1, [])).await;
    assert_eq!(um(&probe).await, 4);
    probe.append_one(probe.redecode(position, 0, [row(0, temperature(9.0))])).await;
    probe.append_one(message(probe.org, 2, "a/b")).await;
    other.append_one(other.uplink(0, temperature(1.0))).await;
    assert_eq!((um(&probe).await, um(&other).await), (4, 1));
}

pub async fn last_heard_is_when_the_newest_uplink_was_received(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    let heard = async || store.last_heard(probe.org, probe.device).await.expect("last heard");
    assert_eq!(heard().await, None);
    let position = probe.append_one(probe.late(9, 5, temperature(1.0))).await;
    assert_eq!(heard().await, Some(at(5)));
    probe.append([probe.uplink_of(7, []), probe.uplink_of(6, [])]).await;
    assert_eq!(heard().await, Some(at(7)));
    probe.append_one(probe.redecode(position, 8, [])).await;
    assert_eq!(heard().await, Some(at(7)), "a new decoding is no sign of life");
}

pub async fn an_entry_over_a_limit_refuses_the_whole_batch(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    let text = |bytes: usize| Reading::new(1, 4097, Value::text("x".repeat(bytes)));
    let reception = Reception { gateway: "g".into(), rssi_dbm: -1, snr_db: 0.5 };
    let framed = |frame| StoredUplink { frame: Some(frame), ..probe.uplink(1, []) };
    let too_large: [Entry; 7] = [
        probe.uplink_of(1, vec![row(1, []); Entry::ROWS_MAX + 1]).into(),
        probe.uplink(1, vec![Reading::new(1, 4097, 1.0); Entry::READINGS_MAX + 1]).into(),
        probe.uplink(1, [text(Entry::BYTES_MAX + 1)]).into(),
        probe.redecode(Position::from_raw(1), 1, vec![row(1, []); Entry::ROWS_MAX + 1]).into(),
        framed(Frame { payload: vec![0; Entry::BYTES_MAX + 1].into(), ..Frame::default() }).into(),
        framed(Frame { receptions: vec![reception; Entry::ROWS_MAX + 1], ..Frame::default() }).into(),
        Message { payload: vec![0; Entry::BYTES_MAX + 1].into(), ..message(probe.org, 1, "a") }.into(),
    ];
    for entry in too_large {
        let good = probe.uplink(0, temperature(1.0));
        let batch = vec![good.clone().into(), entry, good.into()];
        assert_refused!(store.append(batch).await, Error::Limit { .. });
    }
    assert_eq!(probe.all_rows(Window::ALL).await.len(), 0);
    assert_eq!(um(&probe).await, 0);
    assert_eq!(store.last_heard(probe.org, probe.device).await.expect("last heard"), None);
    assert_eq!(store.follow(Scope::All, Position::START, 10).await.expect("follow").entries, []);
}

pub async fn the_largest_entries_within_the_limits_read_back(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    let text = Value::text("x".repeat(Entry::BYTES_MAX));
    let wide: Vec<_> = (1..=Entry::READINGS_MAX as u16).map(|channel| Reading::new(channel, 4097, 1.0)).collect();
    let payload = vec![7; Entry::BYTES_MAX];
    let reception = Reception { gateway: "g".into(), rssi_dbm: i16::MIN, snr_db: -20.25 };
    let large = Frame { payload: payload.into(), receptions: vec![reception; Entry::ROWS_MAX], ..frame(&[]) };
    let entries: Vec<Entry> = vec![
        probe.uplink_of(0, (0..Entry::ROWS_MAX as i64).map(|minute| row(minute, [])).collect::<Vec<_>>()).into(),
        StoredUplink { frame: Some(large.clone()), ..probe.uplink(2_000, wide.clone()) }.into(),
        probe.uplink(3_000, [Reading::new(1, 5000, text.clone())]).into(),
        Message { topic: "t".repeat(65_535).into(), ..message(probe.org, 1, "") }.into(),
    ];
    probe.append(entries.clone()).await;
    let followed = store.follow(Scope::All, Position::START, 10).await.expect("follow").entries;
    assert!(followed.into_iter().map(|it| it.entry).eq(entries), "the log has every entry as it was");
    assert_eq!(probe.rows(minutes(0..2_000), 5_000).await.len(), Entry::ROWS_MAX);
    assert_eq!(probe.whole_rows(minutes(2_000..2_001), 1, false).await[0].readings, wide);
    assert_eq!(probe.whole_rows(minutes(3_000..3_001), 1, false).await[0].readings[0].value, text);
    assert_eq!(probe.frames(Window::ALL, 1).await[0].frame, large);
}
