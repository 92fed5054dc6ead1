//! Sources, their tokens, and how they have been doing.

use std::sync::Arc;

use model::{Broker, BrokerState, Downlink, PreviousToken, SecretHash, Source, SourceHealth, SourceId, SourceKind};

use super::fixtures::{assert_refused, at, eui, org, organization};
use crate::{Error, Kind, MODEL_RULES_MAX, ModelRule, SourceChange, SourceNote, Store};

pub(super) fn source(org_number: u64, id: u64, token: u8) -> Source {
    Source {
        id: SourceId::from_raw(id),
        org: org(org_number),
        kind: SourceKind::ChirpStack,
        name: format!("source {id}"),
        token: SecretHash([token; 32]),
        auto_add: token.is_multiple_of(2),
        created_at: at(4),
        previous: None,
    }
}

fn health(id: u64) -> SourceHealth {
    let id = SourceId::from_raw(id);
    SourceHealth { id, messages: 0, last_message_at: None, last_error_at: None, last_error: String::new() }
}

/// Sources 5 and 7 of organization 1 with tokens 2 and 1, and source 6 of organization 2 with token 3.
async fn create(store: &dyn Store) {
    for number in [1, 2] {
        store.create_organization(organization(number)).await.expect("create");
    }
    for source in [source(1, 7, 1), source(1, 5, 2), source(2, 6, 3)] {
        store.create_source(source).await.expect("create");
    }
}

pub async fn a_source_is_found_by_its_token_until_it_is_deleted(store: &dyn Store) {
    assert_refused!(store.create_source(source(1, 7, 1)).await, Error::NotFound(Kind::Organization));
    create(store).await;
    assert_refused!(store.create_source(source(1, 7, 9)).await, Error::Conflict(Kind::Source));
    assert_refused!(store.create_source(source(2, 9, 1)).await, Error::Conflict(Kind::Source));
    assert_refused!(store.create_source(source(2, 7, 9)).await, Error::Conflict(Kind::Source));
    assert_eq!(store.list_sources(org(1)).await.expect("list"), [source(1, 5, 2), source(1, 7, 1)]);
    let find = async |token| store.find_source(SecretHash([token; 32])).await.expect("find");
    assert_eq!(find(2).await, Some(Arc::new(source(1, 5, 2))));
    assert_eq!(find(9).await, None);

    assert_refused!(store.delete_source(org(1), SourceId::from_raw(6)).await, Error::NotFound(Kind::Source));
    store.delete_source(org(1), SourceId::from_raw(5)).await.expect("delete");
    assert_eq!(find(2).await, None);
    assert_eq!(store.list_sources(org(1)).await.expect("list"), [source(1, 7, 1)]);
}

pub async fn a_change_of_a_source_changes_what_it_names(store: &dyn Store) {
    create(store).await;
    let change = |id, change| store.update_source(org(1), SourceId::from_raw(id), change);
    change(7, SourceChange::default()).await.expect("change nothing");
    assert_eq!(store.list_sources(org(1)).await.expect("list")[1], source(1, 7, 1));
    change(7, SourceChange { name: Some("barn".to_owned()), ..SourceChange::default() }).await.expect("change");
    change(7, SourceChange { auto_add: Some(true), ..SourceChange::default() }).await.expect("change");
    let expected = Source { name: "barn".to_owned(), auto_add: true, ..source(1, 7, 1) };
    assert_eq!(store.list_sources(org(1)).await.expect("list"), [source(1, 5, 2), expected.clone()]);
    assert_eq!(store.find_source(SecretHash([1; 32])).await.expect("find"), Some(Arc::new(expected)));
    assert_refused!(change(6, SourceChange::default()).await, Error::NotFound(Kind::Source));
}

pub async fn a_token_that_gave_way_is_found_until_the_next_one_does(store: &dyn Store) {
    create(store).await;
    let rotate =
        |token, until| store.rotate_source_token(org(1), SourceId::from_raw(7), SecretHash([token; 32]), at(until));
    let find = async |token| store.find_source(SecretHash([token; 32])).await.expect("find");
    assert_eq!(find(1).await, Some(Arc::new(source(1, 7, 1))));

    rotate(11, 20).await.expect("rotate");
    let previous = Some(PreviousToken { token: SecretHash([1; 32]), until: at(20) });
    let rotated = Source { token: SecretHash([11; 32]), previous, ..source(1, 7, 1) };
    assert_eq!(find(1).await, Some(Arc::new(rotated.clone())));
    assert_eq!(find(11).await, Some(Arc::new(rotated.clone())));
    assert_eq!(store.list_sources(org(1)).await.expect("list")[1], rotated);
    assert!(rotated.has_token(SecretHash([1; 32]), at(19)) && !rotated.has_token(SecretHash([1; 32]), at(20)));

    rotate(12, 30).await.expect("rotate");
    assert_eq!(find(1).await, None, "only the last one overlaps");
    let previous = Some(PreviousToken { token: SecretHash([11; 32]), until: at(30) });
    let rotated = Source { token: SecretHash([12; 32]), previous, ..source(1, 7, 1) };
    assert_eq!(find(11).await, Some(Arc::new(rotated.clone())));
    assert_eq!(find(12).await, Some(Arc::new(rotated)));
    store.delete_source(org(1), SourceId::from_raw(7)).await.expect("delete");
    assert_eq!((find(11).await, find(12).await), (None, None));
}

