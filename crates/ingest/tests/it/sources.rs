//! Every kind of source: what it brings ends as the right readings, for the right organization, at a
//! believable time; and what it does not bring is refused in words that help.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use model::{Reading, RowFlags, SourceKind, Timestamp};
use serde_json::{Value, json};

use crate::support::{Answer, App, EUI, NEIGHBOUR, NEIGHBOURS_EUI, ORG, TOKEN, now, token};

const KINDS: [SourceKind; 4] = [SourceKind::Tts, SourceKind::Helium, SourceKind::Aws, SourceKind::Http];

/// A message of each kind with a device and a time of one's choice, as the kind writes them.
fn message(kind: SourceKind, eui: &str, at: &str) -> String {
    let at: jiff::Timestamp = at.parse().unwrap();
    let read = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
    let body = match kind {
        SourceKind::Tts => {
            let mut body = read(include_str!("../../fixtures/tts/up.json"));
            body["end_device_ids"]["dev_eui"] = eui.into();
            body["uplink_message"]["received_at"] = at.to_string().into();
            body
        }
        SourceKind::Helium => {
            let mut body = read(include_str!("../../fixtures/helium/up.json"));
            body["dev_eui"] = eui.into();
            body["reported_at"] = at.as_millisecond().into();
            body
        }
        SourceKind::Aws => {
            let mut body = read(include_str!("../../fixtures/aws/up.json"));
            body["WirelessMetadata"]["LoRaWAN"]["DevEui"] = eui.into();
            body["WirelessMetadata"]["LoRaWAN"]["Timestamp"] = at.to_string().into();
            body
        }
        _ => json!([
            {"device": eui, "time": at.to_string(), "measurement": 4097, "value": 21.4},
            {"device": eui, "time": at.as_millisecond(), "channel": "1", "measurement": "4098", "value": "31.4"},
        ]),
    };
    body.to_string()
}

async fn post(app: &App, kind: SourceKind, body: impl Into<Body>) -> Answer {
    app.post_as(kind, "application/json", body).await
}

#[track_caller]
fn check(answer: &Answer, status: StatusCode, words: &str) {
    let error = answer.body["error"].as_str().unwrap_or_default();
    assert_eq!(answer.status, status, "{error}");
    assert!(error.contains(words), "{error}");
}

#[tokio::test]
async fn what_each_kind_brings_is_stored_once() {
    for kind in KINDS {
        let app = App::new().await;
        let body = message(kind, EUI, "2026-07-10T02:39:44.319Z");
        let first = post(&app, kind, body.clone()).await;
        assert_eq!(first.status, StatusCode::OK, "{kind}");
        assert_eq!(first.body, json!({"stored": 2, "duplicate": false, "warnings": []}), "{kind}");
        assert_eq!(app.readings().await, [Reading::new(1, 4097, 21.4), Reading::new(1, 4098, 31.4)], "{kind}");
        assert_eq!(app.rows(ORG, EUI).await[0].measured_at, Timestamp::from_millis(1_783_651_184_319), "{kind}");
        assert_eq!(post(&app, kind, body).await.body["duplicate"], true, "{kind}");
        assert_eq!(app.readings().await.len(), 2, "{kind}");
    }
}

#[tokio::test]
async fn no_token_reaches_a_device_of_another_organization() {
    for kind in KINDS {
        let app = App::new().await;
        let send = async |eui| post(&app, kind, message(kind, eui, "2026-07-10T02:39:44Z")).await;
        let (theirs, nobodys) = (send(NEIGHBOURS_EUI).await, send("2CF7F12004109999").await);
        let neutral = |answer: &Answer| answer.body.to_string().replace(|c: char| c.is_ascii_hexdigit(), "");
        assert_eq!((theirs.status, neutral(&theirs)), (nobodys.status, neutral(&nobodys)), "{kind}");
        if kind == SourceKind::Http {
            // There is no payload that could be decoded later.
            check(&theirs, StatusCode::NOT_FOUND, NEIGHBOURS_EUI);
        } else {
            assert_eq!((theirs.status, &theirs.body["kept"]), (StatusCode::ACCEPTED, &json!(true)), "{kind}");
        }
        let kept = if kind == SourceKind::Http { 0 } else { 2 };
        assert_eq!(app.store.list_unbound(ORG, 9).await.unwrap().len(), kept, "{kind}");
        assert_eq!(app.store.list_unbound(NEIGHBOUR, 9).await.unwrap(), [], "{kind}");
        assert!(app.rows(NEIGHBOUR, NEIGHBOURS_EUI).await.is_empty(), "{kind}");
        assert!(app.rows(ORG, NEIGHBOURS_EUI).await.is_empty(), "{kind}");
        assert_eq!(app.store.count_um(NEIGHBOUR).await.unwrap(), 0, "{kind}");
    }
}

