//! Readers of streams that may go away and come back.

use model::{Position, StreamSession, Subscription};

use super::fixtures::{assert_refused, at, message, org, organization};
use crate::{Error, Kind, Message, RETAINED_MAX, STREAM_SESSIONS_MAX, Store, StreamNote};

fn session(org_number: u64, client_id: &str) -> StreamSession {
    let subscription = |filter: &str, number: Option<u32>| Subscription {
        filter: filter.to_owned(),
        qos: if number.is_none() { 2 } else { 0 },
        no_local: number.is_some(),
        retain_as_published: number.is_none(),
        number,
        since: Position::from_raw(3),
    };
    StreamSession {
        org: org(org_number),
        is_private: client_id == "a",
        client_id: client_id.to_owned(),
        subscriptions: vec![subscription("/a/+/#", Some(268_435_455)), subscription("/b\n/ü", None)],
        position: Position::from_raw(5),
        seen_at: at(0),
        expires_after_s: 60,
        state: client_id.as_bytes().to_vec(),
    }
}

fn note(org_number: u64, client_id: &str, position: u64, minute: i64) -> StreamNote {
    let (position, seen_at) = (Position::from_raw(position), at(minute));
    StreamNote { org: org(org_number), client_id: client_id.to_owned(), position, seen_at }
}

async fn find(store: &dyn Store, org_number: u64, client_id: &str) -> Option<StreamSession> {
    store.find_stream_session(org(org_number), client_id).await.expect("find")
}

pub async fn a_reader_of_a_stream_reads_back_until_it_is_forgotten(store: &dyn Store) {
    assert_refused!(store.keep_stream_session(session(1, "a")).await, Error::NotFound(Kind::Organization));
    store.create_organization(organization(1)).await.expect("create");
    store.keep_stream_session(session(1, "a")).await.expect("keep");
    assert_eq!(find(store, 1, "a").await, Some(session(1, "a")));
    assert_eq!(find(store, 1, "A").await, None);

    let other = StreamSession { subscriptions: vec![], expires_after_s: u32::MAX, ..session(1, "a") };
    store.keep_stream_session(other.clone()).await.expect("keep");
    assert_eq!(find(store, 1, "a").await, Some(other));

    store.forget_stream_session(org(1), "a").await.expect("forget");
    assert_eq!(find(store, 1, "a").await, None);
    store.forget_stream_session(org(1), "a").await.expect("forget what is not there");
    let bare = StreamSession { subscriptions: vec![], ..session(1, "a") };
    store.keep_stream_session(bare.clone()).await.expect("keep");
    assert_eq!(find(store, 1, "a").await, Some(bare), "subscriptions went too");
}

pub async fn a_reader_moves_only_forward(store: &dyn Store) {
    store.create_organization(organization(1)).await.expect("create");
    store.keep_stream_session(session(1, "a")).await.expect("keep");
    let notes = vec![note(1, "a", 9, 2), note(1, "nobody", 99, 9), note(1, "a", 7, 3), note(2, "a", 99, 9)];
    store.note_stream_sessions(notes).await.expect("note");
    let expected = StreamSession { position: Position::from_raw(9), seen_at: at(3), ..session(1, "a") };
    assert_eq!(find(store, 1, "a").await, Some(expected));
    assert_eq!(find(store, 1, "nobody").await, None);
}

pub async fn a_reader_expires_when_it_has_been_away_for_too_long(store: &dyn Store) {
    store.create_organization(organization(1)).await.expect("create");
    let long = StreamSession { expires_after_s: u32::MAX, ..session(1, "long") };
    for session in [session(1, "a"), session(1, "b"), long] {
        store.keep_stream_session(session).await.expect("keep");
    }
    store.note_stream_sessions(vec![note(1, "b", 0, 1)]).await.expect("note");
    store.expire_stream_sessions(at(1)).await.expect("expire");
    let left = async |name| find(store, 1, name).await.is_some();
    assert_eq!((left("a").await, left("b").await, left("long").await), (false, true, true));
}

pub async fn refuses_more_readers_than_an_organization_may_have(store: &dyn Store) {
    for number in [1, 2] {
        store.create_organization(organization(number)).await.expect("create");
    }
    for number in 0..STREAM_SESSIONS_MAX {
        let session = StreamSession { subscriptions: vec![], ..session(1, &number.to_string()) };
        store.keep_stream_session(session).await.expect("keep");
    }
    assert_refused!(store.keep_stream_session(session(1, "more")).await, Error::Limit { .. });
    store.keep_stream_session(session(1, "0")).await.expect("one that is there may be kept anew");
    store.keep_stream_session(session(2, "more")).await.expect("others have their own");
}

pub async fn the_same_name_in_two_organizations_is_two_readers(store: &dyn Store) {
    for number in [1, 2] {
        store.create_organization(organization(number)).await.expect("create");
        store.keep_stream_session(session(number, "a")).await.expect("keep");
    }
    store.note_stream_sessions(vec![note(2, "a", 99, 1)]).await.expect("note");
    assert_eq!(find(store, 1, "a").await, Some(session(1, "a")));
    store.forget_stream_session(org(1), "a").await.expect("forget");
    assert_eq!(find(store, 2, "a").await.map(|session| session.subscriptions.len()), Some(2));
}

pub async fn a_retained_message_takes_the_place_of_the_one_of_its_topic(store: &dyn Store) {
    assert_refused!(store.retain_message(message(org(1), 1, "a")).await, Error::NotFound(Kind::Organization));
    for number in [1, 2] {
        store.create_organization(organization(number)).await.expect("create");
    }
    let list = async |number| store.list_retained_messages(org(number)).await.expect("list");
    for kept in [message(org(1), 1, "b"), message(org(1), 2, "a/ü"), message(org(2), 3, "a/ü")] {
        store.retain_message(kept).await.expect("retain");
    }
    let later = Message { payload: [].into(), header: [9, 9].into(), ..message(org(1), 5, "b") };
    store.retain_message(later.clone()).await.expect("retain");
    assert_eq!(list(1).await, [message(org(1), 2, "a/ü"), later]);
    store.forget_retained_message(org(1), "a/ü").await.expect("forget");
    store.forget_retained_message(org(1), "a/ü").await.expect("forget what is not there");
    assert_eq!((list(1).await.len(), list(2).await), (1, vec![message(org(2), 3, "a/ü")]));
}

pub async fn refuses_more_retained_messages_than_an_organization_may_have(store: &dyn Store) {
    for number in [1, 2] {
        store.create_organization(organization(number)).await.expect("create");
    }
    for number in 0..RETAINED_MAX {
        store.retain_message(message(org(1), 1, &number.to_string())).await.expect("retain");
    }
    assert_refused!(store.retain_message(message(org(1), 1, "x")).await, Error::Limit { .. });
    store.retain_message(message(org(1), 2, "0")).await.expect("one that is there is not one more");
    store.retain_message(message(org(2), 1, "x")).await.expect("another organization's");
}
