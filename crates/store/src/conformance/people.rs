//! Invites, people, their sessions, and what they did.

use std::sync::Arc;

use model::{Deed, Email, Invite, PasswordHash, Person, PersonId, Role, SecretHash, Session};

use super::fixtures::{assert_refused, at, org, organization};
use crate::{Error, Kind, PersonChange, Store};

pub(super) fn person(org_number: u64, id: u64, role: Role) -> Person {
    Person {
        id: PersonId::from_raw(id),
        org: org(org_number),
        email: email(id),
        name: format!("person {id}"),
        role,
        is_operator: false,
        password: PasswordHash(format!("$argon2id$v=19${id}")),
        time_zone: "Europe/Zurich".to_owned(),
        created_at: at(5),
    }
}

fn email(id: u64) -> Email {
    format!("person-{id}@example.org").parse().expect("an address")
}

pub(super) fn invite(org_number: Option<u64>, token: u8) -> Invite {
    Invite {
        token: SecretHash([token; 32]),
        org: org_number.map(org),
        role: Role::Manager,
        is_operator: true,
        note: format!("for {token}"),
        created_at: at(3),
        expires_at: at(10),
    }
}

pub(super) fn session(person: u64, token: u8, minute: i64) -> Session {
    Session {
        token: SecretHash([token; 32]),
        person: PersonId::from_raw(person),
        created_at: at(minute),
        seen_at: at(minute),
        address: "192.0.2.7".to_owned(),
        agent: "Browser/1.0 (Süd)".to_owned(),
    }
}

pub(super) fn deed(org_number: u64, minute: i64) -> Deed {
    Deed {
        org: org(org_number),
        at: at(minute),
        actor: "person-1@example.org".to_owned(),
        address: String::new(),
        action: "device.rename".to_owned(),
        subject: "2CF7F12004100001".to_owned(),
        detail: format!("to `{minute}`"),
    }
}

async fn create_organizations(store: &dyn Store) {
    for number in [1, 2] {
        store.create_organization(organization(number)).await.expect("create");
    }
}

/// Creates people, and organizations 1 and 2 for them.
async fn create_people(store: &dyn Store, people: &[Person]) {
    create_organizations(store).await;
    for person in people {
        store.create_person(person.clone()).await.expect("create");
    }
}

async fn people(store: &dyn Store, org_number: u64) -> Vec<Person> {
    store.list_people(org(org_number)).await.expect("list")
}

/// The tokens of an organization's sessions as they are listed.
async fn tokens(store: &dyn Store, org_number: u64) -> Vec<u8> {
    let sessions = store.list_sessions(org(org_number)).await.expect("list");
    sessions.iter().map(|session| session.token.0[0]).collect()
}

pub async fn an_invite_reads_back_until_it_is_deleted_or_expires(store: &dyn Store) {
    assert_refused!(store.create_invite(invite(Some(1), 1)).await, Error::NotFound(Kind::Organization));
    create_organizations(store).await;
    let early = Invite { created_at: at(2), expires_at: at(11), ..invite(Some(1), 9) };
    let invites = [invite(Some(1), 7), invite(Some(1), 5), early.clone(), invite(Some(2), 6), invite(None, 8)];
    for invite in &invites {
        store.create_invite(invite.clone()).await.expect("create");
    }
    let find = async |token| store.find_invite(SecretHash([token; 32])).await.expect("find");
    for invite in &invites {
        assert_eq!(find(invite.token.0[0]).await.as_ref(), Some(invite));
    }
    assert_eq!(find(1).await, None);
    assert_refused!(store.create_invite(invite(Some(2), 5)).await, Error::Conflict(Kind::Invite));
    let listed = store.list_invites(org(1)).await.expect("list");
    assert_eq!(listed, [early.clone(), invite(Some(1), 5), invite(Some(1), 7)]);

    let delete = |number: Option<u64>, token| store.delete_invite(number.map(org), SecretHash([token; 32]));
    assert_refused!(delete(Some(1), 8).await, Error::NotFound(Kind::Invite));
    assert_refused!(delete(Some(1), 1).await, Error::NotFound(Kind::Invite));
    delete(Some(1), 5).await.expect("delete");
    delete(None, 8).await.expect("delete one that founds");
    assert_eq!((find(5).await, find(8).await), (None, None));

    store.expire_invites(at(9)).await.expect("expire");
    assert_eq!(store.list_invites(org(2)).await.expect("list"), [invite(Some(2), 6)]);
    store.expire_invites(at(10)).await.expect("expire");
    assert_eq!(store.list_invites(org(2)).await.expect("list"), []);
    assert_eq!(store.list_invites(org(1)).await.expect("list"), [early]);
}

