//! The registry on disk: beside other processes, across restarts, and against the reference.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use model::{
    AccessId, AccessKey, Channel, ChannelIndex, Device, DeviceEui, DeviceKind, GeoPoint, Group, GroupId, MeasurementId,
    OrgId, Organization, Scopes, SecretHash, Source, SourceId, SourceKind, Timestamp,
};
use proptest::prelude::*;
use store::{Binding, Charge, DeviceChange, DeviceFilter, Error, Kind, Reference, Registry};
use store_embedded::registry::RegistryDb;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("registry.db")
    }

    fn open(&self) -> RegistryDb {
        RegistryDb::open(&self.path()).unwrap()
    }
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn org(number: u64) -> OrgId {
    OrgId::from_random(number)
}

fn organization(number: u64) -> Organization {
    Organization { id: org(number), name: format!("organization {number}"), created_at: at(1) }
}

fn key(org_number: u64, byte: u8) -> AccessKey {
    AccessKey {
        id: AccessId::from_random([byte; 16]),
        org: org(org_number),
        secret: SecretHash([byte; 32]),
        name: format!("key {byte}"),
        scopes: Scopes::READ_WRITE,
        created_at: at(2),
        revoked_at: None,
        last_used_at: None,
    }
}

fn charge(key: &AccessKey, dm: u64, used_at: i64) -> Charge {
    Charge { org: key.org, id: key.id, calls: 1, dm, last_used_at: at(used_at) }
}

fn group(org_number: u64, number: u64) -> Group {
    Group { org: org(org_number), id: GroupId::from_raw(number), name: format!("group {number}") }
}

/// The upper half of all labels too, whose order an `i64` gets wrong.
fn eui(number: u64) -> DeviceEui {
    DeviceEui::from_raw(number.wrapping_mul(0x5555_5555_5555_5555))
}

fn binding(org_number: u64, number: u64) -> Binding {
    Binding {
        org: org(org_number),
        eui: eui(number),
        kind: if number.is_multiple_of(2) { DeviceKind::Gateway } else { DeviceKind::Node },
        model: "S2101".to_owned(),
        name: format!("device {number}"),
        group: None,
        place: number.is_multiple_of(3).then_some(GeoPoint { latitude: -33.5, longitude: 151.25 }),
        frequency: "EU868".to_owned(),
        code: String::new(),
        bound_at: at(3),
    }
}

fn channel(index: u16) -> Channel {
    Channel {
        index: ChannelIndex(index),
        name: format!("channel {index}"),
        sensor_type: index.is_multiple_of(2).then(|| "1001".to_owned()),
        sensor_id: String::new(),
        measurements: (0..u32::from(index)).map(|id| MeasurementId(4100 - id)).collect(),
        created_at: at(4),
    }
}

fn source(org_number: u64, number: u64) -> Source {
    Source {
        id: SourceId::from_raw(number << 62 | number),
        org: org(org_number),
        kind: SourceKind::ChirpStack,
        name: String::new(),
        token: SecretHash([number as u8; 32]),
        auto_add: number.is_multiple_of(2),
        created_at: at(5),
    }
}

#[tokio::test]
async fn a_key_revoked_by_another_process_is_revoked_here_after_the_next_poll() {
    let folder = Folder::new();
    let (server, command) = (folder.open(), folder.open());
    command.create_organization(organization(1)).await.unwrap();
    command.create_access_key(key(1, 7)).await.unwrap();
    assert!(server.poll().unwrap());
    let id = key(1, 7).id;
    assert_eq!(server.find_access_key(id).await.unwrap().unwrap().revoked_at, None);
    command.revoke_access_key(org(1), id, at(9)).await.unwrap();
    assert!(server.poll().unwrap());
    assert_eq!(server.find_access_key(id).await.unwrap().unwrap().revoked_at, Some(at(9)));
    assert!(!server.poll().unwrap(), "nothing has changed since");
}

