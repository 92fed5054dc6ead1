//! Stored frames are decoded again by command, beside a running station and without one.

use serde_json::{Value, json};

use crate::support::{EUI, Farm, Station, UP, senstation};

fn ids(station: &Station, farm: &Farm) -> Vec<(String, Value)> {
    let answer = station.get(&format!("/openapi/view_latest_telemetry_data?device_eui={EUI}"), &farm.key);
    let points = answer.body["data"][0]["points"].as_array().unwrap().clone();
    let pair =
        |point: &Value| (point["measurement_id"].as_str().unwrap().to_owned(), point["measurement_value"].clone());
    points.iter().map(pair).collect()
}

fn replay(farm: &Farm, more: &[&str]) -> Value {
    crate::support::json(farm.path(), &[&["codec", "replay", "--device", EUI], more].concat())
}

fn change(farm: &Farm, map: &str) {
    let device = crate::support::json(farm.path(), &["device", "change", "--eui", EUI, "--channel-map", map]);
    assert_eq!(device["channel_map"], map);
}

fn pair(id: &str, value: f64) -> (String, Value) {
    (id.to_owned(), json!(value))
}

#[test]
fn a_dry_run_says_what_a_replay_then_does() {
    let folder = tempfile::tempdir().unwrap();
    let station = Station::serve(folder.path());
    let farm = Farm::set_up(folder);
    assert_eq!(station.uplink(&farm.token, UP.as_bytes()).status, 200);
    let before = [pair("4097", 21.4), pair("4098", 31.4)];
    assert_eq!(ids(&station, &farm), before);

    change(&farm, "1/4097=4102");
    let dry = replay(&farm, &["--dry-run"]);
    assert_eq!(
        (&dry["frames"], &dry["differing"], &dry["added"], &dry["changed"], &dry["gone"]),
        (&json!(1), &json!(1), &json!(1), &json!(0), &json!(1))
    );
    let brief = |line: &Value| json!([line["channel"], line["measurement_id"], line["was"], line["becomes"]]);
    let lines: Vec<Value> = dry["differences"].as_array().unwrap().iter().map(brief).collect();
    assert_eq!(lines, [json!([1, "4097", 21.4, null]), json!([1, "4102", null, 21.4])]);
    assert_eq!(ids(&station, &farm), before, "a dry run changes nothing");

    let done = replay(&farm, &[]);
    assert_eq!(done["differences"], dry["differences"]);
    let after = [pair("4098", 31.4), pair("4102", 21.4)];
    assert_eq!(ids(&station, &farm), after);
    station.terminate();
    assert!(station.wait().success());

    change(&farm, "");
    let text = senstation(farm.path()).args(["codec", "replay", "--device", EUI]).output().unwrap();
    assert!(text.status.success(), "{}", String::from_utf8_lossy(&text.stderr));
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(
        text.contains("+ uplink ") && text.contains("1/4097  21.4") && text.contains("1 frames decoded again"),
        "{text}"
    );
    let station = Station::serve(farm.path());
    assert_eq!(ids(&station, &farm), before);
    let leftovers = std::fs::read_dir(farm.path().join("senstation-data")).unwrap();
    let leftovers: Vec<_> = leftovers.map(|entry| entry.unwrap().file_name()).collect();
    assert!(leftovers.iter().all(|name| !name.to_string_lossy().starts_with(".tmp")), "{leftovers:?}");
}

#[test]
fn a_device_that_nobody_has_is_refused_and_so_is_a_station_that_is_not_there() {
    let farm = Farm::set_up(tempfile::tempdir().unwrap());
    for (arguments, words) in [
        (&["codec", "replay", "--device", "2CF7F12004109999"][..], "has no device `2CF7F12004109999`"),
        (&["--data-dir", "nowhere", "codec", "replay", "--device", EUI], "no station in `nowhere`"),
    ] {
        let output = senstation(farm.path()).args(arguments).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), said.contains(words)), (Some(1), true), "{said}");
    }
}
