//! What somebody who is let in can make the station hold: all of it is bounded.

use crate::{
    client::{Client, packet, text},
    letters::{Terms, will},
    support::App,
};

#[tokio::test]
async fn wills_of_clients_that_are_here_have_a_bound_in_bytes() {
    let mut app = App::new();
    let (office, other) = (app.office().await, app.office().await);
    let body = "x".repeat(60_000);
    let terms = || Terms { will: Some((0, will(4, &[], "w", &body))), ..Terms::default() };
    // 16 MiB of them.
    let mut clients = Vec::new();
    for number in 0..279 {
        clients.push(app.clerk_with(4, &office, &number.to_string(), terms()).await);
    }
    for (version, code) in [(4, 3), (5, 0x97)] {
        let terms = Terms { will: Some((0, will(version, &[], "w", &body))), ..Terms::default() };
        assert_eq!(app.client(version).enter(&office, "one more", terms).await[..2], [0, code]);
    }
    app.clerk(4, &office, "without").await.ping().await;
    app.clerk_with(4, &other, "other", terms()).await.ping().await;
    clients.pop().unwrap().leave().await;
    app.clerk_with(4, &office, "one more", terms()).await.ping().await;
}

#[tokio::test]
async fn who_asks_again_and_again_for_what_is_retained_is_told_to_wait() {
    let mut app = App::new();
    let office = app.office().await;
    let mut sender = app.clerk(5, &office, "s").await;
    for number in 0..300 {
        sender.publish_with(1, &[], &format!("kept/{number}"), "x").await;
    }
    let mut reader = Client::new(app.dial(stream::Arrival::default(), 256), 5);
    reader.enter(&office, "r", Terms::default()).await;
    // Nothing is read meanwhile.
    let ask = packet(0x82, &[&[0, 9, 0][..], &text("kept/#"), &[0]].concat());
    const ASKED: usize = 40;
    reader.send(&ask.repeat(ASKED)).await;
    let (mut granted, mut refused, mut kept) = (0, 0, 0);
    while granted + refused < ASKED || kept < granted * 300 {
        match reader.next().await.expect("the connection is there") {
            (0x90, answer) if answer[3..] == [0x97] => refused += 1,
            (0x90, answer) => granted += usize::from(answer[3..] == [0]),
            (first, _) => kept += usize::from(first == 0x31),
        }
    }
    assert!(refused > 10, "{granted} {refused}");
    reader.send(&ask).await;
    assert_eq!(reader.expect(0x90).await[3..], [0]);
}

/// 5: 1.5.5-1
#[tokio::test]
async fn large_messages_come_one_after_another_to_those_who_were_away() {
    let mut app = App::new();
    let office = app.office().await;
    let kept = || Terms { is_kept: true, ..Terms::default() };
    let mut reader = app.clerk_with(4, &office, "r", kept()).await;
    reader.ask(None, &[("a", 1)]).await;
    reader.leave().await;
    let mut sender = app.clerk(4, &office, "s").await;
    let body = |number: usize| number.to_string().repeat(50_000);
    for number in 0..40 {
        sender.publish(1, "a", &body(number)).await;
    }
    let mut reader = app.clerk_with(4, &office, "r", kept()).await;
    for number in 0..40 {
        assert!(reader.receive().await.payload == body(number), "{number}");
    }
    sender.publish(1, "a", "end").await;
    assert_eq!(reader.receive().await.payload, "end");
}

#[tokio::test]
async fn a_topic_that_has_a_number_is_no_longer_than_any_other() {
    let mut app = App::new();
    let office = app.office().await;
    for (topic, reason) in [("a".repeat(513), 0x90), (vec!["a"; 17].join("/"), 0x90)] {
        let mut client = app.clerk(5, &office, "a").await;
        client.post(0, 0, &[35, 0, 1], &topic, "x").await;
        assert_eq!(client.ended().await, Some(reason));
    }
}

#[tokio::test]
async fn who_has_not_said_who_it_is_may_say_little() {
    let mut app = App::new();
    let mut client = app.client(5);
    // 80 KiB and a byte are announced.
    client.send(&[0x10, 0xFE, 0xFF, 0x04]).await;
    assert_eq!(client.next().await, None);
    let mut client = app.client(5);
    client.send(&[0x10, 0xFC, 0xFF, 0x04]).await;
    client.send(&[0; 100]).await;
    assert_eq!(client.next().await, None, "it is waited for, and is none");
}

/// Numbers of what passes by go on where a space was forgotten meanwhile.
#[tokio::test]
async fn who_shares_a_filter_and_comes_back_hears_what_passes_by() {
    let mut app = App::new();
    let office = app.office().await;
    let kept = || Terms { is_kept: true, ..Terms::default() };
    // Somebody listens elsewhere, so that the station looks at what it stores.
    let other = app.office().await;
    let mut elsewhere = app.clerk(5, &other, "e").await;
    elsewhere.ask(None, &[("#", 0)]).await;
    let mut reader = app.clerk_with(5, &office, "r", kept()).await;
    reader.ask(None, &[("$share/g/a", 0)]).await;
    let mut sender = app.clerk(5, &office, "s").await;
    for number in 0..5 {
        sender.publish(0, "a", &number.to_string()).await;
        assert_eq!(reader.receive().await.payload, number.to_string());
    }
    reader.leave().await;
    // With this the station notices that nobody reads here.
    sender.publish(1, "b", "x").await;
    app.clerk(5, &other, "s").await.publish(1, "b", "seen").await;
    assert_eq!(elsewhere.receive().await.payload, "seen");
    let mut reader = app.clerk_with(5, &office, "r", kept()).await;
    reader.ping().await;
    sender.publish(0, "a", "back").await;
    assert_eq!(reader.receive().await.payload, "back");
}

/// Also what it was too busy for when it went.
#[tokio::test]
async fn who_shares_a_filter_and_goes_in_the_middle_gets_all_that_was_its_own() {
    let mut app = App::new();
    let office = app.office().await;
    let kept = |receive_max| Terms { is_kept: true, properties: receive_max, ..Terms::default() };
    let narrow = [33, 0, 2];
    let mut reader = app.clerk_with(5, &office, "r", kept(&narrow)).await;
    reader.ask(None, &[("$share/g/a", 1)]).await;
    let mut other = app.clerk_with(5, &office, "o", kept(&[])).await;
    other.ask(None, &[("$share/g/a", 1)]).await;
    let mut sender = app.clerk(5, &office, "s").await;
    for number in 0..20 {
        sender.publish(1, "a", &number.to_string()).await;
    }
    // It has got two, and found the third to be its own.
    let mut got = vec![reader.letter().await.payload, reader.letter().await.payload];
    got.extend(other.bodies(10).await);
    reader.ping().await;
    drop(reader);
    app.until_there_are(2).await;
    let mut reader = app.clerk_with(5, &office, "r", kept(&[])).await;
    let own = reader.bodies(10).await;
    assert_eq!(own[..2], got[..2]);
    got.drain(..2);
    got.extend(own);
    let mut numbers: Vec<u32> = got.iter().map(|number| number.parse().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..20).collect::<Vec<_>>());
}
