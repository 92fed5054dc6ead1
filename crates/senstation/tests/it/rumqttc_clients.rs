//! rumqttc, the client of most Rust programs, in MQTT 3.1.1 and 5, over TCP and WebSocket: every QoS,
//! retained messages, a will, and a session across a station that is killed.

use std::path::Path;

use crate::support::{Farm, Station, json, senstation};

/// A station at ports that stay the same when it is started again.
fn serve(folder: &Path, mqtt: u16, http: u16) -> Station {
    let mut command = senstation(folder);
    command.env("SENSTATION_MQTT_LISTEN", format!("127.0.0.1:{mqtt}"));
    Station::start(folder, command.args(["serve", "--http", &format!("127.0.0.1:{http}")]))
}

fn mqtt_port(station: &Station) -> u16 {
    station.greeting.trim().rsplit(':').next().unwrap().parse().unwrap()
}

/// The two versions are two crates of the same shape.
macro_rules! talks {
    ($version:ident, $client:item, $keep:expr, $will:expr) => {
        mod $version {
            use std::time::Duration;

            use tokio::{runtime, time::timeout};

            use super::*;

            $client

            const PATIENCE: Duration = Duration::from_secs(30);

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

            fn talks(broker: impl Fn(u16, u16) -> Broker) {
                let folder = tempfile::tempdir().unwrap();
                let station = Station::serve(folder.path());
                let farm = Farm::set_up(folder);
                let source = json(farm.path(), &["source", "create", "--org", &farm.org, "--kind", "mqtt"]);
                let (user, token) = (source["source_id"].as_str().unwrap(), source["token"].as_str().unwrap());
                let (mqtt, http) = (mqtt_port(&station), station.address.port());
                let open = |name: &str, set: &dyn Fn(&mut MqttOptions)| {
                    let mut options = MqttOptions::new(name, broker(mqtt, http));
                    options.set_credentials(user, token.to_owned());
                    set(&mut options);
                    AsyncClient::builder(options).capacity(64).build()
                };
                let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let (client, mut events) = open("first", &$keep);
                    for (qos, topic) in [(QoS::AtMostOnce, "a/0"), (QoS::AtLeastOnce, "a/1"), (QoS::ExactlyOnce, "a/2")]
                    {
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
                        let will: fn() -> LastWill = $will;
                        options.set_last_will(will());
                    });
                    subscribed(&gone, &mut gone_events, "b", QoS::AtLeastOnce).await;
                    drop((gone, gone_events));
                    assert_eq!(message(&mut events).await, ("gone".to_owned(), QoS::AtLeastOnce, false));

                    station.kill();
                    let _station = serve(farm.path(), mqtt, http);
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

            #[test]
            fn talks_over_tcp() {
                talks(|mqtt, _| Broker::tcp("127.0.0.1", mqtt));
            }

            #[test]
            fn talks_over_web_sockets() {
                talks(|_, http| Broker::websocket(format!("ws://127.0.0.1:{http}/mqtt")).unwrap());
            }
        }
    };
}

talks!(
    rumqttc_3_1_1,
    use rumqttc::{AsyncClient, Broker, Event, EventLoop, LastWill, MqttOptions, Packet, PublishOptions, QoS};,
    |options| {
        options.set_clean_session(false);
    },
    || LastWill::new("will", "gone", QoS::AtLeastOnce, false)
);
talks!(
    rumqttc_5,
    use rumqttc_v5::{AsyncClient, Broker, Event, EventLoop, LastWill, MqttOptions, Packet, PublishOptions, QoS};,
    |options| {
        options.set_clean_start(false).set_session_expiry_interval(Some(3_600));
    },
    || LastWill::new("will", "gone", QoS::AtLeastOnce, false, None)
);
