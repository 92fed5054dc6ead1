//! Devices that report for themselves: who they are, what is kept, and what they are told.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use model::{ChannelIndex, OrgId, Reading, RowFlags, Timestamp, Value as Measured};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{Answer, App, EUI, NEIGHBOUR, NEIGHBOURS_EUI, ORG, STATION_KEY, now};

const KIT: &str = "/deviceapi/kit/message_uplink";
const PATHS: [&str; 3] = [KIT, "/deviceapi/device/report_data", "/deviceapi/device/report_status"];
const JOIN: &str = "/deviceapi/hardware/iotjoin/requestMqttToken";
const REPORT: &str = include_str!("../../fixtures/deviceapi/measure-sensor.json");
const AT: Timestamp = Timestamp::from_millis(1_783_651_184_319);

fn key(org: OrgId, eui: &str) -> String {
    let key = STATION_KEY.device_key(org, eui.parse().unwrap(), 1);
    format!("Device {}", BASE64_STANDARD.encode(format!("{eui}:{key}")))
}

fn token(org: OrgId, eui: &str) -> String {
    STATION_KEY.device_token(org, eui.parse().unwrap(), 1)
}

async fn post(app: &App, path: &str, credential: &str, body: impl Into<Body>) -> Answer {
    app.send(Request::post(path).header(header::AUTHORIZATION, credential).body(body.into()).unwrap()).await
}

async fn report(app: &App, body: &Value) -> Answer {
    post(app, KIT, &key(ORG, EUI), body.to_string()).await
}

fn measure(value: &Value) -> Value {
    json!({"intent": "event", "events": [{"name": "measure-sensor", "value": [value]}]})
}

#[track_caller]
fn check(answer: &Answer, status: StatusCode, code: &str, words: &str) {
    let msg = answer.body["msg"].as_str().unwrap_or_default();
    assert_eq!((answer.status, answer.body["code"].as_str()), (status, Some(code)), "{msg}");
    assert!(msg.contains(words), "{msg}");
}

#[tokio::test]
async fn a_report_is_stored_once_whatever_the_path_and_the_credential() {
    for path in PATHS {
        for credential in [key(ORG, EUI), token(ORG, EUI), format!("Bearer {}", token(ORG, EUI))] {
            let app = App::new().await;
            let answer = post(&app, path, &credential, REPORT).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}");
            let data = json!({"stored": 3, "duplicate": false, "warnings": []});
            assert_eq!(answer.body, json!({"code": "0", "data": data}), "{path}");
            let mut rows = app.rows(ORG, EUI).await;
            assert_eq!(rows.len(), 1);
            let row = rows.remove(0);
            assert_eq!((row.measured_at, row.flags), (AT, RowFlags::NONE));
            let expected = [Reading::new(1, 4097, 31.38), Reading::new(1, 4098, 57.0), Reading::new(2, 4102, 19.5)];
            assert_eq!(row.readings, expected);
            assert_eq!(post(&app, path, &credential, REPORT).await.body["data"]["duplicate"], true);
            assert_eq!(app.readings().await.len(), 3);
        }
    }
}

#[tokio::test]
async fn a_declared_channel_is_described_once_and_keeps_its_name() {
    let app = App::new().await;
    let declare = |sensor_type: &str| {
        let value = json!([{"channel": "3", "sensorType": sensor_type, "status": "normal"}]);
        json!({"events": [{"name": "update-channel-info", "value": value, "timestamp": "1783651184319"}]})
    };
    let answer = report(&app, &declare("1001")).await;
    assert_eq!(answer.body["data"], json!({"stored": 0, "duplicate": false, "warnings": []}));
    let find = async || app.store.find_device(ORG, EUI.parse().unwrap()).await.unwrap().unwrap();
    let channel = find().await.channels[0].clone();
    assert_eq!((channel.index, channel.sensor_type.as_deref()), (ChannelIndex(3), Some("1001")));
    assert_eq!(channel.measurements, model::sensor_type("1001").unwrap().measurements);
    let named = model::Channel { name: "Barn".to_owned(), ..channel };
    app.store.describe_channel(ORG, EUI.parse().unwrap(), named.clone()).await.unwrap();
    report(&app, &declare("1001")).await;
    assert_eq!(find().await.channels, [named]);
    report(&app, &declare("100A")).await;
    let channel = find().await.channels[0].clone();
    assert_eq!((channel.name.as_str(), channel.sensor_type.as_deref()), ("Barn", Some("100A")));
}

