use serde_json::json;
use store::Registry;

use crate::app::{App, Caller, EUI};

const CODE: &str = "3A91F27BB1C0D2E4";

/// Somebody whose device was unbound.
async fn with_unbound<'a>(app: &'a App, code: &str) -> Caller<'a> {
    let member = app.member().await;
    member.bind_with(EUI, "S2101", |binding| binding.code = code.to_owned()).await;
    app.store.unbind_device(member.org, EUI.parse().unwrap()).await.unwrap();
    member
}

#[tokio::test]
async fn a_label_is_checked_before_it_is_bound() {
    let app = App::new();
    let member = with_unbound(&app, CODE).await;
    let check = async |eui: &str, code: &str| {
        let body = format!(r#"{{"eui":"{eui}","code":"{code}"}}"#);
        member.post_json("/1.0/device/check_eui", &body).await
    };
    assert_eq!(check(&EUI.to_lowercase(), &CODE.to_lowercase()).await.data(), json!({"check": "1"}));
    assert_eq!(check(EUI, "0000").await.data(), json!({"check": "0"}));
    assert_eq!(check("2CF7F12000000000", CODE).await.data(), json!({"check": "0"}));
    assert_eq!(check("xyz", CODE).await.code(), "11203");
    assert_eq!(check(EUI, "").await.code(), "11202");
    member.bind_with(EUI, "S2101", |binding| binding.code = CODE.to_owned()).await;
    assert_eq!(check(EUI, CODE).await.data(), json!({"check": "0"}), "it is bound already");
}

#[tokio::test]
async fn a_device_is_bound_under_the_older_names() {
    let app = App::new();
    let member = with_unbound(&app, CODE).await;
    let group = member.post_json("/1.0/group", r#"{"name":"Barn"}"#).await.data()["unique_name"].clone();
    let body = json!({"eui": EUI, "code": CODE, "device_name": "North", "group_unique_name": group, "lon": "151.2",
        "lat": "-33.9"});
    let answer = member.post_json("/1.0/device/bind", &body.to_string()).await;
    assert!(answer.body.starts_with(r#"{"code":"0","data":{},"time":"#), "{}", answer.body);
    let device = app.store.find_device(member.org, EUI.parse().unwrap()).await.unwrap().unwrap();
    let place = device.place.unwrap();
    assert_eq!((device.name.as_str(), place.latitude, place.longitude), ("North", -33.9, 151.2));
    assert_eq!(json!(device.group.unwrap().to_string()), group);
    assert_eq!(member.post_json("/1.0/device/bind", &body.to_string()).await.code(), "11334");
}

#[tokio::test]
async fn a_label_that_proves_nothing_is_refused() {
    let app = App::new();
    let member = with_unbound(&app, "").await;
    for (body, code) in [
        (json!({"eui": EUI, "code": CODE}), "11330"),
        (json!({"eui": "2CF7F12000000000", "code": CODE}), "11330"),
        (json!({"eui": EUI}), "11202"),
        (json!({"code": CODE}), "11202"),
        (json!({"eui": "xyz", "code": CODE}), "11203"),
        (json!({"eui": EUI, "code": CODE, "lat": 1}), "11202"),
        (json!({"eui": EUI, "code": CODE, "lat": 1, "lon": 181}), "11202"),
        (json!({"eui": EUI, "code": CODE, "group_unique_name": "EE"}), "11317"),
    ] {
        assert_eq!(member.post_json("/1.0/device/bind", &body.to_string()).await.code(), code, "{body}");
    }
}
