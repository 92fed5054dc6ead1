//! Other stations that organizations mirror.

use model::{Mirror, MirrorId};

use super::fixtures::{assert_refused, at, org, organization};
use crate::{Error, Kind, MIRRORS_MAX, Store};

fn mirror(org_number: u64, id: u64) -> Mirror {
    Mirror {
        org: org(org_number),
        id: MirrorId::from_raw(id),
        station: "https://station.example.org".to_owned(),
        access_id: format!("ID{id}"),
        access_key: vec![0, 255, 7],
        since: at(-5),
        budget_dm: Some(u64::MAX >> 1),
        calls_per_minute: 40,
        streams: true,
        stream_at: Some("mqtts://stream.example.org".parse().expect("an address")),
        is_paused: false,
        compare_until: Some(at(9)),
        created_at: at(3),
    }
}

async fn create(store: &dyn Store) {
    for number in [1, 2] {
        store.create_organization(organization(number)).await.expect("create");
    }
}

pub async fn a_mirror_reads_back_as_it_was_set_last(store: &dyn Store) {
    assert_refused!(store.set_mirror(mirror(1, 7)).await, Error::NotFound(Kind::Organization));
    create(store).await;
    for mirror in [mirror(1, 7), mirror(2, 5), mirror(1, 3)] {
        store.set_mirror(mirror).await.expect("set");
    }
    let bare = Mirror {
        budget_dm: None,
        compare_until: None,
        is_paused: true,
        streams: false,
        stream_at: None,
        ..mirror(1, 7)
    };
    store.set_mirror(bare.clone()).await.expect("set anew");
    let list = async |of: Option<u64>| store.list_mirrors(of.map(org)).await.expect("list");
    assert_eq!(list(Some(1)).await, [mirror(1, 3), bare.clone()]);
    assert_eq!(list(None).await, [mirror(1, 3), bare, mirror(2, 5)]);
}

pub async fn a_mirror_is_its_organizations_alone(store: &dyn Store) {
    create(store).await;
    store.set_mirror(mirror(1, 7)).await.expect("set");
    store.set_mirror(Mirror { station: "global".to_owned(), ..mirror(2, 7) }).await.expect("another's of that name");
    assert_eq!(store.list_mirrors(Some(org(1))).await.expect("list"), [mirror(1, 7)]);
    store.remove_mirror(org(2), MirrorId::from_raw(7)).await.expect("remove");
    assert_eq!(store.list_mirrors(Some(org(1))).await.expect("list"), [mirror(1, 7)]);
    assert_refused!(store.remove_mirror(org(2), MirrorId::from_raw(7)).await, Error::NotFound(Kind::Mirror));
}

pub async fn an_account_is_mirrored_once_and_a_bounded_number_of_them(store: &dyn Store) {
    create(store).await;
    store.set_mirror(mirror(1, 0)).await.expect("set");
    let same = Mirror { access_id: mirror(1, 0).access_id, ..mirror(1, 99) };
    assert_refused!(store.set_mirror(same.clone()).await, Error::Conflict(Kind::Mirror));
    store.set_mirror(Mirror { station: "china".to_owned(), ..same }).await.expect("elsewhere");
    for id in 2..MIRRORS_MAX as u64 {
        store.set_mirror(mirror(1, id)).await.expect("set");
    }
    assert_refused!(store.set_mirror(mirror(1, 100)).await, Error::Limit { .. });
    store.set_mirror(mirror(1, 2)).await.expect("a change is none more");
    store.remove_mirror(org(1), MirrorId::from_raw(2)).await.expect("remove");
    store.set_mirror(mirror(1, 100)).await.expect("there is room");
}
