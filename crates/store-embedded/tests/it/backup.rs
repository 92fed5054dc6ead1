//! A backup has everything that was acknowledged before it, comes back whole or not at all, and
//! `verify` names whatever is not as it was written.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use model::{Position, Reading, Window};
use store::{
    Registry, RowQuery, Scope, Telemetry,
    conformance::fixtures::{Probe, at, eui, frame, org},
};
use store_embedded::{
    Chore, EmbeddedStore, Settings,
    backup::{self, BackupError, BackupNotes, BackupSummary, Frozen},
};

use crate::open;

fn notes() -> BackupNotes {
    let files = vec![("station.key".to_owned(), b"secret".to_vec())];
    BackupNotes { made_at: at(7), program: "1.2.3".to_owned(), files }
}

async fn back_up(store: &EmbeddedStore, file: &Path) -> BackupSummary {
    let frozen = store.freeze().await.unwrap();
    frozen.write_backup(fs::File::create(file).unwrap(), &notes(), &mut |_, _| true).unwrap()
}

fn restore(file: &Path, to: &Path) -> Result<BackupSummary, BackupError> {
    backup::restore(file, to, false, &mut |_, _| true).map(|(summary, verified)| {
        assert!(verified.is_whole(), "{:?}", verified.findings);
        summary
    })
}

/// A store with rows in every place that rows may lie, and some of everything else.
async fn filled(folder: &Path) -> Arc<EmbeddedStore> {
    let store = EmbeddedStore::open(folder, Settings { log_window_ms: 0, ..Settings::default() }).unwrap();
    for number in [1, 2] {
        let probe = Probe::bind_in(&*store, 1, number).await;
        for minute in 0..40 {
            let mut uplink = probe.uplink(minute, [Reading::new(1, 4097, minute as f64 / 10.0)]);
            uplink.frame = Some(frame(&[number as u8, minute as u8]));
            uplink.dedup.0 += u128::from(number) << 64;
            let position = probe.append_one(uplink).await;
            if minute == 10 {
                let again = [store::conformance::fixtures::row(minute, [Reading::new(1, 4098, 50.0)])];
                probe.append_one(probe.redecode(position, minute, again)).await;
            }
            if minute == 20 {
                for chore in [Chore::SealAll, Chore::Checkpoint, Chore::Trim { now: at(60) }] {
                    store.chore(chore).await.unwrap();
                }
            }
        }
    }
    store
}