pub async fn an_invite_makes_one_person_of_its_organization(store: &dyn Store) {
    create_organizations(store).await;
    store.create_invite(invite(Some(1), 1)).await.expect("create");
    let token = SecretHash([1; 32]);
    let asked = person(2, 7, Role::Viewer);
    let accepted = store.accept_invite(token, asked.clone(), Some(organization(3))).await.expect("accept");
    let expected = Person { org: org(1), role: Role::Manager, is_operator: true, ..asked };
    assert_eq!(accepted, expected);
    assert_eq!(store.find_person(&email(7)).await.expect("find"), Some(expected.clone()));
    assert_eq!((people(store, 1).await, people(store, 2).await), (vec![expected], vec![]));
    assert_refused!(store.get_organization(org(3)).await, Error::NotFound(Kind::Organization));

    assert_eq!(store.find_invite(token).await.expect("find"), None);
    let again = store.accept_invite(token, person(1, 8, Role::Viewer), None).await;
    assert_refused!(again, Error::NotFound(Kind::Invite));
    assert_eq!(store.count_people().await.expect("count"), 1);
}

pub async fn an_invite_founds_an_organization(store: &dyn Store) {
    let founding = Invite { role: Role::Owner, is_operator: false, ..invite(None, 1) };
    store.create_invite(founding).await.expect("create");
    let accept = |founded| store.accept_invite(SecretHash([1; 32]), person(9, 7, Role::Viewer), founded);
    assert_refused!(accept(None).await, Error::NotFound(Kind::Organization));
    let accepted = accept(Some(organization(3))).await.expect("accept");
    assert_eq!(accepted, person(3, 7, Role::Owner));
    assert_eq!(people(store, 3).await, [accepted]);
    assert_eq!(store.list_organizations(None, 10).await.expect("list"), [organization(3)]);
}

pub async fn an_invite_that_cannot_be_accepted_stays(store: &dyn Store) {
    create_people(store, &[person(2, 1, Role::Owner)]).await;
    for invite in [invite(Some(1), 1), invite(None, 2)] {
        store.create_invite(invite).await.expect("create");
    }
    let accept = |token, person, founded| store.accept_invite(SecretHash([token; 32]), person, founded);
    let late = Person { created_at: at(10), ..person(1, 7, Role::Owner) };
    let same_id = Person { email: email(7), ..person(1, 1, Role::Owner) };
    let same_address = Person { email: email(1), ..person(1, 7, Role::Owner) };
    for token in [1, 2] {
        let founded = || Some(organization(3));
        assert_refused!(accept(token, late.clone(), founded()).await, Error::NotFound(Kind::Invite));
        assert_refused!(accept(token, same_id.clone(), founded()).await, Error::Conflict(Kind::Person));
        assert_refused!(accept(token, same_address.clone(), founded()).await, Error::Conflict(Kind::Person));
    }
    // Of several reasons the first one is told.
    assert_refused!(accept(3, same_id.clone(), Some(organization(1))).await, Error::NotFound(Kind::Invite));
    assert_refused!(accept(2, late, Some(organization(1))).await, Error::NotFound(Kind::Invite));
    assert_refused!(accept(2, same_id.clone(), None).await, Error::NotFound(Kind::Organization));
    assert_refused!(accept(2, same_id, Some(organization(1))).await, Error::Conflict(Kind::Organization));

    assert_refused!(store.get_organization(org(3)).await, Error::NotFound(Kind::Organization));
    assert_eq!(store.count_people().await.expect("count"), 1);
    let in_time = Person { created_at: at(9), ..person(1, 7, Role::Owner) };
    accept(1, in_time, None).await.expect("accept");
    accept(2, person(1, 8, Role::Owner), Some(organization(3))).await.expect("accept");
}

