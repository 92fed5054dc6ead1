//! The private space of an organization: what is published reaches those who asked for it.

use store::Registry;

use crate::{
    client::{connect, packet, text},
    letters::{Terms, will},
    support::{App, EUI, STATION_KEY},
};

/// 3.1.1: 3.8.4-6, 4.3.2-1, 4.3.3-1, 4.7.1-3
/// 5: 3.8.4-8, 4.3.2-1, 4.3.2-2, 4.3.2-5, 4.3.3-1, 4.3.3-2, 4.3.3-4, 4.3.3-11
#[tokio::test]
async fn a_message_arrives_at_the_lower_of_two_qos() {
    for (from, to) in [(4, 4), (4, 5), (5, 4), (5, 5)] {
        let mut app = App::new();
        let office = app.office().await;
        let mut sender = app.clerk(from, &office, "sender").await;
        for wanted in 0..3 {
            let mut reader = app.clerk(to, &office, "reader").await;
            assert_eq!(reader.ask(None, &[("a/+/c", wanted)]).await, [wanted]);
            for sent in 0..3 {
                sender.publish(sent, "a/b/c", "hello").await;
                sender.publish(sent, "a/b", "not for you").await;
                let letter = reader.receive().await;
                assert_eq!((letter.qos, &*letter.topic, &*letter.payload), (wanted.min(sent), "a/b/c", "hello"));
                assert!(!letter.retain && !letter.is_again);
            }
        }
    }
}

/// 3.1.1: 3.3.5-1
/// 5: 3.3.4-2, 3.3.4-3, 3.3.4-4
#[tokio::test]
async fn overlapping_filters_bring_one_message_at_the_highest_qos() {
    let mut app = App::new();
    let office = app.office().await;
    let mut client = app.clerk(5, &office, "a").await;
    assert_eq!(client.ask(Some(1), &[("a/#", 0)]).await, [0]);
    assert_eq!(client.ask(Some(2), &[("a/+", 2), ("b", 2)]).await, [2, 2]);
    assert_eq!(client.ask(Some(3), &[("+/b", 1)]).await, [1]);
    client.post(4, 1, &[], "a/b", "x").await;
    client.expect(0x50).await;
    let letter = client.letter().await;
    assert_eq!((letter.qos, letter.properties), (2, vec![11, 3, 11, 1, 11, 2]), "by ascending filter");
    client.ping().await;
}

/// 5: 3.3.2-4, 3.3.2-15, 3.3.2-16, 3.3.2-17, 3.3.2-18, 3.3.2-20
#[tokio::test]
async fn what_only_a_publisher_knows_is_passed_on() {
    let mut app = App::new();
    let office = app.office().await;
    let (mut sender, mut reader) = (app.clerk(5, &office, "s").await, app.clerk(5, &office, "r").await);
    let mut old = app.clerk(4, &office, "o").await;
    reader.ask(None, &[("a", 1)]).await;
    old.ask(None, &[("a", 1)]).await;
    let user = |name: &str, value: &str| [vec![38], text(name), text(value)].concat();
    let properties = [
        vec![1, 1],
        [&[3][..], &text("text/plain")].concat(),
        [&[8][..], &text("answers/here")].concat(),
        [&[9][..], &[0, 2, 0, 255]].concat(),
        user("b", "1"),
        user("a", "2"),
        user("b", "3"),
    ]
    .concat();
    for qos in [0, 1] {
        sender.publish_with(qos << 1, &properties, "a", "x").await;
        assert_eq!(reader.receive().await.properties, properties);
        assert_eq!(old.receive().await.payload, "x");
    }
    // An alias and an expiry are not the publisher's to pass on as they are.
    let given = [&[35, 0, 1, 2, 0, 0, 0, 60][..], &properties].concat();
    sender.publish_with(2, &given, "a", "x").await;
    app.pass_ms(0);
    assert_eq!(reader.receive().await.properties, [&[2, 0, 0, 0, 60][..], &properties].concat());
    sender.publish_with(2, &[35, 0, 1], "", "by its number").await;
    assert_eq!(reader.receive().await.payload, "by its number");
}