/// What a store answers about both devices, as text.
async fn answers(store: &EmbeddedStore) -> Vec<String> {
    let mut answers = Vec::new();
    for number in [1, 2] {
        let device = store.find_device(org(1), eui(number)).await.unwrap().unwrap();
        let rows = RowQuery { device: device.id, window: Window::ALL, limit: 1_000, hidden: true };
        answers.extend(store.rows(org(1), rows).await.unwrap().iter().map(|row| format!("{row:?}")));
        let frames = store::FrameQuery { device: device.id, window: Window::ALL, limit: 1_000 };
        answers.extend(store.frames(org(1), frames).await.unwrap().iter().map(|frame| format!("{frame:?}")));
        answers.push(format!("{:?}", store.latest(org(1), device.id, store::Select::READINGS).await.unwrap()));
    }
    answers.push(store.count_um(org(1)).await.unwrap().to_string());
    answers
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_restored_store_answers_the_same_and_goes_on_behind() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to, file) = (folder.path().join("from"), folder.path().join("to"), folder.path().join("file"));
    let store = filled(&from).await;
    let made = back_up(&store, &file).await;
    assert_eq!(made.position, store.head().await.unwrap());
    assert_eq!((made.program.as_str(), made.made_at), ("1.2.3", at(7)));
    assert_eq!(fs::metadata(&file).unwrap().len(), made.bytes);
    assert_eq!(backup::check(&file, &mut |_, _| true).unwrap(), made);
    assert_eq!(restore(&file, &to).unwrap(), made);
    assert_eq!(names(&to), ["lock", "log.db", "registry.db", "rows.db", "station.key"]);
    assert_eq!(fs::read(to.join("station.key")).unwrap(), b"secret");

    let restored = open(&to);
    assert_eq!(answers(&restored).await, answers(&store).await);
    // The first store goes on, and so does the other; no position of one is given by the other.
    let after = restored.head().await.unwrap();
    let mut given = Vec::new();
    for store in [&store, &restored] {
        store.unbind_device(org(1), eui(1)).await.unwrap();
        let probe = Probe::bind_in(&**store, 1, 1).await;
        let mut uplink = probe.uplink(1_000, [Reading::new(1, 4097, 1.0)]);
        uplink.dedup.0 += 1_000;
        given.push(probe.append_one(uplink).await.get());
    }
    assert_eq!(given[0], made.position.get() + 1);
    assert!(given[1] > given[0] + 1_000_000_000, "{given:?}");
    let read = restored.follow(Scope::All, after, 10).await.unwrap();
    assert_eq!(read.entries.iter().map(|entry| entry.position.get()).collect::<Vec<_>>(), given[1..]);
    // And again, when it has been opened once more.
    drop(restored);
    assert_eq!(open(&to).head().await.unwrap().get(), given[1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_before_is_there_whatever_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let from = folder.path().join("from");
    let settings = Settings { log_window_ms: 0, checkpoint_interval_ms: 1, ..Settings::default() };
    let store = EmbeddedStore::open(&from, settings).unwrap();
    let device = Probe::bind(&*store).await.device;
    let is_over = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn({
        let (store, is_over) = (Arc::clone(&store), Arc::clone(&is_over));
        async move {
            store.unbind_device(org(1), eui(1)).await.unwrap();
            let probe = Probe::bind(&*store).await;
            let mut minute = 0;
            while !is_over.load(Relaxed) {
                let batch: Vec<_> = (0..50)
                    .map(|_| {
                        minute += 1;
                        let mut uplink = probe.uplink(minute, [Reading::new(1, 4097, minute as f64)]);
                        uplink.frame = Some(frame(&[1]));
                        uplink
                    })
                    .collect();
                probe.append(batch).await;
            }
            minute
        }
    });
    let mut backups: Vec<(PathBuf, BackupSummary, Position)> = Vec::new();
    for number in 0..4 {
        store.wait(Position::from_raw(1_000 * (number + 1))).await.unwrap();
        let chores = [Chore::SealAll, Chore::Checkpoint, Chore::Trim { now: at(900_000) }];
        store.chore(chores[number as usize % 3]).await.unwrap();
        let acknowledged = store.head().await.unwrap();
        let file = folder.path().join(format!("file-{number}"));
        // All goes on while it is written.
        let (made, maintained) = tokio::join!(back_up(&store, &file), store.maintain(at(1_000_000 + number as i64)));
        maintained.unwrap();
        backups.push((file, made, acknowledged));
    }
    is_over.store(true, Relaxed);
    let appended = writer.await.unwrap();
    assert!(backups.last().unwrap().1.position.get() <= appended as u64);
    // As if the machine were gone.
    drop(store);
    fs::remove_dir_all(&from).unwrap();

    for (file, made, acknowledged) in backups {
        assert!(made.position >= acknowledged);
        let to = file.with_extension("restored");
        assert_eq!(restore(&file, &to).unwrap(), made);
        let restored = open(&to);
        let query = RowQuery { device, window: Window::ALL, limit: 1 << 20, hidden: true };
        let rows = restored.rows(org(1), query).await.unwrap();
        let mut positions: Vec<_> = rows.iter().map(|row| row.position.get()).collect();
        positions.reverse();
        assert_eq!(positions, (1..=made.position.get()).collect::<Vec<_>>(), "each once, up to the position it names");
        assert!(rows.iter().all(|row| row.readings[0].value.as_number() == Some(row.position.get() as f64)));
        let frames = store::FrameQuery { device, window: Window::ALL, limit: 1 << 20 };
        assert_eq!(restored.frames(org(1), frames).await.unwrap().len() as u64, made.position.get());
        assert_eq!(restored.count_um(org(1)).await.unwrap(), made.position.get());
    }
}

#[tokio::test]
async fn a_backup_that_is_not_as_it_was_written_is_refused_and_nothing_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    let (to, file) = (folder.path().join("to"), folder.path().join("file"));
    back_up(&*filled(&folder.path().join("from")).await, &file).await;
    let whole = fs::read(&file).unwrap();
    for at in (0..whole.len()).step_by(37) {
        let mut bad = whole.clone();
        bad[at] ^= 0x20;
        fs::write(&file, bad).unwrap();
        let error = restore(&file, &to).unwrap_err();
        assert!(!matches!(error, BackupError::Io(_) | BackupError::Store(_)), "byte {at}: {error}");
        fs::write(&file, &whole[..at]).unwrap();
        assert!(restore(&file, &to).is_err(), "cut at {at}");
    }
    fs::write(&file, "a text about something else").unwrap();
    assert!(matches!(restore(&file, &to).unwrap_err(), BackupError::Foreign));
    assert!(!to.exists());
}

#[tokio::test]
async fn a_store_is_overwritten_only_when_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to, file) = (folder.path().join("from"), folder.path().join("to"), folder.path().join("file"));
    let store = filled(&from).await;
    back_up(&store, &file).await;
    let other = open(&to);
    Probe::bind_in(&*other, 3, 3).await;
    let held = backup::restore(&file, &to, true, &mut |_, _| true).unwrap_err();
    assert!(held.to_string().contains(&format!("process {}", std::process::id())), "{held}");
    drop(other);
    assert!(matches!(restore(&file, &to).unwrap_err(), BackupError::Occupied(_)));
    assert!(open(&to).get_organization(org(3)).await.is_ok(), "nothing was changed");
    let mut steps = 0;
    let stopped = backup::restore(&file, &to, true, &mut |_, _| {
        steps += 1;
        steps < 4
    });
    assert!(matches!(stopped, Err(BackupError::Stopped | BackupError::Store(_))), "{stopped:?}");
    assert!(open(&to).get_organization(org(3)).await.is_ok(), "nothing was changed");

    backup::restore(&file, &to, true, &mut |_, _| true).unwrap();
    let restored = open(&to);
    assert!(restored.get_organization(org(3)).await.is_err());
    assert_eq!(answers(&restored).await, answers(&store).await);
}

