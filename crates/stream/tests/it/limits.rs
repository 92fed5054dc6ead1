//! How much anybody may ask for, and in which order.

use crate::{
    client::{connect, packet, text},
    letters::Terms,
    support::{App, EUI},
};

#[tokio::test]
async fn filters_are_counted_and_measured() {
    for (version, full, invalid) in [(4, 0x80, 0x80), (5, 0x97, 0x8F)] {
        let mut app = App::new();
        let member = app.member().await;
        let mut client = app.reader(version, &member, "a").await;
        let filters: Vec<String> = (0..60).map(|at| member.readings(&format!("+/{at}/vs/+"))).collect();
        let filters: Vec<&str> = filters.iter().map(String::as_str).collect();
        assert_eq!(client.subscribe(&filters[..21], 0).await, [full; 21], "too many in one packet");
        for twenty in filters[..40].chunks(20) {
            assert_eq!(client.subscribe(twenty, 0).await, [0; 20]);
        }
        let codes = client.subscribe(&filters[40..60], 0).await;
        assert_eq!(codes, [[0; 10], [full; 10]].concat(), "too many in all");
        assert_eq!(client.subscribe(&[filters[0]], 0).await, [0], "one that is there is not one more");

        let prefix = member.readings("");
        let long = |bytes: usize| format!("{prefix}{}", "a".repeat(bytes - prefix.len()));
        let deep = |levels: usize| format!("{prefix}{}", vec!["+"; levels - 3].join("/"));
        let mut other = app.reader(version, &member, "b").await;
        assert_eq!(other.subscribe(&[&long(512), &long(513)], 0).await, [0, invalid]);
        assert_eq!(other.subscribe(&[&deep(16), &deep(17)], 0).await, [0, invalid]);
        let wrong = [format!("{prefix}#/a"), format!("{prefix}a+"), format!("{prefix}#a"), String::new()];
        let wrong: Vec<&str> = wrong.iter().map(String::as_str).collect();
        assert_eq!(other.subscribe(&wrong, 0).await, [invalid; 4]);
    }
}

/// 3.1.1: 3.1.3-6, 3.1.3-9
/// 5: 3.1.3-8
#[tokio::test]
async fn client_ids_have_every_form_that_clients_give_them() {
    let mut app = App::new();
    let member = app.member().await;
    let user = member.user();
    let forms = ["-default", "-nodejs", "-quickstart-4711", "-417", "-backend-worker-1700000000000", "-A_b-9"];
    for name in forms.map(|form| format!("{user}{form}")).into_iter().chain(["x".to_owned(), "ü".repeat(64)]) {
        for version in [4, 5] {
            app.reader(version, &member, &name).await.leave().await;
        }
    }
    for (version, code) in [(4, 2), (5, 0x85)] {
        let mut client = app.client(version);
        assert_eq!(client.connect(&member, &"a".repeat(129), true, 0).await[..2], [0, code]);
        assert_eq!(client.next().await, None);
    }
    let mut nameless = app.client(4);
    assert_eq!(nameless.connect(&member, "", false, 0).await, [0, 2], "nothing can be kept without a name");
    app.reader(4, &member, "").await.ping().await;
    let mut assigned = app.client(5);
    let answer = assigned.connect(&member, "", true, 0).await;
    let name = format!("{user}-");
    assert!(answer.windows(name.len()).any(|window| window == name.as_bytes()), "{answer:?}");
}

#[tokio::test]
async fn an_organization_has_so_many_seats() {
    let mut app = App::with_room_for(2);
    let (member, other) = (app.member().await, app.member().await);
    let first = app.reader(5, &member, "a").await;
    app.reader(4, &member, "b").await.leave().await;
    let _second = app.reader(4, &member, "c").await;
    for (version, code) in [(4, 3), (5, 0x97)] {
        let mut third = app.client(version);
        assert_eq!(third.connect(&member, "d", true, 0).await[..2], [0, code]);
    }
    app.reader(4, &other, "d").await.ping().await;
    first.leave().await;
    app.reader(4, &member, "d").await.ping().await;
}

#[tokio::test]
async fn what_is_no_connect_is_let_go_without_a_word() {
    let mut app = App::new();
    for bytes in
        [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xC0, 0], &[0x30, 3, 0, 1, b'a'], &[0x00], &[0x10, 0xFF, 0xFF, 0xFF, 0xFF]]
    {
        let mut client = app.client(4);
        client.send(bytes).await;
        client.send(&[0; 8]).await;
        assert_eq!(client.next().await, None, "{bytes:?}");
    }
}

#[tokio::test]
async fn another_protocol_or_way_of_authentication_is_refused_in_words() {
    let mut app = App::new();
    let member = app.member().await;
    for (name, level) in [("MQIsdp", 3), ("MQTT", 3), ("MQTT", 6)] {
        let mut client = app.client(4);
        client.send(&packet(0x10, &[text(name), vec![level, 2, 0, 60, 0, 1, b'a']].concat())).await;
        assert_eq!(client.expect(0x20).await, [0, 1], "{name} {level}");
        assert_eq!(client.next().await, None);
    }
    let mut client = app.client(5);
    let method = [&[21][..], &text("SCRAM")].concat();
    client.send(&connect(5, "a", 2, &method, &[], (&member.user(), &member.secret))).await;
    assert_eq!(client.expect(0x20).await[..2], [0, 0x8C]);
}

