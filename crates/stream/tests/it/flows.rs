//! Normative statements that take several packets or clients, each named by its number.

use crate::{
    client::{Client, packet, text},
    letters::{Terms, will},
    support::App,
};

fn kept(properties: &[u8]) -> Terms<'_> {
    Terms { is_kept: true, properties, ..Terms::default() }
}

/// 3.1.1: 3.1.2-7, 3.3.1-5, 3.3.1-6, 3.3.1-7, 3.3.1-8, 3.3.1-9, 3.3.1-10, 3.3.1-11, 3.3.1-12, 3.8.4-3
/// 5: 3.3.1-5, 3.3.1-6, 3.3.1-7, 3.3.1-8, 3.3.1-9, 3.3.1-12, 3.8.4-3, 3.8.4-4
#[tokio::test]
async fn what_is_retained_is_what_was_last_to_be() {
    for version in [4, 5] {
        let mut app = App::new();
        let office = app.office().await;
        let mut sender = app.clerk(version, &office, "s").await;
        let mut witness = app.clerk(version, &office, "w").await;
        witness.ask(None, &[("a", 1)]).await;
        // Flags of QoS and RETAIN, and what late subscribers get then.
        for (flags, body, expected) in [
            (3, "at 1", Some(("at 1", 1))),
            (2, "not to be kept", Some(("at 1", 1))),
            (1, "at 0", Some(("at 0", 0))),
            (3, "", None),
            (2, "not to be kept", None),
        ] {
            sender.publish_with(flags, &[], "a", body).await;
            let heard = witness.receive().await;
            assert_eq!((&*heard.payload, heard.retain), (body, false), "who is there hears all of it, as new");
            let mut late = app.clerk(version, &office, "l").await;
            // The second time takes the place of the first, and brings it again.
            for _ in 0..2 {
                late.ask(None, &[("a", 2)]).await;
                if let Some((body, qos)) = expected {
                    let letter = late.receive().await;
                    assert_eq!((&*letter.payload, letter.qos, letter.retain), (body, qos, true));
                }
                late.ping().await;
            }
            // Its session ends here, and what is retained does not.
            late.leave().await;
        }
    }
}

/// 3.1.1: 3.3.1-3, 3.3.2-3, 2.3.1-5, 4.3.1-1
/// 5: 3.3.1-3, 3.3.2-3, 2.2.1-2, 4.3.1-1
#[tokio::test]
async fn that_something_is_sent_again_is_said_by_who_does_so() {
    for version in [4, 5] {
        let mut app = App::new();
        let office = app.office().await;
        let mut reader = app.clerk(version, &office, "r").await;
        reader.ask(None, &[("a/+", 1)]).await;
        let mut sender = app.clerk(version, &office, "s").await;
        for (flags, qos) in [(8 | 2, 1), (0, 0)] {
            sender.publish_with(flags, &[], "a/b", "x").await;
            let letter = reader.receive().await;
            assert_eq!((&*letter.topic, &*letter.payload, letter.qos, letter.is_again), ("a/b", "x", qos, false));
        }
    }
}

/// 3.1.1: 2.3.1-4
/// 5: 2.2.1-4
#[tokio::test]
async fn what_is_under_way_has_numbers_of_its_own() {
    let mut app = App::new();
    let office = app.office().await;
    let mut reader = app.clerk(5, &office, "r").await;
    reader.ask(None, &[("a", 2)]).await;
    let mut sender = app.clerk(5, &office, "s").await;
    for number in 0..64 {
        sender.publish(1 + number % 2, "a", "x").await;
    }
    let mut ids = std::collections::BTreeSet::new();
    for _ in 0..64 {
        let id = reader.letter().await.id;
        assert!(id != 0 && ids.insert(id), "{id}");
    }
}

