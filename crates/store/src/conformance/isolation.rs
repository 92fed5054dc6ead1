//! An organization is a wall: what belongs to another one is as if it did not exist.

use model::{
    AccessId, AccessKey, Channel, ChannelIndex, Group, GroupId, OrgId, PasswordHash, Reading, Role, Scopes, SecretHash,
    Window,
};

use super::{
    fixtures::{Probe, assert_refused, at, eui, frame, minutes},
    people::{deed, invite, person, session},
    sources::source,
};
use crate::{
    DeviceChange, DeviceFilter, Error, FrameQuery, Kind, PersonChange, RangeQuery, RowQuery, SegmentQuery, Select,
    SourceChange, SourceNote, Store, StoredUplink,
};

fn uplink(probe: &Probe<'_>, value: f64) -> StoredUplink {
    let readings = [Reading::new(1, 4097, value), Reading::status(3000, value)];
    StoredUplink { frame: Some(frame(&[value as u8])), ..probe.uplink(0, readings) }
}

pub async fn the_same_eui_in_two_organizations_is_two_devices(store: &dyn Store) {
    let (one, two) = (Probe::bind_in(store, 1, 7).await, Probe::bind_in(store, 2, 7).await);
    assert_ne!(one.device, two.device);
    one.append_one(uplink(&one, 1.0)).await;
    two.append_one(uplink(&two, 2.0)).await;
    assert_eq!(one.range(Window::ALL, 10).await, ["1/4097 0m=1"]);
    assert_eq!(two.range(Window::ALL, 10).await, ["1/4097 0m=2"]);
    assert_eq!(one.latest(Select::Statuses).await, ["0/3000 0m=1"]);
    assert_eq!(two.frames(Window::ALL, 10).await[0].frame.payload[..], [2]);

    let owners = store.list_owners(eui(7), 10).await.expect("list");
    assert_eq!(owners.iter().map(|device| device.org).collect::<Vec<_>>(), [one.org, two.org]);
    assert_eq!(owners.iter().map(|device| device.id).collect::<Vec<_>>(), [one.device, two.device]);
    assert_eq!(store.list_owners(eui(7), 1).await.expect("list").len(), 1);
    assert_eq!(store.list_owners(eui(8), 10).await.expect("list"), []);

    let change = DeviceChange { name: Some("mine".to_owned()), ..DeviceChange::default() };
    store.update_device(one.org, eui(7), change).await.expect("change");
    store.unbind_device(two.org, eui(7)).await.expect("unbind");
    assert_eq!(store.find_device(one.org, eui(7)).await.expect("find").expect("still bound").name, "mine");
    let owners = store.list_owners(eui(7), 10).await.expect("list");
    assert_eq!(owners.iter().map(|device| device.name.as_str()).collect::<Vec<_>>(), ["mine"]);
    assert_eq!(one.all_rows(Window::ALL).await.len(), 1);
}

pub async fn readings_under_another_organizations_device_id_are_not_to_be_had(store: &dyn Store) {
    let (mine, other) = (Probe::bind_in(store, 1, 1).await, Probe::bind_in(store, 2, 2).await);
    for number in 0..400 {
        other.append_one(StoredUplink { received_at: at(number), ..uplink(&other, 1.0) }).await;
    }
    for org in [mine.org, OrgId::from_raw(1)] {
        let (device, select, window, limit) = (other.device, Select::READINGS, Window::ALL, 10);
        assert_eq!(store.latest(org, device, select).await.expect("latest"), []);
        let range = RangeQuery { device, select, window, limit };
        assert_eq!(store.range(org, range).await.expect("range"), []);
        for hidden in [false, true] {
            let rows = RowQuery { device, window, limit, hidden };
            assert_eq!(store.rows(org, rows).await.expect("rows"), []);
        }
        let segments = SegmentQuery { device, select, window: minutes(0..10), width_ms: 600_000, limit };
        assert_eq!(store.segments(org, segments).await.expect("segments"), []);
        assert_eq!(store.frames(org, FrameQuery { device, window, limit }).await.expect("frames"), []);
        assert_eq!(store.last_heard(org, device).await.expect("last heard"), None);
        assert_eq!(store.count_um(org).await.expect("count um"), 0);
    }
}

pub async fn a_new_decoding_hides_nothing_of_another_device(store: &dyn Store) {
    let (mine, other) = (Probe::bind_in(store, 1, 1).await, Probe::bind_in(store, 2, 1).await);
    let second = Probe::bind_in(store, 1, 2).await;
    for stranger in [&other, &second] {
        let position = stranger.append_one(uplink(stranger, 1.0)).await;
        mine.append_one(mine.redecode(position, 0, [])).await;
        assert_eq!(stranger.range(Window::ALL, 10).await, ["1/4097 0m=1"]);
        assert_eq!(stranger.latest(Select::READINGS).await, ["1/4097 0m=1"]);
    }
}

pub async fn anothers_devices_answer_as_unknown(store: &dyn Store) {
    let (mine, other) = (Probe::bind_in(store, 1, 1).await, Probe::bind_in(store, 2, 2).await);
    let nothing = || DeviceChange::default();
    let channel = Channel {
        index: ChannelIndex(1),
        name: "mine".to_owned(),
        sensor_type: None,
        sensor_id: String::new(),
        measurements: Vec::new(),
        created_at: at(0),
    };
    assert_eq!(store.find_device(mine.org, other.eui).await.expect("find"), None);
    assert_refused!(store.unbind_device(mine.org, other.eui).await, Error::NotFound(Kind::Device));
    assert_refused!(store.update_device(mine.org, other.eui, nothing()).await, Error::NotFound(Kind::Device));
    assert_refused!(store.describe_channel(mine.org, other.eui, channel).await, Error::NotFound(Kind::Device));
    assert_refused!(store.move_devices_to_group(mine.org, &[other.eui], None).await, Error::NotFound(Kind::Device));
    let listed = store.list_devices(mine.org, DeviceFilter::default(), None, 10).await.expect("list");
    assert_eq!(listed.iter().map(|device| device.eui).collect::<Vec<_>>(), [mine.eui]);
    assert!(store.find_device(other.org, other.eui).await.expect("find").is_some_and(|it| it.channels.is_empty()));
}

