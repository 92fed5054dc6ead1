//! Kinds of sources, and the brokers that their messages are fetched from.

use serde_json::{Value as Json, json};
use store::Registry;

use crate::{
    management::{make, program, send},
    support::App,
};

#[tokio::test]
async fn a_source_of_each_kind_says_where_it_posts() {
    let app = App::new();
    let caller = program(&app).await;
    for kind in ["chirpstack", "tts", "helium", "aws", "http", "mqtt"] {
        let (_, made) = make(&caller, "/api/sources", json!({ "kind": kind })).await;
        let path = if kind == "mqtt" { Json::Null } else { format!("/ingest/{kind}").into() };
        assert_eq!((&made["kind"], &made["path"]), (&kind.into(), &path));
    }
}

#[tokio::test]
async fn a_broker_keeps_its_password_to_itself_and_gives_it_to_no_other() {
    let app = App::new();
    let caller = program(&app).await;
    let (source, _) = make(&caller, "/api/sources", json!({ "kind": "chirpstack" })).await;
    let path = format!("{source}/broker");
    let password = async || app.store.list_brokers(None).await.unwrap()[0].0.password.clone();
    let set = async |body: Json| send(&caller, "PUT", &path, body).await;

    let first =
        json!({ "url": "mqtts://broker.farm", "user": "station", "password": "grey-heron-94", "topics": ["a/#"] });
    let shown = set(first.clone()).await.json()["broker"].clone();
    assert_eq!((&shown["url"], &shown["has_password"]), (&"mqtts://broker.farm:8883".into(), &true.into()));
    assert_eq!((&shown["connected"], &shown["since"]), (&false.into(), &Json::Null));
    assert!(!shown.to_string().contains("grey-heron-94"));
    let sealed = password().await;
    assert!(!sealed.is_empty() && !sealed.windows(13).any(|part| part == b"grey-heron-94"));

    set(json!({ "url": "mqtts://broker.farm:8883", "user": "station" })).await;
    assert_eq!(password().await, sealed, "the same broker, so the same password");
    for other in [
        json!({ "url": "mqtts://evil.example", "user": "station" }),
        json!({ "url": "mqtt://broker.farm:8883", "user": "station" }),
        json!({ "url": "mqtts://broker.farm", "user": "somebody" }),
    ] {
        set(first.clone()).await;
        set(other.clone()).await;
        assert!(password().await.is_empty(), "{other}");
    }
    for odd in [
        json!({ "url": "http://broker.farm" }),
        json!({ "url": "mqtt://me:secret@broker.farm" }),
        json!({ "url": "mqtt://broker.farm", "user": "a\nb" }),
        json!({ "url": "mqtt://broker.farm", "topics": ["a/#/b"] }),
        json!({ "url": "mqtt://broker.farm", "topics": vec!["a"; 17] }),
        json!({ "url": "mqtt://broker.farm", "ca_pem": "a certificate" }),
    ] {
        set(odd).await.problem(422, "invalid");
    }
    let (http, _) = make(&caller, "/api/sources", json!({ "kind": "http" })).await;
    let without = json!({ "url": "mqtt://broker.farm" });
    send(&caller, "PUT", &format!("{http}/broker"), without).await.problem(422, "invalid");

    assert_eq!(caller.send("DELETE", &path, &[], "").await.code(), 204);
    assert_eq!(caller.get(&source).await.json()["broker"], Json::Null);
    set(first).await;
    caller.send("DELETE", &source, &[], "").await;
    assert!(app.store.list_brokers(None).await.unwrap().is_empty());
    set(json!({ "url": "mqtt://broker.farm" })).await.problem(404, "not_found");
}
