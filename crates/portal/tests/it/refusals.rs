//! What programs are told when something cannot be done, and when it has changed meanwhile.

use portal::Station;

use crate::{
    scene::{Scene, is_account, is_api, routes},
    support::{Answer, App, scopes},
};

#[tokio::test]
async fn a_body_that_is_not_understood_is_a_problem_and_changes_nothing() {
    let app = App::new();
    let scene = Scene::set(&app).await;
    let before = app.state(scene.org).await;
    let mut asked = 0;
    for (method, path, _) in routes().iter().filter(|(method, path, _)| method != "GET" && is_api(path)) {
        let body = scene.body(method, path);
        if body.is_empty() {
            continue;
        }
        asked += 1;
        let (to, caller) = (scene.path(path, &scene.operator), &scene.operator);
        let unknown = format!("{},\"unknown\":1}}", body.trim_end_matches('}'));
        for odd in ["", "{", "[]", "null", "{} {}", "\u{feff}{}", &unknown, "{\"name\":1}", "<xml/>"] {
            caller.send(method, &to, &[], odd).await.problem(422, "invalid");
        }
        let deep = "[".repeat(100_000);
        caller.send(method, &to, &[], &deep).await.problem(422, "invalid");
        for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "json"] {
            caller.send(method, &to, &[("content-type", kind)], &body).await.problem(415, "media_type");
        }
        let huge = format!("{{\"name\":\"{}\"}}", "x".repeat(3 << 20));
        caller.send(method, &to, &[], &huge).await.problem(413, "too_large");
        assert_eq!(app.state(scene.org).await, before, "{method} {path}");
    }
    assert!(asked >= 10, "only {asked} routes take a body");
}

#[tokio::test]
async fn names_that_are_none_are_refused_everywhere() {
    let app = App::new();
    let scene = Scene::set(&app).await;
    let before = app.state(scene.org).await;
    let long = "x".repeat(65);
    for name in [long.as_str(), "a\\nb", "a\\u0000b", "a\\u001bb"] {
        for (method, path) in [
            ("PATCH", "/api/organization"),
            ("POST", "/api/devices"),
            ("PATCH", "/api/devices/{eui}"),
            ("PUT", "/api/devices/{eui}/channels/{index}"),
            ("POST", "/api/groups"),
            ("PATCH", "/api/groups/{id}"),
            ("POST", "/api/keys"),
            ("POST", "/api/sources"),
            ("PATCH", "/api/sources/{id}"),
            ("POST", "/api/invites"),
        ] {
            let body = scene.body(method, path).replace("Other", name).replace("\"New\"", &format!("\"{name}\""));
            let to = scene.path(path, &scene.owner);
            scene.owner.send(method, &to, &[], &body).await.problem(422, "invalid");
        }
    }
    assert_eq!(app.state(scene.org).await, before);
}

