//! How long history is kept: who says so, what goes before what, and what it removes.

use model::{Keep, Reading, Retention};
use portal::{
    BackupOutcome,
    retention::{Deed, Old, apply},
};
use serde_json::json;
use store::{Registry, RowQuery, Telemetry};

use crate::{
    management::send,
    scene::{Scene, bind, uplink},
    support::{App, DAY_MS, NOW_MS, at},
};

const SILENT: Retention = Retention { readings: None, frames: None };

/// A scene whose device, which is in a group, and another, which is in none, have rows of these ages in days.
async fn aged<'a>(app: &'a App, ages: &[i64]) -> (Scene<'a>, [model::DeviceId; 2]) {
    let scene = Scene::set(app).await;
    let free = bind(app, scene.org, 0x2CF7_F120_7777_0000 + app.count(), "Free", None).await;
    for age in ages {
        for device in [&scene.device, &free] {
            uplink(app, device, at(NOW_MS - age * DAY_MS), vec![Reading::new(1, 4097, 1.0)]).await;
        }
    }
    let ids = [scene.device.id, free.id];
    (scene, ids)
}

async fn rows(app: &App, scene: &Scene<'_>, device: model::DeviceId) -> usize {
    let query = RowQuery { device, window: model::Window::ALL, limit: 100, hidden: true };
    app.store.rows(scene.org, query).await.unwrap().len()
}

#[tokio::test]
async fn a_group_s_word_goes_before_the_organization_s_and_that_before_the_station_s() {
    let app = App::new();
    let (scene, [grouped, free]) = aged(&app, &[1, 10, 100, 1_000]).await;
    let remove = async |station| {
        let rules = app.store.get_retention(scene.org).await.unwrap();
        apply(&*app.store, scene.org, &rules, station, None, at(NOW_MS), Deed::Remove).await.unwrap()
    };
    let station = Retention { readings: Keep::days(500).ok(), frames: None };
    assert_eq!(remove(SILENT).await, Old::default(), "for ever where nobody says anything");
    assert_eq!(remove(station).await, Old { devices: 2, rows: 2, frames: 0 });
    let group = format!("/api/groups/{}/retention", scene.group);
    send(&scene.owner, "PUT", "/api/organization/retention", json!({ "readings_days": 50, "frames_days": 50 })).await;
    let told = send(&scene.owner, "PUT", &group, json!({ "readings_days": 0 })).await.json();
    assert_eq!(
        told,
        json!({ "readings_days": 0, "frames_days": null, "in_force": { "readings_days": 0, "frames_days": 50 } })
    );
    assert_eq!(remove(station).await, Old { devices: 2, rows: 1, frames: 4 });
    // One from the scene, and those of 1, 10 and 100 days.
    assert_eq!((rows(&app, &scene, grouped).await, rows(&app, &scene, free).await), (4, 2));
    app.store.unbind_device(scene.org, scene.device.eui).await.unwrap();
    assert_eq!(remove(station).await, Old::default(), "a retired device follows the group it was in");
    app.store.delete_group(scene.org, scene.group).await.unwrap();
    assert_eq!(remove(station).await, Old { devices: 1, rows: 1, frames: 0 }, "with the group its word goes");
}

