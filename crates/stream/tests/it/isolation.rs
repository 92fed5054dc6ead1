//! Ways to another organization's readings, none of which leads there.

use store::Registry;

use crate::{
    client::{connect, packet, text},
    support::{App, EUI, Member},
};

/// Another organization's reading goes by first, then one of one's own: what comes is one's own.
async fn hears_only_its_own(app: &mut App, client: &mut crate::client::Client, member: &Member, other: &Member) {
    app.uplink(other.org, EUI, 1).await;
    app.uplink(member.org, EUI, 2).await;
    let message = client.message().await;
    assert!(message.topic.starts_with(&member.readings("")), "{message:?}");
    client.ping().await;
}

#[tokio::test]
async fn no_filter_reaches_beyond_the_organization() {
    for (version, foreign, shared) in [(4, 0x80, 0x80), (5, 0x87, 0x9E)] {
        let mut app = App::new();
        let (member, other) = (app.member().await, app.member().await);
        let mut client = app.reader(version, &member, "a").await;
        let (own, theirs) = (member.readings("#"), other.readings("#"));
        for filter in [
            &*theirs,
            "#",
            "+/#",
            "/#",
            "/+/#",
            "/+/+/#",
            "/device_sensor_data/#",
            "/device_sensor_data/+/#",
            "/device_sensor_data/+/+/+/vs/+",
            "/device_status_event/+/+/vs/+",
            &format!("+{own}"),
            &format!("/+/{}/#", member.org),
            &format!("/device_sensor_data/0{}/#", member.org),
            &format!("/device_sensor_data//{}/#", member.org),
            own.trim_start_matches('/'),
            "$SYS/#",
            "$SYS/broker/clients/+",
        ] {
            assert_eq!(client.subscribe(&[filter], 1).await, [foreign], "{filter}");
        }
        for filter in [format!("$share/g/{own}"), format!("$share/g/{theirs}"), "$share/g/#".to_owned()] {
            assert_eq!(client.subscribe(&[&filter], 1).await, [shared], "{filter}");
        }
        assert_eq!(client.subscribe(&[&own, &theirs, "#"], 1).await, [1, foreign, foreign], "one by one");
        hears_only_its_own(&mut app, &mut client, &member, &other).await;
    }
}

#[tokio::test]
async fn what_somebody_publishes_retains_or_wills_reaches_nobody() {
    for version in [4, 5] {
        let mut app = App::new();
        let (member, other) = (app.member().await, app.member().await);
        let mut victim = app.reader(version, &member, "victim").await;
        victim.subscribe(&[&member.readings("#")], 1).await;
        let topic = text(member.readings(&format!("{EUI}/1/vs/4097")));
        let none: &[u8] = if version == 5 { &[0] } else { &[] };

        let will = [none, &topic, &text("0")].concat();
        let mut intruder = app.client(version);
        let login = (&*other.user(), &*other.secret);
        intruder.send(&connect(version, "i", 0x02 | 0x04 | 0x08 | 0x20, &[], &will, login)).await;
        assert_eq!(intruder.expect(0x20).await[1], 0);
        intruder.send(&packet(0x33, &[&topic[..], &[0, 1], none, b"0"].concat())).await;
        intruder.expect(0x40).await;
        drop(intruder);

        let mut late = app.reader(version, &member, "late").await;
        late.subscribe(&[&member.readings("#")], 1).await;
        hears_only_its_own(&mut app, &mut victim, &member, &other).await;
        assert_eq!(late.minute().await, 2);
    }
}

#[tokio::test]
async fn a_name_is_taken_over_within_an_organization_only() {
    let mut app = App::new();
    let (member, other) = (app.member().await, app.member().await);
    let mut first = app.reader(5, &member, "same").await;
    let mut foreign = app.reader(5, &other, "same").await;
    first.ping().await;
    let mut second = app.reader(5, &member, "same").await;
    assert_eq!(first.ended().await, Some(0x8E));
    second.ping().await;
    foreign.ping().await;
    assert_eq!(app.broker.figures().sessions, 2);
}

#[tokio::test]
async fn nobody_goes_on_with_another_organizations_session() {
    let mut app = App::new();
    let (member, other) = (app.member().await, app.member().await);
    let mut client = app.client(4);
    client.connect(&member, "same", false, 0).await;
    client.subscribe(&[&member.readings("#")], 1).await;
    client.leave().await;
    app.uplink(member.org, EUI, 1).await;

    let mut thief = app.client(4);
    assert_eq!(thief.connect(&other, "same", false, 0).await, [0, 0], "it is not there");
    // What is under way would come before the answer.
    thief.ping().await;
    thief.leave().await;
    let mut thief = app.client(4);
    assert_eq!(thief.connect(&other, "same", true, 0).await, [0, 0]);
    thief.leave().await;

    assert!(app.store.find_stream_session(member.org, "same").await.unwrap().is_some());
    let mut client = app.client(4);
    assert_eq!(client.connect(&member, "same", false, 0).await, [1, 0], "it is still there");
    assert_eq!(client.minute().await, 1);
}