#[tokio::test]
async fn numbers_texts_and_lists_are_kept_and_what_is_no_value_is_named() {
    let app = App::new().await;
    let value = json!({"channel": 1, "measurements": {
        "4097": 21.4, "4098": "31.4", "4165": "closed", "5004": [{"tlid": 1, "tn": "person"}], "9999": 7, "4099": null,
    }, "measureTime": AT.as_millis()});
    let answer = report(&app, &measure(&value)).await;
    assert_eq!(answer.body["data"]["stored"], 5);
    let warnings = answer.body["data"]["warnings"].to_string();
    assert!(warnings.contains("`5004`, `9999`"), "{warnings}");
    assert!(warnings.contains("measurement `4099` has no value"), "{warnings}");
    let readings = app.readings().await;
    assert!(readings.contains(&Reading::new(1, 4098, 31.4)));
    assert!(readings.contains(&Reading::new(1, 4165, Measured::text("closed"))));
    assert!(readings.contains(&Reading::new(1, 9999, 7.0)));
}

#[tokio::test]
async fn statuses_are_the_devices_own_and_what_is_not_known_is_named() {
    let app = App::new().await;
    let value = json!([{"3000": 87, "3502": "1.10", "cpu": 12, "4097": 1}]);
    let events = json!([
        {"name": "change-device-status", "value": value, "timestamp": AT.as_millis()},
        {"name": "firmware-ota-status", "value": {"progress": 3}},
    ]);
    let answer = report(&app, &json!({ "events": events })).await;
    assert_eq!(answer.body["data"]["stored"], 2);
    let expected = [Reading::status(3000, 87.0), Reading::status(3502, Measured::text("1.10"))];
    assert_eq!(app.readings().await, expected);
    let warnings = answer.body["data"]["warnings"].to_string();
    for named in ["`cpu`", "`4097`", "`firmware-ota-status`"] {
        assert!(warnings.contains(named), "{warnings}");
    }
}

#[tokio::test]
async fn the_time_is_that_of_the_reading_the_event_or_the_report() {
    let at = |ms: i64| json!(ms.to_string());
    let value = |time: Option<Value>| {
        let mut value = json!({"channel": "1", "measurements": {"4097": 1}});
        if let Some(time) = time {
            value["measureTime"] = time;
        }
        value
    };
    let ms = AT.as_millis();
    for (reading, event, whole, expected, flags) in [
        (Some(at(ms)), Some(at(ms - 1)), Some(at(ms - 2)), AT, RowFlags::NONE),
        (None, Some(at(ms)), Some(at(ms - 2)), AT, RowFlags::NONE),
        (None, None, Some(json!(ms)), AT, RowFlags::NONE),
        (None, None, None, now(), RowFlags::NONE),
        (Some(json!(0)), None, None, now(), RowFlags::CLAMPED),
        (Some(at(4_294_967_295_000)), None, None, now(), RowFlags::CLAMPED),
        (Some(at(now().as_millis() + 24 * 3_600_000 + 1)), None, None, now(), RowFlags::CLAMPED),
    ] {
        let app = App::new().await;
        let mut body = measure(&value(reading));
        if let Some(time) = event {
            body["events"][0]["timestamp"] = time;
        }
        if let Some(time) = whole {
            body["timestamp"] = time;
        }
        let answer = report(&app, &body).await;
        let row = app.rows(ORG, EUI).await.remove(0);
        assert_eq!((row.measured_at, row.flags), (expected, flags), "{body}");
        let warnings = answer.body["data"]["warnings"].as_array().unwrap().len();
        assert_eq!(warnings, usize::from(flags.has(RowFlags::CLAMPED)), "{body}");
    }
}

