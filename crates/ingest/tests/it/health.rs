//! What is kept about how sources are doing.

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use model::{SourceHealth, SourceKind};
use serde_json::json;
use store_embedded::{EmbeddedStore, Settings};

use crate::support::{App, NEIGHBOUR, ORG, TOKEN, UP, now, source, up_with};

async fn health(app: &App) -> SourceHealth {
    app.store.list_source_health(ORG).await.unwrap().remove(0)
}

/// How the source is doing, once that is written down.
async fn flushed(app: &App) -> SourceHealth {
    app.notes.flush(app.store.as_ref()).await.unwrap();
    health(app).await
}

#[tokio::test]
async fn whatever_is_taken_counts_as_a_message() {
    let app = App::new().await;
    let join = include_str!("../../fixtures/chirpstack/join.json");
    let status = include_str!("../../fixtures/chirpstack/status.json");
    assert_eq!(app.up(UP).await.body["duplicate"], false);
    assert_eq!(app.up(UP).await.body["duplicate"], true);
    assert_eq!(app.post("/ingest/chirpstack?event=status", TOKEN, status).await.status, StatusCode::OK);
    assert_eq!(app.post("/ingest/chirpstack?event=join", TOKEN, join).await.status, StatusCode::NO_CONTENT);
    assert_eq!(health(&app).await.messages, 0, "not flushed yet");
    let health = flushed(&app).await;
    assert_eq!((health.messages, health.last_message_at), (4, Some(now())));
    assert_eq!((health.last_error_at, health.last_error.as_str()), (None, ""));
    assert_eq!(flushed(&app).await, health, "counted twice");
    assert_eq!(app.store.list_source_health(NEIGHBOUR).await.unwrap()[0].messages, 0);
}

#[tokio::test]
async fn the_last_refusal_is_kept_in_the_words_of_the_answer() {
    let app = App::new().await;
    app.post("/ingest/chirpstack?event=fly", TOKEN, "{}").await;
    let answer = app.up(up_with(json!({"data": "AQ==", "deduplicationId": "another"}))).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let health = flushed(&app).await;
    assert_eq!((health.messages, health.last_message_at), (0, None));
    assert_eq!(
        (health.last_error_at, health.last_error.as_str()),
        (Some(now()), answer.body["error"].as_str().unwrap())
    );
    app.up(UP).await;
    let after = flushed(&app).await;
    assert_eq!((after.messages, after.last_error), (1, health.last_error), "it stays, with its time");
}

#[tokio::test]
async fn who_is_not_authenticated_is_not_noted() {
    let app = App::new().await;
    app.create_source(source(ORG, "a-token-of-the-demo", SourceKind::Demo)).await;
    app.send(Request::post("/ingest/chirpstack?event=up").body(Body::from(UP)).unwrap()).await;
    app.post("/ingest/chirpstack?event=up", "another-token", UP).await;
    app.post("/ingest/chirpstack?event=up", "a-token-of-the-demo", UP).await;
    app.notes.flush(app.store.as_ref()).await.unwrap();
    for health in app.store.list_source_health(ORG).await.unwrap() {
        assert_eq!((health.messages, health.last_error_at), (0, None));
    }
}

#[tokio::test]
async fn what_cannot_be_stored_just_now_is_no_message() {
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(folder.path(), Settings::default()).unwrap();
    let app = App::on(store.clone()).await;
    store.close().await.unwrap();
    assert_eq!(app.up(UP).await.status, StatusCode::SERVICE_UNAVAILABLE);
    let health = flushed(&app).await;
    assert_eq!((health.messages, health.last_error_at), (0, Some(now())));
    assert!(health.last_error.contains("send it again"), "{}", health.last_error);
}
