//! What The Things Stack says besides readings: that it made an uplink up, and how devices are reached.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use ingest::{IngestState, router};
use model::{Downlink, RowFlags, SourceKind};
use serde_json::Value;

use super::support::{App, EUI, NEIGHBOUR, ORG, STATION_KEY, token};

const UP: &str = include_str!("../../fixtures/tts/up.json");
const SIMULATED: &str = include_str!("../../fixtures/tts/up-simulated.json");
const KEY: &str = "NNSXS.A-KEY.A-SECRET";
const PUSH: &str = "https://eu1.cloud.thethings.example/api/v3/as/applications/farm/webhooks/w/devices/g/down/push";

async fn app_that_keeps_simulated() -> App {
    let app = App::new().await;
    let state = IngestState { keeps_simulated: true, ..app.state.clone() };
    App { router: router(state.clone()), state, ..app }
}

#[tokio::test]
async fn simulated_uplinks_are_kept_on_demand_and_marked() {
    let app = app_that_keeps_simulated().await;
    let answer = app.post("/ingest/tts", &token(SourceKind::Tts), SIMULATED).await;
    assert_eq!((answer.status, &answer.body["stored"]), (StatusCode::OK, &Value::from(2)), "{}", answer.body);
    let rows = app.rows(ORG, EUI).await;
    assert!(rows.iter().all(|row| row.flags.has(RowFlags::SIMULATED)), "{rows:?}");
    assert_eq!(rows.len(), 1);
}

#[tokio::test]
async fn simulated_uplinks_of_devices_that_nobody_has_bound_are_not_kept() {
    let app = app_that_keeps_simulated().await;
    let stranger = "2CF7F12004109999";
    let answer = app.post("/ingest/tts", &token(SourceKind::Tts), SIMULATED.replace(EUI, stranger)).await;
    assert_eq!((answer.status, &answer.body["stored"]), (StatusCode::OK, &Value::from(0)), "{}", answer.body);
    assert!(answer.body["warnings"][0].as_str().unwrap().contains("nobody has bound"), "{}", answer.body);
    let kept = app.store.list_unbound_uplinks(ORG, stranger.parse().unwrap(), 10).await.unwrap();
    assert!(kept.is_empty(), "they would be decoded as real ones later");
}

async fn post_with_downlink(app: &App, push: &str, body: &'static str) -> StatusCode {
    let request = Request::post("/ingest/tts")
        .header(header::AUTHORIZATION, format!("Bearer {}", token(SourceKind::Tts)))
        .header("X-Downlink-Push", push)
        .header("X-Downlink-Apikey", KEY);
    app.send(request.body(Body::from(body)).unwrap()).await.status
}

async fn kept(app: &App) -> Option<Vec<u8>> {
    let sources = app.store.list_sources(ORG).await.unwrap();
    let source = sources.into_iter().find(|source| source.kind == SourceKind::Tts).unwrap();
    let eui = EUI.parse().unwrap();
    assert_eq!(app.store.find_downlink(NEIGHBOUR, source.id, eui).await.unwrap(), None);
    let sealed = app.store.find_downlink(ORG, source.id, eui).await.unwrap()?;
    let holds = |word: &str| sealed.windows(word.len()).any(|part| part == word.as_bytes());
    assert!(!holds(KEY) && !holds("thethings"), "what is kept is sealed");
    STATION_KEY.open(&Downlink::sealed_for(ORG, source.id, eui), &sealed)
}

#[tokio::test]
async fn how_a_device_is_reached_is_kept_sealed() {
    let app = App::new().await;
    assert_eq!(app.post("/ingest/tts", &token(SourceKind::Tts), UP).await.status, StatusCode::OK);
    assert_eq!(kept(&app).await, None, "nothing was said");
    for push in [PUSH, PUSH, "https://another.example/push"] {
        assert_eq!(post_with_downlink(&app, push, UP).await, StatusCode::OK);
        let kept: Value = serde_json::from_slice(&kept(&app).await.unwrap()).unwrap();
        assert_eq!((&kept["push"], &kept["key"]), (&Value::from(push), &Value::from(KEY)));
    }
}

#[tokio::test]
async fn what_is_too_long_or_of_no_device_is_not_kept() {
    let app = App::new().await;
    let long = format!("https://long.example/{}", "x".repeat(3_000));
    assert_eq!(post_with_downlink(&app, &long, UP).await, StatusCode::OK);
    assert_eq!(kept(&app).await, None);
    assert_eq!(
        post_with_downlink(&app, PUSH, include_str!("../../fixtures/tts/join.json")).await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(kept(&app).await, None);
}
