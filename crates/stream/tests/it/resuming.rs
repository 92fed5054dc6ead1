//! Readers that go and come back, or are slow.

use model::{GroupId, KeyLimits, Reading, Scopes};
use store::{Registry, Telemetry};
use stream::Arrival;

use crate::{
    client::{Client, minute_of},
    support::{App, EUI},
};

/// Lets a reader in that is kept for an hour; whether it was known.
async fn come(app: &mut App, version: u8, member: &crate::support::Member) -> (Client, bool) {
    let mut client = app.client(version);
    let answer = client.connect(member, "bridge", false, 3_600).await;
    assert_eq!(answer[1], 0);
    (client, answer[0] == 1)
}

/// 3.1.1: 3.1.2-4, 3.1.4-3
/// 5: 3.1.2-5, 3.1.4-4
#[tokio::test]
async fn a_reader_that_was_away_receives_everything_since_across_a_restart() {
    for version in [4, 5] {
        let mut app = App::new();
        let member = app.member().await;
        let (mut client, was_known) = come(&mut app, version, &member).await;
        assert!(!was_known);
        assert_eq!(client.subscribe(&[&member.readings("#")], 2).await, [1], "at most QoS 1");
        app.uplinks(member.org, 0..3).await;
        assert_eq!(client.minutes(3).await, [0, 1, 2]);
        client.ping().await;
        client.leave().await;
        app.uplinks(member.org, 3..103).await;
        let mut app = app.restart().await;
        app.uplinks(member.org, 103..150).await;
        let (mut client, was_known) = come(&mut app, version, &member).await;
        assert!(was_known);
        assert_eq!(client.minutes(147).await, (3..150).collect::<Vec<_>>());
        app.uplinks(member.org, 150..160).await;
        assert_eq!(client.minutes(10).await, (150..160).collect::<Vec<_>>());
    }
}

/// Most clients ask for everything once more when they come back.
#[tokio::test]
async fn a_reader_that_subscribes_anew_misses_nothing_of_what_it_was_away_for() {
    for version in [4, 5] {
        let mut app = App::new();
        let member = app.member().await;
        let (mut client, _) = come(&mut app, version, &member).await;
        client.subscribe(&[&member.readings("#")], 1).await;
        client.leave().await;
        app.uplinks(member.org, 0..10).await;
        let (mut client, was_known) = come(&mut app, version, &member).await;
        assert!(was_known);
        let minutes = client.subscribe_anew(&member.readings("#"), 10).await;
        assert_eq!(minutes, (0..10).collect::<Vec<_>>());
        client.ping().await;
    }
}

#[tokio::test]
async fn what_was_not_acknowledged_comes_again() {
    let mut app = App::new();
    let member = app.member().await;
    let (mut client, _) = come(&mut app, 4, &member).await;
    client.subscribe(&[&member.readings("#")], 1).await;
    app.uplinks(member.org, 0..4).await;
    let first = client.message().await;
    let second = client.message().await;
    client.acknowledge(first.id.unwrap()).await;
    let third = client.message().await;
    client.acknowledge(third.id.unwrap()).await;
    let fourth = client.message().await;
    client.ping().await;
    assert_eq!(minute_of(&fourth), 3);
    drop(client);
    assert_eq!(minute_of(&second), 1);
    let (mut client, _) = come(&mut app, 4, &member).await;
    assert_eq!(client.minutes(2).await, [1, 3]);
    client.ping().await;
}

#[tokio::test]
async fn a_reader_gets_no_more_than_it_takes_at_a_time() {
    let mut app = App::new();
    let member = app.member().await;
    let mut client = app.client(5);
    let properties = [33, 0, 2];
    client.send(&crate::client::connect(5, "a", 2, &properties, &[], (&member.user(), &member.secret))).await;
    client.expect(0x20).await;
    client.subscribe(&[&member.readings("#")], 1).await;
    app.uplinks(member.org, 0..5).await;
    let ids = [client.message().await.id.unwrap(), client.message().await.id.unwrap()];
    client.ping().await;
    client.acknowledge(ids[1]).await;
    client.ping().await;
    client.acknowledge(ids[0]).await;
    assert_eq!(client.minutes(3).await, [2, 3, 4]);
}

