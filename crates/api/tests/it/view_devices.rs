use insta::assert_snapshot;
use model::{GeoPoint, Reading, Value};

use crate::app::{App, EUI, ms_ago};

const PATH: &str = "/openapi/view_devices";

#[tokio::test]
async fn shows_what_is_known() {
    let app = App::new();
    let member = app.member().await;
    let place = GeoPoint { latitude: 22.577_41, longitude: 113.943_25 };
    member.bind_with(EUI, "S2101", |binding| binding.place = Some(place)).await;
    let versions = [Reading::status(3001, Value::text("1.0")), Reading::status(3502, 2.0), Reading::new(1, 4097, 1.0)];
    member.uplink(EUI, ms_ago(0), versions).await;
    assert_snapshot!(member.post_json(PATH, &format!(r#"{{"device_euis":["{EUI}"]}}"#)).await.body);
}

#[tokio::test]
async fn shows_objects_where_nothing_is_known() {
    let app = App::new();
    let member = app.member().await;
    member.bind_with(EUI, "S2101", |binding| binding.frequency.clear()).await;
    let asked = format!(r#"{{"device_euis":["{}"],"device_type":"1"}}"#, EUI.to_lowercase());
    assert_snapshot!(member.post_json(PATH, &asked).await.body);
}

#[tokio::test]
async fn keeps_the_order_and_refuses_all_for_one() {
    let app = App::new();
    let (member, other) = (app.member().await, app.member().await);
    let [a, b, c] = ["00000000000000AA", "00000000000000BB", "00000000000000CC"];
    member.bind(a, "S2101").await;
    member.bind(b, "S2101").await;
    other.bind(c, "S2101").await;
    let ask =
        async |euis: &[&str]| member.post_json(PATH, &serde_json::json!({ "device_euis": euis }).to_string()).await;
    let shown = ask(&[b, a, b]).await.data();
    let shown: Vec<&str> =
        shown.as_array().unwrap().iter().map(|device| device["device_eui"].as_str().unwrap()).collect();
    assert_eq!(shown, [b, a]);
    assert_eq!(ask(&[a, c]).await.code(), "11303");
    assert_eq!(ask(&[a, "00000000000000DD"]).await.code(), "11303");
    assert_eq!(ask(&[a, "AA"]).await.code(), "11203");
    assert_eq!(ask(&[]).await.code(), "11202");
    assert_eq!(ask(&[""]).await.code(), "11202");
    let many: Vec<String> = (0..51).map(|number| format!("{number:016X}")).collect();
    assert_eq!(ask(&many.iter().map(String::as_str).collect::<Vec<_>>()).await.code(), "11202");
}
