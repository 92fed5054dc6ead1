//! What is refused: with which status, in which words, and that nothing of it is stored.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use model::SourceKind;
use serde_json::json;
use store_embedded::{EmbeddedStore, Settings};

use crate::support::{Answer, App, EUI, NEIGHBOUR, NEIGHBOURS_EUI, ORG, TOKEN, UP, hash, now, source, up_with};

#[track_caller]
fn check(answer: &Answer, status: StatusCode, words: &str) {
    let error = answer.body["error"].as_str().unwrap_or_default();
    assert_eq!(answer.status, status, "{error}");
    assert!(error.contains(words), "{error}");
}

async fn nothing_is_stored(app: &App) {
    assert!(app.rows(ORG, EUI).await.iter().all(|row| row.readings.is_empty()));
    assert!(app.rows(NEIGHBOUR, NEIGHBOURS_EUI).await.is_empty());
}

#[tokio::test]
async fn refuses_payloads_that_cannot_be_decoded() {
    let app = App::new().await;
    for (data, words) in [
        ("AQEQmFMAAAECEKh6AACvUg==", "the checksum at byte `14`"),
        ("AQEQmFMAAAE=", "needs `9` bytes and has `8`"),
        ("AQ==", "at byte"),
        ("ATMCAAAAAPBC", "unknown"),
    ] {
        let answer = app.up(up_with(json!({"data": data}))).await;
        check(&answer, StatusCode::UNPROCESSABLE_ENTITY, words);
    }
    nothing_is_stored(&app).await;
}

#[tokio::test]
async fn refuses_who_has_no_token() {
    let app = App::new().await;
    let without = app.send(Request::post("/ingest/chirpstack?event=up").body(Body::from(UP)).unwrap()).await;
    check(&without, StatusCode::UNAUTHORIZED, "Bearer TOKEN");
    assert!(without.headers.contains_key(header::WWW_AUTHENTICATE));
    let wrong = app.post("/ingest/chirpstack?event=up", "another-token", UP).await;
    check(&wrong, StatusCode::UNAUTHORIZED, "Bearer TOKEN");
    nothing_is_stored(&app).await;
}

#[tokio::test]
async fn refuses_a_token_from_when_its_overlap_with_the_next_one_ends() {
    let app = App::new().await;
    for (token, next, until) in [("early", "early-next", now()), ("late", "late-next", now().plus_ms(1))] {
        let source = source(ORG, token, SourceKind::ChirpStack);
        app.create_source(source.clone()).await;
        app.store.rotate_source_token(ORG, source.id, hash(next), until).await.unwrap();
    }
    let post = async |token| app.post("/ingest/chirpstack?event=join", token, "{}").await;
    check(&post("early").await, StatusCode::UNAUTHORIZED, "Bearer TOKEN");
    for token in ["early-next", "late", "late-next"] {
        assert_eq!(post(token).await.status, StatusCode::NO_CONTENT, "{token}");
    }
}

#[tokio::test]
async fn refuses_the_token_of_another_kind_of_source() {
    let app = App::new().await;
    app.create_source(source(ORG, "a-token-of-the-demo", SourceKind::Demo)).await;
    let answer = app.post("/ingest/chirpstack?event=up", "a-token-of-the-demo", UP).await;
    check(&answer, StatusCode::FORBIDDEN, "kind `demo`");
    nothing_is_stored(&app).await;
}

#[tokio::test]
async fn the_device_of_another_organization_is_as_unknown_as_none() {
    let app = App::new().await;
    let theirs = app.up(up_with(json!({"deviceInfo.devEui": NEIGHBOURS_EUI}))).await;
    let nobodys = app.up(up_with(json!({"deviceInfo.devEui": "2cf7f12004109999"}))).await;
    let neutral = |answer: &Answer| answer.body.to_string().replace(|c: char| c.is_ascii_hexdigit(), "");
    assert_eq!((theirs.status, nobodys.status), (StatusCode::ACCEPTED, StatusCode::ACCEPTED));
    assert_eq!(neutral(&theirs), neutral(&nobodys));
    assert!(theirs.body["warnings"][0].as_str().unwrap().contains(NEIGHBOURS_EUI), "{}", theirs.body);
    let status = include_str!("../../fixtures/chirpstack/status.json");
    for eui in [NEIGHBOURS_EUI, "2cf7f12004109999"] {
        let mut body: serde_json::Value = serde_json::from_str(status).unwrap();
        body["deviceInfo"]["devEui"] = eui.into();
        let answer = app.post("/ingest/chirpstack?event=status", TOKEN, body.to_string()).await;
        check(&answer, StatusCode::NOT_FOUND, "is bound here");
    }
    nothing_is_stored(&app).await;
}

