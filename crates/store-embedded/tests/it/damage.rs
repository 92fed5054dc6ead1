//! A flipped byte at rest is noticed, named and never served, and costs no other device.

use std::path::Path;

use model::{Reading, Window};
use rusqlite::Connection;
use store::{
    Error, FrameQuery, RangeQuery, Registry, Scope, Select, Telemetry,
    conformance::fixtures::{Probe, at, eui, frame, org},
};
use store_embedded::{Chore, EmbeddedStore, Settings};

use crate::open;

/// Flips one byte of a blob, chosen by its place from 0 to 99 percent.
fn flip(folder: &Path, database: &str, select: &str, update: &str, percent: usize) {
    let connection = Connection::open(folder.join(database)).unwrap();
    let (id, mut bytes): (i64, Vec<u8>) =
        connection.query_row(select, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let at = bytes.len() * percent / 100;
    bytes[at] ^= 0x10;
    connection.execute(update, rusqlite::params![bytes, id]).unwrap();
}

/// Two devices with the same readings and frames, in places that `chores` decide.
async fn filled(folder: &Path, settings: &Settings, chores: &[Chore]) {
    let store = EmbeddedStore::open(folder, settings.clone()).unwrap();
    for number in [1, 2] {
        let probe = Probe::bind_in(&*store, 1, number).await;
        for minute in 0..20 {
            let mut uplink = probe.uplink(minute, [Reading::new(1, 4097, minute as f64)]);
            uplink.frame = Some(frame(&[number as u8]));
            uplink.dedup.0 += u128::from(number) << 64;
            probe.append_one(uplink).await;
        }
    }
    for chore in chores {
        store.chore(*chore).await.unwrap();
    }
}

async fn device(store: &EmbeddedStore, number: u64) -> model::DeviceId {
    store.find_device(org(1), eui(number)).await.unwrap().unwrap().id
}

/// What a range over everything answers: how many points, or the refusal.
async fn range(store: &EmbeddedStore, number: u64) -> Result<usize, Error> {
    let device = device(store, number).await;
    let query = RangeQuery { device, select: Select::READINGS, window: Window::ALL, limit: 1_000 };
    store.range(org(1), query).await.map(|series| series.iter().map(|series| series.points.len()).sum())
}

async fn frames(store: &EmbeddedStore, number: u64) -> Result<usize, Error> {
    let device = device(store, number).await;
    let frames = store.frames(org(1), FrameQuery { device, window: Window::ALL, limit: 1_000 }).await;
    frames.map(|frames| frames.len())
}

#[tokio::test]
async fn a_damaged_chunk_is_not_served_and_other_devices_are() {
    for percent in [0, 10, 50, 99] {
        let folder = tempfile::tempdir().unwrap();
        filled(folder.path(), &Settings::default(), &[Chore::SealAll, Chore::Checkpoint]).await;
        let select = "SELECT id, bytes FROM chunk WHERE device = 1";
        flip(folder.path(), "rows.db", select, "UPDATE chunk SET bytes = ? WHERE id = ?", percent);
        let store = open(folder.path());
        let refused = range(&store, 1).await.unwrap_err();
        let Error::Internal(cause) = refused else { panic!("{refused}") };
        assert!(cause.to_string().contains("chunk 1 of device 1 is damaged"), "{cause}");
        assert_eq!(range(&store, 2).await.unwrap(), 20);
    }
}

#[tokio::test]
async fn a_damaged_entry_of_the_log_is_not_served_and_others_are() {
    for percent in [0, 10, 50, 99] {
        let folder = tempfile::tempdir().unwrap();
        filled(folder.path(), &Settings::default(), &[]).await;
        let select = "SELECT position, bytes FROM log WHERE position = 7";
        flip(folder.path(), "log.db", select, "UPDATE log SET bytes = ? WHERE position = ?", percent);
        let store = open(folder.path());
        assert_eq!(store.stats().damaged, 1);
        assert_eq!(range(&store, 1).await.unwrap(), 19, "the damaged one is missing, not wrong");
        assert_eq!(range(&store, 2).await.unwrap(), 20);
        let read = store.follow(Scope::All, model::Position::START, 100).await.unwrap();
        assert_eq!(read.entries.len(), 39, "who follows the log gets what lies behind the damage");
    }
}

#[tokio::test]
async fn damaged_frames_are_not_served_and_others_are() {
    for percent in [0, 10, 50, 99] {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings { log_window_ms: 0, ..Settings::default() };
        let chores = [Chore::SealAll, Chore::Checkpoint, Chore::Trim { now: at(60) }];
        filled(folder.path(), &settings, &chores).await;
        let select = "SELECT id, bytes FROM frame WHERE device = 1";
        flip(folder.path(), "rows.db", select, "UPDATE frame SET bytes = ? WHERE id = ?", percent);
        let store = open(folder.path());
        assert!(frames(&store, 1).await.is_err());
        assert_eq!(frames(&store, 2).await.unwrap(), 20);
        assert_eq!(range(&store, 1).await.unwrap(), 20);
    }
}

#[tokio::test]
async fn a_damaged_state_costs_only_what_the_log_no_longer_has() {
    for percent in [0, 10, 50, 99] {
        let folder = tempfile::tempdir().unwrap();
        filled(folder.path(), &Settings::default(), &[Chore::SealAll, Chore::Checkpoint]).await;
        let select = "SELECT device, bytes FROM device WHERE device = 1";
        flip(folder.path(), "rows.db", select, "UPDATE device SET bytes = ? WHERE device = ?", percent);
        let store = open(folder.path());
        assert_eq!(store.stats().damaged, 1);
        assert_eq!(range(&store, 2).await.unwrap(), 20);
        assert_eq!(range(&store, 1).await.unwrap(), 20, "sealed rows are still there");
    }
}

#[tokio::test]
async fn a_damaged_state_is_made_anew_from_the_log() {
    for chores in [&[Chore::Checkpoint][..], &[Chore::SealAll, Chore::Checkpoint]] {
        let folder = tempfile::tempdir().unwrap();
        filled(folder.path(), &Settings::default(), chores).await;
        let select = "SELECT device, bytes FROM device WHERE device = 1";
        flip(folder.path(), "rows.db", select, "UPDATE device SET bytes = ? WHERE device = ?", 50);
        let store = open(folder.path());
        assert_eq!(range(&store, 1).await.unwrap(), 20);
        assert_eq!(frames(&store, 1).await.unwrap(), 20);
        let device = device(&store, 1).await;
        let latest = store.latest(org(1), device, Select::READINGS).await.unwrap();
        assert_eq!(latest[0].measured_at, at(19));
        store.unbind_device(org(1), eui(1)).await.unwrap();
        let probe = Probe::bind_in(&*store, 1, 1).await;
        let mut again = probe.uplink(0, [Reading::new(1, 4097, 0.0)]);
        again.dedup.0 += 1 << 64;
        assert!(probe.append([again]).await[0].duplicate, "what was here is still known");
    }
}