#[tokio::test]
async fn faults_end_the_connection_with_their_reason() {
    let mut app = App::new();
    let member = app.member().await;
    let again = connect(5, "a", 2, &[], &[], (&member.user(), &member.secret));
    let alias = packet(0x30, &[text("a"), vec![3, 35, 0, 1]].concat());
    for (what, bytes, reason) in [
        ("a second connect", again, 0x82),
        ("reserved flags", packet(0x80, &[0, 1, 0]), 0x81),
        ("no filter", packet(0x82, &[0, 1, 0]), 0x82),
        ("a filter at QoS 3", packet(0x82, &[&[0, 1, 0][..], &text("a"), &[3]].concat()), 0x81),
        ("the number 0", packet(0x82, &[&[0, 0, 0][..], &text("a"), &[0]].concat()), 0x81),
        ("a text that is none", packet(0x82, &[0, 1, 0, 0, 1, 0xFF, 0]), 0x81),
        ("a publish at QoS 3", packet(0x36, &[text("a"), vec![0, 1, 0]].concat()), 0x81),
        ("a topic with wildcards", packet(0x30, &[text("a/+"), vec![0]].concat()), 0x90),
        ("a topic alias", alias, 0x94),
        ("too large", vec![0x30, 0xFD, 0xFF, 0x0F], 0x95),
        ("a length without an end", vec![0x30, 0xFF, 0xFF, 0xFF, 0xFF], 0x81),
        ("a way of authentication", packet(0xF0, &[]), 0x82),
        ("what servers send", packet(0x20, &[0, 0, 0]), 0x82),
        ("to be kept after all", packet(0xE0, &[0, 5, 17, 0, 0, 0, 9]), 0x82),
    ] {
        let mut client = app.reader(5, &member, "a").await;
        client.send(&bytes).await;
        assert_eq!(client.ended().await, Some(reason), "{what}");
    }
    assert_eq!(app.broker.figures().sessions, 0);
}

/// 5: 3.1.2-24, 3.1.2-25
#[tokio::test]
async fn a_packet_larger_than_its_reader_takes_is_left_out_and_counted() {
    let mut app = App::new();
    let member = app.member().await;
    let mut client = app.client(5);
    client.send(&connect(5, "a", 2, &[39, 0, 0, 0, 105], &[], (&member.user(), &member.secret))).await;
    client.expect(0x20).await;
    client.subscribe(&[&member.readings("#")], 1).await;
    app.uplink(member.org, EUI, 123_456).await;
    app.uplink(member.org, EUI, 1).await;
    assert_eq!(client.minute().await, 1);
    assert_eq!(app.broker.figures().oversized, 1);
}

#[tokio::test]
async fn who_does_not_say_who_it_is_is_let_go() {
    let mut app = App::impatient();
    for begins in [&b""[..], &[0x10], &[0x10, 20, 0, 4, b'M']] {
        let mut client = app.client(4);
        client.send(begins).await;
        assert_eq!(client.next().await, None, "{begins:?}");
    }
}

/// 3.1.1: 3.1.2-24
/// 5: 3.1.2-22, 3.2.2-22
#[tokio::test]
async fn who_is_silent_for_longer_than_it_said_is_let_go() {
    // A second, as the client says, or as the station says where the client says nothing or more.
    for (version, asked, told) in [(4, 1, None), (5, 1, None), (5, 0, Some([19, 0, 1])), (5, 60, Some([19, 0, 1]))] {
        let mut app = App::impatient();
        let office = app.office().await;
        let mut client = app.client(version);
        let answer = client.enter(&office, "a", Terms { keep_alive_s: asked, ..Terms::default() }).await;
        assert_eq!(answer.windows(3).any(|window| told.is_some_and(|told| window == told)), told.is_some());
        assert_eq!(client.ended().await, (version == 5).then_some(0x8D));
    }
}

#[tokio::test]
async fn every_limit_can_be_set() {
    let settings = stream::Settings {
        packet_bytes_max: 200,
        topic_bytes_max: 20,
        topic_levels_max: 3,
        client_id_bytes_max: 5,
        subscriptions_max: 2,
        filters_per_packet_max: 2,
        ..stream::Settings::default()
    };
    for (version, name, filter, full) in [(4, 2, 0x80, 0x80), (5, 0x85, 0x8F, 0x97)] {
        let mut app = App::with(settings.clone());
        let office = app.office().await;
        let mut client = app.client(version);
        assert_eq!(client.enter(&office, "123456", Terms::default()).await[1], name);
        let mut client = app.client(version);
        let answer = client.enter(&office, "12345", Terms::default()).await;
        assert!(version == 4 || answer.windows(5).any(|window| window == [39, 0, 0, 0, 200]));
        assert_eq!(client.ask(None, &[("a/b/c", 0), ("a/b/c/d", 0)]).await, [0, filter]);
        assert_eq!(client.ask(None, &[(&"a".repeat(20), 0), (&"a".repeat(21), 0)]).await, [0, filter]);
        assert_eq!(client.ask(None, &[("b", 0)]).await, [full]);
        assert_eq!(client.ask(None, &[("a/b/c", 0), ("a/b/c", 0), ("a/b/c", 0)]).await, [full; 3]);
        client.post(0, 0, &[], "a", &"x".repeat(200)).await;
        assert_eq!(client.ended().await, (version == 5).then_some(0x95));
    }
}
