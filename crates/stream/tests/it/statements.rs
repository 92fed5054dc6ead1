//! Normative statements of MQTT 3.1.1 and MQTT 5 about a server, each named by its number behind the
//! version that it is of, as in all tests of this room.
//!
//! What a server does with a few bytes stands in tables; what takes several clients or a while has a
//! test of its own, here or in the files that `docs/mqtt.md` names.

use crate::{
    client::{Client, connect, packet, text},
    letters::Terms,
    support::{App, Member},
};

/// What becomes of what a client sends.
enum Outcome {
    /// The connection ends; MQTT 5 is told why.
    Ended(u8),
    /// This comes back.
    Answered(&'static [u8]),
}

use Outcome::{Answered, Ended};

async fn check(statement: &str, app: &mut App, office: &Member, version: u8, bytes: &[u8], outcome: Outcome) {
    let mut client = app.clerk(version, office, "a").await;
    client.send(bytes).await;
    match outcome {
        Ended(reason) => assert_eq!(client.ended().await, (version == 5).then_some(reason), "{statement}"),
        Answered(expected) => {
            let (first, body) = client.next().await.unwrap_or_else(|| panic!("{statement}: it ended"));
            assert_eq!([&[first], &body[..]].concat(), expected, "{statement}");
        }
    }
}

/// A filter or topic, of bytes that need be no text.
fn bytes(bytes: &[u8]) -> Vec<u8> {
    text(bytes)
}

#[tokio::test]
async fn mqtt_3_1_1_by_bytes() {
    let mut app = App::new();
    let office = app.office().await;
    let subscribe = |filter: &[u8], qos: u8| packet(0x82, &[&[0, 1][..], &bytes(filter), &[qos]].concat());
    let login = (&*office.user(), &*office.secret);
    for (statement, sent, outcome) in [
        ("3.1.1: 1.5.3-1", subscribe(&[0xED, 0xA0, 0x80], 0), Ended(0)),
        ("3.1.1: 1.5.3-2", subscribe(b"a\0", 0), Ended(0)),
        ("3.1.1: 2.2.2-1, 2.2.2-2", vec![0xC1, 0], Ended(0)),
        ("3.1.1: 2.3.1-1", packet(0x82, &[&[0, 0][..], &text("a"), &[0]].concat()), Ended(0)),
        ("3.1.1: 2.3.1-1", packet(0x32, &[text("a"), vec![0, 0]].concat()), Ended(0)),
        ("3.1.1: 2.3.1-6, 3.3.4-1, 4.3.2-2", packet(0x32, &[text("a"), vec![1, 2]].concat()), Answered(&[0x40, 1, 2])),
        ("3.1.1: 2.3.1-6, 3.3.4-1, 4.3.3-2", packet(0x34, &[text("a"), vec![1, 2]].concat()), Answered(&[0x50, 1, 2])),
        (
            "3.1.1: 2.3.1-7, 3.8.4-1, 3.8.4-2",
            packet(0x82, &[&[1, 2][..], &text("a"), &[0]].concat()),
            Answered(&[0x90, 1, 2, 0]),
        ),
        ("3.1.1: 2.3.1-7, 3.10.4-4", packet(0xA2, &[&[1, 2][..], &text("a")].concat()), Answered(&[0xB0, 1, 2])),
        ("3.1.1: 3.1.0-2", connect(4, "a", 2, &[], &[], login), Ended(0)),
        ("3.1.1: 3.3.1-2", packet(0x38, &text("a")), Ended(0)),
        ("3.1.1: 3.3.1-4", packet(0x36, &[text("a"), vec![0, 1]].concat()), Ended(0)),
        ("3.1.1: 3.3.2-1", packet(0x30, &bytes(&[0xFF])), Ended(0)),
        ("3.1.1: 3.3.2-2, 4.7.1-1", packet(0x30, &text("a/#")), Ended(0)),
        ("3.1.1: 3.3.5-2", packet(0x32, &[text("$SYS/a"), vec![0, 1]].concat()), Answered(&[0x40, 0, 1])),
        ("3.1.1: 3.6.1-1", packet(0x60, &[0, 1]), Ended(0)),
        ("3.1.1: 3.8.1-1", packet(0x80, &[&[0, 1][..], &text("a"), &[0]].concat()), Ended(0)),
        ("3.1.1: 3.8.3-1", subscribe(&[0xC3], 0), Ended(0)),
        ("3.1.1: 3.8.3-3", packet(0x82, &[0, 1]), Ended(0)),
        ("3.1.1: 3.8.3-4", subscribe(b"a", 3), Ended(0)),
        ("3.1.1: 3.8.3-4", subscribe(b"a", 4), Ended(0)),
        (
            "3.1.1: 3.8.4-5",
            packet(0x82, &[&[0, 1][..], &text("a"), &[2], &text("a/#/b"), &[1], &text("b"), &[0]].concat()),
            Answered(&[0x90, 0, 1, 2, 0x80, 0]),
        ),
        ("3.1.1: 3.10.1-1", packet(0xA0, &[&[0, 1][..], &text("a")].concat()), Ended(0)),
        ("3.1.1: 3.10.3-1", packet(0xA2, &[&[0, 1][..], &bytes(&[0xFF])].concat()), Ended(0)),
        ("3.1.1: 3.10.3-2", packet(0xA2, &[0, 1]), Ended(0)),
        ("3.1.1: 3.10.4-5", packet(0xA2, &[&[0, 1][..], &text("never")].concat()), Answered(&[0xB0, 0, 1])),
        ("3.1.1: 3.12.4-1", vec![0xC0, 0], Answered(&[0xD0])),
        ("3.1.1: 3.14.1-1", vec![0xE1, 0], Ended(0)),
        ("3.1.1: 4.3.3-2", packet(0x62, &[0, 9]), Answered(&[0x70, 0, 9])),
        ("3.1.1: 4.7.1-2", subscribe(b"a/#/b", 0), Answered(&[0x90, 0, 1, 0x80])),
        ("3.1.1: 4.7.1-2", subscribe(b"a#", 0), Answered(&[0x90, 0, 1, 0x80])),
        ("3.1.1: 4.7.1-3", subscribe(b"a+", 0), Answered(&[0x90, 0, 1, 0x80])),
        ("3.1.1: 4.7.3-1", subscribe(b"", 0), Answered(&[0x90, 0, 1, 0x80])),
        ("3.1.1: 4.7.3-1", packet(0x30, &text("")), Ended(0)),
        ("3.1.1: 4.7.3-2", packet(0x30, &text("a\0")), Ended(0)),
        ("3.1.1: 4.8.0-1", packet(0x90, &[0, 1, 0]), Ended(0)),
    ] {
        check(statement, &mut app, &office, 4, &sent, outcome).await;
    }
}

#[tokio::test]
async fn mqtt_5_by_bytes() {
    let mut app = App::new();
    let office = app.office().await;
    let subscribe = |properties: &[u8], filter: &str, options: u8| {
        let length = properties.len() as u8;
        packet(0x82, &[&[0, 1, length][..], properties, &text(filter), &[options]].concat())
    };
    let publish = |flags: u8, properties: &[u8], topic: &str| {
        let id: &[u8] = if flags & 6 == 0 { &[] } else { &[0, 1] };
        packet(0x30 | flags, &[&text(topic)[..], id, &[properties.len() as u8], properties].concat())
    };
    let login = (&*office.user(), &*office.secret);
    for (statement, sent, outcome) in [
        ("5: 1.5.4-1", packet(0x30, &[bytes(&[0xED, 0xA0, 0x80]), vec![0]].concat()), Ended(0x81)),
        ("5: 1.5.4-2, 4.7.3-2", publish(0, &[], "a\0"), Ended(0x81)),
        ("5: 1.5.7-1", publish(0, &[&[38][..], &text("a"), &bytes(&[0xFF])].concat(), "a"), Ended(0x81)),
        ("5: 2.1.3-1", vec![0xC8, 0], Ended(0x81)),
        ("5: 2.2.1-2", packet(0x30, &[&text("a")[..], &[0]].concat()), Answered(&[])),
        ("5: 2.2.1-3", packet(0x82, &[&[0, 0, 0][..], &text("a"), &[0]].concat()), Ended(0x81)),
        ("5: 2.2.1-5, 3.3.4-1, 4.3.2-4", publish(2, &[], "a"), Answered(&[0x40, 0, 1])),
        ("5: 2.2.1-5, 3.3.4-1, 4.3.3-8", publish(4, &[], "a"), Answered(&[0x50, 0, 1])),
        ("5: 3.4.2-1", publish(2, &[], "$SYS/a"), Answered(&[0x40, 0, 1, 0x87])),
        ("5: 3.5.2-1", publish(4, &[], "$SYS/a"), Answered(&[0x50, 0, 1, 0x87])),
        ("5: 3.6.2-1", packet(0x50, &[0, 9]), Answered(&[0x62, 0, 9, 0x92])),
        ("5: 3.7.2-1", packet(0x62, &[0, 9]), Answered(&[0x70, 0, 9, 0x92])),
        ("5: 2.2.1-6, 2.2.2-1, 3.8.4-1, 3.8.4-2, 3.8.4-6", subscribe(&[], "a", 1), Answered(&[0x90, 0, 1, 0, 1])),
        ("5: 3.1.0-2, 3.2.0-2", connect(5, "a", 2, &[], &[], login), Ended(0x82)),
        ("5: 3.3.1-2", publish(8, &[], "a"), Ended(0x81)),
        ("5: 3.3.1-4", publish(6, &[], "a"), Ended(0x81)),
        ("5: 3.3.2-1", packet(0x30, &[bytes(&[0xFF]), vec![0]].concat()), Ended(0x81)),
        ("5: 3.3.2-2, 4.7.0-1", publish(0, &[], "a/+"), Ended(0x90)),
        ("5: 3.3.2-8", publish(0, &[35, 0, 0], "a"), Ended(0x94)),
        ("5: 3.3.2-9", publish(0, &[35, 0, 33], "a"), Ended(0x94)),
        ("5: 3.3.2-13", publish(0, &[&[8][..], &bytes(&[0xFF])].concat(), "a"), Ended(0x81)),
        ("5: 3.3.2-19", publish(0, &[&[3][..], &bytes(&[0xFF])].concat(), "a"), Ended(0x81)),
        ("5: 3.3.2-14", publish(0, &[&[8][..], &text("a/#")].concat(), "a"), Ended(0x82)),
        ("5: 3.3.4-6", publish(0, &[11, 1], "a"), Ended(0x81)),
        ("5: 3.6.1-1", packet(0x60, &[0, 1]), Ended(0x81)),
        ("5: 3.8.1-1", packet(0x80, &[&[0, 1, 0][..], &text("a"), &[0]].concat()), Ended(0x81)),
        ("5: 3.8.3-2", packet(0x82, &[0, 1, 0]), Ended(0x82)),
        ("5: 3.8.3-4", subscribe(&[], "$share/g/a", 4), Ended(0x82)),
        ("5: 3.8.3-5", subscribe(&[], "a", 0x40), Ended(0x81)),
        ("5: 3.8.3-5", subscribe(&[], "a", 0x30), Ended(0x81)),
        ("5: 3.8.3-5", subscribe(&[], "a", 3), Ended(0x81)),
        ("5: 4.13.1-1", subscribe(&[11, 0], "a", 0), Ended(0x82)),
        ("5: 3.8.3-1", packet(0x82, &[&[0, 1, 0][..], &bytes(&[0xFF]), &[0]].concat()), Ended(0x81)),
        ("5: 3.10.1-1", packet(0xA0, &[&[0, 1, 0][..], &text("a")].concat()), Ended(0x81)),
        ("5: 3.10.3-1", packet(0xA2, &[&[0, 1, 0][..], &bytes(&[0xFF])].concat()), Ended(0x81)),
        ("5: 3.10.3-2", packet(0xA2, &[0, 1, 0]), Ended(0x82)),
        (
            "5: 3.10.4-4, 3.10.4-5",
            packet(0xA2, &[&[0, 1, 0][..], &text("never")].concat()),
            Answered(&[0xB0, 0, 1, 0, 0x11]),
        ),
        ("5: 3.12.4-1", vec![0xC0, 0], Answered(&[0xD0])),
        ("5: 3.14.1-1, 3.14.2-1, 3.14.2-2, 3.14.4-1, 3.14.4-2, 4.13.2-1", vec![0xE2, 0], Ended(0x81)),
        ("5: 4.13.1-1", packet(0xE0, &[0, 5, 17, 0, 0, 0, 9]), Ended(0x82)),
        ("5: 3.15.1-1", vec![0xF1, 0], Ended(0x81)),
        ("5: 4.7.1-1", subscribe(&[], "a/#/b", 0), Answered(&[0x90, 0, 1, 0, 0x8F])),
        ("5: 4.7.1-2", subscribe(&[], "a+", 0), Answered(&[0x90, 0, 1, 0, 0x8F])),
        ("5: 4.7.3-1", subscribe(&[], "", 0), Answered(&[0x90, 0, 1, 0, 0x8F])),
        ("5: 4.8.2-1", subscribe(&[], "$share//a", 0), Answered(&[0x90, 0, 1, 0, 0x8F])),
        ("5: 4.8.2-2", subscribe(&[], "$share/g+/a", 0), Answered(&[0x90, 0, 1, 0, 0x8F])),
        ("5: 4.12.0-6", vec![0xF0, 0], Ended(0x82)),
        ("5: 4.13.1-1", publish(0, &[99, 0], "a"), Ended(0x81)),
    ] {
        // Nothing answers a message at QoS 0.
        if matches!(outcome, Answered(&[])) {
            let mut client = app.clerk(5, &office, "a").await;
            client.send(&sent).await;
            client.ping().await;
            continue;
        }
        check(statement, &mut app, &office, 5, &sent, outcome).await;
    }
}

/// What a connect is answered with: flag of the session and code, or nothing; the connection is over then.
#[tokio::test]
async fn connects_by_bytes() {
    let mut app = App::new();
    let office = app.office().await;
    let login = (&*office.user(), &*office.secret);
    let raw = |protocol: &str, level: u8, flags: u8, rest: &[u8]| {
        packet(0x10, &[&text(protocol)[..], &[level, flags, 0, 60], rest].concat())
    };
    let wrong = (login.0, "wrong");
    for (statement, sent, answer) in [
        ("3.1.1: 3.1.0-1", vec![0xC0, 0], None),
        ("3.1.1: 3.1.2-1", raw("MQIsdp", 4, 2, &text("a")), Some([0, 1])),
        ("3.1.1: 3.1.2-2", raw("MQTT", 3, 2, &text("a")), Some([0, 1])),
        ("3.1.1: 3.1.2-3", raw("MQTT", 4, 3, &text("a")), None),
        ("3.1.1: 3.1.2-13", raw("MQTT", 4, 2 | 0x08, &text("a")), None),
        ("3.1.1: 3.1.2-14", raw("MQTT", 4, 2 | 0x04 | 0x18, &[text("a"), text("b"), text("c")].concat()), None),
        ("3.1.1: 3.1.2-15", raw("MQTT", 4, 2 | 0x20, &text("a")), None),
        ("3.1.1: 3.1.2-22", raw("MQTT", 4, 2 | 0x40, &[text("a"), text("b")].concat()), None),
        ("3.1.1: 3.1.2-9", raw("MQTT", 4, 2 | 0x04, &[text("a"), text("b")].concat()), None),
        ("3.1.1: 3.1.2-11", raw("MQTT", 4, 2, &[text("a"), text("b"), text("c")].concat()), None),
        ("3.1.1: 3.1.2-18", raw("MQTT", 4, 2, &[text("a"), text(login.0)].concat()), None),
        ("3.1.1: 3.1.2-19", raw("MQTT", 4, 2 | 0x80, &text("a")), None),
        ("3.1.1: 3.1.2-20", raw("MQTT", 4, 2 | 0x80, &[text("a"), text(login.0), text(login.1)].concat()), None),
        ("3.1.1: 3.1.2-21", raw("MQTT", 4, 2 | 0xC0, &[text("a"), text(login.0)].concat()), None),
        ("3.1.1: 3.1.3-1, 3.1.4-1, 3.2.2-6", raw("MQTT", 4, 2 | 0x80, &[text(login.0), vec![0]].concat()), None),
        ("3.1.1: 3.1.3-3", raw("MQTT", 4, 2, &[]), None),
        ("3.1.1: 3.1.3-4", raw("MQTT", 4, 2, &bytes(&[0xFF])), None),
        ("3.1.1: 3.1.3-8", connect(4, "", 0, &[], &[], login), Some([0, 2])),
        ("3.1.1: 3.1.3-10", raw("MQTT", 4, 6, &[text("a"), bytes(&[0xFF]), text("c")].concat()), None),
        ("3.1.1: 3.1.3-11", raw("MQTT", 4, 2 | 0x80, &[text("a"), bytes(&[0xFF])].concat()), None),
        ("3.1.1: 3.2.2-4", connect(4, "a", 0, &[], &[], wrong), Some([0, 4])),
        ("3.1.1: 3.1.4-5, 3.2.2-5", connect(4, "a", 2, &[], &[], wrong), Some([0, 4])),
        ("5: 3.1.0-1", vec![0xC0, 0], None),
        ("5: 3.1.2-1", raw("MQTX", 5, 2, &[&[0][..], &text("a")].concat()), Some([0, 1])),
        ("5: 3.1.2-3", raw("MQTT", 5, 3, &[&[0][..], &text("a")].concat()), None),
        ("5: 3.1.2-9", raw("MQTT", 5, 2 | 0x04, &[&[0][..], &text("a"), &[0], &text("b")].concat()), None),
        ("5: 3.1.2-11", raw("MQTT", 5, 2 | 0x08, &[&[0][..], &text("a")].concat()), None),
        ("5: 3.1.2-12", raw("MQTT", 5, 6 | 0x18, &[&[0][..], &text("a"), &[0], &text("b"), &text("c")].concat()), None),
        ("5: 3.1.2-13", raw("MQTT", 5, 2 | 0x20, &[&[0][..], &text("a")].concat()), None),
        ("5: 3.1.2-16", raw("MQTT", 5, 2, &[&[0][..], &text("a"), &text(login.0)].concat()), None),
        ("5: 3.1.2-17", raw("MQTT", 5, 2 | 0x80, &[&[0][..], &text("a")].concat()), None),
        ("5: 3.1.2-18", raw("MQTT", 5, 2 | 0x80, &[&[0][..], &text("a"), &text(login.0), &text("b")].concat()), None),
        ("5: 3.1.2-19", raw("MQTT", 5, 2 | 0xC0, &[&[0][..], &text("a"), &text(login.0)].concat()), None),
        ("5: 3.1.3-1, 3.1.3-3", raw("MQTT", 5, 2, &[0]), None),
        ("5: 3.1.3-4", raw("MQTT", 5, 2, &[&[0][..], &bytes(&[0xFF])].concat()), None),
        ("5: 3.1.3-11", raw("MQTT", 5, 6, &[&[0][..], &text("a"), &[0], &bytes(&[0xFF]), &text("c")].concat()), None),
        ("5: 3.1.3-12", raw("MQTT", 5, 2 | 0x80, &[&[0][..], &text("a"), &bytes(&[0xFF])].concat()), None),
        ("5: 3.1.2-2", raw("MQTT", 6, 2, &text("a")), Some([0, 1])),
        ("5: 3.1.4-2, 3.1.4-6, 3.2.2-6, 3.2.2-7", connect(5, "a", 2, &[], &[], wrong), Some([0, 0x86])),
        ("5: 3.1.4-1, 3.14.0-1", connect(5, "a", 2, &[33, 0, 0], &[], login), None),
        ("5: 4.12.0-1", connect(5, "a", 2, &[&[21][..], &text("SCRAM")].concat(), &[], login), Some([0, 0x8C])),
    ] {
        let mut client = app.client(4);
        client.send(&sent).await;
        // What comes behind a refused connect is not looked at.
        client.send(&packet(0x30, &[text("a"), vec![0]].concat())).await;
        if let Some(expected) = answer {
            assert_eq!(client.expect(0x20).await[..2], expected, "{statement}");
        }
        assert_eq!(client.next().await, None, "{statement}");
    }
    assert!(app.told.all().is_empty());
}

/// Any text but the empty one is a topic of its own: with a byte-order mark, blanks, other cases, a slash more.
///
/// 3.1.1: 1.5.3-3, 4.7.3-4
/// 5: 1.5.4-3, 4.7.3-4
#[tokio::test]
async fn topics_are_compared_by_their_characters() {
    let mut app = App::new();
    let office = app.office().await;
    for version in [4, 5] {
        let mut client = app.clerk(version, &office, "a").await;
        let topics = ["a", "\u{FEFF}a", "A", " a", "a/", "/a", "ä"];
        for topic in topics {
            assert_eq!(client.ask(None, &[(topic, 0)]).await, [0]);
            for published in topics {
                client.post(0, 0, &[], published, "x").await;
            }
            assert_eq!(client.receive().await.topic, topic);
            client.ping().await;
            let properties: &[u8] = if version == 5 { &[0] } else { &[] };
            client.send(&packet(0xA2, &[&[0, 1][..], properties, &text(topic)].concat())).await;
            client.expect(0xB0).await;
        }
    }
}

async fn unsubscribe(client: &mut Client, filter: &str) {
    let properties: &[u8] = if client.version == 5 { &[0] } else { &[] };
    client.send(&packet(0xA2, &[&[0, 1][..], properties, &text(filter)].concat())).await;
    client.expect(0xB0).await;
}

/// Filters are compared character by character; what is on its way is brought to its end.
///
/// 3.1.1: 3.10.4-1, 3.10.4-2, 3.10.4-3
/// 5: 3.10.4-1, 3.10.4-2, 3.10.4-3
#[tokio::test]
async fn an_unsubscribe_ends_exactly_what_it_names() {
    let mut app = App::new();
    let office = app.office().await;
    for version in [4, 5] {
        let mut client = app.clerk(version, &office, "a").await;
        client.ask(None, &[("a/+", 2)]).await;
        unsubscribe(&mut client, "a/b").await;
        unsubscribe(&mut client, "a/#").await;
        let mut sender = app.clerk(4, &office, "s").await;
        sender.publish(2, "a/b", "under way").await;
        let letter = client.letter().await;
        unsubscribe(&mut client, "a/+").await;
        sender.publish(2, "a/b", "too late").await;
        let id = letter.id.to_be_bytes();
        client.send(&packet(0x50, &id)).await;
        assert_eq!(client.expect(0x62).await, id);
        client.send(&packet(0x70, &id)).await;
        client.ping().await;
    }
}

/// 3.1.1: 4.6.0-5, 4.6.0-6
/// 5: 4.6.0-5, 4.6.0-6
#[tokio::test]
async fn messages_come_in_the_order_that_they_were_published_in() {
    let mut app = App::new();
    let office = app.office().await;
    for qos in [1, 2] {
        let mut reader = app.clerk(5, &office, "r").await;
        reader.ask(None, &[("a/#", qos)]).await;
        let mut sender = app.clerk(4, &office, "s").await;
        // All of them before the first answer.
        for number in 1..=100_u16 {
            sender.post(qos << 1, number, &[], &format!("a/{}", number % 3), &number.to_string()).await;
        }
        for number in 1..=100_u16 {
            assert_eq!(sender.expect(if qos == 1 { 0x40 } else { 0x50 }).await, number.to_be_bytes());
        }
        let expected: Vec<String> = (1..=100).map(|number| number.to_string()).collect();
        let mut got = Vec::new();
        for _ in 0..100 {
            got.push(reader.receive_later().await);
        }
        assert_eq!(got, expected);
    }
}

/// 5: 3.3.4-9, 3.3.4-10, 4.9.0-1, 4.9.0-2, 4.9.0-3
#[tokio::test]
async fn no_more_messages_are_under_way_than_either_side_takes() {
    let mut app = App::new();
    let office = app.office().await;
    let mut reader = app.clerk_with(5, &office, "r", Terms { properties: &[33, 0, 2], ..Terms::default() }).await;
    reader.ask(None, &[("a", 2)]).await;
    let mut sender = app.clerk(5, &office, "s").await;
    for qos in [1, 2, 2, 1] {
        sender.publish(qos, "a", "x").await;
    }
    let (first, second) = (reader.letter().await, reader.letter().await);
    reader.ping().await;
    reader.send(&packet(0x50, &second.id.to_be_bytes())).await;
    reader.expect(0x62).await;
    reader.ping().await;
    reader.send(&packet(0x40, &first.id.to_be_bytes())).await;
    reader.letter().await;
    // And the other way round: 128 that were not released are all that there may be.
    for id in 1..=128 {
        sender.post(4, id, &[], "b", "x").await;
        sender.expect(0x50).await;
    }
    sender.post(4, 129, &[], "b", "x").await;
    assert_eq!(sender.ended().await, Some(0x93));
}

/// 5: 3.2.2-16
#[tokio::test]
async fn a_client_without_a_name_is_given_one() {
    let mut app = App::new();
    let office = app.office().await;
    let mut client = app.client(5);
    let answer = client.enter(&office, "", Terms::default()).await;
    let at = answer.iter().position(|byte| *byte == 18).expect("an assigned name");
    let name = String::from_utf8(answer[at + 3..at + 3 + usize::from(answer[at + 2])].to_vec()).unwrap();
    let mut again = app.clerk(5, &office, &name).await;
    assert_eq!(client.ended().await, Some(0x8E));
    again.ping().await;
}
