//! The demo station.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::support::{Station, senstation};

fn start(folder: &std::path::Path) -> (Station, Value) {
    let mut command = senstation(folder);
    let station = Station::start(folder, command.args(["demo", "--days", "3", "--http", "127.0.0.1:0", "--json"]));
    let printed = serde_json::from_str(&station.greeting).unwrap();
    (station, printed)
}

fn points(station: &Station, printed: &Value, measurement: &str) -> Vec<Value> {
    let eui = printed["devices"][4]["eui"].as_str().unwrap();
    let window = "time_start=0";
    let path = format!("/openapi/list_telemetry_data?device_eui={eui}&measurement_id={measurement}&{window}");
    let answer = station.get(&path, printed);
    assert_eq!(answer.body["code"], "0", "{answer:?}");
    answer.body["data"]["list"][1][0].as_array().unwrap().clone()
}

#[test]
fn a_demo_has_a_history_and_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (station, printed) = start(folder.path());
    let first = points(&station, &printed, "4097");
    assert!((862..=866).contains(&first.len()), "a point every five minutes, not {}", first.len());
    let devices = station.get("/openapi/list_devices", &printed);
    assert_eq!(devices.body["data"].as_array().unwrap().len(), 10, "{devices:?}");
    station.kill();

    let (station, again) = start(folder.path());
    assert_eq!((&again["access_key"], &again["org_id"]), (&printed["access_key"], &printed["org_id"]));
    let second = points(&station, &again, "4097");
    // Newest first: what was there is still there, once, and nothing else but what came since.
    assert!((first.len()..first.len() + 3).contains(&second.len()), "{} {}", first.len(), second.len());
    assert_eq!(second[second.len() - first.len()..], first);
    station.terminate();
    assert!(station.wait().success());
}

#[test]
fn a_demo_does_not_move_into_a_real_station() {
    let folder = tempfile::tempdir().unwrap();
    crate::support::json(folder.path(), &["org", "create", "--name", "Farm"]);
    let output = senstation(folder.path()).args(["demo", "--data-dir", "senstation-data"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("holds a station that is no demo"), "{said}");
}

#[test]
fn a_demo_that_is_told_to_stop_while_it_makes_history_stops_cleanly() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = senstation(folder.path());
    command.args(["demo", "--days", "400", "--http", "127.0.0.1:0"]).env("SENSTATION_LOG_LEVEL", "info");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("history 10 %") {
        line.clear();
        assert!(log.read_line(&mut line).unwrap() > 0, "it ended before there was any history");
    }
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    let mut rest = String::new();
    log.read_to_string(&mut rest).unwrap();
    assert!(child.wait().unwrap().success(), "{rest}");
    assert!(rest.contains("\"stopped\"") && !rest.contains("history 90 %"), "{rest}");
    assert!(!folder.path().join("demo-data/control.sock").exists());
}