#[tokio::test]
async fn refuses_a_device_whose_model_has_no_codec() {
    let app = App::new().await;
    app.bind(ORG, "2CF7F12004100007", "Toaster").await;
    let answer = app.up(up_with(json!({"deviceInfo.devEui": "2CF7F12004100007"}))).await;
    check(&answer, StatusCode::UNPROCESSABLE_ENTITY, "no codec for model `Toaster`");
}

#[tokio::test]
async fn refuses_payloads_that_are_still_encrypted() {
    let app = App::new().await;
    let answer = app.up(include_str!("../../fixtures/chirpstack/up-encrypted.json")).await;
    check(&answer, StatusCode::UNPROCESSABLE_ENTITY, "still encrypted");
    nothing_is_stored(&app).await;
}

#[tokio::test]
async fn says_what_json_was_expected() {
    let app = App::new().await;
    let half = &UP[..UP.len() / 2];
    for (body, words) in [
        ("", "ChirpStack v4's event `up`"),
        ("{", "ChirpStack v4's event `up`"),
        ("[]", "ChirpStack v4's event `up`"),
        (half, "ChirpStack v4's event `up`"),
        ("{}", "missing field `deviceInfo`"),
        (r#"{"deviceInfo":{}}"#, "missing field `devEui`"),
        (r#"{"deviceInfo":{"devEui":"xyz"},"data":"AQ=="}"#, "16 hex digits"),
        (r#"{"deviceInfo":{"devEui":"2CF7F12004100005"},"data":"%"}"#, "`data` is not base64"),
        (r#"{"deviceInfo":{"devEui":"2CF7F12004100005"},"data":"AQ==","fPort":256}"#, "`fPort`"),
        (r#"{"deviceInfo":{"devEui":"2CF7F12004100005"},"data":1}"#, "invalid type"),
    ] {
        check(&app.up(body.to_owned()).await, StatusCode::BAD_REQUEST, words);
    }
    let deep = up_with(json!({"object": 0}))
        .replace("\"object\":0", &format!("\"object\":{}{}", "[".repeat(64), "]".repeat(64)));
    check(&app.up(deep).await, StatusCode::BAD_REQUEST, "more than 64 deep");
    nothing_is_stored(&app).await;
}

#[tokio::test]
async fn an_error_does_not_repeat_a_long_body() {
    let app = App::new().await;
    let answer = app.up(json!({"deviceInfo": "x".repeat(10_000)}).to_string()).await;
    check(&answer, StatusCode::BAD_REQUEST, "invalid type");
    assert!(answer.body["error"].as_str().unwrap().len() < 400);
}

#[tokio::test]
async fn refuses_a_request_that_names_no_event_it_knows() {
    let app = App::new().await;
    for query in ["", "?event=", "?event=UP", "?event=up&event=up", "?event=%ff"] {
        let answer = app.post(&format!("/ingest/chirpstack{query}"), TOKEN, UP).await;
        check(&answer, StatusCode::BAD_REQUEST, "?event=");
    }
}

#[tokio::test]
async fn refuses_what_is_too_large_and_what_is_no_json() {
    let app = App::new().await;
    let noise = app.up(vec![0x5A; 2 * 1024 * 1024]).await;
    check(&noise, StatusCode::PAYLOAD_TOO_LARGE, "1048576");
    let packed = Request::post("/ingest/chirpstack?event=up")
        .header(header::AUTHORIZATION, format!("Bearer {TOKEN}"))
        .header(header::CONTENT_ENCODING, "gzip")
        .body(Body::from(vec![31, 139]));
    check(&app.send(packed.unwrap()).await, StatusCode::UNSUPPORTED_MEDIA_TYPE, "`gzip`");
    nothing_is_stored(&app).await;
}

#[tokio::test]
async fn nothing_is_acknowledged_while_the_store_takes_no_writes() {
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(folder.path(), Settings::default()).unwrap();
    let app = App::on(store.clone()).await;
    assert_eq!(app.up(UP).await.status, StatusCode::OK);
    store.close().await.unwrap();
    let answer = app.up(up_with(json!({"deduplicationId": "another"}))).await;
    check(&answer, StatusCode::SERVICE_UNAVAILABLE, "send it again");
    assert!(answer.headers.contains_key(header::RETRY_AFTER));
}
