//! The management API: what a program makes, reads, changes and removes.

use model::{MeasurementId, Reading, Role, Value};
use serde_json::{Value as Json, json};
use store::Registry;

use crate::{
    scene::{Scene, bind, is_api, routes, uplink, uplink_in},
    support::{Answer, App, Caller, DAY_MS, MINUTE_MS, NOW_MS, PASSWORD, SECOND_MS, at, scopes},
};

/// A program that manages a new organization.
pub(crate) async fn program(app: &App) -> Caller<'_> {
    let org = app.organization().await;
    app.member(org, Role::Owner, false).await;
    app.program(org, scopes(false, false, true)).await
}

pub(crate) async fn send(caller: &Caller<'_>, method: &str, path: &str, body: Json) -> Answer {
    caller.send(method, path, &[], &body.to_string()).await
}

/// Makes a thing and reads it where the answer says it is.
pub(crate) async fn make(caller: &Caller<'_>, path: &str, body: Json) -> (String, Json) {
    let made = send(caller, "POST", path, body).await;
    assert_eq!(made.code(), 201, "{path}: {}", made.body);
    let location = made.header("location").to_owned();
    assert!(location.starts_with(&format!("{path}/")), "{location}");
    (location, made.json())
}

#[tokio::test]
async fn a_device_is_added_read_changed_and_retired() {
    let app = App::new();
    let caller = program(&app).await;
    let (_, group) = make(&caller, "/api/groups", json!({ "name": "Barn" })).await;
    let new = json!({ "eui": "2cf7f12004100005", "model": "s2101", "name": " Roof " });
    let (path, made) = make(&caller, "/api/devices", new.clone()).await;
    assert_eq!(path, "/api/devices/2CF7F12004100005");
    assert_eq!((&made["model"], &made["name"], &made["state"]), (&"S2101".into(), &"Roof".into(), &"silent".into()));
    assert_eq!(caller.get(&path).await.json(), made);
    assert_eq!(caller.get("/api/devices").await.json(), json!({ "items": [made] }));
    send(&caller, "POST", "/api/devices", new.clone()).await.problem(409, "conflict");

    let position = json!({ "latitude": 47.5, "longitude": -8.25 });
    let change = json!({ "name": "Ridge", "model": "S2120", "group": group["id"], "position": position });
    let changed = send(&caller, "PATCH", &path, change).await.json();
    assert_eq!((&changed["name"], &changed["model"]), (&"Ridge".into(), &"S2120".into()));
    assert_eq!((&changed["group"], &changed["position"]), (&group["id"], &position));
    let named = send(&caller, "PUT", &format!("{path}/channels/1"), json!({ "name": "Air" })).await.json();
    assert_eq!(named["channels"], json!([{ "index": 1, "name": "Air", "sensor_type": null }]));
    let typed = json!({ "sensor_type": "1001" });
    let typed = send(&caller, "PUT", &format!("{path}/channels/1"), typed).await.json();
    assert_eq!(typed["channels"], json!([{ "index": 1, "name": "Air", "sensor_type": "1001" }]));
    let unsaid = json!({ "sensor_type": "" });
    send(&caller, "PUT", &format!("{path}/channels/1"), unsaid).await.json();
    send(&caller, "PUT", &format!("{path}/channels/1"), json!({ "sensor_type": "9" })).await.problem(422, "invalid");
    let mapped = send(&caller, "PATCH", &path, json!({ "channel_map": "1/4165=4102" })).await.json();
    assert_eq!(mapped["channel_map"], "1/4165=4102");
    send(&caller, "PATCH", &path, json!({ "channel_map": "1/4165" })).await.problem(422, "invalid");
    let named = send(&caller, "PATCH", &path, json!({ "channel_map": "" })).await.json();
    assert_eq!(caller.get(&path).await.json(), named);
    let positions = caller.get("/api/devices/positions").await.json();
    assert_eq!(positions["devices"][0]["name"], "Ridge");
    let moved = send(&caller, "PATCH", &path, json!({ "group": "" })).await.json();
    assert_eq!((&moved["group"], &moved["name"]), (&Json::Null, &"Ridge".into()));

    assert_eq!(caller.send("DELETE", &path, &[], "").await.code(), 204);
    caller.get(&path).await.problem(404, "not_found");
    caller.send("DELETE", &path, &[], "").await.problem(404, "not_found");
    assert_eq!(caller.get("/api/devices").await.json(), json!({ "items": [] }));
    let (_, again) = make(&caller, "/api/devices", new).await;
    assert_eq!(again["position"], position, "what was known of it is known again");
}

