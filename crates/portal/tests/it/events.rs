//! What happens, as it happens.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use futures_util::StreamExt;
use model::{Reading, Role, Timestamp};
use store::Registry;
use tokio::{sync::watch, task::JoinSet, time::timeout};

use crate::{
    scene::{Scene, uplink},
    support::{App, Caller, NOW_MS, at, scopes},
};

/// How long to wait for what must come; not a pause.
const PATIENCE: Duration = Duration::from_secs(20);

fn now() -> Timestamp {
    at(NOW_MS)
}

/// What a listener hears.
struct Heard(BodyDataStream, String);

impl Heard {
    async fn of(caller: &Caller<'_>) -> Self {
        let response = caller.open("GET", "/api/events", &[], "").await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self(Body::into_data_stream(response.into_body()), String::new())
    }

    /// The next event: its name and what it says.
    async fn next(&mut self) -> Option<(String, serde_json::Value)> {
        loop {
            if let Some((event, rest)) = self.1.split_once("\n\n") {
                let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
                let parsed = field("event:").zip(field("data:"));
                let parsed = parsed.map(|(name, data)| (name.to_owned(), serde_json::from_str(data).unwrap()));
                self.1 = rest.to_owned();
                match parsed {
                    Some(event) => return Some(event),
                    // A sign of life.
                    None => continue,
                }
            }
            let part = timeout(PATIENCE, self.0.next()).await.expect("an event, or the end")?;
            self.1.push_str(std::str::from_utf8(&part.unwrap()).unwrap());
        }
    }
}

/// Runs what reads the log, and says when it has begun.
async fn run(app: &App) -> (watch::Sender<bool>, JoinSet<()>) {
    let (stop, stopped) = watch::channel(false);
    let (portal, mut running) = (app.portal.clone(), JoinSet::new());
    running.spawn(async move { portal.live().run(portal.store(), now, stopped).await });
    (stop, running)
}

/// Waits until the log is read: what was appended before that is not told.
async fn has_begun(caller: &Caller<'_>) {
    let begun = async {
        while caller.get("/api/summary").await.json()["uplinks_counted_since"].is_null() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, begun).await.expect("the log is read");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_uplink_is_told_to_its_organization_and_to_nobody_else() {
    let app = App::new();
    let (own, theirs) = (Scene::set(&app).await, Scene::set(&app).await);
    let (_stop, _running) = run(&app).await;
    has_begun(&own.viewer).await;
    let program = app.program(own.org, scopes(false, false, true)).await;
    let mut heard = [Heard::of(&own.viewer).await, Heard::of(&program).await];
    let mut heard_there = Heard::of(&theirs.operator).await;
    for value in [1.5, 2.5] {
        uplink(&app, &own.device, at(NOW_MS), vec![Reading::new(1, 4097, value)]).await;
    }
    uplink(&app, &theirs.device, at(NOW_MS), vec![Reading::new(1, 4097, 99.0)]).await;
    for heard in &mut heard {
        for value in ["1.5", "2.5"] {
            let (name, event) = heard.next().await.expect("an uplink");
            assert_eq!((name.as_str(), &event["eui"]), ("uplink", &own.device.eui.to_string().into()));
            let reading = &event["readings"][0];
            assert_eq!((&reading["channel"], &reading["measurement"]), (&1.into(), &4097.into()));
            assert_eq!((&reading["value"], &event["state"]), (&value.into(), &"online".into()));
        }
    }
    // It comes after theirs in the log, and they hear theirs first.
    let (_, event) = heard_there.next().await.expect("an uplink");
    assert_eq!(event["eui"], theirs.device.eui.to_string());
    assert_eq!(event["readings"][0]["value"], "99");
    assert_eq!(own.viewer.get("/api/summary").await.json()["uplinks_in_last_hour"], 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_while_nobody_listens_is_counted_and_whoever_comes_hears_of_the_next() {
    let app = App::new();
    let scene = Scene::set(&app).await;
    let (_stop, _running) = run(&app).await;
    has_begun(&scene.viewer).await;
    for value in [1.5, 2.5] {
        uplink(&app, &scene.device, at(NOW_MS), vec![Reading::new(1, 4097, value)]).await;
    }
    let counted = async {
        while scene.viewer.get("/api/summary").await.json()["uplinks_in_last_hour"] != 2 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, counted).await.expect("both are counted");
    let mut heard = Heard::of(&scene.viewer).await;
    uplink(&app, &scene.device, at(NOW_MS), vec![Reading::new(1, 4097, 3.5)]).await;
    let (_, event) = heard.next().await.expect("an uplink");
    assert_eq!(event["readings"][0]["value"], "3.5");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_signed_out_hears_nothing_more() {
    let app = App::new();
    let scene = Scene::set(&app).await;
    let (_stop, _running) = run(&app).await;
    has_begun(&scene.viewer).await;
    let mut viewer = Heard::of(&scene.viewer).await;
    let mut manager = Heard::of(&scene.manager).await;
    let mut owner = Heard::of(&scene.owner).await;
    let (program, id) = app.narrow_program(scene.org, scopes(false, false, true), Default::default()).await;
    let mut program = Heard::of(&program).await;
    assert_eq!(scene.viewer.post("/sign-out", "").await.code(), 303);
    let manager_id = scene.manager.person.as_ref().unwrap().id;
    let removed = scene.operator.send("DELETE", &format!("/api/people/{manager_id}"), &[], "").await;
    assert_eq!(removed.code(), 204);
    app.store.revoke_access_key(scene.org, id, app.now()).await.unwrap();
    uplink(&app, &scene.device, at(NOW_MS), vec![Reading::new(1, 4097, 1.0)]).await;
    assert!(viewer.next().await.is_none() && manager.next().await.is_none() && program.next().await.is_none());
    assert!(owner.next().await.is_some(), "the others go on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quiet_listener_who_is_signed_out_is_let_go_too() {
    let app = App::new();
    let org = app.organization().await;
    let viewer = app.member(org, Role::Viewer, false).await;
    let mut heard = Heard::of(&viewer).await;
    viewer.post("/sign-out", "").await;
    assert!(heard.next().await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_is_let_go_when_the_station_stops() {
    let app = App::new();
    let org = app.organization().await;
    let viewer = app.member(org, Role::Viewer, false).await;
    let (stop, mut running) = run(&app).await;
    let mut heard = Heard::of(&viewer).await;
    stop.send(true).unwrap();
    assert!(heard.next().await.is_none());
    timeout(PATIENCE, running.join_next()).await.expect("it stops").unwrap().unwrap();
    let mut late = Heard::of(&viewer).await;
    assert!(late.next().await.is_none(), "whoever comes later is let go at once");
}
