use serde_json::json;

use crate::app::{App, Caller, EUI, NOW_MS};

const JSON: Option<&str> = Some("application/json");

async fn create(member: &Caller<'_>, name: &str) -> String {
    let answer = member.post_json("/1.0/group", &format!(r#"{{"name":"{name}"}}"#)).await;
    answer.data()["unique_name"].as_str().unwrap().to_owned()
}

async fn group_of(member: &Caller<'_>) -> serde_json::Value {
    let groups = member.get("/1.0/lists/group/devices").await.data();
    let groups = groups["node"].as_array().unwrap().clone();
    let mut with = groups.into_iter().filter(|group| !group["devices"].as_array().unwrap().is_empty());
    with.next().unwrap()["group_name"].clone()
}

#[tokio::test]
async fn a_group_is_made_renamed_and_deleted() {
    let app = App::new();
    let member = app.member().await;
    let made = member.post_json("/1.0/group", r#"{"name":"Barn"}"#).await;
    let id = made.data()["unique_name"].as_str().unwrap().to_owned();
    assert_eq!(
        made.data(),
        json!({"name": "Barn", "unique_name": id, "org_id": member.org.to_string(), "created": NOW_MS.to_string()})
    );
    assert!(id.len() == 16 && made.json()["time"].is_number(), "{}", made.body);
    let path = format!("/1.0/group/{}", id.to_lowercase());
    let renamed = member.send("PATCH", &path, JSON, r#"{"name":"Stable"}"#).await;
    assert!(renamed.body.starts_with(r#"{"code":"0","data":"","time":"#), "{}", renamed.body);
    assert!(member.get("/openapi/list_groups").await.body.contains("Stable"));
    let deleted = member.send("DELETE", &path, None, "").await;
    assert!(deleted.body.starts_with(r#"{"code":"0","data":"","time":"#), "{}", deleted.body);
    for (method, body) in [("DELETE", ""), ("PATCH", r#"{"name":"Again"}"#)] {
        assert_eq!(member.send(method, &path, JSON, body).await.code(), "11317", "{method}");
        assert_eq!(member.send(method, "/1.0/group/barn", JSON, body).await.code(), "11317", "{method}");
    }
}

#[tokio::test]
async fn a_name_that_is_none_or_taken_is_refused() {
    let app = App::new();
    let member = app.member().await;
    let id = create(&member, "Barn").await;
    create(&member, "Stable").await;
    for (name, code) in [("Barn", "11327"), ("Default", "11327"), ("", "11202"), ("a\\nb", "11202")] {
        let body = format!(r#"{{"name":"{name}"}}"#);
        assert_eq!(member.post_json("/1.0/group", &body).await.code(), code, "{name}");
        let renamed = member.send("PATCH", &format!("/1.0/group/{id}"), JSON, &body.replace("Barn", "Stable")).await;
        assert_eq!(renamed.code(), code, "{name}");
    }
    for number in 2..50 {
        create(&member, &format!("Group {number}")).await;
    }
    assert_eq!(member.post_json("/1.0/group", r#"{"name":"One more"}"#).await.code(), "11202");
}

#[tokio::test]
async fn a_device_moves_into_the_group_in_the_path_by_any_method() {
    let app = App::new();
    let member = app.member().await;
    member.bind(EUI, "S2101").await;
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let id = create(&member, method).await;
        let body = format!(r#"{{"eui":"{}"}}"#, EUI.to_lowercase());
        let answer = member.send(method, &format!("/1.0/group/{id}/devices"), JSON, &body).await;
        assert!(answer.body.starts_with(r#"{"code":"0","data":"","time":"#), "{method} {}", answer.body);
        assert_eq!(group_of(&member).await, method);
    }
    let id = create(&member, "Last").await;
    let path = format!("/1.0/group/{id}/devices");
    for (path, body, code) in [
        (path.as_str(), "{}", "11202"),
        (&path, r#"{"eui":"xyz"}"#, "11203"),
        (&path, r#"{"eui":"2CF7F12000000000"}"#, "11303"),
        ("/1.0/group/00000000000000EE/devices", &format!(r#"{{"eui":"{EUI}"}}"#), "11317"),
    ] {
        assert_eq!(member.post_json(path, body).await.code(), code, "{path} {body}");
    }
    assert_eq!(group_of(&member).await, "DELETE");
}
