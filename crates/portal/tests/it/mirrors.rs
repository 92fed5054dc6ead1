//! Stations that are mirrored: looked at, begun, changed, ended.

use model::{Role, StationKey};
use serde_json::json;
use store::Registry;

use crate::support::{Answer, App, scopes};

const KEY: &str = "0123456789ABCDEF0123456789ABCDEF";

#[track_caller]
fn good(answer: Answer, code: u16) -> serde_json::Value {
    assert_eq!(answer.code(), code, "{}", answer.body);
    answer.json()
}

#[tokio::test]
async fn a_station_is_looked_at_before_anything_is_kept() {
    let app = App::new();
    let org = app.organization().await;
    let owner = app.member(org, Role::Owner, false).await;
    let form = format!("station=global&access_id=0123456789ABCDEF&access_key={KEY}&do=look");
    let page = owner.send("POST", "/mirrors", &[], &form).await;
    assert_eq!(page.code(), 200);
    for part in ["4321 dm in 44 calls and 1 h 6 min", "&lt;b&gt;Roof&lt;/b&gt;", "&lt;i&gt;Barn&lt;/i&gt;"] {
        assert!(
            page.body.replace(['\u{202f}', '\u{a0}', ',', ' '], "").contains(&part.replace([',', ' '], "")),
            "{part}: {}",
            page.body
        );
    }
    let program = app.program(org, scopes(true, true, true)).await;
    let body = json!({ "station": "global", "access_id": "A", "access_key": "K" }).to_string();
    let seen = good(program.send("POST", "/api/mirror-estimates", &[], &body).await, 200);
    assert_eq!((&seen["dm"], &seen["devices"][0]["series"]), (&4_321.into(), &3.into()));
    assert_eq!(app.store.list_mirrors(None).await.unwrap(), []);
    assert!(app.store.list_access_keys(org).await.unwrap().iter().all(|key| key.name != "mirror"));
}

#[tokio::test]
async fn a_mirror_is_begun_with_its_key_sealed_and_brought_along_if_that_is_wanted() {
    let app = App::new();
    let org = app.organization().await;
    let owner = app.member(org, Role::Owner, false).await;
    let form = format!(
        "station=global&access_id=0123456789ABCDEF&access_key={KEY}&budget=900&pace=30&since=2026-06-01&streams=on&stream_at=mqtts://a.example.org&brings_key=on&do=start"
    );
    let answer = owner.send("POST", "/mirrors", &[], &form).await;
    assert_eq!((answer.code(), answer.header("location")), (303, "/mirrors?done=added"));
    let mirrors = app.store.list_mirrors(Some(org)).await.unwrap();
    let mirror = &mirrors[0];
    assert_eq!((mirror.budget_dm, mirror.calls_per_minute, mirror.streams), (Some(900), 30, true));
    assert_eq!(mirror.stream_at.as_ref().unwrap().to_string(), "mqtts://a.example.org:8883");
    assert_eq!(mirror.since.to_string(), "2026-06-01T00:00:00.000Z");
    let opened = StationKey::from_raw([7; 32]).open(&model::Mirror::sealed_for(org, mirror.id), &mirror.access_key);
    assert_eq!(opened.unwrap(), KEY.as_bytes());
    let keys = app.store.list_access_keys(org).await.unwrap();
    let brought = keys.iter().find(|key| key.id.to_string() == "0123456789ABCDEF").unwrap();
    assert_eq!(brought.scopes, scopes(true, false, false));
    let program = app.nobody().with_key("0123456789ABCDEF", KEY);
    program.send("GET", "/api/organization", &[], "").await.problem(403, "forbidden");

    let page = owner.send("GET", "/mirrors", &[], "").await;
    assert_eq!(page.code(), 200);
    assert!(!page.body.contains(KEY), "the key is never shown");
    for part in [
        "25 %",
        "2 h 5 min left",
        "10 of 40 device-days",
        "&lt;i&gt;slow&lt;/i&gt;",
        "2026-07-01",
        "&lt;b&gt;5&lt;/b&gt;",
    ] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    let twice = owner.send("POST", "/mirrors", &[], &form).await;
    assert_eq!(twice.code(), 409, "the same account");
    assert!(!twice.body.contains(&format!("{KEY}</")), "{}", twice.body);
}

