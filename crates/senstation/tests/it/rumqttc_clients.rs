//! rumqttc, the client of most Rust programs, in MQTT 3.1.1: every QoS, retained messages, a will, and a
//! session across a station that is killed.

use std::time::Duration;

use rumqttc::{AsyncClient, Event, EventLoop, LastWill, MqttOptions, Packet, PublishOptions, QoS};
use tokio::{runtime, time::timeout};

use crate::support::{Farm, Station, json, senstation};

const PATIENCE: Duration = Duration::from_secs(30);

/// A station at a port that stays the same when it is started again.
fn serve(folder: &std::path::Path, port: u16) -> Station {
    let mut command = senstation(folder);
    command.env("SENSTATION_MQTT_LISTEN", format!("127.0.0.1:{port}"));
    Station::start(folder, command.args(["serve", "--http", "127.0.0.1:0"]))
}

fn port_of(station: &Station) -> u16 {
    station.greeting.trim().rsplit(':').next().unwrap().parse().unwrap()
}

async fn packet(events: &mut EventLoop) -> Packet {
    loop {
        let event = timeout(PATIENCE, events.poll()).await.expect("something comes");
        // The station is not there for a moment.
        let Ok(Event::Incoming(packet)) = event else { continue };
        return packet;
    }
}

async fn message(events: &mut EventLoop) -> (String, QoS, bool) {
    loop {
        if let Packet::Publish(message) = packet(events).await {
            return (String::from_utf8(message.payload.to_vec()).unwrap(), message.qos, message.retain);
        }
    }
}

async fn subscribed(client: &AsyncClient, events: &mut EventLoop, topic: &str, qos: QoS) {
    client.subscribe(topic, qos).await.unwrap();
    while !matches!(packet(events).await, Packet::SubAck(_)) {}
}

#[test]
fn rumqttc_talks_mqtt_3_1_1() {
    let folder = tempfile::tempdir().unwrap();
    let station = Station::serve(folder.path());
    let farm = Farm::set_up(folder);
    let source = json(farm.path(), &["source", "create", "--org", &farm.org, "--kind", "mqtt"]);
    let (user, token) = (source["source_id"].as_str().unwrap(), source["token"].as_str().unwrap());
    let port = port_of(&station);
    let open = |name: &str, set: &dyn Fn(&mut MqttOptions)| {
        let mut options = MqttOptions::new(name, ("127.0.0.1", port));
        options.set_credentials(user, token.to_owned());
        set(&mut options);
        AsyncClient::builder(options).capacity(64).build()
    };
    let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, mut events) = open("first", &|options| {
            options.set_clean_session(false);
        });
        for (qos, topic) in [(QoS::AtMostOnce, "a/0"), (QoS::AtLeastOnce, "a/1"), (QoS::ExactlyOnce, "a/2")] {
            subscribed(&client, &mut events, topic, qos).await;
            for (body, is_kept) in [("plain", false), ("kept", true)] {
                client.publish(topic, body, PublishOptions::new(qos).retain(is_kept)).await.unwrap();
                assert_eq!(message(&mut events).await, (body.to_owned(), qos, false));
            }
            let (late, mut late_events) = open("late", &|_| {});
            subscribed(&late, &mut late_events, topic, qos).await;
            assert_eq!(message(&mut late_events).await, ("kept".to_owned(), qos, true));
        }
        subscribed(&client, &mut events, "will", QoS::AtLeastOnce).await;
        let (gone, mut gone_events) = open("gone", &|options| {
            options.set_last_will(LastWill::new("will", "gone", QoS::AtLeastOnce, false));
        });
        subscribed(&gone, &mut gone_events, "b", QoS::AtLeastOnce).await;
        drop((gone, gone_events));
        assert_eq!(message(&mut events).await, ("gone".to_owned(), QoS::AtLeastOnce, false));

        station.kill();
        let _station = serve(farm.path(), port);
        let (other, mut other_events) = open("other", &|_| {});
        subscribed(&other, &mut other_events, "b", QoS::AtLeastOnce).await;
        for number in 0..20 {
            other.publish("a/2", number.to_string(), PublishOptions::new(QoS::ExactlyOnce)).await.unwrap();
            while !matches!(packet(&mut other_events).await, Packet::PubComp(_)) {}
        }
        let mut heard = Vec::new();
        while heard.len() < 20 {
            let (body, _, _) = message(&mut events).await;
            // What it had acknowledged in the moment before the kill may come again.
            if body.parse::<u32>().is_ok() {
                heard.push(body);
            }
        }
        assert_eq!(heard, (0..20).map(|number| number.to_string()).collect::<Vec<_>>());
    });
}
