//! What a store answers does not depend on where its rows lie or on how it was stopped.

use std::path::Path;

use model::{Reading, Window};
use store::{
    Error, Registry, Scope, Telemetry,
    conformance::fixtures::{DAY, Probe, at, eui, frame, minutes, org, row},
};
use store_embedded::{Chore, EmbeddedStore, Settings};

use crate::open;

/// Everything a store answers about a device, as text.
async fn answers(probe: &Probe<'_>) -> Vec<String> {
    let mut answers = probe.latest(store::Select::READINGS).await;
    answers.extend(probe.range(Window::ALL, 700).await);
    answers.extend(probe.range(minutes(100..2_000), 100_000).await);
    answers.extend(probe.all_rows(Window::ALL).await);
    answers.extend(probe.segments(minutes(-DAY..9 * DAY), 45).await);
    answers.extend(probe.frames(Window::ALL, 10_000).await.iter().map(|frame| format!("{frame:?}")));
    answers
}

/// A device with every kind of row: on time, late, corrected, decoded again, several at once.
async fn fill(probe: &Probe<'_>) {
    for minute in 0..700 {
        let value = (minute % 90) as f64 / 10.0;
        let mut uplink = probe.uplink(minute * 5, [Reading::new(1, 4097, value), Reading::new(1, 4098, 40.0)]);
        uplink.frame = Some(frame(&[minute as u8, 7]));
        let first = probe.append_one(uplink).await;
        if minute % 50 == 7 {
            probe.append_one(probe.late(minute * 5 - 1_000, minute * 5, [Reading::new(2, 4102, value)])).await;
            probe
                .append_one(probe.redecode(first, minute * 5, [row(minute * 5 + 1, [Reading::new(1, 4097, -1.5)])]))
                .await;
        }
    }
}

/// Fills a store, does something to it, stops it, and asks again before and after.
async fn check(folder: &Path, settings: Settings, chores: &[Chore], close: bool) {
    let expected = {
        let store = EmbeddedStore::open(folder, settings.clone()).unwrap();
        let probe = Probe::bind(&*store).await;
        fill(&probe).await;
        let expected = answers(&probe).await;
        for chore in chores {
            store.chore(*chore).await.unwrap();
            assert_eq!(answers(&probe).await, expected, "after {chore:?}");
        }
        if close {
            store.close().await.unwrap();
        }
        expected
    };
    let store = EmbeddedStore::open(folder, settings).unwrap();
    store.unbind_device(org(1), eui(1)).await.unwrap();
    let probe = Probe::bind(&*store).await;
    assert_eq!(answers(&probe).await, expected, "after the restart");
    assert_eq!(store.count_um(probe.org).await.unwrap(), 700 * 2 + 14);
    // It goes on where it stopped.
    let last = store.follow(Scope::All, model::Position::from_raw(700), 1_000).await.map(|read| read.next);
    let last = last.unwrap_or_else(|error| panic!("{error}"));
    let next = probe.append_one(probe.uplink(10 * DAY, [Reading::new(1, 4097, 1.0)])).await;
    assert_eq!(next.get(), last.get() + 1);
}

#[tokio::test]
async fn answers_the_same_after_it_was_dropped() {
    let folder = tempfile::tempdir().unwrap();
    check(folder.path(), Settings::default(), &[], false).await;
}

#[tokio::test]
async fn answers_the_same_after_it_was_closed() {
    let folder = tempfile::tempdir().unwrap();
    check(folder.path(), Settings::default(), &[], true).await;
}

#[tokio::test]
async fn answers_the_same_wherever_the_rows_lie() {
    let folder = tempfile::tempdir().unwrap();
    let chores = [Chore::Checkpoint, Chore::SealAll, Chore::MergeAll, Chore::Checkpoint];
    check(folder.path(), Settings::default(), &chores, false).await;
}

#[tokio::test]
async fn answers_the_same_after_the_log_was_trimmed() {
    let folder = tempfile::tempdir().unwrap();
    // Two days are kept of two and a half.
    let settings = Settings { log_window_ms: 36 * 3_600_000, ..Settings::default() };
    let chores = [Chore::SealAll, Chore::Checkpoint, Chore::Trim { now: at(3_500) }];
    check(folder.path(), settings, &chores, false).await;
}

#[tokio::test]
async fn a_reader_behind_the_trimmed_log_is_told_where_it_may_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let probe = Probe::bind(&*store).await;
    let mut positions = Vec::new();
    for minute in 0..10 {
        positions.push(probe.append_one(probe.uplink(minute, [Reading::new(1, 4097, 1.0)])).await);
    }
    let now = at(DAY + 5);
    store.chore(Chore::Trim { now }).await.unwrap();
    let read = store.follow(Scope::All, model::Position::START, 100).await.unwrap();
    assert_eq!(read.entries.len(), 10, "nothing is trimmed before a checkpoint covers it");
    store.chore(Chore::Checkpoint).await.unwrap();
    store.chore(Chore::Trim { now }).await.unwrap();
    for scope in [Scope::All, Scope::Org(probe.org)] {
        match store.follow(scope, positions[2], 100).await {
            Err(Error::Trimmed { oldest }) => assert_eq!(oldest, positions[4]),
            other => panic!("expected `Trimmed`, got {other:?}"),
        }
        let read = store.follow(scope, positions[4], 100).await.unwrap();
        let places: Vec<_> = read.entries.iter().map(|entry| entry.position).collect();
        assert_eq!(places, positions[5..]);
    }
}

#[tokio::test]
async fn a_trimmed_log_gives_its_space_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let probe = Probe::bind(&*store).await;
    for minute in 0..200 {
        let mut uplink = probe.uplink(minute, [Reading::new(1, 4097, 1.0)]);
        uplink.frame = Some(frame(&[7; 200_000]));
        probe.append_one(uplink).await;
    }
    for chore in [Chore::Checkpoint, Chore::Trim { now: at(3 * DAY) }] {
        store.chore(chore).await.unwrap();
    }
    store.close().await.unwrap();
    let bytes = std::fs::metadata(folder.path().join("log.db")).unwrap().len();
    assert!(bytes < 30_000_000, "40 MB were written, {bytes} bytes are left");
}

/// What follows out of memory is what lies on disk, from every position and in every piece.
#[tokio::test]
async fn who_follows_closely_reads_what_one_reads_who_was_away() {
    let folder = tempfile::tempdir().unwrap();
    let mut answers = Vec::new();
    for is_fresh in [true, false] {
        let store = open(folder.path());
        if is_fresh {
            let (one, other) = (Probe::bind_in(&*store, 1, 1).await, Probe::bind_in(&*store, 2, 1).await);
            for minute in 0..12 {
                one.append([one.uplink(minute, [Reading::new(1, 4097, 1.5)])]).await;
                one.append([other.uplink(minute, []), one.uplink(100 + minute, []), other.uplink(200 + minute, [])])
                    .await;
            }
        }
        let head = store.head().await.unwrap();
        let mut read = Vec::new();
        for scope in [Scope::All, Scope::Org(org(1)), Scope::Org(org(2)), Scope::Org(org(3))] {
            for after in 0..=head.get() + 1 {
                for limit in [0, 1, 2, 5, 100] {
                    read.push(store.follow(scope, model::Position::from_raw(after), limit).await);
                }
            }
        }
        answers.push(format!("{read:?}"));
        store.close().await.unwrap();
    }
    assert_eq!(answers[0], answers[1]);
}
