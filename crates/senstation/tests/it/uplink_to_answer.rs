//! One reading's way through the house: a webhook carries it in, the API reads it out.

use serde_json::{Value, json};
use store::Registry;
use store_embedded::EmbeddedStore;

use crate::support::{Answer, EUI, Farm, Station, UP};

fn latest(station: &Station, farm: &Farm) -> Answer {
    station.get(&format!("/openapi/view_latest_telemetry_data?device_eui={}", EUI.to_lowercase()), &farm.key)
}

fn with(name: &str, value: &str) -> Vec<u8> {
    let mut body: Value = serde_json::from_str(UP).unwrap();
    body[name] = value.into();
    body["deduplicationId"] = "another".into();
    body.to_string().into_bytes()
}

#[test]
fn a_reading_goes_in_and_the_api_answers() {
    let folder = tempfile::tempdir().unwrap();
    let station = Station::serve(folder.path());
    let farm = Farm::set_up(folder);

    let stored = station.uplink(&farm.token, UP.as_bytes());
    assert_eq!((stored.status, &stored.body["stored"]), (200, &json!(2)), "{stored:?}");

    let answer = latest(&station, &farm);
    let expected = json!({"code": "0", "data": [{"channel_index": 1, "points": [
        {"measurement_value": 21.4, "measurement_id": "4097", "time": "2026-07-10T02:39:44.319Z"},
        {"measurement_value": 31.4, "measurement_id": "4098", "time": "2026-07-10T02:39:44.319Z"},
    ]}]});
    assert_eq!((answer.status, &answer.body), (200, &expected));
    assert!(answer.head.contains("\r\napi-gateway-mpuo-consume: 2\r\n"), "{}", answer.head);
    assert!(answer.head.contains("\r\napi-gateway-excute-second: 0."), "{}", answer.head);

    let again = station.uplink(&farm.token, UP.as_bytes());
    assert_eq!(again.body, json!({"stored": 0, "duplicate": true, "warnings": []}));
    assert_eq!(latest(&station, &farm).body, expected);

    station.kill();
    let station = Station::serve(farm.path());
    assert_eq!(latest(&station, &farm).body, expected, "after kill -9");
    assert_eq!(station.uplink(&farm.token, UP.as_bytes()).body["duplicate"], true, "after kill -9");
}

