//! What is heard and not bound yet, which model it is, and what did not come.

use serde_json::{Value as Json, json};

use crate::{
    scene::{Scene, bind, uplink_in},
    support::{Answer, App, Caller, NOW_MS, at, scopes},
};

async fn send(caller: &Caller<'_>, method: &str, path: &str, body: Json) -> Answer {
    caller.send(method, path, &[], &body.to_string()).await
}

#[tokio::test]
async fn unbound_devices_rules_and_completeness_are_told() {
    let app = App::new();
    let scene = Scene::set(&app).await;
    let caller = app.program(scene.org, scopes(true, true, true)).await;
    let heard = caller.get("/api/unbound").await.json();
    let first = &heard["items"][0];
    assert_eq!((&first["eui"], &first["kept"]), (&scene.unbound.to_string().into(), &json!(1)));
    assert_eq!((&first["model"], &first["name"]), (&"S2103".into(), &"Meadow".into()));
    let page = scene.viewer.get("/devices/unbound").await;
    assert!(page.body.contains("Meadow") && page.body.contains(&scene.unbound.to_string()));
    assert!(!page.body.contains("/forget"), "a viewer changes nothing");
    assert!(scene.manager.get("/devices/unbound").await.body.contains("/forget"));
    let path = format!("/api/unbound/{}", scene.unbound);
    assert_eq!(caller.send("DELETE", &path, &[], "").await.code(), 204);
    caller.send("DELETE", &path, &[], "").await.problem(404, "not_found");

    let path = format!("/api/sources/{}/rules", scene.source);
    let rules = json!({ "items": [{ "name": " Probe ", "model": "s2120" }] });
    let set = send(&caller, "PUT", &path, rules).await.json();
    assert_eq!(set["items"], json!([{ "name": "Probe", "model": "S2120" }]));
    assert_eq!(caller.get(&path).await.json(), set);
    for wrong in
        [json!({ "items": [{ "name": "", "model": "S2120" }] }), json!({ "items": [{ "name": "x", "model": "y" }] })]
    {
        send(&caller, "PUT", &path, wrong).await.problem(422, "invalid");
    }
    let many: Vec<_> = (0..101).map(|_| json!({ "name": "x", "model": "S2120" })).collect();
    send(&caller, "PUT", &path, json!({ "items": many })).await.problem(422, "invalid");

    let device = bind(&app, scene.org, 0x2CF7_F120_7777_0001, "Well", None).await;
    for (f_cnt, minutes_ago) in [(7, 30), (8, 20), (11, 10), (10, 5)] {
        let frame = model::Frame { f_port: 2, f_cnt: Some(f_cnt), payload: [1].into(), ..model::Frame::default() };
        uplink_in(&app, &device, at(NOW_MS - minutes_ago * 60_000), vec![], frame).await;
    }
    let path = format!("/api/devices/{}/completeness", device.eui);
    let told = caller.get(&format!("{path}?days=2")).await.json();
    assert_eq!((&told["received"], &told["missing"], &told["percent"]), (&json!(4), &json!(1), &json!(80.0)));
    assert_eq!(told["days"].as_array().map(Vec::len), Some(1));
    for days in ["0", "93", "x"] {
        caller.get(&format!("{path}?days={days}")).await.problem(422, "invalid");
    }
    let page = scene.viewer.get(&format!("/devices/{}/frames", device.eui)).await;
    assert!(page.body.contains("80.0"), "{}", page.body);
}
