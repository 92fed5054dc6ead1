//! How long history is to be kept.

use model::{DeviceId, Group, GroupId, Keep, Retention, RetentionRules};

use super::fixtures::{Probe, assert_refused, eui, org, organization};
use crate::{Error, Kind, Store};

const READINGS: Retention = Retention { readings: Some(Keep::Forever), frames: None };

async fn create_group(store: &dyn Store, organization: u64, id: u64) -> GroupId {
    let id = GroupId::from_raw(id);
    let group = Group { org: org(organization), id, name: id.to_string() };
    store.create_group(group).await.expect("create a group");
    id
}

async fn rules(store: &dyn Store, organization: u64) -> RetentionRules {
    store.get_retention(org(organization)).await.expect("get retention")
}

async fn set(store: &dyn Store, organization: u64, group: Option<GroupId>, retention: Retention) {
    store.set_retention(org(organization), group, retention).await.expect("set retention");
}

fn days(readings: u32, frames: u32) -> Retention {
    Retention { readings: Keep::days(readings).ok(), frames: Keep::days(frames).ok() }
}

pub async fn nothing_is_said_until_somebody_does(store: &dyn Store) {
    store.create_organization(organization(1)).await.expect("create");
    assert_eq!(rules(store, 1).await, RetentionRules::default());
    assert_eq!(rules(store, 2).await, RetentionRules::default());
}

pub async fn what_is_said_reads_back_until_it_is_taken_back(store: &dyn Store) {
    for number in [1, 2] {
        store.create_organization(organization(number)).await.expect("create");
    }
    let (barn, field) = (create_group(store, 1, 1).await, create_group(store, 1, 2).await);
    set(store, 1, None, days(30, 7)).await;
    set(store, 1, Some(barn), READINGS).await;
    set(store, 1, Some(field), days(1, Keep::DAYS_MAX)).await;
    let groups = [(barn, READINGS), (field, days(1, Keep::DAYS_MAX))];
    assert_eq!(rules(store, 1).await, RetentionRules { organization: days(30, 7), groups: groups.into() });
    assert_eq!(rules(store, 2).await, RetentionRules::default());
    set(store, 1, Some(field), Retention::default()).await;
    set(store, 1, None, Retention::default()).await;
    assert_eq!(
        rules(store, 1).await,
        RetentionRules { organization: Retention::default(), groups: [groups[0]].into() }
    );
}

pub async fn what_a_group_says_goes_with_the_group(store: &dyn Store) {
    store.create_organization(organization(1)).await.expect("create");
    let barn = create_group(store, 1, 1).await;
    set(store, 1, Some(barn), READINGS).await;
    store.delete_group(org(1), barn).await.expect("delete");
    assert_eq!(rules(store, 1).await, RetentionRules::default());
    create_group(store, 1, 1).await;
    assert_eq!(rules(store, 1).await, RetentionRules::default());
}

pub async fn refuses_what_is_said_of_somebody_elses_group(store: &dyn Store) {
    assert_refused!(store.set_retention(org(1), None, READINGS).await, Error::NotFound(Kind::Organization));
    for number in [1, 2] {
        store.create_organization(organization(number)).await.expect("create");
    }
    let barn = create_group(store, 1, 1).await;
    assert_refused!(store.set_retention(org(2), Some(barn), READINGS).await, Error::NotFound(Kind::Group));
    assert_eq!(rules(store, 1).await, RetentionRules::default());
    assert_eq!(rules(store, 2).await, RetentionRules::default());
}

pub async fn histories_are_listed_with_their_groups_unbound_ones_too(store: &dyn Store) {
    let [first, second, third] = [1, 2, 3].map(|number| Probe::bind_in(store, 1, number));
    let (first, second, third) = (first.await.device, second.await.device, third.await.device);
    let other = Probe::bind_in(store, 2, 1).await.device;
    let barn = create_group(store, 1, 1).await;
    store.move_devices_to_group(org(1), &[eui(1), eui(3)], Some(barn)).await.expect("move");
    store.unbind_device(org(1), eui(1)).await.expect("unbind");
    let list = async |after: Option<DeviceId>, limit| store.list_histories(org(1), after, limit).await.expect("list");
    let all = [(first, Some(barn)), (second, None), (third, Some(barn))];
    assert_eq!(list(None, 10).await, all);
    assert_eq!(list(None, 2).await, all[..2]);
    assert_eq!(list(Some(first), 10).await, all[1..]);
    assert_eq!(list(Some(third), 10).await, []);
    assert_eq!(store.list_histories(org(2), None, 10).await.expect("list"), [(other, None)]);
    store.delete_group(org(1), barn).await.expect("delete");
    assert_eq!(list(None, 10).await, [(first, None), (second, None), (third, None)]);
}
