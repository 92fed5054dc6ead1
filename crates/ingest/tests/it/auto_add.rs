//! Devices that bind themselves, where the source allows it.

use axum::http::StatusCode;
use model::{Source, SourceKind};
use serde_json::json;

use crate::support::{App, ORG, source, up_with};

const NEW: &str = "2CF7F12004107777";
const PATH: &str = "/ingest/chirpstack?event=up";

async fn app() -> App {
    let app = App::new().await;
    app.create_source(Source { auto_add: true, ..source(ORG, "open", SourceKind::ChirpStack) }).await;
    app
}

#[tokio::test]
async fn adds_a_device_whose_profile_names_a_model() {
    let app = app().await;
    let answer = app.post(PATH, "open", up_with(json!({"deviceInfo.devEui": NEW}))).await;
    assert_eq!(answer.status, StatusCode::OK);
    let device = app.store.find_device(ORG, NEW.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!((device.model.as_str(), device.name.as_str()), ("S2101", "Greenhouse 1"));
    assert_eq!(app.rows(ORG, NEW).await.len(), 1);
}

#[tokio::test]
async fn the_tag_counts_more_than_the_profile() {
    let app = app().await;
    let body = up_with(json!({"deviceInfo.devEui": NEW, "deviceInfo.tags": {"sensecap_model": "s2103"}}));
    assert_eq!(app.post(PATH, "open", body).await.status, StatusCode::OK);
    let device = app.store.find_device(ORG, NEW.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(device.model, "S2103");
}

#[tokio::test]
async fn adds_nothing_that_names_no_model() {
    let app = app().await;
    let body = up_with(json!({"deviceInfo.devEui": NEW, "deviceInfo.deviceProfileName": "Class A"}));
    assert_eq!(app.post(PATH, "open", body).await.status, StatusCode::ACCEPTED);
    assert!(app.store.find_device(ORG, NEW.parse().unwrap()).await.unwrap().is_none());
}

#[tokio::test]
async fn adds_nothing_whose_payload_is_not_of_its_model() {
    let app = app().await;
    let body = up_with(json!({"deviceInfo.devEui": NEW, "data": "AQEQmFMAAAECEKh6AACvUg=="}));
    assert_eq!(app.post(PATH, "open", body).await.status, StatusCode::ACCEPTED);
    assert!(app.store.find_device(ORG, NEW.parse().unwrap()).await.unwrap().is_none());
}

#[tokio::test]
async fn two_first_uplinks_at_once_add_one_device() {
    let app = app().await;
    let uplink = |f_cnt| up_with(json!({"deviceInfo.devEui": NEW, "fCnt": f_cnt, "deduplicationId": ""}));
    let (one, other) = tokio::join!(app.post(PATH, "open", uplink(1)), app.post(PATH, "open", uplink(2)));
    assert_eq!((one.status, other.status), (StatusCode::OK, StatusCode::OK));
    assert_eq!(app.rows(ORG, NEW).await.len(), 2);
}

#[tokio::test]
async fn other_network_servers_name_the_model_as_well() {
    let tts = include_str!("../../fixtures/tts/up.json").replace("2CF7F12004100005", NEW);
    let helium = include_str!("../../fixtures/helium/up.json").replace("2CF7F12004100005", NEW);
    let v3 = include_str!("../../fixtures/chirpstack/up-v3.json").replace("2cf7f12004100005", NEW);
    for (kind, path, body, name) in [
        (SourceKind::Tts, "/ingest/tts", tts, "greenhouse-1"),
        (SourceKind::Helium, "/ingest/helium", helium, "Greenhouse 1"),
        (SourceKind::ChirpStack, PATH, v3, "Greenhouse 1"),
    ] {
        let app = App::new().await;
        app.create_source(Source { auto_add: true, ..source(ORG, "open", kind) }).await;
        assert_eq!(app.post(path, "open", body).await.body["stored"], 2, "{kind}");
        let device = app.store.find_device(ORG, NEW.parse().unwrap()).await.unwrap().unwrap();
        assert_eq!((device.model.as_str(), device.name.as_str()), ("S2101", name), "{kind}");
    }
}

#[tokio::test]
async fn a_status_adds_no_device_whose_model_nobody_knows() {
    let app = app().await;
    let status = include_str!("../../fixtures/chirpstack/status.json").replace("2cf7f12004100005", NEW);
    let unknown = status.replace("SenseCAP S2101", "Class A");
    let post = async |body: String| app.post("/ingest/chirpstack?event=status", "open", body).await.status;
    assert_eq!(post(unknown).await, StatusCode::NOT_FOUND);
    assert!(app.store.find_device(ORG, NEW.parse().unwrap()).await.unwrap().is_none());
    assert_eq!(post(status).await, StatusCode::OK);
    assert_eq!(app.store.find_device(ORG, NEW.parse().unwrap()).await.unwrap().unwrap().model, "S2101");
}
