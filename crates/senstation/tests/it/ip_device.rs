//! A device that speaks MQTT itself, as SenseCAP Watcher does: from its token to what clients read of it.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::json;

use crate::{
    mqtt_client::Client,
    support::{Farm, Station},
};

#[test]
fn a_device_asks_for_a_token_signs_in_and_reports() {
    let folder = tempfile::tempdir().unwrap();
    let station = Station::serve(folder.path());
    let farm = Farm::set_up(folder);
    let kit = r#"{"dev_name": "door", "sku": "blank_device"}"#;
    let made = station.post("/openapi/device/create_development_kit", &farm.key, kit);
    assert_eq!(made.body["code"], "0", "{made:?}");
    let eui = made.body["data"]["eui"].as_str().unwrap_or_else(|| panic!("{made:?}"));
    let shown = station.get(&format!("/openapi/device/view_node_key?node_eui={eui}"), &farm.key);
    let key = shown.body["data"]["device_key"].as_str().unwrap_or_else(|| panic!("{shown:?}"));

    let ask = |key: &str| {
        let credential = format!("Device {}", BASE64_STANDARD.encode(format!("{eui}:{key}")));
        station.send("GET", "/deviceapi/hardware/iotjoin/requestMqttToken", &credential, b"").body
    };
    assert_ne!(ask(&key.replace(char::is_alphanumeric, "0"))["code"], 0);
    let login = ask(key);
    assert_eq!(login["code"], 0, "{login}");
    let token = login["data"]["token"].as_str().unwrap();
    let port = login["data"]["mqttPort"].as_str().unwrap();
    assert!(station.greeting.trim().ends_with(&format!(":{port}")), "{port} of {}", station.greeting);

    let (mut reader, _) = Client::reader(&station, &farm, "dashboard");
    reader.subscribe(&::stream::every_reading(farm.org.parse().unwrap()));
    let user = format!("device-3000-{eui}");
    let (_, refused) = Client::connect(&station, &user, &user, key);
    assert_eq!(refused, [0, 4], "the key is no token");
    let (mut device, welcome) = Client::connect(&station, &user, &user, token);
    assert_eq!(welcome, [0, 0]);
    device.subscribe(&format!("sensecraft/ipnode/{eui}/get/order/+"));
    let report = json!({
        "requestId": "9b2f0b0a-3c0e-4d64-8f6e-6d2a5a3f1f77", "timestamp": 1_783_651_184_319_i64, "intent": "event",
        "deviceEui": eui,
        "events": [{"name": "measure-sensor", "timestamp": 1_783_651_184_319_i64, "value": [
            {"channel": 1, "measurements": {"4097": 31.38}, "measureTime": 1_783_651_184_319_i64}]}],
    });
    device.publish(&format!("sensecraft/ipnode/{eui}/update/event/measure-sensor"), &report.to_string());

    // It was acknowledged, so it is stored.
    let latest = station.get(&format!("/openapi/view_latest_telemetry_data?device_eui={eui}"), &farm.key);
    let point = &latest.body["data"][0]["points"][0];
    assert_eq!((&point["measurement_id"], &point["measurement_value"]), (&json!("4097"), &json!(31.38)), "{latest:?}");
    let (topic, body) = reader.message();
    assert_eq!(topic, format!("/device_sensor_data/{}/{eui}/1/vs/4097", farm.org));
    assert_eq!((&body["value"], &body["timestamp"]), (&json!(31.38), &json!(1_783_651_184_319_i64)));
}
