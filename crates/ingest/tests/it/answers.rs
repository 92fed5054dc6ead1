//! What is stored, and what the sender is told.

use axum::http::StatusCode;
use model::Reading;
use serde_json::{Value, json};

use crate::support::{App, EUI, NEIGHBOUR, NEIGHBOURS_EUI, ORG, TOKEN, UP, up_with};

#[tokio::test]
async fn stores_what_the_device_measured_once() {
    let app = App::new().await;
    let first = app.up(UP).await;
    assert_eq!((first.status, first.body), (StatusCode::OK, json!({"stored": 2, "duplicate": false, "warnings": []})));
    let measured = [Reading::new(1, 4097, 21.4), Reading::new(1, 4098, 31.4)];
    assert_eq!(app.readings().await, measured);

    let again = app.up(UP).await;
    assert_eq!((again.status, again.body), (StatusCode::OK, json!({"stored": 0, "duplicate": true, "warnings": []})));
    assert_eq!(app.readings().await, measured);
    assert_eq!(app.store.count_um(ORG).await.unwrap(), 2);
}

#[tokio::test]
async fn without_a_deduplication_id_frame_counter_and_time_tell_uplinks_apart() {
    let app = App::new().await;
    let anonymous = up_with(json!({"deduplicationId": ""}));
    assert_eq!(app.up(anonymous.clone()).await.body["duplicate"], false);
    assert_eq!(app.up(anonymous).await.body["duplicate"], true);
    let next = up_with(json!({"deduplicationId": "", "fCnt": 1202}));
    assert_eq!(app.up(next).await.body["duplicate"], false);
}

#[tokio::test]
async fn frames_before_a_fault_are_stored_with_a_warning() {
    let app = App::new().await;
    // A second record of an id that nobody knows, and a checksum that fits.
    let payload = with_crc("01011098530000 01330200000000");
    let answer = app.up(up_with(json!({"data": payload}))).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.body["stored"], 1);
    let warning = answer.body["warnings"][0].as_str().unwrap();
    assert!(warning.contains("at byte"), "{warning}");
    assert_eq!(app.readings().await, [Reading::new(1, 4097, 21.4)]);
}

#[tokio::test]
async fn an_unusual_port_only_warns() {
    let app = App::new().await;
    let answer = app.up(up_with(json!({"fPort": 7}))).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.body["warnings"][0].as_str().unwrap().contains("f_port `7`"));
    assert_eq!(app.readings().await.len(), 2);
}

#[tokio::test]
async fn a_status_event_feeds_battery_and_signal() {
    let app = App::new().await;
    let status = include_str!("../../fixtures/chirpstack/status.json");
    let answer = app.post("/ingest/chirpstack?event=status", TOKEN, status).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(app.readings().await, [Reading::status(3000, 87.0), Reading::status(3009, 14.0)]);
    assert_eq!(app.store.count_um(ORG).await.unwrap(), 0, "statuses are no data");
}

#[tokio::test]
async fn an_uplink_and_the_status_that_came_with_it_are_both_stored() {
    let id: Value = serde_json::from_str(UP).unwrap();
    let mut status: Value = serde_json::from_str(include_str!("../../fixtures/chirpstack/status.json")).unwrap();
    status["deduplicationId"] = id["deduplicationId"].clone();
    let (up, status) = (("up", UP.to_owned()), ("status", status.to_string()));
    for order in [[&up, &status], [&status, &up]] {
        let app = App::new().await;
        for (event, body) in order {
            let path = format!("/ingest/chirpstack?event={event}");
            assert_eq!(app.post(&path, TOKEN, body.clone()).await.body["duplicate"], false, "{event}");
            assert_eq!(app.post(&path, TOKEN, body.clone()).await.body["duplicate"], true, "{event} again");
        }
        assert_eq!(app.readings().await.len(), 4);
    }
}

#[tokio::test]
async fn a_battery_that_nobody_measured_is_not_stored() {
    for status in [
        include_str!("../../fixtures/chirpstack/status-external-power.json"),
        include_str!("../../fixtures/chirpstack/status-battery-unavailable.json"),
    ] {
        let app = App::new().await;
        app.post("/ingest/chirpstack?event=status", TOKEN, status).await;
        let stored: Vec<_> = app.readings().await.iter().map(|reading| reading.series.measurement.0).collect();
        assert_eq!(stored, [3009]);
    }
}

#[tokio::test]
async fn events_without_readings_are_taken_and_change_nothing() {
    let app = App::new().await;
    for (event, body) in [
        ("join", include_str!("../../fixtures/chirpstack/join.json")),
        ("ack", include_str!("../../fixtures/chirpstack/ack.json")),
        ("txack", include_str!("../../fixtures/chirpstack/txack.json")),
        ("log", include_str!("../../fixtures/chirpstack/log.json")),
        ("location", include_str!("../../fixtures/chirpstack/location.json")),
        ("integration", include_str!("../../fixtures/chirpstack/integration.json")),
        ("up", include_str!("../../fixtures/chirpstack/up-without-data.json")),
    ] {
        let answer = app.post(&format!("/ingest/chirpstack?event={event}"), TOKEN, body).await;
        assert_eq!((answer.status, answer.body), (StatusCode::NO_CONTENT, Value::Null), "{event}");
    }
    assert!(app.rows(ORG, EUI).await.is_empty());
}

#[tokio::test]
async fn the_same_device_in_two_organizations_keeps_two_histories() {
    let app = App::new().await;
    app.bind(NEIGHBOUR, EUI, "S2101").await;
    app.up(UP).await;
    assert_eq!(app.rows(ORG, EUI).await.len(), 1);
    assert!(app.rows(NEIGHBOUR, EUI).await.is_empty());
    assert!(app.rows(NEIGHBOUR, NEIGHBOURS_EUI).await.is_empty());
    app.post("/ingest/chirpstack?event=up", "a-token-of-the-neighbour", UP).await;
    assert_eq!(app.rows(NEIGHBOUR, EUI).await.len(), 1);
}

/// Hex with the checksum of family A behind it, as base64.
fn with_crc(hex: &str) -> String {
    use base64::{Engine, prelude::BASE64_STANDARD};
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let mut bytes: Vec<u8> =
        digits.chunks(2).map(|two| u8::from_str_radix(str::from_utf8(two).unwrap(), 16).unwrap()).collect();
    let crc = bytes.iter().fold(0_u16, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0x8408 } else { crc >> 1 })
    });
    bytes.extend(crc.to_le_bytes());
    BASE64_STANDARD.encode(bytes)
}
