//! Organizations, access keys and groups.

use std::{
    num::{NonZeroU32, NonZeroU64},
    sync::Arc,
};

use model::{
    AccessId, AccessKey, Allowance, Group, GroupId, KeyLimits, Organization, Period, Rate, Scopes, SecretHash,
};

use super::fixtures::{Probe, assert_refused, at, binding, eui, org, organization};
use crate::{Charge, Error, GROUPS_MAX, Kind, Store, Used};

fn key(org_number: u64, byte: u8) -> AccessKey {
    let id = AccessId::from_random([byte; 16]);
    AccessKey::new(id, org(org_number), SecretHash([byte; 32]), format!("key {byte}"), Scopes::READ_WRITE, at(1))
}

fn charge(org_number: u64, byte: u8, dm: u64, minute: i64) -> Charge {
    let (id, used) = (key(1, byte).id, Used { calls: 1, dm, ..Used::default() });
    Charge { org: org(org_number), id, endpoint: "/a", device: None, last_used_at: at(minute), used }
}

fn group(org_number: u64, id: u64, name: &str) -> Group {
    Group { org: org(org_number), id: GroupId::from_raw(id), name: name.to_owned() }
}

async fn group_names(store: &dyn Store, org_number: u64) -> Vec<String> {
    let groups = store.list_groups(org(org_number)).await.expect("list groups");
    groups.into_iter().map(|group| group.name).collect()
}

pub async fn an_organization_reads_back_and_its_id_is_taken(store: &dyn Store) {
    assert_refused!(store.get_organization(org(1)).await, Error::NotFound(Kind::Organization));
    store.create_organization(organization(1)).await.expect("create");
    assert_eq!(store.get_organization(org(1)).await.expect("get"), organization(1));
    assert_refused!(store.create_organization(organization(1)).await, Error::Conflict(Kind::Organization));
}

pub async fn lists_organizations_by_id_in_pages(store: &dyn Store) {
    for number in [3, 1, 4, 2] {
        store.create_organization(organization(number)).await.expect("create");
    }
    let all = store.list_organizations(None, 10).await.expect("list");
    assert_eq!(all, [1, 2, 3, 4].map(organization));
    let page = store.list_organizations(Some(org(2)), 1).await.expect("list");
    assert_eq!(page, [organization(3)]);
    assert_eq!(store.list_organizations(Some(org(4)), 1).await.expect("list"), []);
}

pub async fn a_renamed_organization_keeps_everything_else(store: &dyn Store) {
    assert_refused!(store.rename_organization(org(1), "farm").await, Error::NotFound(Kind::Organization));
    for number in [1, 2] {
        store.create_organization(organization(number)).await.expect("create");
    }
    store.rename_organization(org(1), "farm").await.expect("rename");
    let renamed = Organization { name: "farm".to_owned(), ..organization(1) };
    assert_eq!(store.get_organization(org(1)).await.expect("get"), renamed);
    assert_eq!(store.list_organizations(None, 10).await.expect("list"), [renamed, organization(2)]);
}

pub async fn an_access_key_reads_back(store: &dyn Store) {
    store.create_organization(organization(1)).await.expect("create");
    let scopes = Scopes { read: true, write: false, manage: true };
    let keys = [
        AccessKey { scopes, app_password: Some(SecretHash([9; 32])), ..key(1, 5) },
        AccessKey { name: String::new(), ..key(1, 9) },
    ];
    for key in keys.iter().rev() {
        store.create_access_key(key.clone()).await.expect("create");
    }
    assert_eq!(store.list_access_keys(org(1)).await.expect("list"), keys);
    assert_eq!(store.find_access_key(keys[0].id).await.expect("find"), Some(Arc::new(keys[0].clone())));
    assert_eq!(store.find_access_key(key(1, 7).id).await.expect("find"), None);
}

