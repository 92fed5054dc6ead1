//! Codecs of the organization's own, by page and by program.

use serde_json::json;

use crate::{
    document::findings,
    scene::Scene,
    support::{App, Caller},
};

async fn send(caller: &Caller<'_>, method: &str, path: &str, body: serde_json::Value) -> crate::support::Answer {
    caller.send(method, path, &[], &body.to_string()).await
}

#[tokio::test]
async fn a_codec_is_kept_changed_and_removed() {
    let app = App::new();
    let scene = Scene::set(&app).await;
    let caller = &scene.owner;
    let new = json!({
        "model": "LHT 65", "source": "x", "table": "t = 1/4097", "examples": "2 00D6 -> 1/4097=21.4",
    });
    let made = send(caller, "POST", "/api/codecs", new.clone()).await;
    assert_eq!((made.code(), made.header("location")), (201, "/api/codecs/LHT%2065"));
    let read = caller.get("/api/codecs/lht%2065").await.json();
    assert_eq!(
        (&read["model"], &read["version"], &read["table"]),
        (&json!("LHT 65"), &json!(1), &json!("t = 1/4097\n"))
    );
    send(caller, "POST", "/api/codecs", new.clone()).await.problem(409, "conflict");

    let change = json!({ "source": "y", "table": "t = 1/4097 * 0.1", "examples": "" });
    let changed = send(caller, "PUT", "/api/codecs/LHT%2065", change.clone()).await.json();
    assert_eq!((&changed["version"], &changed["source"]), (&json!(2), &json!("y")));
    send(caller, "PUT", "/api/codecs/unknown", change).await.problem(404, "not_found");

    let list = caller.get("/api/codecs").await.json();
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
    // It is a model like others.
    let device = json!({ "eui": "2CF7F120000000AB", "model": "lht 65" });
    assert_eq!(send(caller, "POST", "/api/devices", device).await.json()["model"], "LHT 65");
    for page in ["/devices/new", "/devices/unbound", &format!("/sources/{}/rules", scene.source)] {
        assert!(caller.get(page).await.body.contains("LHT 65"), "{page}");
    }
    assert_eq!(caller.send("DELETE", "/api/codecs/LHT%2065", &[], "").await.code(), 204);
    caller.get("/api/codecs/LHT%2065").await.problem(404, "not_found");
}

#[tokio::test]
async fn what_is_wrong_with_a_codec_is_said_and_nothing_is_kept() {
    let app = App::new();
    let scene = Scene::set(&app).await;
    let before = app.state(scene.org).await;
    for (change, words) in [
        (json!({ "source": "broken" }), "the codec is broken"),
        (json!({ "table": "t = 1/4097\nt" }), "table, line 2"),
        (json!({ "examples": "2 0 -> 1/4097=1" }), "examples, line 1"),
        (json!({ "model": " " }), "name"),
    ] {
        let mut new = json!({ "model": "M", "source": "x", "table": "", "examples": "" });
        change.as_object().unwrap().iter().for_each(|(name, value)| new[name] = value.clone());
        let answer = send(&scene.owner, "POST", "/api/codecs", new).await;
        answer.problem(422, "invalid");
        assert!(answer.body.contains(words), "{}", answer.body);
    }
    let broken = "model=M&source=broken&table=t+%3D+1/4097&examples=";
    let page = scene.owner.send("POST", "/codecs", &[], broken).await;
    assert!(page.code() == 422 && page.body.contains("the codec is broken") && page.body.contains("t = 1/4097"));
    assert_eq!(app.state(scene.org).await, before);
}

#[tokio::test]
async fn a_program_is_tried_without_being_kept() {
    let app = App::new();
    let scene = Scene::set(&app).await;
    let before = app.state(scene.org).await;
    let trial = json!({ "source": "x", "table": "t = 1/4097", "f_port": 5, "payload": "00 D6" });
    let outcome = send(&scene.owner, "POST", "/api/codec-trials", trial).await.json();
    assert_eq!(outcome["readings"], json!([{ "channel": 1, "measurement_id": "4097", "value": 5.0 }]));
    assert_eq!(outcome["unmapped"], json!([{ "path": "<i>b</i>", "value": 2.0 }]));
    let odd = json!({ "source": "x", "f_port": 5, "payload": "0" });
    send(&scene.owner, "POST", "/api/codec-trials", odd).await.problem(422, "invalid");

    let form = "do=try&model=M&source=%0Ax&table=t+%3D+1/4097&f_port=5&hex=00D6";
    for path in ["/codecs".to_owned(), format!("/codecs/{}", scene.codec)] {
        let page = scene.owner.send("POST", &path, &[], form).await;
        assert_eq!(page.code(), 200);
        for shown in ["1/4097", "&lt;i&gt;b&lt;/i&gt; = 2", "&lt;b&gt;low&lt;/b&gt;"] {
            assert!(page.body.contains(shown), "{path} does not show {shown}");
        }
        assert_eq!(findings(&page.body), Vec::<String>::new());
    }
    let page = scene.owner.send("POST", "/codecs", &[], "do=try&source=x&f_port=x&hex=00").await;
    assert!(page.code() == 200 && page.body.contains("0 to 255"), "{}", page.code());
    assert_eq!(app.state(scene.org).await, before);
}