#[tokio::test]
async fn the_page_says_what_it_removes_before_it_does() {
    let app = App::new();
    let (scene, [_, free]) = aged(&app, &[10, 100]).await;
    let owner = &scene.owner;
    let asked = owner.post("/retention", "readings=30").await;
    assert_eq!(asked.code(), 200);
    assert!(asked.body.contains("2 rows of readings and 0 raw frames of 2 devices"), "{}", asked.body);
    assert_eq!(app.store.get_retention(scene.org).await.unwrap().organization, SILENT, "nothing is said yet");
    assert_eq!(owner.post("/retention", "readings=30&confirmed=yes").await.code(), 303);
    let said = Retention { readings: Keep::days(30).ok(), frames: None };
    assert_eq!(app.store.get_retention(scene.org).await.unwrap().organization, said);
    assert_eq!(rows(&app, &scene, free).await, 2, "the station removes them, by and by");
    assert!(owner.get("/retention").await.body.contains(r#"value="30""#));
    let harmless = owner.post("/retention", &format!("group={}&readings=forever&frames=400", scene.group)).await;
    assert_eq!(harmless.code(), 303, "what removes nothing needs no second look");
    assert!(owner.get("/audit").await.body.contains("readings for ever, frames 400 days"));
}

#[tokio::test]
async fn what_would_be_removed_is_counted_and_nothing_is() {
    let app = App::new();
    let (scene, [grouped, free]) = aged(&app, &[10, 100]).await;
    let removal = async |path: &str| scene.owner.get(path).await.json();
    let whole = removal("/api/organization/retention/removal?readings_days=30&frames_days=5").await;
    assert_eq!(whole, json!({ "devices": 2, "rows": 2, "frames": 4 }));
    let group = format!("/api/groups/{}/retention/removal?readings_days=5", scene.group);
    assert_eq!(removal(&group).await, json!({ "devices": 1, "rows": 2, "frames": 0 }));
    assert_eq!(removal("/api/organization/retention/removal").await, json!({ "devices": 0, "rows": 0, "frames": 0 }));
    assert_eq!((rows(&app, &scene, grouped).await, rows(&app, &scene, free).await), (3, 2));
}

#[tokio::test]
async fn what_is_no_retention_is_refused() {
    let app = App::new();
    let (scene, _) = aged(&app, &[100]).await;
    let before = app.state(scene.org).await;
    for odd in [r#"{"readings_days":-1}"#, r#"{"readings_days":36501}"#, r#"{"frames_days":"7"}"#, r#"{"days":7}"#] {
        scene.owner.send("PUT", "/api/organization/retention", &[], odd).await.problem(422, "invalid");
    }
    for odd in ["readings=0", "readings=-1", "frames=1.5", "frames=36501", "readings=never"] {
        assert_eq!(scene.owner.post("/retention", odd).await.code(), 422, "{odd}");
        let confirmed = format!("{odd}&confirmed=yes");
        assert_eq!(scene.owner.post("/retention", &confirmed).await.code(), 422, "{odd}");
    }
    for odd in ["readings_days=x", "frames_days=36501"] {
        let path = format!("/api/organization/retention/removal?{odd}");
        scene.owner.get(&path).await.problem(422, "invalid");
    }
    let other = Scene::set(&app).await;
    for group in [other.group.to_string(), "0123456789ABCDEF".to_owned(), "nonsense".to_owned()] {
        let path = format!("/api/groups/{group}/retention");
        scene.owner.get(&path).await.problem(404, "not_found");
        scene.owner.get(&format!("{path}/removal?readings_days=1")).await.problem(404, "not_found");
        scene.owner.send("PUT", &path, &[], r#"{"readings_days":1}"#).await.problem(404, "not_found");
        assert_eq!(scene.owner.post("/retention", &format!("group={group}&readings=1")).await.code(), 404);
        let confirmed = format!("group={group}&readings=1&confirmed=yes");
        assert_eq!(scene.owner.post("/retention", &confirmed).await.code(), 404);
    }
    assert_eq!(app.state(scene.org).await, before);
}

#[tokio::test]
async fn a_disk_that_will_soon_be_full_is_told_to_operators() {
    let app = App::new();
    let scene = Scene::set(&app).await;
    let told = async |caller: &crate::support::Caller<'_>| caller.get("/").await.body.contains("the disk will be full");
    assert!(!told(&scene.operator).await);
    *app.station.disk_full_at.lock().unwrap() = Some(at(NOW_MS + 29 * DAY_MS));
    assert!(told(&scene.operator).await && !told(&scene.owner).await);
    *app.station.disk_full_at.lock().unwrap() = Some(at(NOW_MS + 31 * DAY_MS));
    assert!(!told(&scene.operator).await);
}

#[tokio::test]
async fn what_came_of_the_last_backup_is_told_to_operators() {
    let app = App::new();
    let scene = Scene::set(&app).await;
    let overview = async |caller: &crate::support::Caller<'_>| caller.get("/").await.body;
    let good = "Last backup that can be restored";
    assert!(!overview(&scene.operator).await.contains(good));
    let outcome = |trouble: Option<&str>| BackupOutcome {
        good_at: Some(at(NOW_MS - DAY_MS)),
        trouble: trouble.map(str::to_owned),
    };
    *app.station.backup.lock().unwrap() = Some(outcome(None));
    assert!(overview(&scene.operator).await.contains(good) && !overview(&scene.owner).await.contains(good));
    *app.station.backup.lock().unwrap() = Some(outcome(Some("a <b>byte</b> is wrong")));
    let told = overview(&scene.operator).await;
    assert!(told.contains("a &lt;b&gt;byte&lt;/b&gt; is wrong") && !told.contains(good), "{told}");
}
