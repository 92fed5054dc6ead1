//! What comes by MQTT is read as what comes by HTTP.

use ingest::{Accepted, Refusal, accept_published};
use model::{Reading, SourceKind};
use proptest::prelude::*;

use crate::support::{App, EUI, NEIGHBOUR, NEIGHBOURS_EUI, ORG, UP, now, source};

const CHIRPSTACK: &str = "application/3/device/2cf7f12004100005/event/up";
const TTS: &str = "v3/farm@ttn/devices/greenhouse-1/up";
const TTS_UP: &str = include_str!("../../fixtures/tts/up.json");
const READING: &str = r#"{"device":"2CF7F12004100005","measurement":4097,"value":21.4}"#;

async fn publish(app: &App, kind: SourceKind, topic: &str, body: &[u8]) -> Result<Option<Accepted>, Refusal> {
    accept_published(&app.state, &source(ORG, "a-publisher", kind), topic, body, now()).await
}

#[tokio::test]
async fn a_message_is_read_by_the_kind_of_its_source_or_else_by_its_topic() {
    let protobuf = include_bytes!("../../fixtures/chirpstack/up-protobuf.pb");
    for (kind, topic, body) in [
        (SourceKind::ChirpStack, CHIRPSTACK, UP.as_bytes()),
        (SourceKind::ChirpStack, CHIRPSTACK, protobuf),
        (SourceKind::Tts, TTS, TTS_UP.as_bytes()),
        (SourceKind::Tts, "elsewhere", TTS_UP.as_bytes()),
        (SourceKind::Mqtt, CHIRPSTACK, UP.as_bytes()),
        (SourceKind::Mqtt, TTS, TTS_UP.as_bytes()),
    ] {
        let app = App::new().await;
        assert_eq!(publish(&app, kind, topic, body).await.unwrap().unwrap().stored, 2, "{kind} {topic}");
        assert!(publish(&app, kind, topic, body).await.unwrap().unwrap().duplicate, "{kind} {topic}");
        assert_eq!(app.readings().await, [Reading::new(1, 4097, 21.4), Reading::new(1, 4098, 31.4)]);
    }
    let app = App::new().await;
    let taken = publish(&app, SourceKind::Http, "farm/greenhouse", READING.as_bytes()).await;
    assert_eq!(taken.unwrap().unwrap().stored, 1);
}

#[tokio::test]
async fn what_is_no_uplink_is_passed_over() {
    let app = App::new().await;
    for (kind, topic, body) in [
        (SourceKind::ChirpStack, "application/3/device/2cf7f12004100005/event/join", "{}"),
        (SourceKind::Tts, "v3/farm@ttn/devices/greenhouse-1/join", include_str!("../../fixtures/tts/join.json")),
        (SourceKind::Mqtt, "farm/greenhouse", READING),
        (SourceKind::Mqtt, "application/3/device/2cf7f12004100005/command/down", UP),
    ] {
        assert_eq!(publish(&app, kind, topic, body.as_bytes()).await.unwrap(), None, "{topic}");
    }
    assert!(app.readings().await.is_empty());
}

#[tokio::test]
async fn what_is_refused_is_refused_for_good_and_noted() {
    let app = App::new().await;
    let publisher = source(ORG, "a-publisher", SourceKind::ChirpStack);
    app.create_source(publisher.clone()).await;
    let large = vec![b' '; 1_048_577];
    for (topic, body, words) in [
        (CHIRPSTACK, "nonsense".as_bytes(), "Protobuf"),
        (CHIRPSTACK, b"{}", "missing field `deviceInfo`"),
        (CHIRPSTACK, &large, "1048576"),
        ("elsewhere", UP.as_bytes(), "`?event=`"),
    ] {
        let refusal = accept_published(&app.state, &publisher, topic, body, now()).await.unwrap_err();
        assert!(!refusal.is_for_now() && refusal.to_string().contains(words), "{refusal}");
        app.notes.flush(app.store.as_ref()).await.unwrap();
        let health = app.store.list_source_health(ORG).await.unwrap();
        let health = health.into_iter().find(|health| health.id == publisher.id).unwrap();
        assert!(health.last_error.contains(words), "{}", health.last_error);
    }
    assert!(app.rows(ORG, EUI).await.is_empty());
}

#[tokio::test]
async fn an_uplink_of_a_device_that_nobody_here_has_is_kept_and_reaches_no_other_organization() {
    let app = App::new().await;
    app.create_source(source(ORG, "a-publisher", SourceKind::ChirpStack)).await;
    let theirs = UP.replace("2cf7f12004100005", NEIGHBOURS_EUI);
    let taken = publish(&app, SourceKind::ChirpStack, CHIRPSTACK, theirs.as_bytes()).await.unwrap().unwrap();
    assert!(taken.kept && taken.stored == 0, "{taken:?}");
    assert!(app.rows(NEIGHBOUR, NEIGHBOURS_EUI).await.is_empty());
}

#[tokio::test]
async fn what_the_store_does_not_take_may_be_taken_later() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_embedded::EmbeddedStore::open(folder.path(), store_embedded::Settings::default()).unwrap();
    let app = App::on(store.clone()).await;
    store.close().await.unwrap();
    let refusal = publish(&app, SourceKind::ChirpStack, CHIRPSTACK, UP.as_bytes()).await.unwrap_err();
    assert!(refusal.is_for_now(), "{refusal}");
}

proptest! {
    #[test]
    fn any_topic_and_any_bytes_are_answered(topic in ".{0,40}|application/./device/./event/[a-z]{0,8}|v3/./devices/./[a-z/]{0,12}", body: Vec<u8>) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let app = App::new().await;
            for kind in SourceKind::ALL {
                if let Err(refusal) = publish(&app, kind, &topic, &body).await {
                    assert!(!refusal.is_for_now(), "{refusal}");
                }
            }
        });
    }
}