pub async fn a_token_that_any_source_has_or_had_before_is_taken(store: &dyn Store) {
    create(store).await;
    let rotate = |id, token| store.rotate_source_token(org(1), SourceId::from_raw(id), SecretHash([token; 32]), at(9));
    assert_refused!(rotate(6, 11).await, Error::NotFound(Kind::Source));
    assert_refused!(rotate(6, 3).await, Error::NotFound(Kind::Source));
    rotate(7, 11).await.expect("rotate");
    for taken in [1, 2, 3, 11] {
        assert_refused!(rotate(7, taken).await, Error::Conflict(Kind::Source));
        assert_refused!(rotate(5, taken).await, Error::Conflict(Kind::Source));
        assert_refused!(store.create_source(source(2, 8, taken)).await, Error::Conflict(Kind::Source));
        let previous = Some(PreviousToken { token: SecretHash([taken; 32]), until: at(9) });
        let overlapping = Source { previous, ..source(2, 8, 30) };
        assert_refused!(store.create_source(overlapping).await, Error::Conflict(Kind::Source));
    }
    rotate(7, 12).await.expect("rotate");
    rotate(5, 1).await.expect("nobody has it any more");
    let previous = Some(PreviousToken { token: SecretHash([31; 32]), until: at(9) });
    let overlapping = Source { previous, ..source(2, 8, 30) };
    store.create_source(overlapping.clone()).await.expect("create");
    assert_eq!(store.find_source(SecretHash([31; 32])).await.expect("find"), Some(Arc::new(overlapping)));
}

pub async fn rules_about_models_read_back_in_their_order(store: &dyn Store) {
    create(store).await;
    let id = SourceId::from_raw;
    let rule = |hint: &str| ModelRule { hint: hint.to_owned(), model: "S2101".to_owned() };
    let list = async |source| store.list_model_rules(org(1), id(source)).await.expect("list");
    store.set_model_rules(org(1), id(7), vec![rule("b"), rule("a"), rule("b")]).await.expect("set");
    store.set_model_rules(org(1), id(5), vec![rule("c")]).await.expect("set");
    assert_eq!((list(7).await, list(5).await), (vec![rule("b"), rule("a"), rule("b")], vec![rule("c")]));
    assert_eq!(store.list_model_rules(org(2), id(7)).await.expect("list"), [], "it is another organization's");
    assert_refused!(store.set_model_rules(org(2), id(7), vec![rule("x")]).await, Error::NotFound(Kind::Source));
    let many = vec![rule("x"); MODEL_RULES_MAX + 1];
    assert_refused!(store.set_model_rules(org(1), id(7), many).await, Error::Limit { .. });
    store.set_model_rules(org(1), id(7), vec![rule("a")]).await.expect("set");
    assert_eq!(list(7).await, [rule("a")]);
    store.delete_source(org(1), id(7)).await.expect("delete");
    store.create_source(source(1, 7, 1)).await.expect("create");
    assert_eq!((list(7).await, list(5).await), (vec![], vec![rule("c")]), "it starts anew");
}

pub async fn what_sources_bring_adds_up_and_their_times_move_only_forward(store: &dyn Store) {
    create(store).await;
    assert_eq!(store.list_source_health(org(1)).await.expect("list"), [health(5), health(7)]);
    let note = |number, id, messages, minute: Option<i64>, error: Option<(i64, &str)>| SourceNote {
        org: org(number),
        id: SourceId::from_raw(id),
        messages,
        last_message_at: minute.map(at),
        last_error: error.map(|(minute, why)| (at(minute), why.to_owned())),
    };
    store.note_sources(vec![note(1, 7, 3, Some(30), None), note(1, 5, 0, None, Some((31, "no")))]).await.expect("note");
    let late = [note(1, 7, 4, Some(29), Some((9, "odd"))), note(1, 5, 1, Some(2), Some((30, "older")))];
    store.note_sources(late.to_vec()).await.expect("note");
    // No such source; one of another organization.
    store.note_sources(vec![note(1, 9, 1, Some(50), None), note(1, 6, 1, Some(50), None)]).await.expect("note");
    let expected = [
        SourceHealth {
            messages: 1,
            last_message_at: Some(at(2)),
            last_error_at: Some(at(31)),
            last_error: "no".to_owned(),
            ..health(5)
        },
        SourceHealth {
            messages: 7,
            last_message_at: Some(at(30)),
            last_error_at: Some(at(9)),
            last_error: "odd".to_owned(),
            ..health(7)
        },
    ];
    assert_eq!(store.list_source_health(org(1)).await.expect("list"), expected);
    assert_eq!(store.list_source_health(org(2)).await.expect("list"), [health(6)]);
    store
        .note_sources(vec![note(1, 5, 0, None, Some((31, "same time"))), note(1, 5, 0, None, None)])
        .await
        .expect("note");
    assert_eq!(store.list_source_health(org(1)).await.expect("list")[0].last_error, "same time");

    store.delete_source(org(1), SourceId::from_raw(5)).await.expect("delete");
    store.create_source(source(1, 5, 2)).await.expect("create");
    assert_eq!(store.list_source_health(org(1)).await.expect("list")[0], health(5), "it starts anew");
}