#[tokio::test]
async fn a_slow_reader_misses_nothing_at_qos_1_and_something_at_qos_0() {
    let mut app = App::new();
    let member = app.member().await;
    let mut patient = Client::new(app.dial(Arrival::default(), 256), 4);
    patient.connect(&member, "a", true, 0).await;
    patient.subscribe(&[&member.readings("#")], 1).await;
    let mut hasty = Client::new(app.dial(Arrival::default(), 256), 4);
    hasty.connect(&member, "b", true, 0).await;
    hasty.subscribe(&[&member.readings("#")], 0).await;
    // Ten uplinks more than a hub holds beside what fits into the buffers.
    let readings = |minute: i64| (1..=40).map(|at| Reading::new(at, 4097, minute as f64)).collect::<Vec<_>>();
    for minute in 0..700 {
        app.rows(member.org, EUI, vec![(minute, readings(minute))]).await;
    }
    let minutes = patient.minutes(700 * 40).await;
    assert_eq!(minutes, (0..700).flat_map(|minute| [minute; 40]).collect::<Vec<_>>());
    let mut got = 0;
    while hasty.minute().await != 699 {
        got += 1;
    }
    assert!(got < 700 * 40 - 40, "{got}");
    assert!(app.broker.figures().missed > 0);
}

#[tokio::test]
async fn who_asked_for_nothing_of_what_comes_keeps_up_with_it() {
    let mut app = App::new();
    let member = app.member().await;
    let (mut idle, _) = come(&mut app, 4, &member).await;
    idle.subscribe(&[&member.readings("0000000000000001/#")], 1).await;
    idle.ping().await;
    let mut busy = app.reader(4, &member, "busy").await;
    busy.subscribe(&[&member.readings("#")], 0).await;
    app.uplinks(member.org, 0..600).await;
    while busy.minute().await < 599 {}
    assert_eq!(app.broker.figures().lag, 0);
    idle.leave().await;
    let kept = app.store.find_stream_session(member.org, "bridge").await.unwrap().unwrap();
    let head = app.store.head().await.unwrap();
    // What is published just now is noted a moment later.
    assert!(head.get() - kept.position.get() <= 256, "{head:?} {kept:?}");
}

/// 3.1.1: 3.1.2-6, 3.2.2-1, 4.1.0-2
/// 5: 3.1.2-4, 3.2.2-2, 4.1.0-2
#[tokio::test]
async fn a_session_is_forgotten_when_it_is_to_be() {
    let mut app = App::new();
    let member = app.member().await;
    let (mut client, _) = come(&mut app, 5, &member).await;
    client.subscribe(&[&member.readings("#")], 1).await;
    client.leave().await;
    app.pass_ms(3_600_000);
    let (client, was_known) = come(&mut app, 5, &member).await;
    assert!(!was_known, "it was away for too long");
    client.leave().await;
    let mut client = app.client(5);
    assert_eq!(client.connect(&member, "bridge", true, 3_600).await[..2], [0, 0], "it begins anew");
    client.leave().await;
    let mut client = app.client(5);
    assert_eq!(client.connect(&member, "bridge", false, 0).await[..2], [1, 0]);
    client.leave().await;
    assert_eq!(app.store.find_stream_session(member.org, "bridge").await.unwrap(), None);
}

#[tokio::test]
async fn a_session_that_another_key_goes_on_with_brings_what_that_key_reaches() {
    let mut app = App::new();
    let member = app.member().await;
    let group = GroupId::from_raw(7);
    let limits = KeyLimits { groups: vec![group], ..KeyLimits::default() };
    app.store.create_group(model::Group { id: group, org: member.org, name: "barn".to_owned() }).await.unwrap();
    let narrow = app.key(member.org, Scopes::READ_WRITE, limits).await;
    const BARN: &str = "2CF7F12004100006";
    app.bind(member.org, BARN, Some(group)).await;
    let (mut client, _) = come(&mut app, 4, &member).await;
    client.subscribe(&[&member.readings("#")], 1).await;
    client.leave().await;
    for (eui, minute) in [(EUI, 1), (BARN, 2), (EUI, 3), (BARN, 4)] {
        app.uplink(member.org, eui, minute).await;
    }
    let (mut client, was_known) = come(&mut app, 4, &narrow).await;
    assert!(was_known);
    assert_eq!(client.minutes(2).await, [2, 4]);
    app.uplink(member.org, EUI, 5).await;
    app.uplink(member.org, BARN, 6).await;
    assert_eq!(client.minute().await, 6);
}