#[tokio::test]
async fn a_time_that_cannot_be_right_is_replaced_and_flagged() {
    for kind in KINDS {
        for time in ["1970-01-01T00:00:00Z", "1970-01-21T00:00:00Z", "2026-07-12T00:00:00Z", "2106-02-07T06:28:15Z"] {
            let app = App::new().await;
            let answer = post(&app, kind, message(kind, EUI, time)).await;
            assert_eq!(answer.status, StatusCode::OK, "{kind} {time}");
            let row = app.rows(ORG, EUI).await.remove(0);
            assert_eq!((row.measured_at, row.flags), (now(), RowFlags::CLAMPED), "{kind} {time}");
            let warning = answer.body["warnings"][0].as_str().unwrap();
            assert!(warning.contains("cannot be right"), "{kind} {warning}");
        }
    }
}

#[tokio::test]
async fn each_path_takes_the_token_of_its_kind_alone() {
    let app = App::new().await;
    for kind in KINDS {
        let path = kind.path().unwrap();
        let without = app.send(Request::post(path).body(Body::from("{}")).unwrap()).await;
        check(&without, StatusCode::UNAUTHORIZED, "Bearer TOKEN");
        check(&app.post(path, "nobodys", "{}").await, StatusCode::UNAUTHORIZED, "Bearer TOKEN");
        check(&app.post(path, TOKEN, "{}").await, StatusCode::FORBIDDEN, "kind `chirpstack`");
        let elsewhere = app.post("/ingest/chirpstack?event=up", &token(kind), "{}").await;
        check(&elsewhere, StatusCode::FORBIDDEN, &format!("kind `{kind}`"));
    }
}

#[tokio::test]
async fn a_body_of_another_kind_is_refused_with_what_was_expected() {
    let words = |kind| match kind {
        SourceKind::Tts => "a message of The Things Stack v3",
        SourceKind::Helium => "an uplink of Helium's Console",
        SourceKind::Aws => "AWS IoT Core for LoRaWAN",
        _ => "one reading or an array of them",
    };
    let app = App::new().await;
    for kind in KINDS {
        for other in KINDS.into_iter().filter(|other| *other != kind) {
            let mut body = message(other, EUI, "2026-07-10T02:39:44Z");
            if other == SourceKind::Http {
                body = body.trim_matches(['[', ']']).split("},").next().unwrap().to_owned() + "}";
            }
            let answer = post(&app, kind, body).await;
            check(&answer, StatusCode::BAD_REQUEST, words(kind));
        }
        for body in ["", "[", "null", "7", "\u{feff}{}"] {
            check(&post(&app, kind, body).await, StatusCode::BAD_REQUEST, words(kind));
        }
        let deep = format!("{}{}", "[".repeat(65), "]".repeat(65));
        check(&post(&app, kind, deep).await, StatusCode::BAD_REQUEST, "more than 64 deep");
        check(&post(&app, kind, vec![b' '; 1_048_577]).await, StatusCode::PAYLOAD_TOO_LARGE, "1048576");
        let protobuf = app.post_as(kind, "application/x-protobuf", vec![10, 36]).await;
        check(&protobuf, StatusCode::UNSUPPORTED_MEDIA_TYPE, "plain JSON");
    }
    assert!(app.rows(ORG, EUI).await.is_empty());
}

#[tokio::test]
async fn chirpstack_may_send_protobuf_and_may_be_of_version_3() {
    let path = "/ingest/chirpstack?event=up";
    for (content_type, body) in [
        ("application/octet-stream", &include_bytes!("../../fixtures/chirpstack/up-protobuf.pb")[..]),
        ("application/json", include_bytes!("../../fixtures/chirpstack/up-v3.json")),
        ("application/json", include_bytes!("../../fixtures/chirpstack/up-v3_protobuf_json.json")),
    ] {
        let app = App::new().await;
        let request = Request::post(path)
            .header(header::AUTHORIZATION, format!("Bearer {TOKEN}"))
            .header(header::CONTENT_TYPE, content_type);
        let answer = app.send(request.body(Body::from(body)).unwrap()).await;
        assert_eq!(answer.body["stored"], 2, "{}", answer.body);
        assert_eq!(app.readings().await, [Reading::new(1, 4097, 21.4), Reading::new(1, 4098, 31.4)]);
    }
    let app = App::new().await;
    let noise = Request::post(path)
        .header(header::AUTHORIZATION, format!("Bearer {TOKEN}"))
        .header(header::CONTENT_TYPE, "application/octet-stream");
    let answer = app.send(noise.body(Body::from(vec![255, 255])).unwrap()).await;
    check(&answer, StatusCode::BAD_REQUEST, "the Protobuf of ChirpStack v4's event `up`");
}

