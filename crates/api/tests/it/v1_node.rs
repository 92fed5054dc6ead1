use model::{Channel, ChannelIndex, DeviceKind, MeasurementId, Reading};
use serde_json::json;
use store::Registry;

use crate::app::{App, EUI, MINUTE_MS, ms_ago};

fn path(eui: &str) -> String {
    format!("/1.0/node/{eui}")
}

#[tokio::test]
async fn a_node_shows_its_battery_and_its_sensors() {
    let app = App::new();
    let member = app.member().await;
    member.bind(EUI, "Gen1").await;
    let channel = Channel {
        index: ChannelIndex(2),
        name: "North".to_owned(),
        sensor_type: None,
        sensor_id: "2CF7F15000000009".to_owned(),
        measurements: vec![MeasurementId(9_999)],
        created_at: ms_ago(0),
    };
    app.store.describe_channel(member.org, EUI.parse().unwrap(), channel).await.unwrap();
    let readings = [
        Reading::new(1, 4097, 21.5),
        Reading::new(1, 4098, 40.0),
        Reading::status(MeasurementId::BATTERY.0, 12.0),
        Reading::status(MeasurementId::REPORT_INTERVAL.0, 5.0),
    ];
    member.uplink(EUI, ms_ago(16 * MINUTE_MS), readings).await;
    let answer = member.get(&path(EUI)).await;
    let node = answer.data();
    assert_eq!((&node["online_status"], &node["battery_status"]), (&json!("0"), &json!("0")));
    assert_eq!((&node["msg_count"], &node["dev_eui"]), (&json!("0"), &json!(EUI)));
    assert_eq!(
        node["sensors"],
        json!([
            {"sensor_eui": "", "sensor_name": model::sensor_type("1001").unwrap().name, "sensor_channel": "1",
             "sensor_measure": [{"id": "4097", "name": "Air Temperature"}, {"id": "4098", "name": "Air Humidity"}]},
            {"sensor_eui": "2CF7F15000000009", "sensor_name": "North", "sensor_channel": "2",
             "sensor_measure": [{"id": "9999", "name": ""}]},
        ])
    );
    let older = member.get(&format!("/openapi/device/node/{EUI}")).await;
    assert_eq!((older.data(), older.header("api-version")), (node, "1.5"));
}

#[tokio::test]
async fn every_scalar_is_a_text() {
    let app = App::new();
    let member = app.member().await;
    member.bind(EUI, "S2101").await;
    member.uplink(EUI, ms_ago(0), [Reading::new(1, 4097, 21.5)]).await;
    for path in [
        path(EUI),
        "/1.0/lists/node".to_owned(),
        "/1.0/lists/group".to_owned(),
        "/1.0/lists/group/devices".to_owned(),
        "/1.0/lists/devices/eui".to_owned(),
    ] {
        let data = member.get(&path).await.data();
        let mut left = vec![&data];
        while let Some(value) = left.pop() {
            match value {
                serde_json::Value::Array(items) => left.extend(items),
                serde_json::Value::Object(members) => left.extend(members.values()),
                scalar => assert!(scalar.is_string(), "{path}: {scalar} in {data}"),
            }
        }
    }
}

#[tokio::test]
async fn a_node_is_renamed_and_deleted() {
    let app = App::new();
    let member = app.member().await;
    member.bind(EUI, "S2101").await;
    let body = r#"{"dev_name":"Roof","description":"by the door","dev_country":"DEU"}"#;
    let answer = member.send("PATCH", &path(EUI), None, body).await;
    assert!(answer.body.starts_with(r#"{"code":"0","data":"","time":"#), "{}", answer.body);
    let node = member.get(&path(EUI)).await.data();
    assert_eq!((&node["dev_name"], &node["description"]), (&json!("Roof"), &json!("by the door")));
    assert_eq!(node["dev_country"], "", "a node's country is not among what changes");
    assert_eq!(member.send("DELETE", &path(EUI), None, "").await.code(), "0");
    for method in ["GET", "PATCH", "DELETE"] {
        assert_eq!(member.send(method, &path(EUI), None, body).await.code(), "11303", "{method}");
        assert_eq!(member.send(method, &path("xyz"), None, body).await.code(), "11203", "{method}");
    }
    let gateway = "2CF7F11000000001";
    member.bind_with(gateway, "SenseCAP M2", |binding| binding.kind = DeviceKind::Gateway).await;
    for method in ["GET", "PATCH", "DELETE"] {
        assert_eq!(member.send(method, &path(gateway), None, body).await.code(), "11303", "{method}: no node");
    }
}
