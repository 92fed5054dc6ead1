use model::{DeviceKind, GeoPoint, Group, GroupId, MeasurementId, Reading, Value};
use serde_json::json;
use store::Registry;

use crate::app::{App, Caller, EUI, MINUTE_MS, NOW_MS, READ, ms_ago};

const GATEWAY: &str = "2CF7F11000000001";

fn path(eui: &str) -> String {
    format!("/1.0/gateway/{eui}")
}

async fn with_gateway(app: &App) -> Caller<'_> {
    let member = app.member().await;
    member
        .bind_with(GATEWAY, "SenseCAP M2", |binding| {
            binding.kind = DeviceKind::Gateway;
            binding.place = Some(GeoPoint { latitude: -33.9, longitude: 151.25 });
            binding.bound_at = ms_ago(1_000);
        })
        .await;
    let group = Group { org: member.org, id: GroupId::from_raw(10), name: "Barn".to_owned() };
    app.store.create_group(group).await.unwrap();
    member
}

#[tokio::test]
async fn a_gateway_has_the_members_of_both_generations_and_all_are_texts() {
    let app = App::new();
    let member = with_gateway(&app).await;
    member
        .uplink(GATEWAY, ms_ago(MINUTE_MS), [Reading::status(MeasurementId::FIRMWARE_VERSION.0, Value::text("1.6"))])
        .await;
    let answer = member.get(&path(GATEWAY)).await;
    let bound = (NOW_MS - 1_000).to_string();
    assert_eq!(
        answer.data(),
        json!({
            "dev_eui": GATEWAY, "dev_name": format!("device{GATEWAY}"), "dev_area": "", "dev_country": "",
            "online_status": "1", "description": "", "activate_time": bound, "reg_time": bound, "bind_time": bound,
            "latestmsg_time": (NOW_MS - MINUTE_MS).to_string(), "production_time": "0", "frequency": "EU868",
            "position": {"lat": "-33.9", "lon": "151.25"}, "position_source": "0", "device_network": "1",
            "ver_hardware": "", "ver_software": "1.6", "antenna_placement": "", "org_id": member.org.to_string(),
            "group_name": "Default", "access_read": "1", "access_write": "1",
        })
    );
    assert!(answer.json()["time"].is_number(), "{}", answer.body);
    assert_eq!(answer.header("api-version"), "1");
    let reader = member.clone().with_key(READ).await;
    assert_eq!(reader.get(&path(GATEWAY)).await.data()["access_write"], "0");
    member.bind(EUI, "S2101").await;
    assert_eq!(member.get(&path(EUI)).await.code(), "11303", "a node is no gateway");
}

#[tokio::test]
async fn a_change_changes_what_it_names() {
    let app = App::new();
    let member = with_gateway(&app).await;
    let all = r#"{"dev_name":"Mast","group_unique_name":"000000000000000a","dev_country":"deu",
        "position":{"lon":"9.99","lat":48.4,"alt":-2.5},"description":"zwei\nZeilen","antenna_placement":"Outdoor"}"#;
    let answer = member.send("PATCH", &path(GATEWAY), Some("application/json"), all).await;
    assert!(answer.body.starts_with(r#"{"code":"0","data":"","time":"#), "{}", answer.body);
    let shown = async || member.get(&path(GATEWAY)).await.data();
    let changed = shown().await;
    assert_eq!((&changed["dev_name"], &changed["group_name"]), (&json!("Mast"), &json!("Barn")));
    assert_eq!((&changed["dev_country"], &changed["antenna_placement"]), (&json!("DEU"), &json!("outdoor")));
    assert_eq!(changed["position"], json!({"lat": "48.4", "lon": "9.99", "alt": "-2.5"}));
    assert_eq!(changed["description"], "zwei\nZeilen");

    let form = Some("application/x-www-form-urlencoded");
    let some = "position[lat]=1&position[lon]=2&dev_name=&group_unique_name=";
    assert_eq!(member.send("PATCH", &path(GATEWAY), form, some).await.code(), "0");
    let changed = shown().await;
    assert_eq!(changed["position"], json!({"lat": "1", "lon": "2", "alt": "-2.5"}));
    assert_eq!(changed["dev_name"], "Mast", "an empty text is absent");
    assert_eq!(changed["group_name"], "Default", "but where it names the default group");
    assert_eq!(changed["dev_country"], "DEU");
}

#[tokio::test]
async fn a_change_that_cannot_be_is_refused_and_changes_nothing() {
    let app = App::new();
    let member = with_gateway(&app).await;
    let before = member.get(&path(GATEWAY)).await.data();
    for (body, code) in [
        ("{}", "11202"),
        (r#"{"unknown":"x"}"#, "11202"),
        (r#"{"dev_name":"x","dev_country":"Germany"}"#, "11202"),
        (r#"{"dev_name":"x","dev_country":"D1U"}"#, "11202"),
        (r#"{"dev_name":"x","antenna_placement":"roof"}"#, "11202"),
        (r#"{"dev_name":"x","position":{"lat":1}}"#, "11202"),
        (r#"{"dev_name":"x","position":{"lat":91,"lon":0}}"#, "11202"),
        (r#"{"dev_name":"x","position":{"lat":"north","lon":0}}"#, "11202"),
        (r#"{"dev_name":"x","position":{"alt":1e9}}"#, "11202"),
        (r#"{"dev_name":"x","description":"\u0007"}"#, "11202"),
        (r#"{"dev_name":"two\nlines"}"#, "11202"),
        (r#"{"dev_name":"x","group_unique_name":"00000000000000EE"}"#, "11317"),
        (r#"{"dev_name":"x","group_unique_name":"barn"}"#, "11317"),
    ] {
        let answer = member.send("PATCH", &path(GATEWAY), Some("application/json"), body).await;
        assert_eq!(answer.code(), code, "{body}");
    }
    let long = format!(r#"{{"description":"{}"}}"#, "x".repeat(1_001));
    assert_eq!(member.send("PATCH", &path(GATEWAY), Some("application/json"), &long).await.code(), "11202");
    assert_eq!(member.get(&path(GATEWAY)).await.data(), before);
}

#[tokio::test]
async fn a_gateway_that_is_deleted_is_hidden() {
    let app = App::new();
    let member = with_gateway(&app).await;
    let answer = member.send("DELETE", &path(GATEWAY), None, "").await;
    assert!(answer.body.starts_with(r#"{"code":"0","data":"","time":"#), "{}", answer.body);
    assert_eq!(member.get(&path(GATEWAY)).await.code(), "11303");
    assert_eq!(member.send("DELETE", &path(GATEWAY), None, "").await.code(), "11303");
    assert_eq!(member.send("DELETE", "/1.0/gateway/xyz", None, "").await.code(), "11203");
}