#[tokio::test]
async fn a_mirror_pauses_changes_and_ends() {
    let app = App::new();
    let org = app.organization().await;
    let program = app.program(org, scopes(true, true, true)).await;
    let body = json!({ "station": "https://a.example.org", "access_id": "A", "access_key": "K", "budget_dm": 5 });
    let made = good(program.send("POST", "/api/mirrors", &[], &body.to_string()).await, 201);
    assert_eq!(
        (&made["budget_dm"], &made["calls_per_minute"], &made["is_paused"]),
        (&5.into(), &40.into(), &false.into())
    );
    assert!(made.get("access_key").is_none());
    assert_eq!((&made["progress"]["phase"], &made["progress"]["done"]), (&"history".into(), &0.25.into()));
    let path = format!("/api/mirrors/{}", made["id"].as_str().unwrap());
    let change = |body: serde_json::Value| {
        let (program, path) = (&program, &path);
        async move { program.send("PATCH", path, &[], &body.to_string()).await }
    };
    let changed = good(change(json!({ "is_paused": true, "budget_dm": 0, "compare_hours": 24 })).await, 200);
    assert_eq!((&changed["is_paused"], &changed["budget_dm"]), (&true.into(), &serde_json::Value::Null));
    assert_eq!(changed["compare_until"], app.now().plus_ms(24 * 3_600_000).to_string());
    let changed = good(change(json!({ "compare_hours": 0 })).await, 200);
    assert_eq!((&changed["compare_until"], &changed["is_paused"]), (&serde_json::Value::Null, &true.into()));
    for wrong in
        [json!({ "calls_per_minute": 0 }), json!({ "calls_per_minute": 6_001 }), json!({ "compare_hours": 745 })]
    {
        change(wrong).await.problem(422, "invalid");
    }
    assert_eq!(program.send("DELETE", &path, &[], "").await.code(), 204);
    program.send("GET", &path, &[], "").await.problem(404, "not_found");
    let other = app.organization().await;
    let deeds = app.store.list_deeds(org, None, 10).await.unwrap();
    assert!(deeds.iter().all(|deed| deed.1.org == org && deed.1.org != other));
    assert_eq!(deeds.iter().filter(|deed| deed.1.action.starts_with("mirror.")).count(), 4);
}

#[tokio::test]
async fn what_cannot_be_mirrored_is_refused_in_words() {
    let app = App::new();
    let org = app.organization().await;
    let program = app.program(org, scopes(true, true, true)).await;
    let good = json!({ "station": "global", "access_id": "0123456789ABCDEF", "access_key": KEY });
    let with = |name: &str, value: serde_json::Value| {
        let mut body = good.clone();
        body[name] = value;
        body.to_string()
    };
    for body in [
        with("station", "".into()),
        with("station", "nowhere".into()),
        with("access_id", "a:b".into()),
        with("access_key", "a\nb".into()),
        with("access_key", "wrong".into()),
        with("calls_per_minute", 0.into()),
        with("stream_at", "http://a".into()),
        with("since", (app.now().as_millis() + 1).into()),
    ] {
        program.send("POST", "/api/mirrors", &[], &body).await.problem(422, "invalid");
    }
    assert_eq!(app.store.list_mirrors(None).await.unwrap(), []);
    // A key that somebody else has here is not brought, and not told of.
    let theirs = app.organization().await;
    let (_, id) = app.narrow_program(theirs, scopes(true, false, false), model::KeyLimits::default()).await;
    let mut body = good.clone();
    (body["access_id"], body["brings_key"]) = (id.to_string().into(), true.into());
    program.send("POST", "/api/mirrors", &[], &body.to_string()).await.problem(422, "invalid");
    assert_eq!(app.store.list_mirrors(None).await.unwrap(), []);
}
