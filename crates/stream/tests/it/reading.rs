//! What readers get.

use model::{KeyLimits, Reading, Scopes, SourceId, Timestamp, Value};
use store::Registry;
use stream::Arrival;

use crate::{
    client::{Client, connect, packet, text},
    support::{App, EUI, NOW_MS},
};

#[tokio::test]
async fn a_reading_is_a_message_and_a_status_another_in_the_order_of_their_times() {
    for version in [4, 5] {
        let mut app = App::new();
        let member = app.member().await;
        let mut client = app.reader(version, &member, "a").await;
        let statuses = format!("/device_status_event/{}/#", member.org);
        assert_eq!(client.subscribe(&[&member.readings("#"), &statuses], 0).await, [0, 0]);
        let wifi = Value::Json(r#"[{"mac":"AA","rssi":"-60"}]"#.into());
        let rows = vec![
            (2, vec![Reading::new(2, 4098, 31.25), Reading::status(3000, 87.0)]),
            (1, vec![Reading::new(1, 5001, wifi)]),
        ];
        app.rows(member.org, EUI, rows).await;
        let org = member.org;
        let mut got = Vec::new();
        for _ in 0..3 {
            let message = client.message().await;
            assert_eq!((message.id, message.is_retained), (None, false));
            got.push(format!("{} {}", message.topic, message.payload));
        }
        got[1..].sort();
        let (first, second) = (NOW_MS + 60_000, NOW_MS + 120_000);
        assert_eq!(
            got,
            [
                format!(
                    r#"/device_sensor_data/{org}/{EUI}/1/vs/5001 {{"value":[{{"mac":"AA","rssi":"-60"}}],"timestamp":{first}}}"#
                ),
                format!(r#"/device_sensor_data/{org}/{EUI}/2/vs/4098 {{"value":31.25,"timestamp":{second}}}"#),
                format!(r#"/device_status_event/{org}/{EUI}/vs/3000 {{"value":87,"timestamp":{second}}}"#),
            ]
        );
    }
}

#[tokio::test]
async fn what_was_brought_in_as_history_is_no_news() {
    let mut app = App::new();
    let member = app.member().await;
    let mut client = app.reader(4, &member, "a").await;
    assert_eq!(client.subscribe(&[&member.readings("#")], 0).await, [0]);
    app.rows_of(SourceId::HISTORY, member.org, EUI, vec![(1, vec![Reading::new(1, 4097, 1.0)])]).await;
    app.uplinks(member.org, 2..3).await;
    let message = client.message().await;
    assert!(message.payload.starts_with(r#"{"value":2,"#), "{}", message.payload);
}

#[tokio::test]
async fn overlapping_filters_bring_one_message_at_the_highest_qos_with_both_numbers() {
    let mut app = App::new();
    let member = app.member().await;
    let mut client = app.reader(5, &member, "a").await;
    for (number, qos, filter) in [(7, 0, "#"), (8, 1, "+/1/vs/4097")] {
        let filter = [text(member.readings(filter)), vec![qos]].concat();
        client.send(&packet(0x82, &[&[0, 1, 2, 11, number][..], &filter].concat())).await;
        assert_eq!(client.expect(0x90).await, [0, 1, 0, qos]);
    }
    app.uplinks(member.org, 1..3).await;
    for expected in [1, 2] {
        let message = client.message().await;
        let mut numbers = message.numbers;
        numbers.sort_unstable();
        assert_eq!((message.id, numbers), (Some(expected), vec![7, 8]));
    }
}

#[tokio::test]
async fn subscribing_brings_nothing_old_and_unsubscribing_ends_it() {
    let mut app = App::new();
    let member = app.member().await;
    app.uplink(member.org, EUI, 1).await;
    let mut client = app.reader(5, &member, "a").await;
    client.subscribe(&[&member.readings("#")], 1).await;
    app.uplink(member.org, EUI, 2).await;
    assert_eq!(client.minute().await, 2);
    for code in [0, 0x11] {
        client.send(&packet(0xA2, &[&[0, 9, 0][..], &text(member.readings("#"))].concat())).await;
        assert_eq!(client.expect(0xB0).await, [0, 9, 0, code]);
    }
    app.uplink(member.org, EUI, 3).await;
    client.subscribe(&[&member.readings("#")], 1).await;
    app.uplink(member.org, EUI, 4).await;
    assert_eq!(client.minute().await, 4);
}

#[tokio::test]
async fn what_a_client_publishes_is_acknowledged_dropped_and_counted() {
    for (version, refused) in [(4, &[][..]), (5, &[0x87])] {
        let mut app = App::new();
        let member = app.member().await;
        let mut client = app.reader(version, &member, "a").await;
        client.subscribe(&[&member.readings("#")], 1).await;
        let topic = text(member.readings(&format!("{EUI}/1/vs/4097")));
        let none: &[u8] = if version == 5 { &[0] } else { &[] };
        client.send(&packet(0x31, &[&topic, none, b"0"].concat())).await;
        client.send(&packet(0x32, &[&topic[..], &[0, 5], none, b"1"].concat())).await;
        assert_eq!(client.expect(0x40).await, [&[0, 5][..], refused].concat());
        client.send(&packet(0x34, &[&topic[..], &[0, 6], none, b"2"].concat())).await;
        assert_eq!(client.expect(0x50).await, [&[0, 6][..], refused].concat());
        client.send(&packet(0x62, &[0, 6])).await;
        assert_eq!(client.expect(0x70).await, [0, 6]);
        client.ping().await;
        assert_eq!(app.broker.figures().received, 3);
    }
}

#[tokio::test]
async fn who_has_no_key_that_may_read_is_told_so_and_let_go() {
    let mut app = App::new();
    let member = app.member().await;
    let (org, none) = (member.org, KeyLimits::default());
    let write = Scopes { read: false, write: true, manage: false };
    let writes = app.key(org, write, none.clone()).await;
    let past = KeyLimits { expires_at: Some(Timestamp::from_millis(NOW_MS)), ..none.clone() };
    let expired = app.key(org, Scopes::READ_WRITE, past).await;
    let revoked = app.key(org, Scopes::READ_WRITE, none).await;
    app.store.revoke_access_key(org, revoked.id, Timestamp::EPOCH).await.unwrap();
    let other = app.member().await;
    let own = member.user();
    for (user, secret, v3, v5) in [
        (&*own, "", 4, 0x86),
        (&*own, "0", 4, 0x86),
        (&*own, &*other.secret, 4, 0x86),
        (&*own, &*member.secret.to_lowercase().replace('0', "o"), 4, 0x86),
        ("org-1", &*member.secret, 4, 0x86),
        ("org-#", &*member.secret, 4, 0x86),
        ("org-+", &*member.secret, 4, 0x86),
        (&*member.id.to_string(), &*member.secret, 4, 0x86),
        (&*own, &*writes.secret, 5, 0x87),
        (&*own, &*expired.secret, 5, 0x87),
        (&*own, &*revoked.secret, 5, 0x87),
    ] {
        for (version, code) in [(4, v3), (5, v5)] {
            let mut client = app.client(version);
            client.send(&connect(version, "a", 2, &[], &[], (user, secret))).await;
            let answer = client.expect(0x20).await;
            assert_eq!(answer[..2], [0, code], "{user} {secret}");
            assert_eq!(client.next().await, None);
        }
    }
    assert_eq!(app.broker.figures().sessions, 0);
}

#[tokio::test]
async fn a_key_of_some_origins_is_for_their_pages_and_nothing_else() {
    let mut app = App::new();
    let org = app.member().await.org;
    let limits = KeyLimits { origins: vec!["https://a.example".to_owned()], ..KeyLimits::default() };
    let member = app.key(org, Scopes::READ_WRITE, limits).await;
    for (origin, code) in [(None, 5), (Some("https://b.example"), 5), (Some("null"), 5), (Some("https://a.example"), 0)]
    {
        let arrival = Arrival { origin: origin.map(str::to_owned) };
        let mut client = Client::new(app.dial(arrival, 4096), 4);
        assert_eq!(client.connect(&member, "a", true, 0).await, [0, code], "{origin:?}");
    }
}

#[tokio::test]
async fn a_revoked_or_expired_key_ends_its_sessions_and_no_others() {
    let mut app = App::new();
    let member = app.member().await;
    let soon = KeyLimits { expires_at: Some(Timestamp::from_millis(NOW_MS + 1_000)), ..KeyLimits::default() };
    let expires = app.key(member.org, Scopes::READ_WRITE, soon).await;
    let stays = app.key(member.org, Scopes::READ_WRITE, KeyLimits::default()).await;
    let mut revoked = app.reader(5, &member, "a").await;
    let mut old = app.reader(4, &member, "b").await;
    let mut expired = app.reader(5, &expires, "c").await;
    let mut other = app.reader(5, &stays, "d").await;
    app.store.revoke_access_key(member.org, member.id, Timestamp::EPOCH).await.unwrap();
    assert_eq!((revoked.ended().await, old.ended().await), (Some(0x87), None));
    app.pass_ms(1_000);
    assert_eq!(expired.ended().await, Some(0x87));
    other.ping().await;
}

#[tokio::test]
async fn when_the_station_stops_readers_are_told() {
    let mut app = App::new();
    let member = app.member().await;
    let mut new = app.reader(5, &member, "a").await;
    let mut old = app.reader(4, &member, "b").await;
    app.stop().await;
    assert_eq!((new.ended().await, old.ended().await), (Some(0x8B), None));
}
