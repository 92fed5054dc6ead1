//! Reads as of before: what was answered then is answered again.

use model::{CodecVersion, Position, Reading, RowFlags, Value};
use serde_json::Value as Json;
use store::{Entry, NewRow, Redecode, Telemetry};
use store_embedded::Chore;

use crate::{
    scene::{Scene, uplink},
    support::{App, DAY_MS, MINUTE_MS, NOW_MS, at},
};

/// What the reads of a device answer, as of something.
async fn answers(scene: &Scene<'_>, as_of: &str) -> Vec<Json> {
    let device = format!("/api/devices/{}", scene.device.eui);
    let (from, to) = (NOW_MS - 2 * DAY_MS, NOW_MS + DAY_MS);
    let mut answers = Vec::new();
    for path in [
        format!("{device}/latest?{as_of}"),
        format!("{device}/rows?limit=3&{as_of}"),
        format!("{device}/rows?limit=1000&{as_of}"),
        format!("{device}/chart?from={from}&to={to}&points=7&{as_of}"),
        format!("{device}/chart?from={from}&to={to}&points=2000&series=1/4097&{as_of}"),
    ] {
        answers.push(scene.owner.get(&path).await.json());
    }
    answers
}

#[tokio::test]
async fn as_of_a_position_every_read_answers_what_it_did_then() {
    let app = App::new();
    let scene = Scene::set(&app).await;
    let device = &scene.device;
    let mut then: Vec<(Position, Vec<Json>)> = Vec::new();
    let mut firsts = Vec::new();
    for step in 0..12_i64 {
        let measured = at(NOW_MS - (step % 5) * 30 * MINUTE_MS);
        match step {
            3 | 7 => {
                // Takes a series away, and moves what was measured.
                let redecode = Redecode {
                    org: scene.org,
                    device: device.id,
                    eui: device.eui,
                    replaces: firsts[usize::try_from(step).unwrap() / 4],
                    received_at: at(NOW_MS + step),
                    codec: CodecVersion(2),
                    rows: vec![NewRow {
                        measured_at: measured.minus_ms(DAY_MS),
                        flags: RowFlags::NONE,
                        readings: vec![Reading::new(1, 4097, 50.0 + step as f64)],
                    }],
                };
                app.store.append(vec![Entry::Redecode(redecode)]).await.unwrap();
            }
            5 => app.store.chore(Chore::SealAll).await.unwrap(),
            _ => {
                let mut readings = vec![Reading::new(1, 4097, step as f64), Reading::status(3000, 90.0 - step as f64)];
                if step < 2 {
                    let series = Reading::new(2, 4098, 1.0).series;
                    readings.push(Reading { series, value: Value::text("damp") });
                }
                readings.sort_by_key(|reading| reading.series);
                uplink(&app, device, measured, readings).await;
                firsts.push(app.store.head().await.unwrap());
            }
        }
        then.push((app.store.head().await.unwrap(), answers(&scene, "").await));
    }
    for chore in [None, Some(Chore::SealAll), Some(Chore::MergeAll)] {
        if let Some(chore) = chore {
            app.store.chore(chore).await.unwrap();
        }
        for (position, expected) in &then {
            assert_eq!(&answers(&scene, &format!("as_of={position}")).await, expected, "as of {position}");
        }
    }
    let before = answers(&scene, "as_of=0").await;
    assert_eq!((&before[0]["items"], &before[2]["items"]), (&Json::Array(vec![]), &Json::Array(vec![])));
}

#[tokio::test]
async fn as_of_a_time_what_was_received_later_is_left_out() {
    let app = App::new();
    let scene = Scene::set(&app).await;
    for minute in 1..4 {
        uplink(&app, &scene.device, at(NOW_MS - minute * MINUTE_MS), vec![Reading::new(1, 4097, minute as f64)]).await;
    }
    let path = format!("/api/devices/{}/latest?as_of=2026-07-10T11:58:00Z", scene.device.eui);
    assert_eq!(scene.viewer.get(&path).await.json()["items"][0]["value"], 2);
    let path = format!("/api/devices/{}/rows?as_of=2026-07-10T11:58:00%2B00:00", scene.device.eui);
    assert_eq!(scene.viewer.get(&path).await.json()["items"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn more_rows_of_one_instant_than_are_asked_for_at_once_lose_none() {
    let app = App::new();
    let scene = Scene::set(&app).await;
    let other = NOW_MS - DAY_MS;
    for batch in 0..9 {
        let entries = (0..1_000).map(|n| {
            let number = f64::from(batch * 1_000 + n);
            let measured_at = at(if batch < 6 { other } else { other - i64::from(n) });
            Entry::Uplink(store::StoredUplink {
                org: scene.org,
                device: scene.device.id,
                eui: scene.device.eui,
                source: model::SourceId::from_raw(1),
                dedup: model::DedupKey(app.count().into()),
                received_at: at(NOW_MS),
                codec: CodecVersion(1),
                frame: None,
                rows: vec![NewRow {
                    measured_at,
                    flags: RowFlags::NONE,
                    readings: vec![Reading::new(3, 4097, number)],
                }],
            })
        });
        app.store.append(entries.collect()).await.unwrap();
    }
    let head = app.store.head().await.unwrap();
    let (from, to) = (other - 2_000, other + 2_000);
    let device = format!("/api/devices/{}", scene.device.eui);
    for path in [
        format!("{device}/chart?from={from}&to={to}&series=3/4097"),
        format!("{device}/rows?limit=1000&from={from}"),
        format!("{device}/latest?"),
    ] {
        let now = scene.owner.get(&path).await;
        assert_eq!(now.code(), 200);
        let then = scene.owner.get(&format!("{path}&as_of={head}")).await;
        assert_eq!(then.json(), now.json(), "{path}");
    }
}

#[tokio::test]
async fn what_is_malformed_or_still_to_come_is_refused() {
    let app = App::new();
    let scene = Scene::set(&app).await;
    let next = app.store.head().await.unwrap().get() + 1;
    for odd in ["once", "-1", "1.5", "99999999999999999999999", "2026-07-10", &next.to_string(), "2026-07-10T12:00:01Z"]
    {
        for read in ["latest", "rows", "chart"] {
            let path = format!("/api/devices/{}/{read}?as_of={odd}", scene.device.eui);
            scene.owner.get(&path).await.problem(422, "invalid");
        }
        scene.owner.get(&format!("/api/export?as_of={odd}")).await.problem(422, "invalid");
    }
    let path = format!("/api/devices/{}/latest?as_of={}", scene.device.eui, next - 1);
    assert_eq!(scene.owner.get(&path).await.code(), 200);
    let stranger = Scene::set(&app).await;
    stranger.owner.get(&path).await.problem(404, "not_found");
}