pub async fn what_narrows_a_key_reads_back_and_outlives_its_groups(store: &dyn Store) {
    store.create_organization(organization(1)).await.expect("create");
    store.create_group(group(1, 9, "barn")).await.expect("create");
    let limits = KeyLimits {
        expires_at: Some(at(90)),
        origins: vec!["https://farm.example.org".to_owned(), "http://localhost:8080".to_owned()],
        groups: vec![GroupId::from_raw(9), GroupId::from_raw(u64::MAX)],
        rate: Some(Rate { per_minute: NonZeroU32::MAX, burst: NonZeroU32::MIN }),
        dm: Some(Allowance { amount: NonZeroU64::MIN, period: Period::Day }),
    };
    let one = KeyLimits { origins: vec![String::new()], groups: vec![GroupId::from_raw(0)], ..KeyLimits::default() };
    let narrow = [AccessKey { limits, ..key(1, 5) }, AccessKey { limits: one, calls: 7, dm: 8, ..key(1, 6) }];
    for key in &narrow {
        store.create_access_key(key.clone()).await.expect("create");
    }
    // A key for a group that is gone reaches nothing, and not everything.
    store.delete_group(org(1), GroupId::from_raw(9)).await.expect("delete");
    assert_eq!(store.list_access_keys(org(1)).await.expect("list"), narrow);
    for key in narrow {
        assert_eq!(store.find_access_key(key.id).await.expect("find"), Some(Arc::new(key)));
    }
}

pub async fn refuses_a_key_of_an_unknown_organization_or_with_a_taken_id(store: &dyn Store) {
    assert_refused!(store.create_access_key(key(1, 5)).await, Error::NotFound(Kind::Organization));
    for number in [1, 2] {
        store.create_organization(organization(number)).await.expect("create");
    }
    store.create_access_key(key(1, 5)).await.expect("create");
    assert_refused!(store.create_access_key(key(1, 5)).await, Error::Conflict(Kind::AccessKey));
    // The id alone says whose key it is.
    assert_refused!(store.create_access_key(key(2, 5)).await, Error::Conflict(Kind::AccessKey));
}

pub async fn the_first_revocation_of_a_key_keeps_its_time(store: &dyn Store) {
    store.create_organization(organization(1)).await.expect("create");
    store.create_access_key(key(1, 5)).await.expect("create");
    let id = key(1, 5).id;
    store.revoke_access_key(org(1), id, at(10)).await.expect("revoke");
    store.revoke_access_key(org(1), id, at(20)).await.expect("revoke again");
    let found = store.find_access_key(id).await.expect("find").expect("a revoked key is still found");
    assert_eq!(found.revoked_at, Some(at(10)));
    assert_eq!(store.list_access_keys(org(1)).await.expect("list")[0].revoked_at, Some(at(10)));
    assert_refused!(store.revoke_access_key(org(1), key(1, 6).id, at(10)).await, Error::NotFound(Kind::AccessKey));
}

pub async fn charges_add_up_and_the_last_use_moves_only_forward(store: &dyn Store) {
    store.create_organization(organization(1)).await.expect("create");
    store.create_access_key(key(1, 5)).await.expect("create");
    store.create_access_key(key(1, 6)).await.expect("create");
    assert_eq!(store.count_dm(org(1)).await.expect("count"), 0);
    let charge = |byte, dm, minute| charge(1, byte, dm, minute);
    let found = store.find_access_key(key(1, 5).id).await.expect("find");
    store.charge(vec![charge(5, 100, 30), charge(6, 20, 31), charge(5, 3, 29)]).await.expect("charge");
    store.charge(vec![charge(5, 1_000, 28)]).await.expect("charge");
    assert_eq!(store.count_dm(org(1)).await.expect("count"), 1_123);
    let charged = [
        AccessKey { last_used_at: Some(at(30)), calls: 3, dm: 1_103, ..key(1, 5) },
        AccessKey { last_used_at: Some(at(31)), calls: 1, dm: 20, ..key(1, 6) },
    ];
    assert_eq!(store.list_access_keys(org(1)).await.expect("list"), charged);
    assert_eq!(found, Some(Arc::new(key(1, 5))), "an answer once given does not change");
    for key in charged {
        assert_eq!(store.find_access_key(key.id).await.expect("find"), Some(Arc::new(key)));
    }
}

pub async fn charges_of_keys_that_are_not_there_are_passed_over(store: &dyn Store) {
    for number in [1, 2] {
        store.create_organization(organization(number)).await.expect("create");
    }
    store.create_access_key(key(1, 5)).await.expect("create");
    let charge = |number, byte| charge(number, byte, 7, 9);
    // No such key; no such key in that organization; one that counts.
    store.charge(vec![charge(1, 6), charge(2, 5), charge(1, 5)]).await.expect("charge");
    assert_eq!(store.count_dm(org(1)).await.expect("count"), 7);
    assert_eq!(store.count_dm(org(2)).await.expect("count"), 0);
}