#[tokio::test]
async fn a_device_that_finds_itself_is_on_the_map_where_it_was_last() {
    let app = App::new();
    let scene = Scene::set(&app).await;
    let (longitude, latitude) = (MeasurementId::LONGITUDE.0, MeasurementId::LATITUDE.0);
    let placed = async || scene.viewer.get("/api/devices/positions").await.json()["devices"].clone();
    assert_eq!(placed().await, json!([]));
    for (ms, east, north) in [(0, 8.5, 47.4), (2_000, 8.6, 47.5), (1_000, 8.7, 47.6)] {
        let fix = vec![Reading::new(1, longitude, east), Reading::new(1, latitude, north)];
        uplink(&app, &scene.device, at(NOW_MS + ms), fix).await;
    }
    let device = placed().await[0].clone();
    assert_eq!((&device["longitude"], &device["latitude"]), (&8.6.into(), &47.5.into()));
    assert_eq!(device["measured_at"], "2026-07-10T12:00:02.000Z");
    let body = r#"{"position":{"latitude":1,"longitude":2}}"#;
    scene.owner.send("PATCH", &format!("/api/devices/{}", scene.device.eui), &[], body).await;
    assert_eq!(placed().await[0]["longitude"], device["longitude"], "what was put by hand is older");
    assert!(scene.viewer.get("/map").await.body.contains("1 of 1 devices have a position"));
}

#[tokio::test]
async fn somebody_signed_in_looks_after_their_own_account() {
    let app = App::new();
    let scene = Scene::set(&app).await;
    let viewer = &scene.viewer;
    let own = viewer.get("/api/account").await.json();
    assert_eq!(own["email"], viewer.person.as_ref().unwrap().email.as_str());
    let changed = send(viewer, "PATCH", "/api/account", json!({ "name": "Ada" })).await.json();
    assert_eq!((&changed["name"], &changed["time_zone"]), (&"Ada".into(), &own["time_zone"]));
    let changed = send(viewer, "PATCH", "/api/account", json!({ "time_zone": "Asia/Shanghai" })).await.json();
    assert_eq!((&changed["name"], &changed["time_zone"]), (&"Ada".into(), &"Asia/Shanghai".into()));
    assert_eq!(viewer.get("/api/account").await.json(), changed);
    let role = json!({ "role": "owner" });
    send(viewer, "PATCH", "/api/account", role).await.problem(422, "invalid");

    let sessions = viewer.get("/api/account/sessions").await.json();
    let sessions = sessions["items"].as_array().unwrap();
    assert!(sessions.len() > 1 && sessions.iter().all(|session| session["person"] == own["id"]));
    let password = |old: &str, new: &str| json!({ "old": old, "new": new });
    let change = async |body| send(viewer, "PUT", "/api/account/password", body).await;
    change(password("wrong password", "another password")).await.problem(422, "invalid");
    change(password(PASSWORD, "short")).await.problem(422, "invalid");
    assert_eq!(change(password(PASSWORD, "another password")).await.code(), 204);
    let sessions = viewer.get("/api/account/sessions").await.json();
    assert_eq!(sessions["items"].as_array().unwrap().len(), 1, "the others are over");
}

#[tokio::test]
async fn a_filter_that_is_none_is_refused() {
    let app = App::new();
    let caller = program(&app).await;
    for odd in ["state=asleep", "group=nonsense"] {
        caller.get(&format!("/api/devices?{odd}")).await.problem(422, "invalid");
    }
    assert_eq!(caller.get("/api/devices?state=&group=").await.code(), 200);
    caller.get("/api/nothing").await.problem(404, "not_found");
}