#[tokio::test]
async fn the_things_stack_may_post_each_message_to_a_path_of_its_own() {
    let app = App::new().await;
    let up = include_str!("../../fixtures/tts/up.json");
    let token = token(SourceKind::Tts);
    assert_eq!(app.post("/ingest/tts/up", &token, up).await.body["stored"], 2);
    for (path, body) in [
        ("/ingest/tts/join", include_str!("../../fixtures/tts/join.json")),
        ("/ingest/tts/down/ack", include_str!("../../fixtures/tts/down_ack.json")),
        ("/ingest/tts/location/solved", include_str!("../../fixtures/tts/location_solved.json")),
        ("/ingest/tts", include_str!("../../fixtures/tts/join.json")),
        ("/ingest/tts/", include_str!("../../fixtures/tts/join.json")),
        ("/ingest/tts/join/", include_str!("../../fixtures/tts/join.json")),
    ] {
        assert_eq!(app.post(path, &token, body).await.status, StatusCode::NO_CONTENT, "{path}");
    }
    check(
        &app.post("/ingest/tts/join", &token, up).await,
        StatusCode::BAD_REQUEST,
        "`join_accept`: it is a message `up`",
    );
    check(&app.post("/ingest/tts/uplink", &token, up).await, StatusCode::BAD_REQUEST, "`/ingest/tts/up`");
}

#[tokio::test]
async fn what_the_things_stack_made_up_or_left_out_is_not_stored_but_told() {
    let app = App::new().await;
    for (body, words) in [
        (include_str!("../../fixtures/tts/up-simulated.json"), "simulated"),
        (include_str!("../../fixtures/tts/up-masked_without_bytes.json"), "up.uplink_message.frm_payload"),
    ] {
        let answer = post(&app, SourceKind::Tts, body).await;
        assert_eq!((answer.status, &answer.body["stored"]), (StatusCode::OK, &json!(0)));
        assert!(answer.body["warnings"][0].as_str().unwrap().contains(words), "{}", answer.body);
    }
    let nobody = post(&app, SourceKind::Tts, include_str!("../../fixtures/tts/up-masked_without_device.json")).await;
    check(&nobody, StatusCode::BAD_REQUEST, "`end_device_ids`");
    assert!(app.readings().await.is_empty());
    let event = include_str!("../../fixtures/tts/up-console_event.json");
    assert_eq!(post(&app, SourceKind::Tts, event).await.body["stored"], 2);
}

