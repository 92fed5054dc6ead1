//! Every route, asked by everybody: who may not is refused and changes nothing, who may is let in.

use crate::{
    scene::{Route, Scene, is_account, is_api, is_trial, places, routes},
    support::{Answer, App, Caller, HOST},
};

async fn ask(scene: &Scene<'_>, route: &Route, caller: &Caller<'_>, headers: &[(&str, &str)]) -> Answer {
    let (method, path, _) = route;
    let answer = caller.send(method, &scene.path(path, caller), headers, &scene.body(method, path)).await;
    dressed(route, caller, &answer);
    answer
}

/// What every answer carries.
#[track_caller]
fn dressed(route: &Route, caller: &Caller<'_>, answer: &Answer) {
    let (method, path, _) = route;
    let (what, policy) = (format!("{method} {path} for {}", caller.who), answer.header("content-security-policy"));
    for part in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
        assert!(policy.contains(part), "{what}: {policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains('*'), "{what}: {policy}");
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{what}");
    assert_eq!(answer.header("x-frame-options"), "DENY", "{what}");
    let kept = if answer.header("content-type") == "text/event-stream" { "no-cache" } else { "no-store" };
    assert_eq!(answer.header("cache-control"), kept, "{what}");
    assert!(!answer.headers.contains_key("access-control-allow-origin"), "{what}");
}

fn is_safe(route: &Route) -> bool {
    route.0 == "GET"
}

/// Whoever is somebody to this route: keys are nobody to pages.
fn is_known(route: &Route, caller: &Caller<'_>) -> bool {
    caller.is_person() || is_api(route.1)
}

#[test]
fn every_place_of_every_path_stands_for_something() {
    let routes = routes();
    assert!(routes.len() > 80, "routes are missing: {}", routes.len());
    for (_, path, _) in &routes {
        let _known = places(path);
    }
}

#[test]
#[should_panic(expected = "add what stands there")]
fn a_place_that_nobody_knows_is_found() {
    places("/api/planets/{id}");
}

#[tokio::test]
async fn nobody_is_sent_to_sign_in_and_programs_are_told_that_they_need_a_key() {
    let app = App::new();
    let scene = Scene::set(&app).await;
    let strangers = scene.strangers().await;
    let before = app.state(scene.org).await;
    for route in routes().iter().filter(|(_, _, right)| *right > 0) {
        let (method, path, _) = route;
        for stranger in &strangers {
            let (what, answer) =
                (format!("{method} {path} for {}", stranger.who), ask(&scene, route, stranger, &[]).await);
            if is_api(path) {
                answer.problem(401, "unauthorized");
                assert!(answer.header("www-authenticate").starts_with("Basic "), "{what}");
            } else {
                assert_eq!(answer.code(), 303, "{what}");
                let to = answer.header("location");
                assert!(to == "/sign-in" || to.starts_with("/sign-in?next=%2F"), "{what}: {to}");
                assert_eq!(answer.body, "", "{what}");
            }
        }
    }
    assert_eq!(app.state(scene.org).await, before);
}

#[tokio::test]
async fn keys_open_no_pages() {
    let app = App::new();
    let scene = Scene::set(&app).await;
    let programs: Vec<_> = scene.everybody().await.into_iter().filter(|caller| !caller.is_person()).collect();
    let before = app.state(scene.org).await;
    for route in routes().iter().filter(|(_, path, right)| *right > 0 && !is_api(path)) {
        for program in &programs {
            let answer = ask(&scene, route, program, &[]).await;
            assert_eq!(answer.code(), 303, "{} {} for {}", route.0, route.1, program.who);
            assert!(answer.header("location").starts_with("/sign-in"), "{}", answer.header("location"));
        }
    }
    assert_eq!(app.state(scene.org).await, before);
}

#[tokio::test]
async fn whoever_may_less_is_refused_and_changes_nothing() {
    let app = App::new();
    let scene = Scene::set(&app).await;
    let everybody = scene.everybody().await;
    let before = app.state(scene.org).await;
    for route in &routes() {
        let (method, path, right) = route;
        for caller in everybody.iter().filter(|caller| caller.may < *right && is_known(route, caller)) {
            let answer = ask(&scene, route, caller, &[]).await;
            assert_eq!(answer.code(), 403, "{method} {path} for {}", caller.who);
            if is_api(path) {
                answer.problem(403, "forbidden");
            }
        }
        assert_eq!(app.state(scene.org).await, before, "{method} {path}");
    }
}

#[tokio::test]
async fn a_key_without_manage_gets_nothing_from_the_management_api_but_its_document() {
    let app = App::new();
    let scene = Scene::set(&app).await;
    let programs = scene.everybody().await.into_iter().filter(|caller| !caller.is_person() && caller.may == 0);
    for program in programs {
        for route in routes().iter().filter(|(_, path, _)| is_api(path)) {
            let expected = if route.1 == "/api/openapi.json" { 200 } else { 403 };
            assert_eq!(ask(&scene, route, &program, &[]).await.code(), expected, "{} {}", route.0, route.1);
        }
    }
}

/// Lets somebody do what they may, and looks at what became of it.
async fn let_in(scene: &Scene<'_>, route: &Route, caller: &Caller<'_>) {
    let (method, path, right) = route;
    let before = scene.app.state(scene.org).await;
    let deeds = scene.app.deeds(scene.org).await.len();
    let answer = ask(scene, route, caller, &[]).await;
    if is_account(path) && !caller.is_person() {
        answer.problem(403, "no_account");
        assert_eq!(scene.app.state(scene.org).await, before, "{method} {path} for {}", caller.who);
        return;
    }
    let what = format!("{method} {path} for {}: {}", caller.who, answer.status);
    assert!(answer.code() < 400, "{what} {}", answer.body);
    assert!(*right == 0 || !answer.header("location").starts_with("/sign-in"), "{what}");
    let after = scene.app.state(scene.org).await;
    let done = scene.app.deeds(scene.org).await.len() - deeds;
    if is_safe(route) || is_trial(path) {
        assert_eq!(after, before, "{what}");
    } else if *right > 0 {
        assert_ne!(after, before, "{what}");
        assert_eq!(done, 1, "{what} is written down once");
    }
}

#[tokio::test]
async fn whoever_may_is_let_in_and_what_they_do_is_written_down() {
    let app = App::new();
    let scene = Scene::set(&app).await;
    let everybody = scene.everybody().await;
    for route in &routes() {
        for (number, caller) in everybody.iter().enumerate() {
            if caller.may < route.2 || !is_known(route, caller) {
                continue;
            }
            if is_safe(route) {
                let_in(&scene, route, caller).await;
            } else {
                // What somebody removes is there for the next.
                let scene = Scene::set(&app).await;
                let_in(&scene, route, &scene.everybody().await[number]).await;
            }
        }
        if route.2 == 0 {
            let scene = Scene::set(&app).await;
            let_in(&scene, route, &app.nobody()).await;
        }
    }
}

#[tokio::test]
async fn what_another_site_sends_is_refused_and_changes_nothing() {
    let app = App::new();
    let scene = Scene::set(&app).await;
    let before = app.state(scene.org).await;
    let program = scene.everybody().await.remove(5);
    let foreign: [&[(&str, &str)]; 9] = [
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "")],
        // What a browser says of itself is not outweighed by anything.
        &[("sec-fetch-site", "cross-site"), ("origin", "http://station.example.org")],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("origin", "https://station.example.org.evil.example")],
        &[("origin", "https://evil.station.example.org")],
        &[("origin", "http://station.example.org:8080")],
    ];
    let before_program = app.state(scene.org).await;
    for route in routes().iter().filter(|route| !is_safe(route)) {
        let (method, path, _) = route;
        for headers in foreign {
            for caller in [&app.nobody(), &scene.operator, &program] {
                let answer = ask(&scene, route, caller, headers).await;
                let what = format!("{method} {path} for {} with {headers:?}", caller.who);
                assert_eq!(answer.code(), 403, "{what}");
                assert!(!answer.headers.contains_key("set-cookie"), "{what}");
                if is_api(path) {
                    answer.problem(403, "cross_site");
                }
            }
        }
        assert_eq!(app.state(scene.org).await, before_program, "{method} {path}");
    }
    assert!(before.len() < before_program.len(), "the state shows what is new");
}