#[tokio::test]
async fn a_group_is_made_renamed_and_deleted() {
    let app = App::new();
    let caller = program(&app).await;
    let (path, made) = make(&caller, "/api/groups", json!({ "name": "Barn" })).await;
    assert_eq!(caller.get(&path).await.json(), made);
    send(&caller, "POST", "/api/groups", json!({ "name": "Barn" })).await.problem(409, "conflict");
    let (other, _) = make(&caller, "/api/groups", json!({ "name": "Field" })).await;
    send(&caller, "PATCH", &other, json!({ "name": "Barn" })).await.problem(409, "conflict");
    let renamed = send(&caller, "PATCH", &path, json!({ "name": "Stable" })).await.json();
    assert_eq!(renamed, json!({ "id": made["id"], "name": "Stable" }));
    let (device, _) =
        make(&caller, "/api/devices", json!({ "eui": "2CF7F12004100005", "model": "S2101", "group": made["id"] }))
            .await;
    assert_eq!(caller.send("DELETE", &path, &[], "").await.code(), 204);
    caller.get(&path).await.problem(404, "not_found");
    assert_eq!(caller.get(&device).await.json()["group"], Json::Null);
    for number in 0..49 {
        make(&caller, "/api/groups", json!({ "name": format!("{number}") })).await;
    }
    send(&caller, "POST", "/api/groups", json!({ "name": "one more" })).await.problem(409, "conflict");
}

/// Every text that a caller gets from a GET of the API or a page.
async fn everything(scene: &Scene<'_>) -> String {
    let mut all = String::new();
    for (method, path, _) in routes().into_iter().filter(|(method, ..)| method == "GET") {
        let answer = scene.operator.send(&method, &scene.path(path, &scene.operator), &[], "").await;
        assert!(answer.code() < 400 || !is_api(path), "{path}: {}", answer.body);
        all.push_str(&answer.body);
    }
    all
}

#[tokio::test]
async fn secrets_are_shown_once_and_never_again() {
    let app = App::new();
    let scene = Scene::set(&app).await;
    let caller = app.program(scene.org, scopes(false, false, true)).await;
    let (key, made) = make(&caller, "/api/keys", json!({ "name": "k", "scopes": ["read", "write"] })).await;
    let secret = made["access_key"].as_str().unwrap().to_owned();
    assert!(secret.len() == 64 && secret.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase()));
    assert_eq!(made["scopes"], json!(["read", "write"]));
    let (source, made) = make(&caller, "/api/sources", json!({ "kind": "chirpstack", "name": "s" })).await;
    let token = made["token"].as_str().unwrap().to_owned();
    let rotated = caller.post(&format!("{source}/token"), "").await.json()["token"].as_str().unwrap().to_owned();
    assert_ne!(token, rotated);
    let (_, made) = make(&caller, "/api/invites", json!({ "role": "viewer" })).await;
    let link = made["path"].as_str().unwrap().to_owned();
    let everything = everything(&scene).await;
    for secret in [secret.as_str(), &token, &rotated, link.trim_start_matches("/join/")] {
        assert_eq!(secret.len(), 64);
        assert!(!everything.to_uppercase().contains(&secret.to_uppercase()), "a secret is shown again");
    }
    for hash in [&secret, &token, &rotated].map(|secret| portal::Secret::of(secret.clone()).hash) {
        assert!(!everything.to_uppercase().contains(&crate::support::handle(hash)), "what is kept of it is shown");
    }
    assert!(!everything.contains("$argon2"), "the hash of a password is shown");
    assert!(everything.contains(key.trim_start_matches("/api/keys/")), "the key itself is there");
}

#[tokio::test]
async fn a_key_is_made_with_its_limits_and_revoked() {
    let app = App::new();
    let caller = program(&app).await;
    let (_, group) = make(&caller, "/api/groups", json!({ "name": "Barn" })).await;
    let new = json!({
        "name": "k", "scopes": ["read"], "expires_at": "2026-07-11T00:00:00Z",
        "origins": ["https://a.example.org"], "groups": [group["id"]],
    });
    let (path, made) = make(&caller, "/api/keys", new).await;
    assert_eq!(made["expires_at"], "2026-07-11T00:00:00.000Z");
    assert_eq!((&made["origins"][0], &made["groups"][0]), (&"https://a.example.org".into(), &group["id"]));
    assert_eq!(caller.get(&path).await.json()["revoked_at"], Json::Null);
    for _ in 0..2 {
        assert_eq!(caller.send("DELETE", &path, &[], "").await.code(), 204);
        assert_eq!(caller.get(&path).await.json()["revoked_at"], "2026-07-10T12:00:00.000Z");
        app.pass(MINUTE_MS);
    }
    for (odd, code) in [
        (json!({ "scopes": [] }), "invalid"),
        (json!({ "scopes": ["root"] }), "invalid"),
        (json!({ "scopes": ["read"], "expires_at": "2026-07-10T12:00:00Z" }), "invalid"),
        (json!({ "scopes": ["read"], "expires_at": "tomorrow" }), "invalid"),
        (json!({ "scopes": ["read"], "origins": ["*"] }), "invalid"),
        (json!({ "scopes": ["read"], "origins": ["https://a.example.org/path"] }), "invalid"),
        (json!({ "scopes": ["read"], "groups": ["nonsense"] }), "invalid"),
        (json!({ "scopes": ["manage"], "groups": [group["id"]] }), "invalid"),
        (json!({ "scopes": ["manage"], "origins": ["https://a.example.org"] }), "invalid"),
        (json!({ "scopes": ["read"], "expires_at": "9000-01-01T00:00:00Z" }), "invalid"),
    ] {
        send(&caller, "POST", "/api/keys", odd).await.problem(422, code);
    }
}