pub async fn people_read_back_by_address_and_list_by_it(store: &dyn Store) {
    assert_refused!(store.create_person(person(1, 1, Role::Owner)).await, Error::NotFound(Kind::Organization));
    let upper_half = Person { id: PersonId::from_raw(u64::MAX), email: email(0), ..person(1, 3, Role::Manager) };
    let operator = Person { is_operator: true, name: String::new(), ..person(1, 2, Role::Viewer) };
    let stranger = person(2, 4, Role::Owner);
    create_people(store, &[person(1, 5, Role::Owner), operator.clone(), upper_half.clone(), stranger.clone()]).await;
    assert_eq!(people(store, 1).await, [upper_half.clone(), operator, person(1, 5, Role::Owner)]);
    assert_eq!(people(store, 2).await, [stranger]);
    assert_eq!(store.count_people().await.expect("count"), 4);
    assert_eq!(store.find_person(&email(0)).await.expect("find"), Some(upper_half));
    assert_eq!(store.find_person(&email(3)).await.expect("find"), None);
}

pub async fn refuses_a_person_with_a_taken_id_or_address(store: &dyn Store) {
    create_people(store, &[person(1, 1, Role::Owner)]).await;
    for number in [1, 2] {
        let same_id = Person { email: email(2), ..person(number, 1, Role::Viewer) };
        let same_address = Person { email: email(1), ..person(number, 2, Role::Viewer) };
        assert_refused!(store.create_person(same_id).await, Error::Conflict(Kind::Person));
        assert_refused!(store.create_person(same_address).await, Error::Conflict(Kind::Person));
    }
    store.create_person(person(1, 2, Role::Viewer)).await.expect("create");
    store.remove_person(org(1), PersonId::from_raw(2)).await.expect("remove");
    store.create_person(person(2, 2, Role::Viewer)).await.expect("nobody has them any more");
}

pub async fn a_change_of_a_person_changes_what_it_names(store: &dyn Store) {
    create_people(store, &[person(1, 1, Role::Owner), person(1, 2, Role::Viewer)]).await;
    let change = |change| store.update_person(org(1), PersonId::from_raw(2), change);
    let mut expected = person(1, 2, Role::Viewer);
    change(PersonChange::default()).await.expect("change nothing");
    assert_eq!(people(store, 1).await[1], expected);

    change(PersonChange { name: Some("Ada".to_owned()), ..PersonChange::default() }).await.expect("change");
    change(PersonChange { role: Some(Role::Manager), ..PersonChange::default() }).await.expect("change");
    change(PersonChange { time_zone: Some("UTC".to_owned()), ..PersonChange::default() }).await.expect("change");
    (expected.name, expected.role, expected.time_zone) = ("Ada".to_owned(), Role::Manager, "UTC".to_owned());
    assert_eq!(store.find_person(&email(2)).await.expect("find"), Some(expected.clone()));
    let password = PasswordHash("$another".to_owned());
    change(PersonChange { password: Some(password.clone()), ..PersonChange::default() }).await.expect("change");
    assert_eq!(people(store, 1).await, [person(1, 1, Role::Owner), Person { password, ..expected }]);

    let nobody = store.update_person(org(1), PersonId::from_raw(3), PersonChange::default()).await;
    assert_refused!(nobody, Error::NotFound(Kind::Person));
    assert_refused!(store.remove_person(org(1), PersonId::from_raw(3)).await, Error::NotFound(Kind::Person));
}