#[tokio::test]
async fn what_our_own_pages_send_is_done() {
    let app = App::new();
    let origin = format!("http://{HOST}");
    let own: [&[(&str, &str)]; 4] = [
        &[("sec-fetch-site", "same-origin"), ("origin", &origin)],
        &[("sec-fetch-site", "same-origin"), ("origin", "null")],
        &[("sec-fetch-site", "none")],
        &[("origin", &origin)],
    ];
    let routes = routes().into_iter().filter(|route| !is_safe(route) && route.2 > 0);
    for (route, headers) in routes.zip(own.into_iter().cycle()) {
        let scene = Scene::set(&app).await;
        let answer = ask(&scene, &route, &scene.operator, headers).await;
        assert!(answer.code() < 400, "{} {} with {headers:?}: {}", route.0, route.1, answer.status);
    }
}

#[tokio::test]
async fn the_public_address_is_our_own_whatever_the_request_came_to() {
    let public_url = Some("https://public.example.org/".to_owned());
    let app = App::with(portal::Settings { public_url, ..Default::default() });
    let scene = Scene::set(&app).await;
    let from = async |origin: &str| {
        let answer = scene.operator.send("POST", "/api/groups", &[("origin", origin)], r#"{"name":""}"#).await;
        answer.code()
    };
    assert_eq!(from("https://public.example.org").await, 422);
    assert_eq!(from("https://elsewhere.example.org").await, 403);
}

#[tokio::test]
async fn methods_that_a_path_does_not_have_do_nothing() {
    let app = App::new();
    let scene = Scene::set(&app).await;
    let before = app.state(scene.org).await;
    let routes = routes();
    for (_, path, _) in &routes {
        for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"] {
            if routes.iter().any(|(other, same, _)| other == method && same == path) {
                continue;
            }
            let answer = scene.operator.send(method, &scene.path(path, &scene.operator), &[], "").await;
            assert_eq!(answer.code(), 405, "{method} {path}");
        }
    }
    assert_eq!(app.state(scene.org).await, before);
}