#[tokio::test]
async fn a_destination_of_aws_is_never_confirmed_without_its_operator() {
    let app = App::new().await;
    let asked = include_str!("../../fixtures/aws/up-confirmation.json");
    let without = app.send(Request::post("/ingest/aws").body(Body::from(asked)).unwrap()).await;
    assert_eq!(without.status, StatusCode::ACCEPTED);
    let with = post(&app, SourceKind::Aws, asked).await;
    check(&with, StatusCode::BAD_REQUEST, "open `https://iot.us-east-1.amazonaws.com/");
    let forged = asked.replace("amazonaws.com", "evil.example");
    let forged = app.send(Request::post("/ingest/aws").body(Body::from(forged)).unwrap()).await;
    assert_eq!(forged.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn readings_may_come_as_csv_and_those_of_one_time_are_one_row() {
    let app = App::new().await;
    let csv = include_str!("../../fixtures/http/many.csv");
    let answer = app.post_as(SourceKind::Http, "text/csv; charset=utf-8", csv).await;
    assert_eq!((answer.status, &answer.body["stored"]), (StatusCode::OK, &json!(3)), "{}", answer.body);
    let rows = app.rows(ORG, EUI).await;
    assert_eq!(rows.iter().map(|row| row.readings.len()).collect::<Vec<_>>(), [2, 1]);
    // As spreadsheets write it.
    let csv = format!("\u{feff}{}", csv.replace('\n', "\r\n"));
    assert_eq!(app.post_as(SourceKind::Http, "Text/CSV", csv).await.body["duplicate"], true);
}

#[tokio::test]
async fn no_time_is_too_odd_to_be_told() {
    for time in [i64::MIN, -1, 0, i64::MAX] {
        let app = App::new().await;
        let body = json!({"device": EUI, "time": time, "measurement": 4097, "value": 1}).to_string();
        let answer = post(&app, SourceKind::Http, body).await;
        assert_eq!((answer.status, &answer.body["stored"]), (StatusCode::OK, &json!(1)), "{time}");
        assert_eq!(app.rows(ORG, EUI).await[0].flags, RowFlags::CLAMPED, "{time}");
    }
}

#[tokio::test]
async fn one_wrong_reading_refuses_the_post_and_is_named() {
    let app = App::new().await;
    let good = json!({"device": EUI, "measurement": 4097, "value": 21.4});
    let with = |name: &str, value: Value| {
        let mut bad = good.clone();
        bad[name] = value;
        json!([good, bad]).to_string()
    };
    for (body, words) in [
        (with("device", "2CF7".into()), "reading 2: `device`"),
        (with("time", "yesterday".into()), "reading 2: `time`"),
        (with("time", 1.5.into()), "reading 2: `time`"),
        (with("channel", (-1).into()), "reading 2: `channel`"),
        (with("channel", 65_536.into()), "reading 2: `channel`"),
        (with("measurement", "temperature".into()), "reading 2: `measurement`"),
        (with("value", Value::Null), "reading 2: `value`"),
        (with("value", "nan".into()), "reading 2: `value`"),
        (with("chanel", 2.into()), "unknown field `chanel`"),
        (json!([good, {"device": EUI, "value": 1}]).to_string(), "missing field `measurement`"),
    ] {
        check(&post(&app, SourceKind::Http, body).await, StatusCode::BAD_REQUEST, words);
    }
    for (csv, words) in [
        ("device,measurement\n2CF7F12004100005,4097\n", "missing field `value`"),
        ("device,measurement,value\n2CF7F12004100005,4097\n", "found record with 2 fields"),
        ("device,measurement,value\n2CF7F12004100005,4097,1\n2CF7F12004100005,4097,\n", "line 3: `value`"),
        ("device,measurement,value\nx,4097,1\n", "line 2: `device`"),
        ("device,measurement,value,unit\n2CF7F12004100005,4097,1,C\n", "unknown field `unit`"),
        ("device,measurement,value\n2CF7F12004100005,\u{ff},1\n", "line 2: `measurement`"),
    ] {
        check(&app.post_as(SourceKind::Http, "text/csv", csv).await, StatusCode::BAD_REQUEST, words);
    }
    let many: String = std::iter::repeat_n("2CF7F12004100005,4097,1\n", 10_001).collect();
    let many = app.post_as(SourceKind::Http, "text/csv", format!("device,measurement,value\n{many}")).await;
    check(&many, StatusCode::BAD_REQUEST, "more than 10000 readings");
    assert!(app.readings().await.is_empty());
    assert_eq!(post(&app, SourceKind::Http, "[]").await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn measurements_that_nobody_knows_are_stored_and_named() {
    let app = App::new().await;
    let body = json!([
        {"device": EUI, "measurement": 9999, "value": 1},
        {"device": EUI, "measurement": 4097, "value": 21.4},
        {"device": EUI, "measurement": 9998, "value": {"a": 1}},
    ]);
    let answer = post(&app, SourceKind::Http, body.to_string()).await;
    assert_eq!(answer.body["stored"], 3);
    let warning = answer.body["warnings"][0].as_str().unwrap();
    assert!(warning.ends_with("`9998`, `9999`"), "{warning}");
}

#[tokio::test]
async fn one_unknown_device_among_many_refuses_the_post_unless_the_source_adds_devices() {
    let app = App::new().await;
    let body = json!([
        {"device": EUI, "measurement": 4097, "value": 21.4},
        {"device": "2CF7F12004107777", "measurement": 4097, "value": 22.5},
    ])
    .to_string();
    check(&post(&app, SourceKind::Http, body.clone()).await, StatusCode::NOT_FOUND, "2CF7F12004107777");
    assert!(app.readings().await.is_empty());
    let open = model::Source { auto_add: true, ..crate::support::source(ORG, "open", SourceKind::Http) };
    app.create_source(open).await;
    assert_eq!(app.post("/ingest/http", "open", body).await.body["stored"], 2);
    let added = app.store.find_device(ORG, "2CF7F12004107777".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(added.model, "blank_device");
}