#[tokio::test]
async fn who_has_not_the_key_of_a_device_is_refused() {
    let app = App::new().await;
    let elsewhere = token(NEIGHBOUR, EUI);
    let old = {
        let key = STATION_KEY.device_key(ORG, EUI.parse().unwrap(), 2);
        format!("Device {}", BASE64_STANDARD.encode(format!("{EUI}:{key}")))
    };
    let theirs = {
        let key = STATION_KEY.device_key(NEIGHBOUR, NEIGHBOURS_EUI.parse().unwrap(), 1);
        format!("Device {}", BASE64_STANDARD.encode(format!("{EUI}:{key}")))
    };
    let mqtt = STATION_KEY.mqtt_token(ORG, EUI.parse().unwrap(), 1);
    let unknown = key(ORG, "2CF7F12004109999");
    for path in PATHS {
        let without = app.send(Request::post(path).body(Body::from(REPORT)).unwrap()).await;
        check(&without, StatusCode::UNAUTHORIZED, "11104", "view_node_key");
        assert!(without.headers.contains_key(header::WWW_AUTHENTICATE));
        for credential in ["", "Device", "Device !!!", "Bearer x", &elsewhere, &old, &theirs, &mqtt, &unknown] {
            let answer = post(&app, path, credential, REPORT).await;
            check(&answer, StatusCode::UNAUTHORIZED, "11104", "Device key is wrong");
        }
    }
    app.store.unbind_device(ORG, EUI.parse().unwrap()).await.unwrap();
    check(&post(&app, KIT, &key(ORG, EUI), REPORT).await, StatusCode::UNAUTHORIZED, "11104", "");
    app.bind(ORG, EUI, "blank_device").await;
    check(&post(&app, KIT, &key(ORG, EUI), REPORT).await, StatusCode::UNAUTHORIZED, "11104", "");
    assert!(app.readings().await.is_empty());
}

#[tokio::test]
async fn one_eui_in_two_organizations_writes_where_its_key_is_from() {
    let app = App::new().await;
    app.bind(NEIGHBOUR, EUI, "blank_device").await;
    assert_eq!(post(&app, KIT, &key(NEIGHBOUR, EUI), REPORT).await.body["data"]["stored"], 3);
    assert!(app.rows(ORG, EUI).await.is_empty());
    assert_eq!(app.rows(NEIGHBOUR, EUI).await.len(), 1);
    assert_eq!(post(&app, KIT, &token(ORG, EUI), REPORT).await.body["data"]["stored"], 3);
    assert_eq!(app.rows(ORG, EUI).await.len(), 1);
}