#[tokio::test]
async fn paths_that_are_none_are_told_so_without_an_error_of_ours() {
    let app = App::new();
    let scene = Scene::set(&app).await;
    for (method, path, _) in routes().iter().filter(|(_, path, _)| !places(path).is_empty()) {
        let (start, _) = path.split_once('{').expect("a place");
        for odd in ["%FF", "%00", "%2e%2e", "..", "%F0%9F%90%8C", "+1", "-1", "0x10", &"A".repeat(4_000)] {
            let rest = path.split_once('}').map_or("", |(_, rest)| rest).replace("{index}", "1");
            let body = scene.body(method, path);
            let answer = scene.operator.send(method, &format!("{start}{odd}{rest}"), &[], &body).await;
            assert_eq!(answer.code(), 404, "{method} {path} with `{odd}`: {}", answer.body);
            if is_api(path) {
                answer.problem(404, "not_found");
            }
        }
    }
}

#[tokio::test]
async fn what_pages_are_drawn_with_is_kept_and_nothing_else_is_there() {
    let app = App::new();
    let page = app.nobody().get("/sign-in").await.body;
    let assets: Vec<&str> = page.split('"').filter(|part| part.starts_with("/assets/")).collect();
    assert!(assets.len() >= 3, "{assets:?}");
    for path in &assets {
        let asset = app.nobody().get(path).await;
        assert_eq!((asset.code(), asset.header("x-content-type-options")), (200, "nosniff"), "{path}");
        assert_eq!(asset.header("cache-control"), "public, max-age=31536000, immutable", "{path}");
    }
    for odd in ["../Cargo.toml", "%2e%2e/Cargo.toml", "..%2fCargo.toml", "vendor/../app.js", "", "app.js/", "%FF"] {
        let answer = app.nobody().get(&format!("/assets/x/{odd}")).await;
        assert!(matches!(answer.code(), 400 | 404), "{odd}: {}", answer.status);
    }
}
