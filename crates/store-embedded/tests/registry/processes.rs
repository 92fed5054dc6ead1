//! Several processes, and several callers in each, work on one registry.

use std::sync::Arc;

use model::{PasswordHash, Role, SecretHash};
use store::{DeviceChange, Error, Kind, PersonChange, Registry, SourceNote};

use crate::support::{
    Folder, at, binding, charge, deed, eui, group, invite, key, org, organization, person, session, source,
};

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
async fn poll_tells_of_this_processs_changes_once_and_never_of_what_is_counted_and_noted() {
    let folder = Folder::new();
    let (server, other) = (folder.open(), folder.open());
    server.create_organization(organization(1)).await.unwrap();
    server.create_access_key(key(1, 7)).await.unwrap();
    assert_eq!((server.poll().unwrap(), server.poll().unwrap()), (true, false));
    server.charge(vec![charge(&key(1, 7), 5, 50)]).await.unwrap();
    other.charge(vec![charge(&key(1, 7), 6, 60)]).await.unwrap();
    other.touch_session(SecretHash([1; 32]), at(9)).await.unwrap();
    other.record(deed(1)).await.unwrap();
    let (org_id, id) = (org(1), source(1, 1).id);
    let note = SourceNote { org: org_id, id, messages: 1, last_message_at: Some(at(9)), last_error: None };
    other.note_sources(vec![note]).await.unwrap();
    other.expire_sessions(at(9)).await.unwrap();
    other.expire_invites(at(9)).await.unwrap();
    assert!(!server.poll().unwrap());
    assert_eq!(server.count_dm(org(1)).await.unwrap(), 11);
    assert!(server.get_organization(org(2)).await.is_err());
    assert!(server.create_organization(organization(1)).await.is_err());
    assert!(!server.poll().unwrap(), "what was refused has changed nothing");
}

#[tokio::test]
async fn who_is_signed_in_is_changed_by_another_process_with_the_next_poll() {
    let folder = Folder::new();
    let (server, command) = (folder.open(), folder.open());
    command.create_organization(organization(1)).await.unwrap();
    for (number, role) in [(1, Role::Owner), (2, Role::Manager)] {
        command.create_person(person(1, number, role)).await.unwrap();
        command.create_session(session(number, number as u8)).await.unwrap();
    }
    let (first, second) = (session(1, 1).token, session(2, 2).token);
    let role = async |token| server.find_session(token).await.unwrap().map(|found| found.1.role);
    assert_eq!((role(first).await, role(second).await), (Some(Role::Owner), Some(Role::Manager)));

    let change = PersonChange { role: Some(Role::Viewer), ..PersonChange::default() };
    command.update_person(org(1), person(1, 2, Role::Viewer).id, change).await.unwrap();
    server.poll().unwrap();
    assert_eq!(role(second).await, Some(Role::Viewer));
    let change = PersonChange { password: Some(PasswordHash("$new".to_owned())), ..PersonChange::default() };
    command.update_person(org(1), person(1, 1, Role::Owner).id, change).await.unwrap();
    command.expire_sessions(at(6)).await.unwrap();
    server.poll().unwrap();
    assert_eq!((role(first).await, role(second).await), (None, Some(Role::Viewer)));
    command.expire_sessions(at(7)).await.unwrap();
    server.poll().unwrap();
    assert_eq!(role(second).await, None);
}

#[tokio::test]
async fn both_tokens_of_a_source_give_way_to_what_another_process_changes() {
    let folder = Folder::new();
    let (server, command) = (folder.open(), folder.open());
    command.create_organization(organization(1)).await.unwrap();
    command.create_source(source(1, 1)).await.unwrap();
    let rotate = |byte| command.rotate_source_token(org(1), source(1, 1).id, SecretHash([byte; 32]), at(9));
    let finds = async || {
        server.poll().unwrap();
        let find = async |byte| server.find_source(SecretHash([byte; 32])).await.unwrap().is_some();
        [find(1).await, find(2).await, find(3).await]
    };
    assert_eq!(finds().await, [true, false, false]);
    rotate(2).await.unwrap();
    assert_eq!(finds().await, [true, true, false]);
    rotate(3).await.unwrap();
    assert_eq!(finds().await, [false, true, true]);
    command.delete_source(org(1), source(1, 1).id).await.unwrap();
    assert_eq!(finds().await, [false, false, false]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_accept_one_invite_in_two_processes_one_becomes_a_person() {
    let folder = Folder::new();
    let processes = [Arc::new(folder.open()), Arc::new(folder.open())];
    processes[0].create_invite(invite(None, 1)).await.unwrap();
    let callers: Vec<_> = (0..16)
        .map(|number| {
            let registry = Arc::clone(&processes[number as usize % 2]);
            let (asks, founded) = (person(0, number, Role::Viewer), organization(number));
            tokio::spawn(async move { registry.accept_invite(SecretHash([1; 32]), asks, Some(founded)).await })
        })
        .collect();
    let mut accepted = Vec::new();
    for caller in callers {
        match caller.await.unwrap() {
            Ok(person) => accepted.push(person),
            Err(Error::NotFound(Kind::Invite)) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    let [person] = &accepted[..] else { panic!("{accepted:?}") };
    assert_eq!(processes[1].list_people(person.org).await.unwrap(), accepted);
    assert_eq!(processes[0].list_organizations(None, 100).await.unwrap().len(), 1);
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
