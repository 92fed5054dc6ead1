//! Devices that nobody has bound: what they send is kept, and becomes their history when somebody does.

use std::sync::Arc;

use axum::http::StatusCode;
use ingest::{Adopted, adopt, adopt_all};
use model::{Reading, Row, RowFlags, Source, SourceKind, Timestamp, Window};
use serde_json::{Value, json};
use store::{FrameQuery, Store};
use store_embedded::{EmbeddedStore, Settings};

use crate::support::{App, NEIGHBOUR, ORG, now, source, up_with};

const NEW: &str = "2CF7F12004107777";
const BROKEN: &str = "AQEQmFMAAAECEKh6AACvUg==";

/// An uplink of the unbound device, sent so many hours before the fixtures were.
fn uplink(f_cnt: u32, hours_ago: i64) -> Value {
    let sent_at = Timestamp::from_millis(1_783_651_184_319 - hours_ago * 3_600_000);
    json!({
        "deviceInfo.devEui": NEW.to_lowercase(), "deduplicationId": format!("u{f_cnt}"), "fCnt": f_cnt,
        "time": sent_at.to_string(),
    })
}

fn on_disk(folder: &tempfile::TempDir) -> Arc<EmbeddedStore> {
    EmbeddedStore::open(folder.path(), Settings::default()).unwrap()
}

async fn adopted(app: &App) -> Adopted {
    adopt(&*app.store, &app.state.scripts, ORG, NEW.parse().unwrap()).await.unwrap()
}

fn measured(row: &Row) -> (Timestamp, Timestamp, RowFlags, usize) {
    (row.measured_at, row.received_at, row.flags, row.readings.len())
}

#[tokio::test]
async fn what_came_before_the_binding_becomes_history_with_its_own_times() {
    let folder = tempfile::tempdir().unwrap();
    let app = App::on(on_disk(&folder)).await;
    for (f_cnt, hours_ago) in [(1, 30), (2, 1), (3, 0)] {
        let answer = app.up(up_with(uplink(f_cnt, hours_ago))).await;
        assert_eq!((answer.status, &answer.body["kept"]), (StatusCode::ACCEPTED, &json!(true)), "{}", answer.body);
    }
    let again = app.up(up_with(uplink(2, 1))).await;
    assert_eq!((again.status, &again.body["duplicate"]), (StatusCode::ACCEPTED, &json!(true)));
    let heard = app.store.find_unbound(ORG, NEW.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!((heard.model.as_str(), heard.name.as_str(), heard.kept), ("S2101", "Greenhouse 1", 3));
    assert!(app.rows(ORG, NEW).await.is_empty());

    app.bind(ORG, NEW, "S2101").await;
    assert_eq!(adopted(&app).await, Adopted { uplinks: 3, readings: 6, undecodable: 0 });
    let rows = app.rows(ORG, NEW).await;
    let sent = |hours: i64| Timestamp::from_millis(1_783_651_184_319 - hours * 3_600_000);
    let late = RowFlags::LATE;
    assert_eq!(
        rows.iter().map(measured).collect::<Vec<_>>(),
        [(sent(0), now(), RowFlags::NONE, 2), (sent(1), now(), late, 2), (sent(30), now(), late, 2)]
    );
    assert_eq!(rows[0].readings, [Reading::new(1, 4097, 21.4), Reading::new(1, 4098, 31.4)]);
    assert_eq!(app.store.count_um(ORG).await.unwrap(), 6);
    assert_eq!(app.store.list_unbound(ORG, 9).await.unwrap(), []);
    assert_eq!(adopted(&app).await, Adopted::default(), "there is nothing left");
    let repeated = app.up(up_with(uplink(3, 0))).await;
    assert_eq!((repeated.status, &repeated.body["duplicate"]), (StatusCode::OK, &json!(true)));
}

#[tokio::test]
async fn a_crash_between_appending_and_forgetting_stores_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let app = App::on(on_disk(&folder)).await;
    for f_cnt in 1..=3 {
        app.up(up_with(uplink(f_cnt, i64::from(f_cnt) * 30))).await;
    }
    let device = app.bind(ORG, NEW, "S2101").await;
    // Two of three were appended before the power went; what was kept is all there yet.
    let kept = app.store.list_unbound_uplinks(ORG, NEW.parse().unwrap(), 2).await.unwrap();
    let kept: Vec<_> = kept.into_iter().map(|kept| kept.uplink).collect();
    let source = app.store.list_sources(ORG).await.unwrap().remove(0);
    ingest::accept_all(&*app.store, &app.state.scripts, &source, kept).await.unwrap();
    assert_eq!(app.rows(ORG, NEW).await.len(), 2);

    assert_eq!(adopted(&app).await, Adopted { uplinks: 1, readings: 2, undecodable: 0 });
    assert_eq!(app.rows(ORG, NEW).await.len(), 3);
    let query = FrameQuery { device: device.id, window: Window::ALL, limit: 10 };
    assert_eq!(app.store.frames(ORG, query).await.unwrap().len(), 3);
}

