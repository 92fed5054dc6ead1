//! Whatever is posted is answered, and never with a failure of ours.

use axum::http::StatusCode;
use ingest::{Message, Post};
use model::SourceKind;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{App, ORG, TOKEN, UP, now, reader, source};

/// The kinds that post, and a message of each whose fields are played with.
const KINDS: [SourceKind; 5] =
    [SourceKind::ChirpStack, SourceKind::Tts, SourceKind::Helium, SourceKind::Aws, SourceKind::Http];
const MESSAGES: [&str; 6] = [
    UP,
    include_str!("../../fixtures/chirpstack/up-v3.json"),
    include_str!("../../fixtures/tts/up.json"),
    include_str!("../../fixtures/helium/up.json"),
    include_str!("../../fixtures/aws/up.json"),
    include_str!("../../fixtures/http/one.json"),
];

/// Puts a value in the place of the `at`th field or element, counted through the whole message.
pub(crate) fn replace(json: &mut Value, at: &mut usize, with: &Value) -> bool {
    if *at == 0 {
        *json = with.clone();
        return true;
    }
    *at -= 1;
    match json {
        Value::Array(list) => list.iter_mut().any(|inner| replace(inner, at, with)),
        Value::Object(map) => map.values_mut().any(|inner| replace(inner, at, with)),
        _ => false,
    }
}

fn status_of(event: &str, body: Vec<u8>) -> StatusCode {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let app = App::new().await;
        app.post(&format!("/ingest/chirpstack?event={event}"), TOKEN, body).await.status
    })
}

pub(crate) fn any_json() -> impl Strategy<Value = Value> {
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

/// Reads a body as every kind of source and every encoding would.
fn read_as_any(kind: SourceKind, body: &[u8]) {
    let source = source(ORG, TOKEN, kind);
    for event in ["", "up", "status", "join"] {
        for content_type in ["application/json", "application/octet-stream", "text/csv"] {
            let message = reader(kind)(&Post { event, content_type, body }, &source, now());
            if let Ok(Message::Uplink(uplink)) = message {
                assert!(uplink.frame.receptions.iter().all(|heard| heard.snr_db.is_finite()));
                assert_eq!(uplink.org, ORG);
            }
        }
    }
}

#[test]
fn what_the_fuzzer_has_tried_is_answered() {
    for kind in KINDS {
        let corpus = format!("{}/../../fuzz/corpus/source_{kind}", env!("CARGO_MANIFEST_DIR"));
        let mut tried = 0;
        for file in std::fs::read_dir(corpus).unwrap() {
            let body = std::fs::read(file.unwrap().path()).unwrap();
            read_as_any(kind, &body);
            if kind == SourceKind::ChirpStack {
                let status = status_of("up", body);
                assert!(!status.is_server_error(), "{status}");
            }
            tried += 1;
        }
        assert!(tried > 0, "{kind}");
    }
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
    fn any_bytes_are_read_by_every_kind(kind in prop::sample::select(&KINDS[..]), body: Vec<u8>) {
        read_as_any(kind, &body);
    }

    #[test]
    fn any_value_in_any_place_is_read(which in 0..MESSAGES.len(), mut at in 0_usize..90, value in any_json()) {
        let mut body: Value = serde_json::from_str(MESSAGES[which]).unwrap();
        replace(&mut body, &mut at, &value);
        for kind in KINDS {
            read_as_any(kind, body.to_string().as_bytes());
        }
    }

    #[test]
    fn half_a_protobuf_message_with_noise_is_read(cut in 0_usize..692, noise: Vec<u8>) {
        let whole = include_bytes!("../../fixtures/chirpstack/up-protobuf.pb");
        read_as_any(SourceKind::ChirpStack, &[&whole[..cut], &noise].concat());
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