/// 5: 3.3.1-9, 3.3.1-10, 3.3.1-11
#[tokio::test]
async fn retained_messages_come_to_those_who_ask_later_as_they_want() {
    let mut app = App::new();
    let office = app.office().await;
    let mut sender = app.clerk(5, &office, "s").await;
    sender.publish_with(1, &[], "a/1", "at 0").await;
    sender.publish_with(3, &[], "a/2", "at 1").await;
    sender.publish_with(5, &[], "a/3", "at 2").await;
    sender.publish_with(3, &[], "a/4", "gone").await;
    sender.publish_with(3, &[], "a/4", "").await;
    sender.publish_with(3, &[], "b", "not for you").await;
    // Twice: also after the station was started anew.
    for round in 0..2 {
        let mut reader = app.clerk(5, &office, "r").await;
        assert_eq!(reader.ask(Some(9), &[("a/+", 1)]).await, [1]);
        for (topic, qos) in [("a/1", 0), ("a/2", 1), ("a/3", 1)] {
            let letter = reader.receive().await;
            assert_eq!((&*letter.topic, letter.qos, letter.retain), (topic, qos, true), "{round}");
            assert_eq!(letter.properties, [11, 9]);
        }
        // Handling 1 sends nothing for a filter that is there, 2 never, 0 always.
        reader.ask(None, &[("a/+", 0x11)]).await;
        reader.ask(None, &[("a/#", 0x21)]).await;
        reader.ping().await;
        reader.ask(None, &[("a/1", 0x10)]).await;
        assert_eq!(reader.receive().await.topic, "a/1");
        reader.ask(None, &[("a/1", 0)]).await;
        assert_eq!(reader.receive().await.topic, "a/1");
        reader.ask(None, &[("$share/g/a/+", 0)]).await;
        reader.ping().await;
        if round == 0 {
            app = app.restart().await;
        }
    }
}

/// 5: 3.3.1-12, 3.3.1-13
#[tokio::test]
async fn a_new_message_says_that_it_is_retained_to_those_who_want_to_know() {
    let mut app = App::new();
    let office = app.office().await;
    let mut client = app.clerk(5, &office, "a").await;
    client.ask(None, &[("plain", 0), ("told", 8)]).await;
    for (topic, told) in [("plain", false), ("told", true)] {
        client.post(1, 0, &[], topic, "x").await;
        assert_eq!(client.receive().await.retain, told);
        client.post(0, 0, &[], topic, "x").await;
        assert!(!client.receive().await.retain);
    }
}

/// 5: 3.8.3-3
#[tokio::test]
async fn ones_own_messages_are_left_out_where_that_is_wanted() {
    let mut app = App::new();
    let office = app.office().await;
    let (mut client, mut other) = (app.clerk(5, &office, "a").await, app.clerk(5, &office, "b").await);
    client.ask(None, &[("x", 4 | 1), ("y", 1)]).await;
    client.publish(1, "x", "own").await;
    other.publish(1, "x", "other's").await;
    assert_eq!(client.bodies(1).await, ["other's"]);
    client.post(2, 1, &[], "y", "own, wanted").await;
    client.expect(0x40).await;
    assert_eq!(client.bodies(1).await, ["own, wanted"]);
}