pub async fn anothers_groups_answer_as_unknown(store: &dyn Store) {
    let (mine, other) = (Probe::bind_in(store, 1, 1).await, Probe::bind_in(store, 2, 2).await);
    let id = GroupId::from_raw(9);
    let group = Group { org: other.org, id, name: "barn".to_owned() };
    store.create_group(group.clone()).await.expect("create");
    assert_refused!(store.rename_group(mine.org, id, "field").await, Error::NotFound(Kind::Group));
    assert_refused!(store.delete_group(mine.org, id).await, Error::NotFound(Kind::Group));
    assert_refused!(store.move_devices_to_group(mine.org, &[mine.eui], Some(id)).await, Error::NotFound(Kind::Group));
    let binding = crate::Binding { group: Some(id), ..super::fixtures::binding(mine.org, eui(3)) };
    assert_refused!(store.bind_device(binding).await, Error::NotFound(Kind::Group));
    assert_eq!(store.list_groups(mine.org).await.expect("list"), []);
    assert_eq!(store.list_groups(other.org).await.expect("list"), [group]);
}

pub async fn anothers_keys_and_sources_answer_as_unknown(store: &dyn Store) {
    let (mine, other) = (Probe::bind_in(store, 1, 1).await, Probe::bind_in(store, 2, 2).await);
    let id = AccessId::from_random([1; 16]);
    let key = AccessKey::new(id, other.org, SecretHash([1; 32]), String::new(), Scopes::READ_WRITE, at(0));
    let source = source(2, 5, 2);
    store.create_access_key(key.clone()).await.expect("create");
    store.create_source(source.clone()).await.expect("create");
    assert_refused!(store.revoke_access_key(mine.org, key.id, at(1)).await, Error::NotFound(Kind::AccessKey));
    assert_refused!(store.delete_source(mine.org, source.id).await, Error::NotFound(Kind::Source));
    let change = SourceChange { name: Some("mine".to_owned()), auto_add: Some(true) };
    assert_refused!(store.update_source(mine.org, source.id, change).await, Error::NotFound(Kind::Source));
    let rotated = store.rotate_source_token(mine.org, source.id, SecretHash([9; 32]), at(9)).await;
    assert_refused!(rotated, Error::NotFound(Kind::Source));
    let (org, id, last_message_at) = (mine.org, source.id, Some(at(1)));
    let last_error = Some((at(1), "mine".to_owned()));
    store.note_sources(vec![SourceNote { org, id, messages: 1, last_message_at, last_error }]).await.expect("note");
    assert_eq!(store.list_source_health(mine.org).await.expect("list"), []);
    let health = store.list_source_health(other.org).await.expect("list");
    assert_eq!((health.len(), health[0].messages, health[0].last_error_at), (1, 0, None));
    assert_eq!(store.list_access_keys(mine.org).await.expect("list"), []);
    assert_eq!(store.list_sources(mine.org).await.expect("list"), []);
    assert_eq!(store.list_access_keys(other.org).await.expect("list"), [key]);
    assert_eq!(store.list_sources(other.org).await.expect("list"), [source]);
}

pub async fn anothers_people_invites_and_sessions_answer_as_unknown(store: &dyn Store) {
    let (mine, other) = (Probe::bind_in(store, 1, 1).await, Probe::bind_in(store, 2, 2).await);
    let (person, invite) = (person(2, 5, Role::Viewer), invite(Some(2), 3));
    store.create_person(person.clone()).await.expect("create");
    store.create_invite(invite.clone()).await.expect("create");
    store.create_session(session(5, 4, 1)).await.expect("create");
    store.record(deed(2, 1)).await.expect("record");

    let password = Some(PasswordHash("$mine".to_owned()));
    let change = PersonChange { role: Some(Role::Owner), password, ..PersonChange::default() };
    assert_refused!(store.update_person(mine.org, person.id, change).await, Error::NotFound(Kind::Person));
    assert_refused!(store.remove_person(mine.org, person.id).await, Error::NotFound(Kind::Person));
    assert_refused!(store.delete_invite(Some(mine.org), invite.token).await, Error::NotFound(Kind::Invite));
    assert_refused!(store.delete_invite(None, invite.token).await, Error::NotFound(Kind::Invite));
    assert_refused!(store.end_session(mine.org, SecretHash([4; 32])).await, Error::NotFound(Kind::Session));
    assert_eq!(store.list_people(mine.org).await.expect("list"), []);
    assert_eq!(store.list_invites(mine.org).await.expect("list"), []);
    assert_eq!(store.list_sessions(mine.org).await.expect("list"), []);
    assert_eq!(store.list_deeds(mine.org, None, 10).await.expect("list"), []);

    assert_eq!(store.list_people(other.org).await.expect("list"), [person]);
    assert_eq!(store.list_invites(other.org).await.expect("list"), [invite]);
    assert_eq!(store.list_sessions(other.org).await.expect("list"), [session(5, 4, 1)]);
    let deeds = store.list_deeds(other.org, None, 10).await.expect("list");
    assert_eq!(deeds.into_iter().map(|(_, deed)| deed).collect::<Vec<_>>(), [deed(2, 1)]);
}