#[tokio::test]
async fn a_key_whose_days_are_no_number_is_not_made() {
    let app = App::new();
    let org = app.organization().await;
    let owner = app.member(org, Role::Owner, false).await;
    for odd in ["-1", "0", "1.5", "30d", "1e3", "9223372036854775807", "99999999999999999999"] {
        let answer = owner.post("/keys", &format!("name=k&scope=read&days={odd}")).await;
        assert_eq!(answer.code(), 422, "a key that lasts `{odd}` days");
    }
    assert!(app.store.list_access_keys(org).await.unwrap().is_empty());
    assert_eq!(owner.post("/keys", "name=k&scope=read&days=+30+").await.code(), 200);
    let key = &app.store.list_access_keys(org).await.unwrap()[0];
    assert_eq!(key.limits.expires_at, Some(at(NOW_MS + 30 * DAY_MS)));
    assert_eq!(owner.post("/keys", "name=k&scope=read&days=").await.code(), 200, "nothing said is no limit");
}

#[tokio::test]
async fn a_source_is_made_changed_given_another_token_and_deleted() {
    let app = App::new();
    let caller = program(&app).await;
    let (path, made) = make(&caller, "/api/sources", json!({ "kind": "chirpstack", "name": "s" })).await;
    assert_eq!((&made["path"], &made["auto_add"]), (&"/ingest/chirpstack".into(), &false.into()));
    let changed = send(&caller, "PATCH", &path, json!({ "auto_add": true })).await.json();
    assert_eq!((&changed["auto_add"], &changed["name"]), (&true.into(), &"s".into()));
    assert_eq!(changed["previous_token_until"], Json::Null);
    let rotated = caller.post(&format!("{path}/token"), "").await.json();
    assert_eq!(rotated["previous_token_until"], "2026-07-11T12:00:00.000Z");
    let token = |made: &Json| portal::Secret::of(made["token"].as_str().unwrap().to_owned()).hash;
    let kept = app.store.find_source(token(&rotated)).await.unwrap().expect("the source of the new token");
    assert!(
        kept.has_token(token(&made), at(NOW_MS + DAY_MS - 1)) && !kept.has_token(token(&made), at(NOW_MS + DAY_MS))
    );
    send(&caller, "POST", "/api/sources", json!({ "kind": "demo" })).await.problem(422, "invalid");
    send(&caller, "POST", "/api/sources", json!({ "kind": "other" })).await.problem(422, "invalid");
    assert_eq!(caller.send("DELETE", &path, &[], "").await.code(), 204);
    caller.get(&path).await.problem(404, "not_found");
    caller.post(&format!("{path}/token"), "").await.problem(404, "not_found");
    assert!(app.store.find_source(token(&rotated)).await.unwrap().is_none());
}

#[tokio::test]
async fn an_invite_is_made_listed_and_taken_back() {
    let app = App::new();
    let caller = program(&app).await;
    let (path, made) = make(&caller, "/api/invites", json!({ "role": "manager", "note": "Bob" })).await;
    assert_eq!(made["expires_at"], "2026-07-17T12:00:00.000Z");
    let listed = caller.get("/api/invites").await.json();
    assert_eq!(listed["items"][0]["note"], "Bob");
    assert_eq!(listed["items"][0]["id"], made["id"]);
    send(&caller, "POST", "/api/invites", json!({ "role": "king" })).await.problem(422, "invalid");
    assert_eq!(caller.send("DELETE", &path, &[], "").await.code(), 204);
    caller.send("DELETE", &path, &[], "").await.problem(404, "not_found");
    assert_eq!(caller.get("/api/invites").await.json(), json!({ "items": [] }));
}