/// 5: 3.3.2-5, 3.3.2-6
#[tokio::test]
async fn a_message_expires_and_says_how_long_it_has_left() {
    let mut app = App::new();
    let office = app.office().await;
    let mut sender = app.clerk(5, &office, "s").await;
    sender.publish_with(3, &[2, 0, 0, 0, 60], "a", "short").await;
    sender.publish_with(3, &[2, 0, 0, 2, 0], "b", "long").await;
    app.pass_ms(59_000);
    let mut reader = app.clerk(5, &office, "r").await;
    reader.ask(None, &[("+", 0)]).await;
    assert_eq!(reader.receive().await.properties, [2, 0, 0, 0, 1]);
    assert_eq!(reader.receive().await.properties, [2, 0, 0, 1, 197]);
    app.pass_ms(1_000);
    let mut late = app.clerk(4, &office, "l").await;
    late.ask(None, &[("+", 0)]).await;
    assert_eq!(late.receive().await.payload, "long");
    late.ping().await;
}

/// 5: 4.8.2-1, 4.8.2-2, 4.8.2-3
#[tokio::test]
async fn of_those_who_share_a_filter_one_gets_each_message() {
    let mut app = App::new();
    let office = app.office().await;
    let mut readers = Vec::new();
    for name in ["a", "b", "c"] {
        let mut reader = app.clerk(5, &office, name).await;
        assert_eq!(reader.ask(None, &[("$share/g/x/#", 1)]).await, [1]);
        assert_eq!(reader.ask(None, &[("end", 1)]).await, [1]);
        readers.push(reader);
    }
    let mut sender = app.clerk(4, &office, "s").await;
    for number in 0..9 {
        sender.publish(number % 2, &format!("x/{number}"), "x").await;
    }
    sender.publish(1, "end", "end").await;
    let mut all = Vec::new();
    for reader in &mut readers {
        let mut own = Vec::new();
        while let letter = reader.receive().await
            && letter.topic != "end"
        {
            own.push(letter.topic);
        }
        assert!((2..=4).contains(&own.len()), "{own:?}");
        all.extend(own);
    }
    all.sort();
    assert_eq!(all, (0..9).map(|number| format!("x/{number}")).collect::<Vec<_>>());
    for wrong in ["$share/", "$share/g", "$share//x", "$share/g+/x", "$share/g/"] {
        assert_eq!(readers[0].ask(None, &[(wrong, 0)]).await, [0x8F], "{wrong}");
    }
}

/// 5: 3.1.2-26, 3.1.2-27, 3.3.2-11
#[tokio::test]
async fn topics_are_named_by_numbers_to_those_who_let_them() {
    let mut app = App::new();
    let office = app.office().await;
    let terms = Terms { properties: &[34, 0, 1], ..Terms::default() };
    let mut reader = app.clerk_with(5, &office, "r", terms).await;
    reader.ask(None, &[("#", 0)]).await;
    let mut sender = app.clerk(4, &office, "s").await;
    for topic in ["one", "two", "one"] {
        sender.publish(0, topic, topic).await;
    }
    let (first, second, third) = (reader.letter().await, reader.letter().await, reader.letter().await);
    assert_eq!((&*first.topic, &first.properties[..]), ("one", &[35, 0, 1][..]));
    assert_eq!((&*second.topic, &second.properties[..]), ("two", &[][..]));
    assert_eq!((&*third.topic, &*third.payload, &third.properties[..]), ("", "one", &[35, 0, 1][..]));
}