#[tokio::test]
async fn sources_and_devices_of_another_process_are_seen_after_the_next_poll() {
    let folder = Folder::new();
    let (server, command) = (folder.open(), folder.open());
    command.create_organization(organization(1)).await.unwrap();
    command.create_source(source(1, 1)).await.unwrap();
    command.bind_device(binding(1, 1)).await.unwrap();
    let find = async || {
        let source = server.find_source(source(1, 1).token).await.unwrap();
        (source.is_some(), server.find_device(org(1), eui(1)).await.unwrap().is_some())
    };
    assert_eq!(find().await, (true, true));
    command.delete_source(org(1), source(1, 1).id).await.unwrap();
    command.unbind_device(org(1), eui(1)).await.unwrap();
    server.poll().unwrap();
    assert_eq!(find().await, (false, false));
}

#[tokio::test]
async fn poll_tells_of_this_processs_changes_once_and_never_of_charges() {
    let folder = Folder::new();
    let (server, other) = (folder.open(), folder.open());
    server.create_organization(organization(1)).await.unwrap();
    server.create_access_key(key(1, 7)).await.unwrap();
    assert_eq!((server.poll().unwrap(), server.poll().unwrap()), (true, false));
    server.charge(vec![charge(&key(1, 7), 5, 50)]).await.unwrap();
    other.charge(vec![charge(&key(1, 7), 6, 60)]).await.unwrap();
    assert!(!server.poll().unwrap());
    assert_eq!(server.count_dm(org(1)).await.unwrap(), 11);
    assert!(server.get_organization(org(2)).await.is_err());
    assert!(server.create_organization(organization(1)).await.is_err());
    assert!(!server.poll().unwrap(), "what was refused has changed nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_reader_brings_back_what_a_poll_has_outdated() {
    let folder = Folder::new();
    let (server, command) = (Arc::new(folder.open()), folder.open());
    command.create_organization(organization(1)).await.unwrap();
    command.bind_device(binding(1, 1)).await.unwrap();
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let readers: Vec<_> = (0..8)
        .map(|_| {
            let (server, stopped) = (Arc::clone(&server), stopped.clone());
            tokio::spawn(async move {
                while !*stopped.borrow() {
                    server.find_device(org(1), eui(1)).await.unwrap().unwrap();
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for round in 0..100 {
        let name = format!("round {round}");
        let change = DeviceChange { name: Some(name.clone()), ..DeviceChange::default() };
        command.update_device(org(1), eui(1), change).await.unwrap();
        server.poll().unwrap();
        for _ in 0..20 {
            assert_eq!(server.find_device(org(1), eui(1)).await.unwrap().unwrap().name, name);
            tokio::task::yield_now().await;
        }
    }
    stop.send(true).unwrap();
    for reader in readers {
        reader.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_callers_in_two_processes_50_get_a_group_and_each_device_its_own_id() {
    let folder = Folder::new();
    let processes = [Arc::new(folder.open()), Arc::new(folder.open())];
    processes[0].create_organization(organization(1)).await.unwrap();
    let callers: Vec<_> = (0..64)
        .map(|number| {
            let registry = Arc::clone(&processes[number as usize % 2]);
            tokio::spawn(async move {
                let device = registry.bind_device(binding(1, number)).await.unwrap();
                assert_eq!(registry.find_device(org(1), eui(number)).await.unwrap(), Some(Arc::clone(&device)));
                (device.id, registry.create_group(group(1, number)).await)
            })
        })
        .collect();
    let (mut ids, mut refused) = (Vec::new(), 0);
    for caller in callers {
        let (id, created) = caller.await.unwrap();
        ids.push(id.0);
        match created {
            Ok(()) => {}
            Err(Error::Limit { what: "groups", max: 50 }) => refused += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    ids.sort_unstable();
    assert_eq!(ids, (1..=64).collect::<Vec<_>>());
    assert_eq!((refused, processes[1].list_groups(org(1)).await.unwrap().len()), (14, 50));
}

#[tokio::test]
async fn work_goes_on_when_its_caller_has_left() {
    let folder = Folder::new();
    let registry = folder.open();
    registry.create_organization(organization(1)).await.unwrap();
    assert_eq!(registry.find_device(org(1), eui(1)).await.unwrap(), None);
    let mut left = Box::pin(registry.bind_device(binding(1, 1)));
    assert!(std::future::poll_fn(|cx| std::task::Poll::Ready(left.as_mut().poll(cx).is_pending())).await);
    drop(left);
    // The only writer is free again when the work is done.
    registry.create_group(group(1, 1)).await.unwrap();
    assert!(registry.find_device(org(1), eui(1)).await.unwrap().is_some());
}

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

/// What somebody does to a registry; numbers are small so that they meet.
#[derive(Debug, Clone)]
enum Step {
    CreateOrganization(u64),
    CreateKey(u64, u8),
    RevokeKey(u64, u8, i64),
    Charge(Vec<(u64, u8, u64, i64)>),
    CreateGroup(u64, u64, u64),
    RenameGroup(u64, u64, u64),
    DeleteGroup(u64, u64),
    Move(u64, Vec<u64>, Option<u64>),
    Bind(u64, u64, Option<u64>),
    Unbind(u64, u64),
    Update(u64, u64, Option<String>, bool),
    Describe(u64, u64, u16),
    CreateSource(u64, u64, u64),
    DeleteSource(u64, u64),
    Reopen,
    OtherProcess,
}

fn step() -> impl Strategy<Value = Step> {
    let (o, n, k) = (|| 0_u64..3, || 0_u64..4, || 0_u8..3);
    let g = || prop::option::of(0_u64..3);
    prop_oneof![
        2 => o().prop_map(Step::CreateOrganization),
        2 => (o(), k()).prop_map(|(o, k)| Step::CreateKey(o, k)),
        1 => (o(), k(), 0_i64..9).prop_map(|(o, k, at)| Step::RevokeKey(o, k, at)),
        1 => prop::collection::vec((o(), k(), 0_u64..9, 0_i64..9), 0..4).prop_map(Step::Charge),
        2 => (o(), n(), n()).prop_map(|(o, id, name)| Step::CreateGroup(o, id, name)),
        1 => (o(), n(), n()).prop_map(|(o, id, name)| Step::RenameGroup(o, id, name)),
        1 => (o(), n()).prop_map(|(o, id)| Step::DeleteGroup(o, id)),
        1 => (o(), prop::collection::vec(n(), 0..3), g()).prop_map(|(o, e, g)| Step::Move(o, e, g)),
        4 => (o(), n(), g()).prop_map(|(o, e, g)| Step::Bind(o, e, g)),
        2 => (o(), n()).prop_map(|(o, e)| Step::Unbind(o, e)),
        1 => (o(), n(), prop::option::of(".{0,8}"), any::<bool>()).prop_map(|(o, e, name, place)| Step::Update(o, e, name, place)),
        2 => (o(), n(), 0_u16..4).prop_map(|(o, e, c)| Step::Describe(o, e, c)),
        2 => (o(), n(), n()).prop_map(|(o, id, token)| Step::CreateSource(o, id, token)),
        1 => (o(), n()).prop_map(|(o, id)| Step::DeleteSource(o, id)),
        1 => Just(Step::Reopen),
        1 => Just(Step::OtherProcess),
    ]
}

/// Does a step and prints its answer.
async fn take(registry: &dyn Registry, step: &Step) -> String {
    let answer = match step.clone() {
        Step::CreateOrganization(o) => registry.create_organization(organization(o)).await,
        Step::CreateKey(o, k) => registry.create_access_key(key(o, k)).await,
        Step::RevokeKey(o, k, ms) => registry.revoke_access_key(org(o), key(o, k).id, at(ms)).await,
        Step::Charge(charges) => {
            let charges = charges.into_iter().map(|(o, k, dm, used_at)| charge(&key(o, k), dm, used_at));
            registry.charge(charges.collect()).await
        }
        Step::CreateGroup(o, id, name) => {
            registry.create_group(Group { name: format!("group {name}"), ..group(o, id) }).await
        }
        Step::RenameGroup(o, id, name) => {
            registry.rename_group(org(o), GroupId::from_raw(id), &format!("group {name}")).await
        }
        Step::DeleteGroup(o, id) => registry.delete_group(org(o), GroupId::from_raw(id)).await,
        Step::Move(o, euis, group) => {
            let euis: Vec<_> = euis.into_iter().map(eui).collect();
            registry.move_devices_to_group(org(o), &euis, group.map(GroupId::from_raw)).await
        }
        Step::Bind(o, e, group) => {
            let bound = registry.bind_device(Binding { group: group.map(GroupId::from_raw), ..binding(o, e) }).await;
            return format!("{bound:?}");
        }
        Step::Unbind(o, e) => registry.unbind_device(org(o), eui(e)).await,
        Step::Update(o, e, name, place) => {
            let place = place.then_some(GeoPoint { latitude: 1.5, longitude: -2.25 });
            registry.update_device(org(o), eui(e), DeviceChange { name, model: None, place }).await
        }
        Step::Describe(o, e, c) => registry.describe_channel(org(o), eui(e), channel(c)).await,
        Step::CreateSource(o, id, token) => {
            registry.create_source(Source { token: SecretHash([token as u8; 32]), ..source(o, id) }).await
        }
        Step::DeleteSource(o, id) => registry.delete_source(org(o), source(o, id).id).await,
        Step::Reopen | Step::OtherProcess => Ok(()),
    };
    format!("{answer:?}")
}

/// Everything that a registry answers.
async fn look(registry: &dyn Registry) -> Result<Vec<String>, Error> {
    let mut answers = vec![format!("{:?}", registry.list_organizations(None, 10).await?)];
    for k in 0..3 {
        // When another process charges, the cached time of last use is the only thing to lag.
        let found = registry.find_access_key(key(0, k).id).await?;
        answers.push(format!("{:?}", found.map(|key| AccessKey { last_used_at: None, ..AccessKey::clone(&key) })));
    }
    for token in 0..4 {
        answers.push(format!("{:?}", registry.find_source(SecretHash([token; 32])).await?));
    }
    for o in (0..3).map(org) {
        answers.push(format!("{:?} {}", registry.list_access_keys(o).await?, registry.count_dm(o).await?));
        answers.push(format!("{:?} {:?}", registry.list_groups(o).await?, registry.list_sources(o).await?));
        for number in 0..4 {
            answers.push(format!("{:?}", registry.find_device(o, eui(number)).await?));
        }
        for group in [None, Some(None), Some(Some(GroupId::from_raw(1)))] {
            for kind in [None, Some(DeviceKind::Node)] {
                let filter = DeviceFilter { kind, group };
                for after in [None, Some(eui(1)), Some(eui(3))] {
                    answers.push(format!("{:?}", registry.list_devices(o, filter, after, 2).await?));
                }
            }
        }
    }
    Ok(answers)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn answers_as_the_reference_does_whatever_is_done_to_it(steps in prop::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (folder, reference) = (Folder::new(), Reference::new());
            let (mut registry, mut other) = (folder.open(), folder.open());
            for step in &steps {
                match step {
                    Step::Reopen => {
                        drop(registry);
                        registry = folder.open();
                    }
                    Step::OtherProcess => std::mem::swap(&mut registry, &mut other),
                    _ => {}
                }
                registry.poll().unwrap();
                assert_eq!(take(&registry, step).await, take(&reference, step).await, "{step:?}");
                assert_eq!(look(&registry).await.unwrap(), look(&reference).await.unwrap(), "after {step:?}");
            }
        });
    }
}

#[tokio::test]
async fn a_taken_token_and_a_taken_id_are_refused_across_organizations() {
    let folder = Folder::new();
    let registry = folder.open();
    for number in [1, 2] {
        registry.create_organization(organization(number)).await.unwrap();
    }
    registry.create_source(source(1, 1)).await.unwrap();
    for taken in [Source { id: source(2, 2).id, ..source(2, 1) }, Source { token: source(2, 2).token, ..source(2, 1) }]
    {
        assert!(matches!(registry.create_source(taken).await, Err(Error::Conflict(Kind::Source))));
    }
}
