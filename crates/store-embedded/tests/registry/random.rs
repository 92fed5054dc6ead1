//! Whatever is done to it, by however many processes, the registry answers as the reference does.

use model::{AccessKey, DeviceKind, GeoPoint, Group, GroupId, PasswordHash, Role, SecretHash, Session, Source};
use proptest::prelude::*;
use store::{Binding, DeviceChange, DeviceFilter, Error, PersonChange, Reference, Registry, SourceNote};

use crate::support::{
    Folder, at, binding, channel, charge, deed, eui, group, invite, key, org, organization, person, session, source,
};

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
    Rotate(u64, u64, u8),
    Note(u64, u64, u64, Option<i64>),
    Invite(Option<u64>, u8),
    Accept(u8, u64, u64),
    CreatePerson(u64, u64, Role),
    UpdatePerson(u64, u64, Role, Option<Option<u8>>),
    RemovePerson(u64, u64),
    SignIn(u64, u8),
    Touch(u8, i64),
    SignOut(u64, u8),
    ExpireSessions(i64),
    Record(u64),
    Reopen,
    OtherProcess,
}

fn step() -> impl Strategy<Value = Step> {
    let (o, n, k) = (|| 0_u64..3, || 0_u64..4, || 0_u8..3);
    let g = || prop::option::of(0_u64..3);
    let (t, role) = (|| 0_u8..4, || prop::sample::select(&Role::ALL[..]));
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
        2 => (o(), n(), t()).prop_map(|(o, id, token)| Step::Rotate(o, id, token)),
        1 => (o(), n(), n(), prop::option::of(0_i64..9)).prop_map(|(o, id, count, at)| Step::Note(o, id, count, at)),
        2 => (prop::option::of(o()), t()).prop_map(|(o, token)| Step::Invite(o, token)),
        2 => (t(), n(), o()).prop_map(|(token, person, founded)| Step::Accept(token, person, founded)),
        2 => (o(), n(), role()).prop_map(|(o, person, role)| Step::CreatePerson(o, person, role)),
        2 => (o(), n(), role(), prop::option::of(prop::option::of(t()))).prop_map(|(o, person, role, keep)| Step::UpdatePerson(o, person, role, keep)),
        1 => (o(), n()).prop_map(|(o, person)| Step::RemovePerson(o, person)),
        3 => (n(), t()).prop_map(|(person, token)| Step::SignIn(person, token)),
        1 => (t(), 0_i64..9).prop_map(|(token, at)| Step::Touch(token, at)),
        1 => (o(), t()).prop_map(|(o, token)| Step::SignOut(o, token)),
        1 => (5_i64..9).prop_map(Step::ExpireSessions),
        1 => o().prop_map(Step::Record),
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
            registry.update_device(org(o), eui(e), DeviceChange { name, place, ..DeviceChange::default() }).await
        }
        Step::Describe(o, e, c) => registry.describe_channel(org(o), eui(e), channel(c)).await,
        Step::CreateSource(o, id, token) => {
            registry.create_source(Source { token: SecretHash([token as u8; 32]), ..source(o, id) }).await
        }
        Step::DeleteSource(o, id) => registry.delete_source(org(o), source(o, id).id).await,
        Step::Rotate(o, id, token) => {
            registry.rotate_source_token(org(o), source(o, id).id, SecretHash([token; 32]), at(9)).await
        }
        Step::Note(o, id, messages, ms) => {
            let (org, id, last_message_at) = (org(o), source(o, id).id, ms.map(at));
            let last_error = ms.map(|ms| (at(ms), format!("at {ms}")));
            registry.note_sources(vec![SourceNote { org, id, messages, last_message_at, last_error }]).await
        }
        Step::Invite(o, token) => registry.create_invite(invite(o, token)).await,
        Step::Accept(token, number, founded) => {
            let founded = Some(organization(founded));
            let accepted = registry.accept_invite(SecretHash([token; 32]), person(9, number, Role::Viewer), founded);
            return format!("{:?}", accepted.await);
        }
        Step::CreatePerson(o, number, role) => registry.create_person(person(o, number, role)).await,
        Step::UpdatePerson(o, number, role, keep) => {
            let password = keep.map(|_| PasswordHash("$new".to_owned()));
            let keep = keep.flatten().map(|token| SecretHash([token; 32]));
            let change = PersonChange { role: Some(role), password, keep, ..PersonChange::default() };
            registry.update_person(org(o), person(o, number, role).id, change).await
        }
        Step::RemovePerson(o, number) => registry.remove_person(org(o), person(o, number, Role::Viewer).id).await,
        Step::SignIn(number, token) => registry.create_session(session(number, token)).await,
        Step::Touch(token, ms) => registry.touch_session(SecretHash([token; 32]), at(ms)).await,
        Step::SignOut(o, token) => registry.end_session(org(o), SecretHash([token; 32])).await,
        Step::ExpireSessions(ms) => registry.expire_sessions(at(ms)).await,
        Step::Record(o) => registry.record(deed(o)).await,
        Step::Reopen | Step::OtherProcess => Ok(()),
    };
    format!("{answer:?}")
}

/// Everything that a registry answers.
async fn look(registry: &dyn Registry) -> Result<Vec<String>, Error> {
    let mut answers = vec![format!("{:?}", registry.list_organizations(None, 10).await?)];
    for k in 0..3 {
        // When another process charges, what it counts is the only thing to lag.
        let found = registry.find_access_key(key(0, k).id).await?;
        let uncounted = |key: &AccessKey| AccessKey { last_used_at: None, calls: 0, dm: 0, ..key.clone() };
        answers.push(format!("{:?}", found.map(|key| uncounted(&key))));
    }
    for token in 0..4 {
        let token = SecretHash([token; 32]);
        answers.push(format!("{:?} {:?}", registry.find_source(token).await?, registry.find_invite(token).await?));
        // As with keys, the time of last use may lag.
        let found = registry.find_session(token).await?;
        answers.push(format!("{:?}", found.map(|it| (Session { seen_at: at(0), ..it.0.clone() }, it.1.clone()))));
    }
    answers.push(format!("{}", registry.count_people().await?));
    for o in (0..3).map(org) {
        answers.push(format!("{:?} {}", registry.list_access_keys(o).await?, registry.count_dm(o).await?));
        answers.push(format!("{:?} {:?}", registry.list_groups(o).await?, registry.list_sources(o).await?));
        answers.push(format!("{:?} {:?}", registry.list_source_health(o).await?, registry.list_invites(o).await?));
        answers.push(format!("{:?} {:?}", registry.list_people(o).await?, registry.list_sessions(o).await?));
        answers.push(format!("{:?}", registry.list_deeds(o, None, 10).await?));
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