pub async fn an_organization_keeps_at_least_one_owner(store: &dyn Store) {
    create_people(store, &[person(1, 1, Role::Owner), person(1, 2, Role::Manager), person(2, 3, Role::Owner)]).await;
    let make = |id, role| {
        let change = PersonChange { name: Some("new".to_owned()), role: Some(role), ..PersonChange::default() };
        store.update_person(org(1), PersonId::from_raw(id), change)
    };
    let remove = |id| store.remove_person(org(1), PersonId::from_raw(id));
    store.create_session(session(1, 1, 6)).await.expect("create");
    assert_refused!(make(1, Role::Manager).await, Error::LastOwner);
    assert_refused!(remove(1).await, Error::LastOwner);
    assert_eq!(people(store, 1).await[0], person(1, 1, Role::Owner), "what was refused has changed nothing");
    assert_eq!(tokens(store, 1).await, [1]);

    make(1, Role::Owner).await.expect("it stays one");
    make(2, Role::Viewer).await.expect("it was none");
    make(2, Role::Owner).await.expect("another one");
    make(1, Role::Viewer).await.expect("there is another");
    assert_refused!(remove(2).await, Error::LastOwner);
    make(1, Role::Owner).await.expect("another one");
    remove(2).await.expect("there is another");
    assert_refused!(remove(1).await, Error::LastOwner);
}

pub async fn a_session_reads_back_with_its_person_until_it_ends(store: &dyn Store) {
    assert_refused!(store.create_session(session(1, 1, 1)).await, Error::NotFound(Kind::Person));
    create_people(store, &[person(1, 1, Role::Owner), person(1, 2, Role::Viewer), person(2, 3, Role::Owner)]).await;
    for session in [session(1, 7, 1), session(2, 5, 1), session(3, 6, 1), session(1, 8, 2)] {
        store.create_session(session).await.expect("create");
    }
    assert_refused!(store.create_session(session(2, 7, 1)).await, Error::Conflict(Kind::Session));
    let find = async |token| store.find_session(SecretHash([token; 32])).await.expect("find");
    assert_eq!(find(7).await, Some(Arc::new((session(1, 7, 1), person(1, 1, Role::Owner)))));
    assert_eq!(find(9).await, None);
    assert_eq!(tokens(store, 1).await, [8, 5, 7]);
    assert_eq!(store.list_sessions(org(2)).await.expect("list"), [session(3, 6, 1)]);

    let change = PersonChange { role: Some(Role::Manager), ..PersonChange::default() };
    assert!(find(5).await.is_some_and(|found| found.1.role == Role::Viewer));
    store.update_person(org(1), PersonId::from_raw(2), change).await.expect("change");
    assert!(find(5).await.is_some_and(|found| found.1.role == Role::Manager), "rights change at once");

    let end = |token| store.end_session(org(1), SecretHash([token; 32]));
    assert_refused!(end(9).await, Error::NotFound(Kind::Session));
    end(7).await.expect("end");
    assert_refused!(end(7).await, Error::NotFound(Kind::Session));
    assert_eq!(find(7).await, None);
    assert_eq!(tokens(store, 1).await, [8, 5]);
}

pub async fn sessions_expire_by_their_last_use(store: &dyn Store) {
    create_people(store, &[person(1, 1, Role::Owner)]).await;
    for token in [1, 2, 3] {
        store.create_session(session(1, token, i64::from(token))).await.expect("create");
    }
    let touch = |token, minute| store.touch_session(SecretHash([token; 32]), at(minute));
    let find = async |token| store.find_session(SecretHash([token; 32])).await.expect("find");
    assert!(find(1).await.is_some_and(|found| found.0.seen_at == at(1)));
    touch(1, 20).await.expect("touch");
    touch(1, 10).await.expect("touch");
    touch(9, 10).await.expect("nobody is signed in with it");
    let touched = Session { seen_at: at(20), ..session(1, 1, 1) };
    assert_eq!(find(1).await, Some(Arc::new((touched.clone(), person(1, 1, Role::Owner)))));
    assert_eq!(find(9).await, None);

    store.expire_sessions(at(3)).await.expect("expire");
    assert_eq!(store.list_sessions(org(1)).await.expect("list"), [session(1, 3, 3), touched]);
    assert_eq!(find(2).await, None);
    store.expire_sessions(at(21)).await.expect("expire");
    assert_eq!(tokens(store, 1).await, []);
    assert_eq!(find(1).await, None);
}