#[test]
fn what_cannot_be_taken_is_refused_with_a_log_line_and_not_stored() {
    let folder = tempfile::tempdir().unwrap();
    let station = Station::serve(folder.path());
    let farm = Farm::set_up(folder);
    let token = farm.token.as_str();
    let noise: Vec<u8> = (0..2 * 1024 * 1024_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();

    for (what, answer, status, words) in [
        ("a broken checksum", station.uplink(token, &with("data", "AQEQmFMAAAECEKh6AACvUg==")), 422, "checksum"),
        ("a wrong token", station.uplink("0123456789abcdef", UP.as_bytes()), 401, "Bearer TOKEN"),
        ("half a frame", station.uplink(token, &with("data", "AQEQmFMAAAE=")), 422, "needs `9` bytes"),
        ("half a body", station.uplink(token, &UP.as_bytes()[..UP.len() / 2]), 400, "JSON of ChirpStack v4"),
        ("noise", station.uplink(token, &noise), 413, "1048576 bytes"),
    ] {
        let said = answer.body["error"].as_str().or(answer.body["msg"].as_str()).unwrap_or_default();
        assert_eq!(answer.status, status, "{what}: {said}");
        assert!(said.contains(words), "{what}: {said}");
        let logged = farm.log();
        let line = logged.lines().find(|line| line.contains(&format!("\"status\":{status}"))).unwrap_or_default();
        assert!(line.contains("refused"), "{what} left no line in the log: {logged}");
    }
    assert_eq!(latest(&station, &farm).body, json!({"code": "0", "data": []}));
}

#[test]
fn what_came_before_a_device_was_bound_is_served_a_second_after() {
    const NEW: &str = "2CF7F12004109999";
    let folder = tempfile::tempdir().unwrap();
    let station = Station::serve(folder.path());
    let farm = Farm::set_up(folder);
    let stranger = UP.replace(&EUI.to_lowercase(), &NEW.to_lowercase());
    let kept = station.uplink(&farm.token, stranger.as_bytes());
    assert_eq!((kept.status, &kept.body["kept"]), (202, &json!(true)), "{kept:?}");
    station.kill();
    let unbound = crate::support::json(farm.path(), &["device", "unbound"]);
    assert_eq!(
        (&unbound[0]["eui"], &unbound[0]["model"], &unbound[0]["kept"]),
        (&json!(NEW), &json!("S2101"), &json!(1))
    );

    let station = Station::serve(farm.path());
    let bound = crate::support::json(farm.path(), &["device", "bind", "--eui", NEW]);
    assert_eq!(
        (&bound["model"], &bound["name"], &bound["adopted"]),
        (&json!("S2101"), &json!("Greenhouse 1"), &Value::Null)
    );
    let path = format!("/openapi/view_latest_telemetry_data?device_eui={NEW}");
    let begun = std::time::Instant::now();
    while station.get(&path, &farm.key).body["data"] == json!([]) {
        assert!(begun.elapsed().as_millis() < 5_000, "{}", farm.log());
    }
    let points = &station.get(&path, &farm.key).body["data"][0]["points"];
    assert_eq!(
        (&points[0]["measurement_value"], &points[0]["time"]),
        (&json!(21.4), &json!("2026-07-10T02:39:44.319Z"))
    );
    assert_eq!(crate::support::json(farm.path(), &["device", "unbound"]), json!([]));

    // With no station running, the command decodes what was kept itself.
    const ANOTHER: &str = "2CF7F12004108888";
    let kept = station.uplink(&farm.token, UP.replace(&EUI.to_lowercase(), &ANOTHER.to_lowercase()).as_bytes());
    assert_eq!(kept.status, 202);
    station.terminate();
    assert!(station.wait().success());
    let bound = crate::support::json(farm.path(), &["device", "add", "--eui", ANOTHER, "--model", "S2101"]);
    assert_eq!(bound["adopted"], json!({"uplinks": 1, "readings": 2, "undecodable": 0}));
}

#[test]
fn how_a_source_has_been_doing_outlives_the_station() {
    let folder = tempfile::tempdir().unwrap();
    let station = Station::serve(folder.path());
    let farm = Farm::set_up(folder);
    assert_eq!(station.uplink(&farm.token, UP.as_bytes()).status, 200);
    assert_eq!(station.uplink(&farm.token, &with("data", "AQ==")).status, 422);
    station.terminate();
    assert!(station.wait().success());
    let registry = EmbeddedStore::open_registry(&farm.path().join("senstation-data")).unwrap();
    let health = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(async { registry.list_source_health(farm.org.parse().unwrap()).await.unwrap() });
    assert_eq!((health[0].messages, health[0].last_message_at.is_some()), (1, true));
    assert!(health[0].last_error.contains(EUI), "{health:?}");
}

#[test]
fn a_revoked_key_and_a_removed_source_are_refused_within_a_second() {
    let folder = tempfile::tempdir().unwrap();
    let station = Station::serve(folder.path());
    let farm = Farm::set_up(folder);
    assert_eq!(latest(&station, &farm).status, 200);
    assert_eq!(station.uplink(&farm.token, UP.as_bytes()).status, 200);

    let access_id = farm.key["access_id"].as_str().unwrap();
    crate::support::json(farm.path(), &["key", "revoke", "--access-id", access_id]);
    let sources = crate::support::json(farm.path(), &["source", "list"]);
    let source_id = sources[0]["source_id"].as_str().unwrap();
    crate::support::json(farm.path(), &["source", "remove", "--source-id", source_id]);

    let begun = std::time::Instant::now();
    while latest(&station, &farm).status == 200 || station.uplink(&farm.token, UP.as_bytes()).status == 200 {
        assert!(begun.elapsed().as_millis() < 2_000, "still served");
    }
    assert_eq!(latest(&station, &farm).body["code"], "11105");
}

#[test]
fn no_secret_is_kept_or_logged() {
    let folder = tempfile::tempdir().unwrap();
    let station = Station::start(
        folder.path(),
        crate::support::senstation(folder.path())
            .args(["serve", "--http", "127.0.0.1:0"])
            .env("SENSTATION_LOG_LEVEL", "trace"),
    );
    let farm = Farm::set_up(folder);
    station.uplink(&farm.token, UP.as_bytes());
    latest(&station, &farm);
    station.get(&format!("/openapi/list_devices?access_key={}", farm.key["access_key"].as_str().unwrap()), &farm.key);
    station.terminate();
    assert!(station.wait().success());

    let pair = format!("{}:{}", farm.key["access_id"].as_str().unwrap(), farm.key["access_key"].as_str().unwrap());
    let basic = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, pair);
    let secrets = [farm.token.as_str(), farm.key["access_key"].as_str().unwrap(), &basic];
    let mut searched = 0;
    let folders = [farm.path().to_owned(), farm.path().join("senstation-data")];
    for file in folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap()) {
        let path = file.unwrap().path();
        let Ok(bytes) = std::fs::read(&path) else { continue };
        searched += 1;
        for secret in secrets {
            let found = bytes.windows(secret.len()).any(|window| window.eq_ignore_ascii_case(secret.as_bytes()));
            assert!(!found, "a secret stands in {}", path.display());
        }
    }
    assert!(searched >= 4, "{searched}");
}
