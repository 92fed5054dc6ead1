//! Whatever is posted is answered, and never with a failure of ours.

use axum::http::StatusCode;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{App, TOKEN, UP};

fn status_of(event: &str, body: Vec<u8>) -> StatusCode {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let app = App::new().await;
        app.post(&format!("/ingest/chirpstack?event={event}"), TOKEN, body).await.status
    })
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(".{0,8}", inner, 0..6).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

const FIELDS: [&str; 12] = [
    "deduplicationId",
    "time",
    "deviceInfo",
    "fCnt",
    "fPort",
    "dr",
    "data",
    "rxInfo",
    "txInfo",
    "joinServerContext",
    "margin",
    "batteryLevel",
];

#[test]
fn what_the_fuzzer_has_tried_is_answered() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/chirpstack");
    let mut tried = 0;
    for file in std::fs::read_dir(corpus).unwrap() {
        let body = std::fs::read(file.unwrap().path()).unwrap();
        for event in ["up", "status"] {
            let status = status_of(event, body.clone());
            assert!(!status.is_server_error(), "{status}");
        }
        tried += 1;
    }
    assert!(tried > 0);
}

proptest! {
    #[test]
    fn any_bytes_are_refused(event in "up|status", body: Vec<u8>) {
        let status = status_of(&event, body);
        prop_assert!(status.is_client_error(), "{status}");
    }

    #[test]
    fn any_json_in_any_field_is_answered(event in "up|status", field in prop::sample::select(&FIELDS[..]), value in any_json()) {
        let mut body: Value = serde_json::from_str(UP).unwrap();
        body[field] = value;
        let status = status_of(&event, body.to_string().into_bytes());
        prop_assert!(!status.is_server_error(), "{status}");
    }

    #[test]
    fn any_payload_on_any_port_is_answered(payload in prop::collection::vec(any::<u8>(), 0..300), f_port: u8) {
        use base64::{Engine, prelude::BASE64_STANDARD};
        let mut body: Value = serde_json::from_str(UP).unwrap();
        body["data"] = BASE64_STANDARD.encode(payload).into();
        body["fPort"] = f_port.into();
        let status = status_of("up", body.to_string().into_bytes());
        prop_assert!(!status.is_server_error(), "{status}");
    }
}