pub async fn groups_list_in_the_order_they_were_created(store: &dyn Store) {
    assert_refused!(store.create_group(group(1, 9, "barn")).await, Error::NotFound(Kind::Organization));
    store.create_organization(organization(1)).await.expect("create");
    for (id, name) in [(9, "barn"), (3, "attic"), (7, "field")] {
        store.create_group(group(1, id, name)).await.expect("create");
    }
    store.delete_group(org(1), GroupId::from_raw(9)).await.expect("delete");
    store.create_group(group(1, 1, "barn")).await.expect("create");
    let groups = store.list_groups(org(1)).await.expect("list");
    assert_eq!(groups, [group(1, 3, "attic"), group(1, 7, "field"), group(1, 1, "barn")]);
}

pub async fn refuses_a_group_name_that_is_taken(store: &dyn Store) {
    for number in [1, 2] {
        store.create_organization(organization(number)).await.expect("create");
    }
    store.create_group(group(1, 1, "barn")).await.expect("create");
    store.create_group(group(1, 2, "field")).await.expect("create");
    assert_refused!(store.create_group(group(1, 3, "barn")).await, Error::Conflict(Kind::Group));
    store.create_group(group(2, 4, "barn")).await.expect("another organization may have the name too");

    let rename = |id, name| store.rename_group(org(1), GroupId::from_raw(id), name);
    assert_refused!(rename(2, "barn").await, Error::Conflict(Kind::Group));
    assert_refused!(rename(8, "attic").await, Error::NotFound(Kind::Group));
    rename(2, "field").await.expect("its own name is not taken");
    rename(2, "meadow").await.expect("rename");
    assert_eq!(group_names(store, 1).await, ["barn", "meadow"]);
}

pub async fn refuses_more_than_fifty_groups(store: &dyn Store) {
    for number in [1, 2] {
        store.create_organization(organization(number)).await.expect("create");
    }
    for id in 0..GROUPS_MAX as u64 {
        store.create_group(group(1, id, &format!("group {id}"))).await.expect("create");
    }
    assert_refused!(store.create_group(group(1, 99, "one more")).await, Error::Limit { max: 50, .. });
    store.create_group(group(2, 100, "another's first")).await.expect("create");
    store.delete_group(org(1), GroupId::from_raw(7)).await.expect("delete");
    store.create_group(group(1, 99, "one more")).await.expect("there is room again");
}

pub async fn deleting_a_group_moves_its_devices_to_the_default_one(store: &dyn Store) {
    store.create_organization(organization(1)).await.expect("create");
    for (id, name) in [(1, "barn"), (2, "field")] {
        store.create_group(group(1, id, name)).await.expect("create");
    }
    for number in [1, 2] {
        let group = Some(GroupId::from_raw(number));
        store.bind_device(crate::Binding { group, ..binding(org(1), eui(number)) }).await.expect("bind");
    }
    store.delete_group(org(1), GroupId::from_raw(1)).await.expect("delete");
    assert_refused!(store.delete_group(org(1), GroupId::from_raw(1)).await, Error::NotFound(Kind::Group));
    let group_of = async |number| store.find_device(org(1), eui(number)).await.expect("find").expect("bound").group;
    assert_eq!(group_of(1).await, None);
    assert_eq!(group_of(2).await, Some(GroupId::from_raw(2)));
}

pub async fn moves_devices_to_a_group_all_or_none(store: &dyn Store) {
    let (first, second) = (Probe::bind_in(store, 1, 1).await, Probe::bind_in(store, 1, 2).await);
    let stranger = Probe::bind_in(store, 2, 3).await;
    store.create_group(group(1, 1, "barn")).await.expect("create");
    let barn = Some(GroupId::from_raw(1));
    let groups = async || {
        let devices = store.list_devices(org(1), Default::default(), None, 10).await.expect("list");
        devices.iter().map(|device| device.group).collect::<Vec<_>>()
    };

    let both = [first.eui, second.eui];
    assert_refused!(
        store.move_devices_to_group(org(1), &both, Some(GroupId::from_raw(2))).await,
        Error::NotFound(Kind::Group)
    );
    let with_stranger = [first.eui, stranger.eui];
    assert_refused!(store.move_devices_to_group(org(1), &with_stranger, barn).await, Error::NotFound(Kind::Device));
    assert_eq!(groups().await, [None, None]);

    store.move_devices_to_group(org(1), &both, barn).await.expect("move");
    assert_eq!(groups().await, [barn, barn]);
    store.move_devices_to_group(org(1), &[second.eui], None).await.expect("move");
    assert_eq!(groups().await, [barn, None]);
}