pub async fn a_broker_is_a_sources_until_it_is_removed_or_the_source_is(store: &dyn Store) {
    create(store).await;
    let broker = |org_number, id| Broker {
        org: org(org_number),
        source: SourceId::from_raw(id),
        url: "mqtts://broker.farm:8884".parse().expect("url"),
        user: "station".to_owned(),
        password: vec![0, 1, 255],
        ca_pem: "-----BEGIN CERTIFICATE-----\n".to_owned(),
        topics: vec!["application/+/device/+/event/up".to_owned(), "v3/#".to_owned()],
    };
    assert_refused!(store.set_broker(broker(2, 7)).await, Error::NotFound(Kind::Source));
    for broker in [broker(1, 7), broker(1, 5), broker(2, 6)] {
        store.set_broker(broker).await.expect("set");
    }
    let list = async |of: Option<u64>| store.list_brokers(of.map(org)).await.expect("list");
    assert_eq!(list(Some(1)).await, [(broker(1, 5), None), (broker(1, 7), None)]);
    assert_eq!(list(None).await, [(broker(1, 5), None), (broker(2, 6), None), (broker(1, 7), None)]);

    let state = BrokerState { is_connected: true, trouble: "slow".to_owned(), since: at(9) };
    store.note_broker(org(1), SourceId::from_raw(7), state.clone()).await.expect("note");
    store.note_broker(org(1), SourceId::from_raw(6), state.clone()).await.expect("pass over another's");
    store.note_broker(org(1), SourceId::from_raw(99), state.clone()).await.expect("pass over none");
    assert_eq!(list(Some(1)).await, [(broker(1, 5), None), (broker(1, 7), Some(state))]);
    assert_eq!(list(Some(2)).await, [(broker(2, 6), None)]);

    let bare = Broker { user: String::new(), password: vec![], ca_pem: String::new(), topics: vec![], ..broker(1, 7) };
    store.set_broker(bare.clone()).await.expect("set anew");
    assert_eq!(list(Some(1)).await, [(broker(1, 5), None), (bare, None)], "what was noted is about the one before");
    assert_refused!(store.remove_broker(org(2), SourceId::from_raw(7)).await, Error::NotFound(Kind::Source));
    store.remove_broker(org(1), SourceId::from_raw(7)).await.expect("remove");
    store.remove_broker(org(1), SourceId::from_raw(7)).await.expect("there is none, which is what was asked");
    store.delete_source(org(1), SourceId::from_raw(5)).await.expect("delete");
    assert_eq!(list(None).await, [(broker(2, 6), None)]);
}

pub async fn keeps_how_devices_are_reached(store: &dyn Store) {
    for number in [1, 2] {
        store.create_organization(organization(number)).await.expect("create");
    }
    for source in [source(1, 7, 1), source(2, 6, 2)] {
        store.create_source(source).await.expect("create");
    }
    let downlink = |org_number, id, sealed: &[u8]| Downlink {
        org: org(org_number),
        source: SourceId::from_raw(id),
        eui: eui(1),
        sealed: sealed.to_vec(),
    };
    let find = async |org_number, id, label| {
        store.find_downlink(org(org_number), SourceId::from_raw(id), eui(label)).await.expect("find")
    };
    assert_refused!(store.keep_downlink(downlink(2, 7, b"x")).await, Error::NotFound(Kind::Source));
    assert_eq!(find(1, 7, 1).await, None);
    for sealed in [&[0, 255][..], &[7]] {
        store.keep_downlink(downlink(1, 7, sealed)).await.expect("keep");
        assert_eq!(find(1, 7, 1).await.as_deref(), Some(sealed));
    }
    store.keep_downlink(downlink(2, 6, b"other")).await.expect("keep");
    assert_eq!(find(1, 6, 1).await, None, "another organization's source");
    assert_eq!(find(2, 7, 1).await, None, "another organization");
    assert_eq!(find(1, 7, 2).await, None, "another device");

    store.delete_source(org(1), SourceId::from_raw(7)).await.expect("delete");
    store.create_source(source(1, 7, 3)).await.expect("create again");
    assert_eq!(find(1, 7, 1).await, None);
    assert_eq!(find(2, 6, 1).await.as_deref(), Some(&b"other"[..]));
}