#[tokio::test]
async fn what_cannot_be_is_refused_as_a_whole() {
    let app = App::new();
    let scene = Scene::set(&app).await;
    let before = app.state(scene.org).await;
    let path = format!("/api/devices/{}", scene.device.eui);
    for odd in [
        r#"{"name":"Other","model":"unknown"}"#,
        r#"{"name":"Other","group":"0123456789ABCDEF"}"#,
        r#"{"name":"Other","group":"nonsense"}"#,
        r#"{"name":"Other","position":{"latitude":90.5,"longitude":0}}"#,
        r#"{"name":"Other","position":{"latitude":0,"longitude":-180.5}}"#,
        r#"{"name":"Other","position":{"latitude":1}}"#,
        r#"{"name":"Other","position":{"latitude":1e999,"longitude":0}}"#,
        r#"{"name":"Other","position":{"latitude":null,"longitude":0}}"#,
    ] {
        scene.manager.send("PATCH", &path, &[], odd).await.problem(422, "invalid");
    }
    let settings = format!("/devices/{}/settings", scene.device.eui);
    let long = "x".repeat(65);
    for odd in [
        "name=Other&group=0123456789ABCDEF",
        "name=Other&model=unknown",
        "name=Other&latitude=91&longitude=0",
        "name=Other&latitude=NaN&longitude=0",
        "name=Other&latitude=1",
        &format!("name=Other&channel-1={long}"),
        "name=Other&channel-1=a%0Ab",
    ] {
        assert_eq!(scene.manager.post(&settings, odd).await.code(), 422, "{odd}");
    }
    for odd in [
        r#"{"eui":"2CF7F1200410000","model":"S2101"}"#,
        r#"{"eui":"2CF7F120041000050","model":"S2101"}"#,
        r#"{"eui":"2CF7F12004100005","model":""}"#,
        r#"{"eui":"2CF7F12004100005","model":"S2101","group":"0123456789ABCDEF"}"#,
    ] {
        scene.manager.send("POST", "/api/devices", &[], odd).await.problem(422, "invalid");
    }
    scene
        .manager
        .send("PUT", &format!("{path}/channels/99999"), &[], r#"{"name":"a"}"#)
        .await
        .problem(404, "not_found");
    assert_eq!(app.state(scene.org).await, before);
}

/// Every GET of the API whose answer is JSON, filled in.
fn readable(scene: &Scene<'_>) -> Vec<String> {
    let routes = routes().into_iter().filter(|(method, path, _)| method == "GET" && is_api(path));
    let routes = routes.filter(|(_, path, _)| !matches!(*path, "/api/events" | "/api/export" | "/api/live"));
    routes.map(|(_, path, _)| scene.path(path, &scene.operator)).collect()
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let app = App::new();
    let scene = Scene::set(&app).await;
    for path in readable(&scene) {
        let first = scene.operator.get(&path).await;
        let tag = first.header("etag");
        assert!(first.code() == 200 && tag.starts_with('"') && tag.ends_with('"') && tag.len() > 10, "{path}: {tag}");
        for known in [tag, &format!("W/{tag}"), &format!("\"other\", {tag}"), "*"] {
            let again = scene.operator.send("GET", &path, &[("if-none-match", known)], "").await;
            assert_eq!((again.code(), again.body.as_str(), again.header("etag")), (304, "", tag), "{path}");
            assert_eq!(again.header("cache-control"), "no-store", "{path}");
        }
        let other = scene.operator.send("GET", &path, &[("if-none-match", "\"other\"")], "").await;
        assert_eq!((other.code(), other.body == first.body), (200, true), "{path}");
        let stranger = app.nobody().send("GET", &path, &[("if-none-match", tag)], "").await;
        assert_eq!(stranger.code(), if path == "/api/openapi.json" { 304 } else { 401 }, "{path}");
    }
}

#[tokio::test]
async fn a_change_to_what_has_changed_meanwhile_is_refused() {
    let app = App::new();
    let mut checked = 0;
    for (method, path, _) in routes().iter().filter(|(method, path, _)| method != "GET" && is_api(path)) {
        if !routes().iter().any(|(other, same, _)| other == "GET" && same == path) {
            continue;
        }
        let scene = Scene::set(&app).await;
        if (method.as_str(), *path) == ("DELETE", "/api/fleet") {
            // What is not there cannot go.
            app.station.start_simulated_fleet(scene.org);
        }
        let to = scene.path(path, &scene.operator);
        let key = app.program(scene.org, scopes(false, false, true)).await;
        let program = if is_account(path) { &scene.owner } else { &key };
        let before = app.state(scene.org).await;
        let change = async |tag: &str| -> Answer {
            program.send(method, &to, &[("if-match", tag)], &scene.body(method, path)).await
        };
        let tag = program.get(&to).await.header("etag").to_owned();
        for old in ["\"old\"", "\"0123456789abcdef01234567\"", "", "old"] {
            change(old).await.problem(412, "outdated");
        }
        assert_eq!(app.state(scene.org).await, before, "{method} {path}");
        let done = change(&tag).await;
        assert!(done.code() < 300, "{method} {path}: {}", done.body);
        assert_ne!(app.state(scene.org).await, before, "{method} {path}");
        let again = change(&tag).await;
        assert!(matches!(again.code(), 404 | 412), "{method} {path}: the tag is an old one now: {}", again.status);
        checked += 1;
    }
    assert!(checked >= 12, "only {checked} changes were checked");
}

#[tokio::test]
async fn whoever_may_not_change_a_thing_learns_nothing_by_its_tag() {
    let app = App::new();
    let scene = Scene::set(&app).await;
    let path = scene.path("/api/devices/{eui}", &scene.viewer);
    for tag in ["*", "\"old\""] {
        scene.viewer.send("DELETE", &path, &[("if-match", tag)], "").await.problem(403, "forbidden");
        let stranger = app.nobody().send("DELETE", &path, &[("if-match", tag)], "").await;
        stranger.problem(401, "unauthorized");
    }
}

#[tokio::test]
async fn the_document_names_every_route_of_the_api() {
    let app = App::new();
    let document = app.nobody().get("/api/openapi.json").await.json();
    for (method, path, _) in routes().iter().filter(|(_, path, _)| is_api(path)) {
        let operation = &document["paths"][path][method.to_lowercase()];
        assert!(operation["summary"].is_string() || operation["responses"].is_object(), "{method} {path}");
    }
}

#[tokio::test]
async fn a_form_that_is_too_large_is_refused() {
    let app = App::new();
    let scene = Scene::set(&app).await;
    let huge = format!("name={}", "x".repeat(3 << 20));
    for path in ["/groups", "/keys", "/sign-in", "/preferences"] {
        let answer = scene.operator.post(path, &huge).await;
        assert!(matches!(answer.code(), 413 | 422), "{path}: {}", answer.status);
    }
}