#[tokio::test]
async fn it_survives_a_restart_and_every_bound_device_gets_its_own() {
    let folder = tempfile::tempdir().unwrap();
    {
        let app = App::on(on_disk(&folder)).await;
        app.up(up_with(uplink(1, 0))).await;
        app.post("/ingest/chirpstack?event=up", "a-token-of-the-neighbour", up_with(uplink(2, 0))).await;
        app.bind(ORG, NEW, "S2101").await;
    }
    let store = on_disk(&folder);
    adopt_all(&*store, &ingest::Scripts::here()).await.unwrap();
    let device = store::Registry::find_device(&*store, ORG, NEW.parse().unwrap()).await.unwrap().unwrap();
    let query = FrameQuery { device: device.id, window: Window::ALL, limit: 10 };
    let frames = store::Telemetry::frames(&*store, ORG, query).await.unwrap();
    assert_eq!(frames.iter().map(|stored| stored.frame.f_cnt).collect::<Vec<_>>(), [Some(1)]);
    let store: Arc<dyn Store> = store;
    assert_eq!(store.list_unbound(ORG, 9).await.unwrap(), []);
    assert_eq!(store.list_unbound(NEIGHBOUR, 9).await.unwrap().len(), 1, "the neighbour has not bound it");
}

#[tokio::test]
async fn what_cannot_be_decoded_keeps_its_frame_and_the_reason() {
    let app = App::new().await;
    let mut broken = uplink(1, 0);
    broken["data"] = BROKEN.into();
    app.up(up_with(broken)).await;
    app.up(up_with(uplink(2, 0))).await;
    let device = app.bind(ORG, NEW, "S2101").await;
    assert_eq!(adopted(&app).await, Adopted { uplinks: 2, readings: 2, undecodable: 1 });
    let query = FrameQuery { device: device.id, window: Window::ALL, limit: 10 };
    let frames = app.store.frames(ORG, query).await.unwrap();
    let faults: Vec<_> = frames.iter().map(|stored| stored.frame.fault.as_deref().unwrap_or_default()).collect();
    assert!(faults[0].is_empty() && faults[1].contains("checksum"), "{faults:?}");
}

#[tokio::test]
async fn the_frame_of_a_bound_device_that_cannot_be_decoded_is_kept_and_refused_again_and_again() {
    let app = App::new().await;
    let device = app.bind(ORG, NEW, "S2101").await;
    let mut broken = uplink(1, 0);
    broken["data"] = BROKEN.into();
    for _ in 0..2 {
        let answer = app.up(up_with(broken.clone())).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let query = FrameQuery { device: device.id, window: Window::ALL, limit: 10 };
    let frames = app.store.frames(ORG, query).await.unwrap();
    assert_eq!(frames.len(), 1);
    assert!(frames[0].frame.fault.as_deref().unwrap().contains("checksum"), "{frames:?}");
    let rows = app.rows(ORG, NEW).await;
    assert_eq!(measured(&rows[0]).3, 0, "no reading came of it");
}

#[tokio::test]
async fn a_device_that_adds_itself_gets_what_was_kept_before() {
    let app = App::new().await;
    app.create_source(Source { auto_add: true, ..source(ORG, "open", SourceKind::ChirpStack) }).await;
    let mut nameless = uplink(1, 2);
    nameless["deviceInfo.deviceProfileName"] = "Class A".into();
    let post = async |body: Value| app.post("/ingest/chirpstack?event=up", "open", up_with(body)).await.status;
    assert_eq!(post(nameless).await, StatusCode::ACCEPTED);
    assert_eq!(post(uplink(2, 0)).await, StatusCode::OK);
    adopt_all(&*app.store, &app.state.scripts).await.unwrap();
    assert_eq!(app.rows(ORG, NEW).await.len(), 2);
}

#[tokio::test]
async fn an_uplink_that_is_too_large_to_be_kept_is_refused() {
    use base64::{Engine, prelude::BASE64_STANDARD};
    let app = App::new().await;
    let mut large = uplink(1, 0);
    large["data"] = BASE64_STANDARD.encode([7; 20_000]).into();
    assert_eq!(app.up(up_with(large)).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(app.store.list_unbound(ORG, 9).await.unwrap(), []);
}
