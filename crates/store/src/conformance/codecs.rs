//! Codecs that organizations write themselves.

use model::{CodecVersion, UserCodec};

use super::fixtures::{assert_refused, at, org, organization};
use crate::{Error, Kind, Store, USER_CODECS_MAX};

fn codec(number: u64, model: &str, source: &str) -> UserCodec {
    UserCodec {
        org: org(number),
        model: model.to_owned(),
        version: CodecVersion(0),
        source: source.to_owned(),
        table: "a = 1/4097\nb.c[0] = 2/4098 * 0.1".parse().expect("a table"),
        examples: "2 0102 -> 1/4097=1.5, 2/4098=-7".parse().expect("examples"),
        changed_at: at(3),
    }
}

async fn create(store: &dyn Store) {
    for number in [1, 2] {
        store.create_organization(organization(number)).await.expect("create");
    }
}

pub async fn a_codec_reads_back_by_its_model_in_any_case(store: &dyn Store) {
    assert_refused!(store.set_user_codec(codec(1, "Barn", "x")).await, Error::NotFound(Kind::Organization));
    create(store).await;
    assert_eq!(store.set_user_codec(codec(1, "Barn", "x")).await.expect("set"), CodecVersion(1));
    assert_eq!(store.set_user_codec(codec(1, "attic", "ä\n\0")).await.expect("set"), CodecVersion(1));
    let expected = |model, source| UserCodec { version: CodecVersion(1), ..codec(1, model, source) };
    for name in ["Barn", "bARN"] {
        let found = store.find_user_codec(org(1), name).await.expect("find").expect("it is there");
        assert_eq!(*found, expected("Barn", "x"));
    }
    let all = store.list_user_codecs(org(1)).await.expect("list");
    assert_eq!(
        all.iter().map(|codec| (**codec).clone()).collect::<Vec<_>>(),
        [expected("attic", "ä\n\0"), expected("Barn", "x")]
    );
    assert_eq!(store.find_user_codec(org(1), "Stable").await.expect("find"), None);
}

pub async fn each_change_of_a_codec_is_a_version_that_never_comes_again(store: &dyn Store) {
    create(store).await;
    store.set_user_codec(codec(1, "Barn", "x")).await.expect("set");
    assert_eq!(store.set_user_codec(codec(1, "barn", "y")).await.expect("set"), CodecVersion(2));
    let found = store.find_user_codec(org(1), "Barn").await.expect("find").expect("it is there");
    assert_eq!((found.model.as_str(), found.source.as_str(), found.version), ("barn", "y", CodecVersion(2)));
    assert_eq!(store.list_user_codecs(org(1)).await.expect("list").len(), 1);
    store.remove_user_codec(org(1), "BARN").await.expect("remove");
    assert_eq!(store.find_user_codec(org(1), "Barn").await.expect("find"), None);
    assert_eq!(store.list_user_codecs(org(1)).await.expect("list"), []);
    assert_refused!(store.remove_user_codec(org(1), "Barn").await, Error::NotFound(Kind::Codec));
    assert_eq!(store.set_user_codec(codec(1, "Barn", "z")).await.expect("set"), CodecVersion(3));
}

pub async fn a_codec_is_its_organizations_alone(store: &dyn Store) {
    create(store).await;
    store.set_user_codec(codec(1, "Barn", "x")).await.expect("set");
    assert_eq!(store.find_user_codec(org(2), "Barn").await.expect("find"), None);
    assert_eq!(store.list_user_codecs(org(2)).await.expect("list"), []);
    assert_refused!(store.remove_user_codec(org(2), "Barn").await, Error::NotFound(Kind::Codec));
    assert_eq!(store.set_user_codec(codec(2, "Barn", "y")).await.expect("set"), CodecVersion(1));
    let mine = store.find_user_codec(org(1), "Barn").await.expect("find").expect("it is there");
    assert_eq!(mine.source, "x");
}

pub async fn an_organization_has_a_bounded_number_of_codecs(store: &dyn Store) {
    create(store).await;
    for number in 0..USER_CODECS_MAX {
        store.set_user_codec(codec(1, &format!("m{number}"), "x")).await.expect("set");
    }
    assert_refused!(store.set_user_codec(codec(1, "more", "x")).await, Error::Limit { .. });
    store.set_user_codec(codec(1, "m0", "y")).await.expect("a change is none more");
    store.set_user_codec(codec(2, "more", "x")).await.expect("another organization's");
    store.remove_user_codec(org(1), "m1").await.expect("remove");
    store.set_user_codec(codec(1, "more", "x")).await.expect("there is room");
    assert_refused!(store.set_user_codec(codec(1, "m1", "x")).await, Error::Limit { .. });
}
