//! Sessions of the private space: what was under way when a client or the station went.

use crate::{
    client::{Client, packet},
    letters::Terms,
    support::{App, Member},
};

fn kept() -> Terms<'static> {
    Terms { is_kept: true, ..Terms::default() }
}

/// Lets a client in whose session is kept; whether it was there.
async fn come(app: &mut App, version: u8, member: &Member) -> (Client, bool) {
    let mut client = app.client(version);
    let answer = client.enter(member, "bridge", kept()).await;
    assert_eq!(answer[1], 0);
    (client, answer[0] == 1)
}

/// 3.1.1: 3.1.2-4, 3.1.2-5, 3.2.2-2, 3.2.2-3, 4.1.0-1, 4.5.0-1
/// 5: 3.1.2-5, 3.1.2-6, 3.1.2-23, 3.2.2-3, 4.1.0-1, 4.5.0-1
#[tokio::test]
async fn a_client_that_was_away_receives_everything_since_across_a_restart() {
    for version in [4, 5] {
        let mut app = App::new();
        let office = app.office().await;
        let (mut client, was_known) = come(&mut app, version, &office).await;
        assert!(!was_known);
        assert_eq!(client.ask(None, &[("a", 2), ("b", 1)]).await, [2, 1]);
        let mut sender = app.clerk(version, &office, "s").await;
        sender.publish(2, "a", "0").await;
        assert_eq!(client.bodies(1).await, ["0"]);
        client.ping().await;
        client.leave().await;
        for number in 1..40 {
            sender.publish(1 + number % 2, if number % 2 == 0 { "a" } else { "b" }, &number.to_string()).await;
            sender.publish(0, "a", "at most once").await;
        }
        let mut app = app.restart().await;
        let mut sender = app.clerk(version, &office, "s").await;
        sender.publish(1, "a", "40").await;
        let (mut client, was_known) = come(&mut app, version, &office).await;
        assert!(was_known);
        let numbers: Vec<String> = (1..=40).map(|number| number.to_string()).collect();
        assert_eq!(client.bodies(40).await, numbers);
        sender.publish(1, "b", "41").await;
        assert_eq!(client.bodies(1).await, ["41"]);
    }
}

/// What is under way at QoS 2 comes again under its number, and what was released is released again, whether the
/// client went or the station.
///
/// 3.1.1: 3.3.1-1, 4.4.0-1, 4.6.0-1
/// 5: 3.3.1-1, 4.3.2-3, 4.3.3-3, 4.3.3-5, 4.3.3-6, 4.4.0-1
#[tokio::test]
async fn what_was_under_way_is_gone_on_with_where_it_was() {
    for (version, restarts) in [(4, false), (5, false), (4, true), (5, true)] {
        let mut app = App::new();
        let office = app.office().await;
        let (mut client, _) = come(&mut app, version, &office).await;
        client.ask(None, &[("a", 2)]).await;
        let mut sender = app.clerk(5, &office, "s").await;
        for (qos, body) in [(2, "sent"), (2, "received"), (2, "over"), (1, "not acknowledged"), (1, "acknowledged")] {
            sender.publish(qos, "a", body).await;
        }
        let mut ids = Vec::new();
        for _ in 0..5 {
            ids.push(client.letter().await.id.to_be_bytes());
        }
        for at in [1, 2] {
            client.send(&packet(0x50, &ids[at])).await;
            assert_eq!(client.expect(0x62).await, ids[at]);
        }
        client.send(&packet(0x70, &ids[2])).await;
        client.send(&packet(0x40, &ids[4])).await;
        client.ping().await;
        drop(client);
        // The station has heard of it when another may take its place.
        let (early, was_known) = come(&mut app, version, &office).await;
        assert!(was_known);
        drop(early);
        if restarts {
            app = app.restart().await;
        }
        let (mut client, was_known) = come(&mut app, version, &office).await;
        assert!(was_known);
        assert_eq!(client.expect(0x62).await, ids[1], "released again");
        client.send(&packet(0x70, &ids[1])).await;
        for (at, body) in [(0, "sent"), (3, "not acknowledged")] {
            let letter = client.letter().await;
            assert_eq!((&*letter.payload, letter.is_again, letter.id.to_be_bytes()), (body, true, ids[at]));
        }
        client.ping().await;
        let mut sender = app.clerk(5, &office, "s").await;
        sender.publish(2, "a", "new").await;
        let letter = client.letter().await;
        assert_eq!((&*letter.payload, letter.is_again), ("new", false));
        assert!(!ids.contains(&letter.id.to_be_bytes()));
    }
}

