//! What is exported comes back as it was.

use std::fs;

use serde_json::{Value, json as value};

use crate::support::{EUI, Farm, Station, UP, json, senstation};

/// What a station answers about all devices of a demo, by a key of each station.
fn answers(station: &Station, key: &Value, euis: &[String]) -> Vec<Value> {
    let mut answers = Vec::new();
    for eui in euis {
        for path in [
            format!("/openapi/view_latest_telemetry_data?device_eui={eui}"),
            format!("/openapi/list_telemetry_data?device_eui={eui}&time_start=0&time_end=1900000000000"),
            format!("/openapi/aggregate_chart_points?device_eui={eui}&time_start=0&time_end=1900000000000&interval=60"),
        ] {
            let answer = station.get(&path, key);
            assert_eq!(answer.body["code"], "0", "{path}");
            answers.push(answer.body["data"].clone());
        }
    }
    for path in ["/openapi/list_devices", "/openapi/list_devices?device_type=1"] {
        answers.push(station.get(path, key).body["data"].clone());
    }
    for path in ["/openapi/list_device_channels", "/openapi/view_device_running_status", "/openapi/view_devices"] {
        let body = value!({ "device_euis": euis }).to_string();
        answers.push(station.post(path, key, &body).body["data"].clone());
    }
    answers
}

#[test]
fn an_exported_fleet_answers_the_same_in_an_empty_station() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut command = senstation(folder);
    let demo = Station::start(folder, command.args(["demo", "--days", "3", "--http", "127.0.0.1:0", "--json"]));
    let key: Value = serde_json::from_str(&demo.greeting).unwrap();
    let live = json(folder, &["--data-dir", "demo-data", "export", "--to", "live.csv"]);
    let position = live["position"].as_str().unwrap();
    demo.terminate();
    assert!(demo.wait().success());

    let again = json(folder, &["--data-dir", "demo-data", "export", "--to", "again.csv", "--as-of", position]);
    assert_eq!(again["sha256"], live["sha256"]);
    assert_eq!(fs::read(folder.join("again.csv")).unwrap(), fs::read(folder.join("live.csv")).unwrap());

    let whole = json(folder, &["--data-dir", "demo-data", "export", "--to", "whole.csv"]);
    let lines = json(folder, &["--data-dir", "demo-data", "export", "--to", "whole.jsonl", "--format", "jsonl"]);
    assert_eq!(whole["rows"], lines["rows"]);
    let euis: Vec<String> =
        whole["devices"].as_array().unwrap().iter().map(|device| device["eui"].as_str().unwrap().to_owned()).collect();
    let serve = |data: &str| {
        Station::start(folder, senstation(folder).args(["--data-dir", data, "serve", "--http", "127.0.0.1:0"]))
    };
    let expected = answers(&serve("demo-data"), &key, &euis);
    for file in ["whole.csv", "whole.jsonl"] {
        let data = format!("data-of-{file}");
        json(folder, &["--data-dir", &data, "org", "create", "--name", "Empty"]);
        let key = json(folder, &["--data-dir", &data, "key", "create"]);
        let station = serve(&data);
        let taken = json(folder, &["--data-dir", &data, "import", "--from", file]);
        assert_eq!((&taken["new"], &taken["refused"]), (&whole["rows"], &0.into()), "{taken}");
        assert_eq!(taken["devices_added"].as_array().map(Vec::len), Some(euis.len()));
        let got = answers(&station, &key, &euis);
        for (got, expected) in got.iter().zip(&expected) {
            assert_eq!(got, expected);
        }
        let twice = json(folder, &["--data-dir", &data, "import", "--from", file]);
        assert_eq!((&twice["new"], &twice["same"]), (&0.into(), &whole["rows"]));
    }
}

#[test]
fn a_table_from_elsewhere_is_looked_at_first_and_then_taken() {
    let farm = Farm::set_up(tempfile::tempdir().unwrap());
    let folder = farm.path();
    let station = Station::serve(folder);
    assert_eq!(station.uplink(&farm.token, UP.as_bytes()).status, 200);
    fs::write(folder.join("logger.csv"), "when,temp,rh\n2026-07-01 12:00:00,21.5,40\n2026-07-01 12:05,,41\nnoon,1,2\n")
        .unwrap();
    let table =
        ["import", "--from", "logger.csv", "--device", EUI, "--time-zone", "Europe/Zurich", "--time-column", "when"];
    let columns = ["--column", "temp=1/4097", "--column", "rh=1/4098"];
    let taken = |more: &[&str]| json(folder, &[&table[..], &columns, more].concat());
    let dry = taken(&["--dry-run", "--report", "fates.csv"]);
    assert_eq!((&dry["new"], &dry["refused"], &dry["dry_run"]), (&3.into(), &1.into(), &true.into()));
    let report = fs::read_to_string(folder.join("fates.csv")).unwrap();
    let mut fates: Vec<_> = report.lines().map(|line| line.split(',').take(2).collect::<Vec<_>>().join(",")).collect();
    fates.sort_unstable();
    assert_eq!(fates, ["2,new", "2,new", "3,new", "4,refused", "line,fate"]);
    assert!(report.contains("`noon` is no time"), "{report}");
    let list = format!(
        "/openapi/list_telemetry_data?device_eui={EUI}&measurement_id=4097&time_start=0&time_end=1783000000000"
    );
    assert_eq!(station.get(&list, &farm.key).body["data"]["list"], value!([[], []]));
    assert_eq!(taken(&[])["new"], 3);
    assert_eq!(station.get(&list, &farm.key).body["data"]["list"][1][0], value!([[21.5, "2026-07-01T10:00:00.000Z"]]));
    fs::write(folder.join("logger.csv"), "when,temp,rh\n2026-07-01 12:00:00,22,40\n").unwrap();
    let other = taken(&[]);
    assert_eq!(
        (&other["same"], &other["differs"], &other["odd"][0]["fate"]),
        (&1.into(), &1.into(), &"differs".into())
    );
    assert_eq!(taken(&["--replace"])["replaced"], 1);
    assert_eq!(station.get(&list, &farm.key).body["data"]["list"][1][0][0][0], 22);

    let refused = |arguments: &[&str], code: i32| {
        let output = senstation(folder).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(refused(&["import", "--from", "logger.csv"], 1).contains("has no line that ends an export"));
    assert!(refused(&["import", "--from", "missing.csv"], 1).contains("cannot read"));
    assert!(refused(&[&table[..], &["--column", "wind=1/4105"]].concat(), 1).contains("there are when, temp, rh"));
    assert!(refused(&[&table[..], &["--column", "wind"]].concat(), 2).contains("heading, channel and measurement"));
    json(folder, &["export", "--to", "a.csv"]);
    let text = fs::read_to_string(folder.join("a.csv")).unwrap();
    fs::write(folder.join("b.csv"), text.replacen(",22,", ",23,", 1)).unwrap();
    assert!(refused(&["import", "--from", "b.csv"], 1).contains("its checksum differs"));
}