#[tokio::test]
async fn a_restore_that_was_cut_off_in_the_middle_of_its_moves_is_finished() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to, file) = (folder.path().join("from"), folder.path().join("to"), folder.path().join("file"));
    let store = filled(&from).await;
    back_up(&store, &file).await;
    drop(open(&to));
    // What a crash leaves after the first of three files has been moved.
    let other = folder.path().join("other");
    restore(&file, &other).unwrap();
    fs::create_dir(to.join("restored")).unwrap();
    fs::rename(other.join("log.db"), to.join("log.db")).unwrap();
    for name in ["rows.db", "registry.db"] {
        fs::rename(other.join(name), to.join("restored").join(name)).unwrap();
    }
    for name in ["log.db-wal", "log.db-shm"] {
        let _gone = fs::remove_file(to.join(name));
    }
    assert_eq!(answers(&open(&to)).await, answers(&store).await);
    assert!(!to.join("restored").exists());
}

/// What `verify` says of a store that is not open.
fn findings(folder: &Path) -> Vec<String> {
    Frozen::open(folder).unwrap().verify(&mut |_, _| true).unwrap().findings
}

#[tokio::test]
async fn verify_finds_nothing_in_a_whole_store_and_reads_all_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(folder.path()).await;
    let verified = store.freeze().await.unwrap().verify(&mut |_, _| true).unwrap();
    assert_eq!(verified.findings, [""; 0]);
    // Of what has left the log, the new decodings have no frames.
    assert_eq!((verified.devices, verified.entries + verified.frames), (2, 80));
    assert!(verified.chunks >= 2 && verified.rows >= 42, "{verified:?}");
    let stopped = store.freeze().await.unwrap().verify(&mut |_, _| false);
    assert!(stopped.unwrap_err().to_string().contains("stopped"));
}

#[tokio::test]
async fn verify_names_what_is_damaged() {
    for (database, table, key, expected) in [
        ("rows.db", "chunk", "id", "chunk 1 of device 1 is damaged"),
        ("rows.db", "frame", "id", "blob of frames 1 of device 1 is damaged"),
        ("rows.db", "device", "device", "the saved state of device 1 is damaged"),
        ("log.db", "log", "position", "the log's"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        drop(filled(folder.path()).await);
        let connection = rusqlite::Connection::open(folder.path().join(database)).unwrap();
        let select = format!("SELECT {key}, bytes FROM {table} ORDER BY {key}");
        let (id, mut bytes): (i64, Vec<u8>) =
            connection.query_row(&select, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x10;
        let update = format!("UPDATE {table} SET bytes = ?1 WHERE {key} = ?2");
        connection.execute(&update, rusqlite::params![bytes, id]).unwrap();
        drop(connection);
        let findings = findings(folder.path());
        assert!(findings.len() == 1 && findings[0].contains(expected), "{table}: {findings:?}");
    }
}

#[tokio::test]
async fn verify_notices_what_no_longer_fits_together() {
    for (database, sql, expected) in [
        (
            "rows.db",
            "UPDATE chunk SET last_ms = last_ms + 1 WHERE id = 1",
            "chunk 1 of device 1 holds other than is listed",
        ),
        (
            "rows.db",
            "UPDATE frame SET frames = frames + 1 WHERE id = 1",
            "blob of frames 1 of device 1 holds other than is listed",
        ),
        ("rows.db", "UPDATE device SET org = org + 1 WHERE device = 1", "another organization's"),
        ("rows.db", "INSERT INTO org_log VALUES (1, 5, x'ff')", "the list of commits"),
        ("rows.db", "UPDATE meta SET value = 1 WHERE name = 'checkpoint'", "the rows reach 1"),
        ("rows.db", "UPDATE meta SET value = 1 WHERE name = 'frames'", "the frames reach 1"),
        ("registry.db", "PRAGMA foreign_keys = OFF; DELETE FROM organization", "names one of `organization`"),
        ("registry.db", "DELETE FROM device WHERE id = 2", "does not know device 2"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        drop(filled(folder.path()).await);
        rusqlite::Connection::open(folder.path().join(database)).unwrap().execute_batch(sql).unwrap();
        let findings = findings(folder.path());
        assert!(findings.iter().any(|finding| finding.contains(expected)), "{sql}: {findings:?}");
    }
}

#[tokio::test]
async fn verify_reads_on_where_a_database_is_torn() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(folder.path()).await;
    store.close().await.unwrap();
    let path = folder.path().join("rows.db");
    let mut bytes = fs::read(&path).unwrap();
    let page = 8_192;
    bytes[page * 4..page * 4 + 200].fill(0xAB);
    fs::write(&path, bytes).unwrap();
    let findings = findings(folder.path());
    assert!(findings.iter().any(|finding| finding.contains("`rows.db`")), "{findings:?}");
    assert!(matches!(Frozen::open(&folder.path().join("nowhere")), Err(store::Error::Unavailable(_))));
}