/// 3.1.1: 3.1.2-12, 3.1.2-16, 3.1.2-17
/// 5: 3.1.2-14, 3.1.2-15, 3.1.3-10
#[tokio::test]
async fn a_will_is_published_as_it_was_left() {
    for version in [4, 5] {
        let mut app = App::new();
        let office = app.office().await;
        let mut reader = app.clerk(version, &office, "r").await;
        reader.ask(None, &[("w/#", 1)]).await;
        drop(app.clerk(version, &office, "without").await);
        app.until_there_are(1).await;
        let user = |name: &str, value: &str| [vec![38], text(name), text(value)].concat();
        let properties = [user("b", "1"), user("a", "2"), user("b", "3")].concat();
        for (flag, topic, is_kept) in [(0, "w/passing", false), (0x20, "w/kept", true)] {
            let testament = will(version, &properties, topic, "gone");
            let terms = Terms { will: Some((8 | flag, testament)), ..Terms::default() };
            drop(app.clerk_with(version, &office, "c", terms).await);
            let letter = reader.receive().await;
            assert_eq!((&*letter.topic, &*letter.payload), (topic, "gone"), "and nothing of who left no will");
            assert_eq!(letter.properties, if version == 5 { &*properties } else { &[] });
            let mut late = app.clerk(version, &office, "l").await;
            late.ask(None, &[(topic, 1)]).await;
            if is_kept {
                assert!(late.receive().await.retain);
            }
            late.ping().await;
        }
    }
}

/// 5: 3.1.2-28, 3.1.2-29, 3.2.2-1, 3.2.2-8
#[tokio::test]
async fn what_a_client_does_not_ask_for_it_is_not_told() {
    let mut app = App::new();
    let office = app.office().await;
    for properties in [&[][..], &[25, 0], &[25, 1], &[23, 0], &[23, 1]] {
        let mut client = app.client(5);
        let answer = client.enter(&office, "a", Terms { properties, ..Terms::default() }).await;
        // Largest packet, receive maximum, topic aliases.
        assert_eq!(answer, [0, 0, 11, 39, 0, 4, 0, 0, 33, 0, 128, 34, 0, 32], "{properties:?}");
        client.post(2, 1, &[], "$SYS/a", "x").await;
        assert_eq!(client.expect(0x40).await, [0, 1, 0x87], "without a word");
    }
}

/// 5: 3.3.2-7, 3.3.2-12
#[tokio::test]
async fn numbers_of_topics_end_with_the_connection() {
    let mut app = App::new();
    let office = app.office().await;
    let mut reader = app.clerk(5, &office, "r").await;
    reader.ask(None, &[("#", 0)]).await;
    let mut client = app.clerk_with(5, &office, "a", kept(&[])).await;
    for alias in 1..=32 {
        client.post(0, 0, &[35, 0, alias], &alias.to_string(), "x").await;
    }
    for alias in (1..=32).rev() {
        client.post(0, 0, &[35, 0, alias], "", "y").await;
    }
    for expected in (1..=32).chain((1..=32).rev()) {
        assert_eq!(reader.receive().await.topic, expected.to_string());
    }
    client.leave().await;
    let mut client = app.clerk_with(5, &office, "a", kept(&[])).await;
    client.post(0, 0, &[35, 0, 1], "", "x").await;
    assert_eq!(client.ended().await, Some(0x82));
}

/// 5: 4.3.3-7, 4.3.3-13
#[tokio::test]
async fn what_was_sent_once_does_not_expire() {
    let mut app = App::new();
    let office = app.office().await;
    let mut reader = app.clerk_with(5, &office, "r", kept(&[])).await;
    reader.ask(None, &[("a", 2)]).await;
    let mut sender = app.clerk(5, &office, "s").await;
    sender.publish_with(4, &[2, 0, 0, 0, 60], "a", "begun").await;
    let id = reader.letter().await.id;
    drop(reader);
    app.until_there_are(1).await;
    sender.publish_with(4, &[2, 0, 0, 0, 60], "a", "too late").await;
    app.pass_ms(61_000);
    let mut reader = app.clerk_with(5, &office, "r", kept(&[])).await;
    let letter = reader.receive().await;
    assert_eq!((&*letter.payload, letter.id, letter.is_again), ("begun", id, true));
    sender.publish(1, "a", "next").await;
    assert_eq!(reader.receive().await.payload, "next");
}

/// 5: 4.4.0-2, 4.8.2-6
#[tokio::test]
async fn what_a_reader_refuses_is_over() {
    for filter in ["a", "$share/g/a"] {
        let mut app = App::new();
        let office = app.office().await;
        let mut reader = app.clerk_with(5, &office, "r", kept(&[])).await;
        reader.ask(None, &[(filter, 2)]).await;
        let mut sender = app.clerk(5, &office, "s").await;
        for qos in [1, 2] {
            sender.publish(qos, "a", "refused").await;
            let id = reader.letter().await.id.to_be_bytes();
            let answer = if qos == 1 { 0x40 } else { 0x50 };
            reader.send(&packet(answer, &[id[0], id[1], 0x83])).await;
        }
        reader.ping().await;
        let mut other = app.clerk_with(5, &office, "o", kept(&[])).await;
        other.ask(None, &[(filter, 2)]).await;
        reader.leave().await;
        let mut reader = app.clerk_with(5, &office, "r", kept(&[])).await;
        reader.ping().await;
        other.ping().await;
    }
}

