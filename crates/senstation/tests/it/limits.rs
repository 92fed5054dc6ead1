//! Limits, kept by a whole process, across its death too.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use serde_json::{Value, json};

use crate::support::{Answer, EUI, Farm, Station, UP, json};

fn list(station: &Station, farm: &Farm) -> Answer {
    let path = format!("/openapi/list_telemetry_data?device_eui={EUI}&time_start=0&limit=1");
    station.get(&path, &farm.key)
}

/// A farm whose device has sent something, on a running station.
fn start() -> (Station, Farm) {
    let folder = tempfile::tempdir().unwrap();
    let station = Station::serve(folder.path());
    let farm = Farm::set_up(folder);
    assert_eq!(station.uplink(&farm.token, UP.as_bytes()).status, 200);
    (station, farm)
}

fn limit(farm: &Farm, dm: u64) {
    let shown = json(farm.path(), &["org", "limit", "--org", &farm.org, "--dm", &dm.to_string(), "--per", "month"]);
    assert_eq!(shown["dm"], json!({ "amount": dm, "period": "month" }));
}

/// Reads one datum a call with so many clients at once until they are refused, or until so many data were read; tells how
/// many were.
fn read(station: &Station, farm: &Farm, clients: usize, at_most: u64) -> u64 {
    let (answered, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for _ in 0..clients {
            scope.spawn(|| {
                while !is_over.load(Relaxed) {
                    let answer = list(station, farm);
                    match answer.status {
                        200 if answered.fetch_add(1, Relaxed) + 1 >= at_most => is_over.store(true, Relaxed),
                        200 => {}
                        _ => {
                            assert_eq!((answer.status, &answer.body["code"]), (429, &json!("429")), "{answer:?}");
                            is_over.store(true, Relaxed);
                        }
                    }
                }
            });
        }
    });
    answered.into_inner()
}

#[test]
fn sixty_four_clients_read_exactly_what_is_allowed() {
    const ALLOWED: u64 = 777;
    let (station, farm) = start();
    limit(&farm, ALLOWED);
    // A limit is kept to within a second; before that nothing is read.
    while !list(&station, &farm).head.contains("ratelimit-policy") {
        std::thread::yield_now();
    }
    let read = read(&station, &farm, 64, u64::MAX);
    let used = station.get("/openapi/view_organization", &farm.key);
    assert_eq!(used.status, 200, "what reads no data goes on");
    let refused = list(&station, &farm);
    assert!(refused.head.contains("\r\nretry-after: "), "{}", refused.head);
    let msg = refused.body["msg"].as_str().unwrap();
    assert!(
        msg.contains("may read 777 data a month") && msg.contains(farm.key["access_id"].as_str().unwrap()),
        "{msg}"
    );
    // Reads before the limit was seen count too, as far as they were written down by then.
    assert!(read < ALLOWED && read + 100 > ALLOWED, "{read}");
    station.terminate();
    assert!(station.wait().success());
    let keys = json(farm.path(), &["key", "list", "--org", &farm.org]);
    assert_eq!(keys[0]["dm"], json!(ALLOWED));
}

#[test]
fn a_station_that_is_killed_has_never_given_more_than_is_allowed() {
    const ALLOWED: u64 = 1_000;
    const KILLS: u64 = 8;
    /// A hundredth of the allowance is drawn at a time.
    const BLOCK: u64 = 10;
    let folder = tempfile::tempdir().unwrap();
    let farm = Farm::set_up(folder);
    limit(&farm, ALLOWED);
    let mut total = 0;
    for round in 0..=KILLS {
        let station = Station::serve(farm.path());
        if round == 0 {
            assert_eq!(station.uplink(&farm.token, UP.as_bytes()).status, 200);
        }
        // What was on its way when the station died was drawn, and is not counted here.
        total += read(&station, &farm, 8, if round < KILLS { 50 + round } else { u64::MAX });
        assert_eq!(list(&station, &farm).status, if round < KILLS { 200 } else { 429 });
        total += u64::from(round < KILLS);
        station.kill();
    }
    assert!(total <= ALLOWED, "{total}");
    assert!(total + KILLS * BLOCK >= ALLOWED, "{total}: no more is lost than what was drawn");
}

#[test]
fn a_key_is_limited_beside_a_running_station_and_the_usage_tells() {
    let (station, farm) = start();
    let id = farm.key["access_id"].as_str().unwrap();
    let shown = json(farm.path(), &["key", "limit", "--access-id", id, "--rate", "60", "--burst", "2"]);
    assert_eq!(shown, json!({ "access_id": id, "rate": { "per_minute": 60, "burst": 2 }, "dm": null }));
    while list(&station, &farm).status == 200 {}
    let refused = list(&station, &farm);
    assert_eq!(refused.status, 429);
    for name in ["retry-after", "ratelimit", "ratelimit-policy", "ratelimit-limit", "x-ratelimit-reset"] {
        assert!(refused.head.contains(&format!("\r\n{name}: ")), "{name}: {}", refused.head);
    }
    let manager = json(farm.path(), &["key", "create", "--org", &farm.org, "--scopes", "manage"]);
    let calls = station.get(&format!("/api/keys/{id}/calls"), &manager).body;
    assert_eq!(calls["items"][0]["code"], "429", "{calls}");
    assert_eq!(calls["items"][0]["hints"][0]["kind"], "limit_reached");
    let usage = loop {
        let usage = station.get("/api/usage?days=1", &manager).body;
        if usage["keys"][0]["refused"].as_u64() > Some(0) {
            break usage;
        }
    };
    assert_eq!(usage["keys"][0]["access_id"], id);
    assert_eq!(usage["limits"][0]["rate"], json!({ "per_minute": 60, "burst": 2 }));
    assert_eq!(usage["endpoints"][0]["endpoint"], "/openapi/list_telemetry_data");
    assert_eq!(usage["devices"][0]["eui"], EUI);
    let lifted = json(farm.path(), &["key", "limit", "--access-id", id, "--rate", "off"]);
    assert_eq!(lifted["rate"], Value::Null);
    while list(&station, &farm).status != 200 {}
}
