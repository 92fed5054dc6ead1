use model::DeviceEui;
use serde_json::Value as Json;
use store::Registry;

use crate::app::{App, Caller, EUI, READ, STATION_KEY};

const CREATE: &str = "/openapi/device/create_development_kit";

async fn create(member: &Caller<'_>, name: &str) -> Json {
    member.post_json(CREATE, &format!(r#"{{"dev_name":"{name}","sku":"blank_device"}}"#)).await.data()
}

fn key_of(eui: &str) -> String {
    format!("/openapi/device/view_node_key?node_eui={eui}")
}

#[tokio::test]
async fn a_kit_is_a_device_with_a_key_that_is_shown_again() {
    let app = App::new();
    let member = app.member().await;
    let kit = create(&member, "Balcony").await;
    let (eui, key) = (kit["eui"].as_str().unwrap(), kit["device_key"].as_str().unwrap());
    assert!(eui.len() == 16 && eui.starts_with("5E"), "{eui}");
    assert!(key.len() == 32 && key.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F')), "{key}");
    let listed = member.get("/openapi/list_devices").await.data();
    assert_eq!((&listed[0]["device_eui"], &listed[0]["device_name"]), (&kit["eui"], &"Balcony".into()));
    let shown = member.get(&key_of(&eui.to_lowercase())).await.data();
    assert_eq!(shown["device_key"], key);
    let token = shown["token"].as_str().unwrap();
    assert!(token.starts_with(&format!("{}-{eui}-", member.org)) && !token.contains(key), "{token}");
    let label: DeviceEui = eui.parse().unwrap();
    assert_eq!(key, STATION_KEY.device_key(member.org, label, 1), "derived, not kept");
    assert_eq!(token, STATION_KEY.device_token(member.org, label, 1));
    assert_eq!(member.get(&key_of(eui)).await.data(), shown);
}

#[tokio::test]
async fn kits_and_organizations_and_generations_have_keys_of_their_own() {
    let app = App::new();
    let (member, other) = (app.member().await, app.member().await);
    member.bind(EUI, "S2101").await;
    other.bind(EUI, "S2101").await;
    let mut secrets = vec![member.get(&key_of(EUI)).await.data(), other.get(&key_of(EUI)).await.data()];
    app.store.unbind_device(member.org, EUI.parse().unwrap()).await.unwrap();
    assert_eq!(member.get(&key_of(EUI)).await.code(), "11303");
    member.bind(EUI, "S2101").await;
    secrets.push(member.get(&key_of(EUI)).await.data());
    secrets.extend([create(&member, "A").await, create(&member, "B").await]);
    for (at, secret) in secrets.iter().enumerate() {
        let is_alike = |other: &Json| other["device_key"] == secret["device_key"];
        assert!(!secrets[..at].iter().any(is_alike), "{secret}");
    }
}

#[tokio::test]
async fn there_are_a_hundred_kits_at_most() {
    let app = App::new();
    let (member, other) = (app.member().await, app.member().await);
    member.bind(EUI, "S2101").await;
    let mut last = String::new();
    for number in 0..100 {
        let kit = create(&member, &format!("Kit {number}")).await;
        assert_ne!(kit["eui"], last.as_str());
        last = kit["eui"].as_str().unwrap().to_owned();
    }
    let refused = member.post_json(CREATE, r#"{"dev_name":"One more"}"#).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (200, "11206"), "{}", refused.body);
    create(&other, "Of somebody else").await;
    let delete = format!("device_euis={last}");
    assert_eq!(member.send("POST", "/openapi/delete_devices", None, &delete).await.code(), "0");
    create(&member, "In its place").await;
}

#[tokio::test]
async fn what_is_no_kit_is_refused() {
    let app = App::new();
    let member = app.member().await;
    for body in [
        "{}".to_owned(),
        r#"{"dev_name":""}"#.to_owned(),
        r#"{"dev_name":"Kit","sku":"S2101"}"#.to_owned(),
        r#"{"dev_name":"two\nlines"}"#.to_owned(),
        format!(r#"{{"dev_name":"{}"}}"#, "x".repeat(129)),
    ] {
        assert_eq!(member.post_json(CREATE, &body).await.code(), "11202", "{body}");
    }
    assert_eq!(member.get("/openapi/device/view_node_key").await.code(), "11202");
    assert_eq!(member.get(&key_of("xyz")).await.code(), "11203");
    assert_eq!(member.get(&key_of("2CF7F12000000000")).await.code(), "11303");
    let reader = member.clone().with_key(READ).await;
    member.bind(EUI, "S2101").await;
    let refused = reader.get(&key_of(EUI)).await;
    assert_eq!(refused.code(), "11201", "whoever has the key can send data");
}