pub async fn another_password_ends_all_sessions_but_one(store: &dyn Store) {
    create_people(store, &[person(1, 1, Role::Owner), person(1, 2, Role::Viewer)]).await;
    for (person, token) in [(1, 1), (1, 2), (1, 3), (2, 4)] {
        store.create_session(session(person, token, 1)).await.expect("create");
    }
    let password = Some(PasswordHash("$another".to_owned()));
    let change = |change| store.update_person(org(1), PersonId::from_raw(1), change);
    let keep = Some(SecretHash([2; 32]));
    change(PersonChange { name: Some("Ada".to_owned()), keep, ..PersonChange::default() }).await.expect("change");
    assert_eq!(tokens(store, 1).await, [1, 2, 3, 4]);
    assert!(store.find_session(SecretHash([1; 32])).await.expect("find").is_some());
    change(PersonChange { password: password.clone(), keep, ..PersonChange::default() }).await.expect("change");
    assert_eq!(tokens(store, 1).await, [2, 4]);
    assert_eq!(store.find_session(SecretHash([1; 32])).await.expect("find"), None);
    // Somebody else's session is not kept for it, and does not end either.
    let keep = Some(SecretHash([4; 32]));
    change(PersonChange { password: password.clone(), keep, ..PersonChange::default() }).await.expect("change");
    assert_eq!(tokens(store, 1).await, [4]);
    let change = PersonChange { password, ..PersonChange::default() };
    store.update_person(org(1), PersonId::from_raw(2), change).await.expect("change");
    assert_eq!(tokens(store, 1).await, []);
}

pub async fn a_removed_persons_sessions_end(store: &dyn Store) {
    create_people(store, &[person(1, 1, Role::Owner), person(1, 2, Role::Viewer)]).await;
    for (person, token) in [(1, 1), (2, 2)] {
        store.create_session(session(person, token, 1)).await.expect("create");
    }
    let find = async |token| store.find_session(SecretHash([token; 32])).await.expect("find");
    assert!(find(2).await.is_some());
    store.remove_person(org(1), PersonId::from_raw(2)).await.expect("remove");
    assert_eq!(find(2).await, None);
    assert!(find(1).await.is_some());
    assert_eq!(people(store, 1).await, [person(1, 1, Role::Owner)]);
    store.create_person(person(1, 2, Role::Viewer)).await.expect("create");
    assert_eq!(tokens(store, 1).await, [1], "they do not come back");
}

pub async fn deeds_are_listed_backwards_in_pages(store: &dyn Store) {
    assert_refused!(store.record(deed(1, 1)).await, Error::NotFound(Kind::Organization));
    create_organizations(store).await;
    // The order is the one they were recorded in, whatever their times say.
    for (number, minute) in [(1, 5), (2, 6), (1, 3), (1, 4), (2, 1), (1, 3)] {
        store.record(deed(number, minute)).await.expect("record");
    }
    let list = async |before, limit| store.list_deeds(org(1), before, limit).await.expect("list");
    let all = list(None, 10).await;
    assert!(all.is_sorted_by(|(newer, _), (older, _)| newer > older), "{all:?}");
    let deeds: Vec<_> = all.iter().map(|(_, deed)| deed.clone()).collect();
    assert_eq!(deeds, [3, 4, 3, 5].map(|minute| deed(1, minute)));
    assert_eq!(list(None, 2).await, all[..2]);
    assert_eq!(list(Some(all[1].0), 2).await, all[2..]);
    assert_eq!(list(Some(all[3].0), 2).await, []);
    assert_eq!(list(Some(u64::MAX), usize::MAX).await, all);
    assert_eq!(list(None, 0).await, []);
}