/// 3.1.1: 3.1.2-8, 3.1.2-10, 3.14.4-3
/// 5: 3.1.2-7, 3.1.2-8, 3.1.2-10, 3.14.4-3
#[tokio::test]
async fn a_will_is_published_unless_its_client_says_goodbye() {
    for version in [4, 5] {
        let mut app = App::new();
        let office = app.office().await;
        let mut reader = app.clerk(version, &office, "r").await;
        reader.ask(None, &[("will/#", 2)]).await;
        let testament = |topic: &str| Some((0x08 | 0x20, will(version, &[], topic, "gone")));
        let terms = |topic: &str| Terms { will: testament(topic), ..Terms::default() };
        app.clerk_with(version, &office, "polite", terms("will/polite")).await.leave().await;
        drop(app.clerk_with(version, &office, "cut", terms("will/cut")).await);
        let letter = reader.receive().await;
        assert_eq!((&*letter.topic, &*letter.payload, letter.qos), ("will/cut", "gone", 1));
        let mut rude = app.clerk_with(version, &office, "rude", terms("will/rude")).await;
        rude.send(&[0x00, 0]).await;
        assert_eq!(reader.receive().await.topic, "will/rude");
        let _first = app.clerk_with(version, &office, "twice", terms("will/twice")).await;
        let _second = app.clerk(version, &office, "twice").await;
        assert_eq!(reader.receive().await.topic, "will/twice");
        if version == 5 {
            let mut client = app.clerk_with(5, &office, "asks", terms("will/asks")).await;
            client.send(&packet(0xE0, &[4])).await;
            assert_eq!(reader.receive().await.topic, "will/asks");
        }
        let mut late = app.clerk(version, &office, "l").await;
        late.ask(None, &[("will/cut", 0)]).await;
        assert!(late.receive().await.retain);
    }
}

/// 5: 3.1.2-8, 3.1.3-9
#[tokio::test]
async fn a_will_waits_for_its_client_as_long_as_it_says() {
    let mut app = App::new();
    let office = app.office().await;
    let mut reader = app.clerk(5, &office, "r").await;
    reader.ask(None, &[("will/#", 1)]).await;
    let testament = |topic: &str| Some((8, will(5, &[24, 0, 0, 0, 60], topic, "gone")));
    let terms = |topic: &str| Terms { is_kept: true, will: testament(topic), ..Terms::default() };
    // Who is back in time has no will any more, who begins anew has it at once.
    drop(app.clerk_with(5, &office, "back", terms("will/back")).await);
    drop(app.clerk_with(5, &office, "back", terms("will/back")).await);
    drop(app.clerk(5, &office, "back").await);
    assert_eq!(reader.receive().await.topic, "will/back");
    drop(app.clerk_with(5, &office, "away", terms("will/away")).await);
    app.until_there_are(1).await;
    app.pass_ms(59_000);
    reader.ping().await;
    app.pass_ms(1_000);
    assert_eq!(reader.receive().await.topic, "will/away");
    drop(app.clerk_with(5, &office, "late", terms("will/late")).await);
    let mut witness = app.clerk_with(5, &office, "witness", Terms { is_kept: true, ..Terms::default() }).await;
    witness.ask(None, &[("will/late", 1)]).await;
    witness.leave().await;
    // A station that stops has no clients any more.
    let mut app = app.restart().await;
    let mut witness = app.clerk_with(5, &office, "witness", Terms { is_kept: true, ..Terms::default() }).await;
    assert_eq!(witness.receive().await.topic, "will/late");
}

#[tokio::test]
async fn who_may_not_come_back_has_no_will() {
    let mut app = App::new();
    let office = app.office().await;
    let dismissed = app.source(office.org).await;
    let mut reader = app.clerk(5, &office, "r").await;
    reader.ask(None, &[("will/#", 1)]).await;
    let after = |seconds: u8, topic: &str| Some((8, will(5, &[24, 0, 0, 0, seconds], topic, "gone")));
    let terms = |seconds, topic| Terms { is_kept: true, will: after(seconds, topic), ..Terms::default() };
    drop(app.clerk_with(5, &dismissed, "dismissed", terms(30, "will/dismissed")).await);
    drop(app.clerk_with(5, &office, "away", terms(60, "will/away")).await);
    app.until_there_are(1).await;
    app.store.delete_source(office.org, dismissed.source.unwrap()).await.unwrap();
    app.pass_ms(30_000);
    reader.ping().await;
    app.pass_ms(30_000);
    assert_eq!(reader.receive().await.topic, "will/away");
}