#[tokio::test]
async fn a_body_that_is_no_report_of_the_device_is_refused_and_says_why() {
    let app = App::new().await;
    for (body, words) in [
        (json!({}), "missing field `events`"),
        (json!([]), "a report of a device"),
        (json!({"deviceEui": NEIGHBOURS_EUI, "events": []}), "`deviceEui`"),
        (json!({"events": [{"value": []}]}), "missing field `name`"),
        (measure(&json!({"measurements": {"4097": 1}})), "missing field `channel`"),
        (measure(&json!({"channel": "1"})), "missing field `measurements`"),
        (measure(&json!({"channel": "x", "measurements": {"4097": 1}})), "event `measure-sensor`"),
        (measure(&json!({"channel": 65536, "measurements": {"4097": 1}})), "`channel`"),
        (measure(&json!({"channel": 1, "measurements": {"temperature": 1}})), "`temperature` is no measurement id"),
        (
            json!({"events": [{"name": "update-channel-info", "value": [{"channel": 1, "sensorType": "a b"}]}]}),
            "`sensorType`",
        ),
    ] {
        check(&report(&app, &body).await, StatusCode::OK, "11202", words);
    }
    let contradicted = json!({"deviceKey": "0".repeat(32), "events": []});
    check(&report(&app, &contradicted).await, StatusCode::UNAUTHORIZED, "11104", "");
    check(&post(&app, KIT, &key(ORG, EUI), "{").await, StatusCode::OK, "11202", "a report of a device");
    let large = post(&app, KIT, &key(ORG, EUI), vec![b' '; 1_048_577]).await;
    check(&large, StatusCode::PAYLOAD_TOO_LARGE, "10000", "1048576");
    let many: serde_json::Map<_, _> = (0..10_001).map(|id| (id.to_string(), json!(1))).collect();
    check(
        &report(&app, &measure(&json!({"channel": 1, "measurements": many}))).await,
        StatusCode::OK,
        "11202",
        "10000",
    );
    assert!(app.readings().await.is_empty());
}

#[tokio::test]
async fn a_device_is_told_where_and_with_what_it_signs_in_to_the_broker() {
    let app = App::new().await;
    let request =
        Request::get(JOIN).header(header::AUTHORIZATION, key(ORG, EUI)).header(header::HOST, "station.farm:8080");
    let answer = app.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.body["code"], 0, "a number, here alone");
    let data = &answer.body["data"];
    assert_eq!((data["serverUrl"].as_str(), data["mqttPort"].as_str()), (Some("station.farm"), Some("1883")));
    assert_eq!(data["mqttsPort"], "");
    assert_eq!(data["token"], STATION_KEY.mqtt_token(ORG, EUI.parse().unwrap(), 1));
    assert!(data["expiresIn"].as_str().unwrap().parse::<i64>().unwrap() > now().as_millis());
    let without = app.send(Request::get(JOIN).body(Body::empty()).unwrap()).await;
    check(&without, StatusCode::UNAUTHORIZED, "11104", "");
}

#[tokio::test]
async fn nothing_is_acknowledged_while_the_store_takes_no_writes() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_embedded::EmbeddedStore::open(folder.path(), store_embedded::Settings::default()).unwrap();
    let app = App::on(store.clone()).await;
    assert_eq!(post(&app, KIT, &token(ORG, EUI), REPORT).await.status, StatusCode::OK);
    store.close().await.unwrap();
    let other = REPORT.replace("31.38", "31.39");
    let answer = post(&app, KIT, &token(ORG, EUI), other).await;
    check(&answer, StatusCode::SERVICE_UNAVAILABLE, "10000", "send it again");
    assert!(answer.headers.contains_key(header::RETRY_AFTER));
}

fn status_of(body: Vec<u8>) -> StatusCode {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async { post(&App::new().await, KIT, &token(ORG, EUI), body).await.status })
}

#[test]
fn what_the_fuzzer_has_tried_is_answered() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/device_report");
    let mut tried = 0;
    for file in std::fs::read_dir(corpus).unwrap() {
        let status = status_of(std::fs::read(file.unwrap().path()).unwrap());
        assert!(!status.is_server_error(), "{status}");
        tried += 1;
    }
    assert!(tried > 0);
}

proptest! {
    #[test]
    fn any_bytes_are_answered(body: Vec<u8>) {
        prop_assert_eq!(status_of(body), StatusCode::OK);
    }

    #[test]
    fn any_value_anywhere_is_answered(mut at in 0_usize..40, value in crate::any_bytes::any_json()) {
        let mut body: Value = serde_json::from_str(REPORT).unwrap();
        crate::any_bytes::replace(&mut body, &mut at, &value);
        let status = status_of(body.to_string().into_bytes());
        prop_assert!(!status.is_server_error(), "{status}");
    }
}