/// 5: 4.8.2-3, 4.8.2-4, 4.8.2-5
#[tokio::test]
async fn what_was_begun_with_one_of_those_who_share_is_ended_with_that_one() {
    let mut app = App::new();
    let office = app.office().await;
    let mut chosen = app.clerk_with(5, &office, "chosen", kept(&[])).await;
    chosen.ask(None, &[("$share/g/a", 2)]).await;
    let mut sender = app.clerk(5, &office, "s").await;
    for body in ["first", "second"] {
        sender.publish(2, "a", body).await;
        assert_eq!(chosen.letter().await.qos, 2);
    }
    let mut other = app.clerk(5, &office, "other").await;
    other.ask(None, &[("$share/g/a", 1)]).await;
    drop(chosen);
    app.until_there_are(2).await;
    let mut chosen = app.clerk_with(5, &office, "chosen", kept(&[])).await;
    for body in ["first", "second"] {
        let letter = chosen.letter().await;
        assert_eq!((&*letter.payload, letter.is_again), (body, true));
    }
    // Its session ends with what it has: nobody else gets it.
    drop(chosen);
    app.clerk(5, &office, "chosen").await.leave().await;
    other.ping().await;
    sender.publish(2, "a", "next").await;
    let letter = other.receive().await;
    assert_eq!((&*letter.payload, letter.qos), ("next", 1), "as it was granted");
}

/// 3.1.1: 4.8.0-2
#[tokio::test]
async fn who_cannot_be_served_just_now_is_let_go() {
    for version in [4, 5] {
        let mut app = App::new();
        let office = app.office().await;
        let mut client = app.clerk(version, &office, "a").await;
        app.store.close().await.unwrap();
        client.post(2, 1, &[], "a", "x").await;
        assert_eq!(client.ended().await, (version == 5).then_some(0x88), "and is not told that it arrived");
    }
}

/// Several filters in one packet are taken one by one and answered together, in their order.
///
/// 3.1.1: 3.8.3-2, 3.8.4-4, 3.9.3-1, 3.9.3-2, 3.10.4-6
/// 5: 3.8.4-5, 3.8.4-7, 3.9.3-1, 3.9.3-2, 3.10.4-6, 3.11.3-1, 3.11.3-2
#[tokio::test]
async fn filters_of_one_packet_are_answered_one_by_one() {
    for (version, none, codes) in [(4, &[][..], &[][..]), (5, &[0], &[0, 0x11, 0])] {
        let mut app = App::new();
        let office = app.office().await;
        let mut client = app.clerk(version, &office, "a").await;
        let bad = if version == 5 { 0x8F } else { 0x80 };
        let filters = [("a/+", 2), ("a/#/b", 1), ("b/#", 0), ("c", 1)];
        assert_eq!(client.ask(None, &filters).await, [2, bad, 0, 1]);
        let body = [&[0, 7][..], none, &text("a/+"), &text("never"), &text("c")].concat();
        client.send(&packet(0xA2, &body)).await;
        assert_eq!(client.expect(0xB0).await, [&[0, 7][..], none, codes].concat());
        for topic in ["a/b", "c", "b/c/d"] {
            client.post(0, 0, &[], topic, "x").await;
        }
        assert_eq!(client.receive().await.topic, "b/c/d");
    }
}

/// 3.1.1: 3.1.3-5, 3.1.3-6, 3.1.4-4, 3.2.0-1
/// 5: 3.1.3-5, 3.1.3-6, 3.1.3-7, 3.1.4-5, 3.2.0-1, 3.2.2-16
#[tokio::test]
async fn any_name_that_a_client_must_be_able_to_have_it_can_have() {
    let mut app = App::new();
    let office = app.office().await;
    let all = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".as_bytes();
    for version in [4, 5] {
        for name in all.chunks(23).chain([&b"a"[..], b""]) {
            let mut client: Client = app.client(version);
            let answer = client.enter(&office, std::str::from_utf8(name).unwrap(), Terms::default()).await;
            assert_eq!(answer[..2], [0, 0]);
            assert_eq!(version == 5 && name.is_empty(), answer.contains(&18), "whether one is given: {answer:?}");
        }
    }
}