/// 3.1.1: 4.3.3-2
/// 5: 4.3.3-10, 4.3.3-12
#[tokio::test]
async fn what_a_client_sends_twice_at_qos_2_is_published_once() {
    for (version, restarts) in [(4, false), (5, false), (4, true), (5, true)] {
        let mut app = App::new();
        let office = app.office().await;
        let mut reader = app.clerk(5, &office, "r").await;
        reader.ask(None, &[("a", 1)]).await;
        let (mut client, _) = come(&mut app, version, &office).await;
        for again in [0, 8] {
            client.post(4 | again, 7, &[], "a", "once").await;
            assert_eq!(client.expect(0x50).await, [0, 7]);
        }
        assert_eq!(reader.receive().await.payload, "once");
        drop(client);
        if restarts {
            app = app.restart().await;
            reader = app.clerk(5, &office, "r").await;
            reader.ask(None, &[("a", 1)]).await;
        }
        let (mut client, was_known) = come(&mut app, version, &office).await;
        assert!(was_known);
        client.post(4 | 8, 7, &[], "a", "once").await;
        assert_eq!(client.expect(0x50).await, [0, 7]);
        for expected in [None, Some(0x92)] {
            client.send(&packet(0x62, &[0, 7])).await;
            let answer = client.expect(0x70).await;
            assert_eq!(answer.get(2).copied(), expected.filter(|_| version == 5));
        }
        client.publish(1, "a", "end").await;
        assert_eq!(reader.receive().await.payload, "end");
    }
}

#[tokio::test]
async fn a_client_that_reads_nothing_costs_little_and_misses_only_what_it_may() {
    let mut app = App::new();
    let office = app.office().await;
    let mut patient = Client::new(app.dial(stream::Arrival::default(), 256), 4);
    patient.enter(&office, "patient", Terms::default()).await;
    patient.ask(None, &[("a", 1)]).await;
    let mut sender = app.clerk(4, &office, "s").await;
    let body = "x".repeat(1_000);
    for number in 0..600 {
        sender.publish(1, "a", &format!("{number} {body}")).await;
        sender.publish(0, "a", &body).await;
    }
    let mut next = 0;
    let mut passing = 0;
    while next < 600 {
        let letter = patient.receive().await;
        match letter.qos {
            0 => passing += 1,
            _ => {
                assert_eq!(letter.payload, format!("{next} {body}"));
                next += 1;
            }
        }
    }
    sender.publish(0, "a", "seen").await;
    while patient.receive().await.payload != "seen" {
        passing += 1;
    }
    assert!(passing < 600, "{passing}");
    assert_eq!(app.broker.figures().missed, 600 - passing);
}

#[tokio::test]
async fn a_session_of_the_other_space_is_not_gone_on_with() {
    let mut app = App::new();
    let member = app.member().await;
    let office = app.source(member.org).await;
    let (mut client, _) = come(&mut app, 4, &office).await;
    client.ask(None, &[("#", 1)]).await;
    client.leave().await;
    app.clerk(4, &office, "s").await.publish(1, "a", "not for a key").await;
    let mut reader = app.client(4);
    assert_eq!(reader.connect(&member, "bridge", false, 0).await, [0, 0]);
    reader.subscribe(&[&member.readings("#")], 1).await;
    app.uplinks(member.org, 0..2).await;
    assert_eq!(reader.minutes(2).await, [0, 1]);
    reader.leave().await;
    let (mut client, was_known) = come(&mut app, 4, &office).await;
    assert!(!was_known);
    client.ping().await;
}

/// 3.1.1: 3.1.3-2, 3.1.4-2
/// 5: 3.1.3-2, 3.1.4-3
#[tokio::test]
async fn a_name_is_taken_over_and_its_session_gone_on_with() {
    let mut app = App::new();
    let (office, other) = (app.office().await, app.office().await);
    let (mut first, _) = come(&mut app, 5, &office).await;
    let (mut foreign, _) = come(&mut app, 5, &other).await;
    first.ask(None, &[("a", 1)]).await;
    let (mut second, was_known) = come(&mut app, 5, &office).await;
    assert!(was_known);
    assert_eq!(first.ended().await, Some(0x8E));
    app.clerk(4, &office, "s").await.publish(1, "a", "x").await;
    assert_eq!(second.bodies(1).await, ["x"]);
    foreign.ping().await;
}