/// 3.1.1: 3.3.5-2
/// 5: 4.3.3-9
#[tokio::test]
async fn nothing_is_published_outside_of_the_space() {
    for version in [4, 5] {
        let mut app = App::new();
        let office = app.office().await;
        let mut client = app.clerk(version, &office, "a").await;
        assert_eq!(client.ask(None, &[("#", 0)]).await, [0]);
        let deep = vec!["a"; 17].join("/");
        let long = "a".repeat(513);
        let stream = format!("/device_sensor_data/{}/{EUI}/1/vs/4097", office.org);
        for (topic, reason) in [
            ("$SYS/a", 0x87),
            ("$share/g/a", 0x87),
            ("/device_sensor_data", 0x87),
            (&stream, 0x87),
            ("/device_status_event/1", 0x87),
            (&deep, 0x90),
            (&long, 0x90),
        ] {
            client.post(2, 7, &[], topic, "x").await;
            let expected: &[u8] = if version == 5 { &[0, 7, reason] } else { &[0, 7] };
            assert_eq!(client.expect(0x40).await, expected, "{topic}");
            client.post(4, 7, &[], topic, "x").await;
            assert_eq!(client.expect(0x50).await, expected, "{topic}");
            client.post(0, 0, &[], topic, "x").await;
        }
        client.post(0, 0, &[], "device_sensor_data", "own").await;
        assert_eq!(client.receive().await.payload, "own");
        assert_eq!(app.broker.figures().dropped, 21);
        assert_eq!(app.told.all().len(), 1);
    }
}

/// 3.1.1: 4.7.2-1
/// 5: 4.7.2-1
#[tokio::test]
async fn no_filter_reaches_the_stream_or_another_organization() {
    for version in [4, 5] {
        let mut app = App::new();
        let (office, other) = (app.office().await, app.office().await);
        let foreign = if version == 5 { 0x87 } else { 0x80 };
        let (mut client, mut theirs) = (app.clerk(version, &office, "a").await, app.clerk(version, &other, "a").await);
        let own = format!("/device_sensor_data/{}/#", office.org);
        for filter in ["$SYS/#", "/device_sensor_data/#", &own, "/device_status_event/+/#", "$share/g/$SYS/#"] {
            assert_eq!(client.ask(None, &[(filter, 0)]).await, [foreign], "{filter}");
        }
        assert_eq!(client.ask(None, &[("#", 2), (&own, 0), ("$share/g/#", 1)]).await, [2, foreign, 1]);
        theirs.ask(None, &[("#", 0), ("$share/g/#", 0)]).await;
        theirs.publish_with(1, &[], "a", "retained by the other").await;
        assert_eq!(theirs.receive().await.topic, "a");
        app.uplink(office.org, EUI, 1).await;
        let mut late = app.clerk(version, &office, "late").await;
        late.ask(None, &[("#", 0)]).await;
        late.ping().await;
        late.post(0, 0, &[], "b", "own").await;
        for client in [&mut late, &mut client] {
            assert_eq!(client.receive().await.payload, "own");
            client.ping().await;
        }
    }
}

#[tokio::test]
async fn a_source_is_let_in_by_its_own_token_alone() {
    for (version, bad) in [(4, 4), (5, 0x86)] {
        let mut app = App::new();
        let (member, other) = (app.member().await, app.office().await);
        let office = app.source(member.org).await;
        let mut foreign = office.clone();
        foreign.secret.clone_from(&other.secret);
        let mut key = office.clone();
        key.secret.clone_from(&member.secret);
        let mut reversed = member.clone();
        reversed.secret.clone_from(&office.secret);
        for wrong in [foreign, key, reversed] {
            let mut client = app.client(version);
            assert_eq!(client.enter(&wrong, "a", Terms::default()).await[1], bad);
        }
        for user in ["#", "+", "org-+", "org-#", "%", "device-3000-+"] {
            let mut client = app.client(version);
            client.send(&connect(version, "a", 2, &[], &[], (user, &office.secret))).await;
            assert_eq!(client.expect(0x20).await[1], bad, "{user}");
        }
        let mut client = app.clerk(version, &office, "a").await;
        app.store.delete_source(office.org, office.source.unwrap()).await.unwrap();
        assert_eq!(client.ended().await, (version == 5).then_some(0x87));
    }
}