#[tokio::test]
async fn the_audit_log_says_who_did_what_in_order_and_page_by_page() {
    let app = App::new();
    let scene = Scene::set(&app).await;
    let before = app.deeds(scene.org).await.len();
    for number in 0..25 {
        app.pass(SECOND_MS);
        send(&scene.owner, "PATCH", "/api/organization", json!({ "name": format!("Farm {number}") })).await;
    }
    send(&scene.owner, "PATCH", "/api/organization", json!({ "name": "" })).await.problem(422, "invalid");
    scene.viewer.send("PATCH", "/api/organization", &[], "{}").await.problem(403, "forbidden");
    assert_eq!(app.deeds(scene.org).await.len() - before, 25, "what was refused is no deed");
    let (mut details, mut path) = (Vec::new(), "/api/audit?limit=10".to_owned());
    loop {
        let page = scene.owner.get(&path).await.json();
        for deed in page["items"].as_array().unwrap() {
            assert_eq!(deed["actor"], scene.owner.person.as_ref().unwrap().email.as_str());
            assert_eq!((&deed["action"], &deed["address"]), (&"organization.rename".into(), &"192.0.2.1".into()));
            details.push(deed["detail"].as_str().unwrap().to_owned());
        }
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/api/audit?limit=10&cursor={cursor}");
    }
    assert_eq!(details, (0..25).rev().map(|number| format!("Farm {number}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn pages_of_a_list_reach_every_device_once() {
    let app = App::new();
    let caller = program(&app).await;
    let org = app.store.list_organizations(None, 1).await.unwrap()[0].id;
    for number in 0..250 {
        bind(&app, org, 0x2CF7_F120_0000_0000 + 7 * number, "Node", None).await;
    }
    for limit in [1, 7, 100, 125, 250, 1_000] {
        let (mut seen, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let page = caller.get(&format!("/api/devices?limit={limit}{cursor}")).await.json();
            seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["eui"].as_str().unwrap().to_owned()));
            pages += 1;
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        let all: Vec<_> = (0..250).map(|number| format!("{:016X}", 0x2CF7_F120_0000_0000_u64 + 7 * number)).collect();
        assert_eq!(seen, all, "limit {limit}");
        assert_eq!(pages, 250_usize.div_ceil(limit), "limit {limit}");
    }
    assert_eq!(caller.get("/api/devices").await.json()["items"].as_array().unwrap().len(), 100);
    for odd in ["limit=0", "limit=1001", "limit=-1", "limit=x", "limit=", "cursor=x", "cursor="] {
        caller.get(&format!("/api/devices?{odd}")).await.problem(422, "invalid");
    }
}

#[tokio::test]
async fn pages_of_rows_and_frames_reach_each_once() {
    let app = App::new();
    let scene = Scene::set(&app).await;
    for number in 0..25 {
        let readings = vec![Reading::new(1, 4097, f64::from(number))];
        uplink(&app, &scene.device, at(NOW_MS + i64::from(number) * MINUTE_MS), readings).await;
    }
    for what in ["rows", "frames"] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/api/devices/{}/{what}?limit=4{cursor}", scene.device.eui);
            let page = scene.viewer.get(&path).await.json();
            let items = page["items"].as_array().unwrap();
            seen.extend(items.iter().map(|item| item["received_at"].as_str().unwrap().to_owned()));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(seen.len(), 26, "{what}");
        assert!(seen.is_sorted_by(|a, b| a > b), "{what} are newest first, each once");
    }
}

async fn chart(scene: &Scene<'_>, query: &str) -> Answer {
    scene.viewer.get(&format!("/api/devices/{}/chart?{query}", scene.device.eui)).await
}

#[tokio::test]
async fn a_chart_has_the_least_the_mean_and_the_most_of_each_bucket() {
    let app = App::new();
    let scene = Scene::set(&app).await;
    let hour = NOW_MS - 60 * MINUTE_MS;
    for (minute, value) in [(0, 10.0), (1, 20.0), (2, 60.0), (30, -5.0)] {
        let readings = vec![Reading::new(1, 4097, value), Reading::new(2, 4098, value * 2.0)];
        uplink(&app, &scene.device, at(hour + minute * MINUTE_MS), readings).await;
    }
    let query = format!("series=1/4097&from={hour}&to={}&points=5", NOW_MS - MINUTE_MS);
    let found = chart(&scene, &query).await.json();
    // 59 minutes in 5 points are buckets of 12.
    assert_eq!((&found["width_ms"], &found["from"]), (&(12 * MINUTE_MS).into(), &hour.into()));
    assert_eq!(found["times"], json!([hour, hour + 24 * MINUTE_MS]));
    let line = &found["series"][0];
    assert_eq!(
        (&line["key"], &line["unit"], found["series"].as_array().unwrap().len()),
        (&"1/4097".into(), &"℃".into(), 1)
    );
    assert_eq!(
        (&line["min"], &line["avg"], &line["max"]),
        (&json!([10.0, -5.0]), &json!([30.0, -5.0]), &json!([60.0, -5.0]))
    );
    let both = chart(&scene, "series=1/4097,2/4098").await.json();
    assert_eq!(both["series"].as_array().unwrap().len(), 2);
    let all = chart(&scene, "from=2026-07-10T11:00:00Z&to=2026-07-10T11:01:00Z").await.json();
    assert_eq!(all["series"][1]["max"], json!([20.0]));
    assert_eq!(chart(&scene, "series=9/9999").await.json()["series"], json!([]));
}

#[tokio::test]
async fn what_a_chart_cannot_show_is_refused() {
    let app = App::new();
    let scene = Scene::set(&app).await;
    for odd in
        ["series=x", "series=1", "series=1/", "series=/4097", "series=1/4097,x", "series=99999/4097", "series=-1/1"]
    {
        chart(&scene, odd).await.problem(422, "invalid");
    }
    for odd in ["from=2&to=1", "from=1&to=1", "from=x", "to=yesterday", "from=2026-07-10"] {
        chart(&scene, odd).await.problem(422, "invalid");
    }
    let (least, most) = (i64::MIN, i64::MAX);
    for points in ["0", "1", "2000", "-1", "99999999999999999999", "x"] {
        for (from, to) in [(least, most), (0, most), (least, 0), (least, least + 1), (most - 1, most)] {
            let answer = chart(&scene, &format!("from={from}&to={to}&points={points}")).await;
            assert!(matches!(answer.code(), 200 | 422), "{from} {to} {points}: {}", answer.code());
        }
    }
    for what in ["rows", "frames"] {
        for odd in ["limit=0", "from=x", "to=x", "cursor=x"] {
            scene.viewer.get(&format!("/api/devices/{}/{what}?{odd}", scene.device.eui)).await.problem(422, "invalid");
        }
    }
}

#[tokio::test]
async fn values_are_shown_as_what_they_are() {
    let app = App::new();
    let scene = Scene::set(&app).await;
    let json = r#"{"a":[1,"</script>"]}"#;
    let readings = vec![
        Reading::new(1, 4097, 1e300),
        Reading::new(1, 4098, Value::text("a\"b\u{2028}")),
        Reading::new(1, 4099, Value::Json(json.into())),
        Reading::new(1, 4100, Value::Json("no json".into())),
        Reading::status(MeasurementId::BATTERY.0, 17.0),
    ];
    uplink_in(&app, &scene.device, at(NOW_MS), readings, crate::scene::frame("gw", Some("cut short"))).await;
    let latest = scene.viewer.get(&format!("/api/devices/{}/latest", scene.device.eui)).await.json();
    let values: Vec<_> = latest["items"].as_array().unwrap().iter().map(|item| item["value"].clone()).collect();
    assert_eq!(values, [json!(1e300), json!("a\"b\u{2028}"), json!({ "a": [1, "</script>"] }), Json::Null, json!(17)]);
    let frames = scene.viewer.get(&format!("/api/devices/{}/frames?limit=1", scene.device.eui)).await.json();
    assert_eq!((&frames["items"][0]["fault"], &frames["items"][0]["payload"]), (&"cut short".into(), &"AB".into()));
    let summary = scene.viewer.get("/api/summary").await.json();
    assert_eq!((&summary["devices"], &summary["low_battery"], &summary["online"]), (&1.into(), &1.into(), &1.into()));
}
