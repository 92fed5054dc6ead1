//! What is in the folder: across restarts, of older programs, and what cannot be opened.

use std::{os::unix::fs::PermissionsExt, path::Path, sync::Arc};

use model::{AccessKey, Device, GroupId, Role, SecretHash, SourceHealth};
use store::{Binding, Error, Registry};
use store_embedded::registry::RegistryDb;

use crate::support::{Folder, at, binding, channel, charge, eui, group, key, org, organization, person, source};

#[tokio::test]
async fn a_reopened_registry_has_everything_and_gives_no_id_again() {
    let folder = Folder::new();
    let registry = folder.open();
    registry.create_organization(organization(1)).await.unwrap();
    registry.create_group(group(1, 1)).await.unwrap();
    let grouped = Binding { group: Some(GroupId::from_raw(1)), ..binding(1, 1) };
    let first = registry.bind_device(grouped).await.unwrap();
    registry.describe_channel(org(1), eui(1), channel(2)).await.unwrap();
    registry.bind_device(binding(1, 2)).await.unwrap();
    registry.unbind_device(org(1), eui(2)).await.unwrap();
    drop(registry);

    let registry = folder.open();
    assert!(!registry.poll().unwrap());
    let expected = Device { channels: vec![channel(2)], ..Device::clone(&first) };
    assert_eq!(registry.find_device(org(1), eui(1)).await.unwrap(), Some(Arc::new(expected)));
    assert_eq!(registry.bind_device(binding(1, 3)).await.unwrap().id.0, 3);
    assert_eq!(registry.bind_device(binding(1, 2)).await.unwrap().id.0, 2);
}

/// What a registry was before there were people.
const FIRST: &str = include_str!("../../migrations/registry/001_registry.sql");

#[tokio::test]
async fn a_registry_of_before_there_were_people_keeps_what_it_had() {
    let folder = Folder::new();
    let (key, source) = (key(1, 7), source(1, 1));
    let old = rusqlite::Connection::open(folder.path()).unwrap();
    old.execute_batch(
        "CREATE TABLE migration (number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum INTEGER NOT NULL) STRICT",
    )
    .unwrap();
    old.execute_batch(FIRST).unwrap();
    old.execute("INSERT INTO migration VALUES (1, 'registry', ?1)", [crc32fast::hash(FIRST.as_bytes())]).unwrap();
    let number = org(1).get().cast_signed();
    old.execute("INSERT INTO organization VALUES (?1, 'organization 1', 1)", [number]).unwrap();
    let values = (key.id.to_string(), number, key.secret.0.as_slice(), &key.name);
    old.execute("INSERT INTO access_key VALUES (?1, ?2, ?3, ?4, 'read+write', 2, NULL, 9, 4, 50)", values).unwrap();
    let values = (source.id.to_string(), number, source.token.0.as_slice());
    old.execute("INSERT INTO source VALUES (?1, ?2, 'chirpstack', '', ?3, 0, 5)", values).unwrap();
    drop(old);

    for _ in 0..2 {
        let registry = folder.open();
        assert_eq!(registry.get_organization(org(1)).await.unwrap(), organization(1));
        let kept = AccessKey { last_used_at: Some(at(9)), calls: 4, dm: 50, ..key.clone() };
        assert_eq!(registry.list_access_keys(org(1)).await.unwrap(), [kept]);
        assert_eq!(registry.find_source(source.token).await.unwrap(), Some(Arc::new(source.clone())));
        let health = SourceHealth {
            id: source.id,
            messages: 0,
            last_message_at: None,
            last_error_at: None,
            last_error: String::new(),
        };
        assert_eq!(registry.list_source_health(org(1)).await.unwrap(), [health]);
    }
    let registry = folder.open();
    registry.charge(vec![charge(&key, 5, 60)]).await.unwrap();
    registry.rotate_source_token(org(1), source.id, SecretHash([9; 32]), at(99)).await.unwrap();
    registry.create_person(person(1, 1, Role::Owner)).await.unwrap();
    assert_eq!(registry.count_dm(org(1)).await.unwrap(), 55);
}

#[test]
fn processes_that_start_at_once_all_open_it() {
    for _ in 0..10 {
        let folder = Folder::new();
        std::thread::scope(|scope| {
            let openers: Vec<_> = (0..8).map(|_| scope.spawn(|| RegistryDb::open(&folder.path()).map(drop))).collect();
            for opener in openers {
                opener.join().unwrap().unwrap();
            }
        });
    }
}

#[tokio::test]
async fn only_the_owner_may_read_its_files() {
    let folder = Folder::new();
    let registry = folder.open();
    registry.create_organization(organization(1)).await.unwrap();
    let mut files: Vec<_> = std::fs::read_dir(folder.0.path()).unwrap().map(|entry| entry.unwrap()).collect();
    files.sort_by_key(|file| file.file_name());
    let modes: Vec<_> = files
        .iter()
        .map(|file| (file.file_name().into_string().unwrap(), file.metadata().unwrap().permissions().mode() & 0o777))
        .collect();
    let expected = ["registry.db", "registry.db-shm", "registry.db-wal"].map(|name| (name.to_owned(), 0o600));
    assert_eq!(modes, expected);
}

#[track_caller]
fn check_refused(path: &Path, expected: &str) {
    match RegistryDb::open(path).map(drop) {
        Err(Error::Internal(cause)) => assert!(cause.to_string().contains(expected), "{cause}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn refuses_what_it_cannot_open_and_leaves_it_as_it_was() {
    let folder = Folder::new();
    drop(folder.open());
    let edit = |sql: &str| rusqlite::Connection::open(folder.path()).unwrap().execute_batch(sql).unwrap();
    edit("INSERT INTO migration (number, name, checksum) VALUES (1000, 'later', 1)");
    check_refused(&folder.path(), "newer than this program");
    edit("DELETE FROM migration WHERE number = 1000; UPDATE migration SET checksum = checksum + 1");
    check_refused(&folder.path(), "migration 1 `registry` is not the one");

    let noise = folder.0.path().join("noise.db");
    std::fs::write(&noise, [7; 5_000]).unwrap();
    check_refused(&noise, "not a database");
    assert_eq!(std::fs::read(&noise).unwrap(), [7; 5_000]);
    check_refused(&folder.0.path().join("missing/registry.db"), "cannot create");
}