#[tokio::test]
async fn a_device_has_its_own_part_of_the_space() {
    let mut app = App::new();
    let office = app.office().await;
    let device = app.store.find_device(office.org, EUI.parse().unwrap()).await.unwrap().unwrap();
    let user = format!("device-3000-{EUI}");
    let token = STATION_KEY.mqtt_token(office.org, device.eui, device.generation);
    for wrong in [&*office.secret, "", "-", &token[1..], &STATION_KEY.device_token(office.org, device.eui, 1)] {
        let mut client = app.client(5);
        client.send(&connect(5, &user, 2, &[], &[], (&user, wrong))).await;
        assert_eq!(client.expect(0x20).await[1], 0x86, "{wrong}");
    }
    // By another's name it would end the session of whoever has that.
    for version in [4, 5] {
        let mut client = app.client(version);
        client.send(&connect(version, "backend", 2, &[], &[], (&user, &token))).await;
        assert_eq!(client.expect(0x20).await[1], if version == 5 { 0x85 } else { 2 });
    }
    let mut client = app.client(5);
    client.send(&connect(5, &user, 2, &[], &[], (&user, &token))).await;
    assert_eq!(client.expect(0x20).await[1], 0);
    let orders = format!("sensecraft/ipnode/{EUI}/get/order/task-publish");
    let filters = [(&*orders, 1), ("sensecraft/ipnode/+/get/order/#", 1), ("#", 0)];
    assert_eq!(client.ask(None, &filters).await, [1, 0x87, 0x87]);
    for (topic, reason) in [
        (format!("sensecraft/ipnode/{EUI}/update/event/measure-sensor"), None),
        ("sensecraft/ipnode/2CF7F12004100006/update/event/measure-sensor".to_owned(), Some(0x87)),
        (orders.clone(), Some(0x87)),
    ] {
        client.post(2, 1, &[], &topic, "{}").await;
        assert_eq!(client.expect(0x40).await.get(2).copied(), reason, "{topic}");
    }
    assert_eq!(app.told.all().len(), 1);
    app.clerk(5, &office, "s").await.publish(1, &orders, "do").await;
    assert_eq!(client.receive().await.payload, "do");
}

#[tokio::test]
async fn who_does_not_say_who_it_is_is_let_in_where_that_is_set() {
    let nameless = |version: u8| {
        let properties: &[u8] = if version == 5 { &[0] } else { &[] };
        packet(0x10, &[&text("MQTT")[..], &[version, 2, 0, 60], properties, &text("a")].concat())
    };
    for (version, bad) in [(4, 4), (5, 0x86)] {
        let mut app = App::new();
        let mut client = app.client(version);
        client.send(&nameless(version)).await;
        assert_eq!(client.expect(0x20).await[1], bad);
        let office = app.office().await;
        let settings = stream::Settings { anonymous_source: office.source, ..stream::Settings::default() };
        let mut app = app.reopen(settings).await;
        let mut client = app.client(version);
        client.send(&nameless(version)).await;
        assert_eq!(client.expect(0x20).await[1], 0);
        client.publish(1, "a", "x").await;
        let origin = Some("https://elsewhere.example".to_owned());
        let mut page = crate::client::Client::new(app.dial(stream::Arrival { origin }, 1 << 10), version);
        page.send(&nameless(version)).await;
        assert_eq!(page.expect(0x20).await[1], bad, "a page of a browser");
        assert_eq!(app.told.all(), [(office.source.unwrap(), "a".to_owned())]);
        app.store.delete_source(office.org, office.source.unwrap()).await.unwrap();
        assert_eq!(client.ended().await, (version == 5).then_some(0x87));
    }
}
