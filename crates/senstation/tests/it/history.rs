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
    let table = json(folder, &["--data-dir", "demo-data", "export", "--to", "whole.parquet", "--format", "parquet"]);
    assert_eq!((&whole["rows"], &whole["rows"]), (&lines["rows"], &table["rows"]));
    let position = table["position"].as_str().unwrap();
    let twice = ["export", "--to", "again.parquet", "--format", "parquet", "--as-of", position];
    json(folder, &[&["--data-dir", "demo-data"], &twice[..]].concat());
    assert!(fs::read(folder.join("again.parquet")).unwrap() == fs::read(folder.join("whole.parquet")).unwrap());
    let euis: Vec<String> =
        whole["devices"].as_array().unwrap().iter().map(|device| device["eui"].as_str().unwrap().to_owned()).collect();
    let serve = |data: &str| {
        Station::start(folder, senstation(folder).args(["--data-dir", data, "serve", "--http", "127.0.0.1:0"]))
    };
    let expected = answers(&serve("demo-data"), &key, &euis);
    for file in ["whole.csv", "whole.jsonl", "whole.parquet"] {
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
    assert!(refused(&["import", "--from", "logger.csv"], 1).contains("has nothing that ends an export"));
    assert!(refused(&["import", "--from", "missing.csv"], 1).contains("cannot read"));
    assert!(refused(&[&table[..], &["--column", "wind=1/4105"]].concat(), 1).contains("there are when, temp, rh"));
    assert!(refused(&[&table[..], &["--column", "wind"]].concat(), 2).contains("heading, channel and measurement"));
    json(folder, &["export", "--to", "a.csv"]);
    let text = fs::read_to_string(folder.join("a.csv")).unwrap();
    fs::write(folder.join("b.csv"), text.replacen(",22,", ",23,", 1)).unwrap();
    assert!(refused(&["import", "--from", "b.csv"], 1).contains("its checksum differs"));
    json(folder, &["export", "--to", "a.parquet", "--format", "parquet"]);
    let whole = fs::read(folder.join("a.parquet")).unwrap();
    let manifest = fs::read(folder.join("a.parquet.manifest.json")).unwrap();
    for (name, bytes) in [("cut", &whole[..whole.len() - 1]), ("head", &whole[..4])] {
        fs::write(folder.join(name), bytes).unwrap();
        assert!(refused(&["import", "--from", name], 1).contains("has nothing that ends an export"), "{name}");
    }
    let mut altered = whole.clone();
    altered[10] ^= 1;
    fs::write(folder.join("altered"), altered).unwrap();
    assert!(refused(&["import", "--from", "altered"], 1).contains("its checksum differs"));
    json(folder, &["export", "--to", "other.parquet", "--format", "parquet", "--measurement", "4097"]);
    fs::write(folder.join("other.parquet.manifest.json"), manifest).unwrap();
    assert!(refused(&["import", "--from", "other.parquet"], 1).contains("its SHA-256 differs"));
    for (as_of, words) in [("99999", "the last there is"), ("2126-01-01T00:00:00Z", "it is 20"), ("once", "time")] {
        assert!(refused(&["export", "--to", "never.csv", "--as-of", as_of], 1).contains(words), "{as_of}");
        assert!(!folder.join("never.csv").exists());
    }
}

#[test]
fn retention_is_said_looked_at_and_carried_out() {
    let farm = Farm::set_up(tempfile::tempdir().unwrap());
    let folder = farm.path();
    let station = Station::serve(folder);
    assert_eq!(station.uplink(&farm.token, UP.as_bytes()).status, 200);
    fs::write(folder.join("logger.csv"), "when,temp\n2001-07-01 12:00:00,21.5\n2001-07-02 12:00:00,22\n").unwrap();
    let table = ["import", "--from", "logger.csv", "--device", EUI, "--time-column", "when", "--column", "temp=1/4097"];
    assert_eq!(json(folder, &table)["new"], 2);
    let young = json(folder, &["export", "--to", "before.csv", "--since", "2002-01-01"])["rows"].clone();
    assert_ne!(young, 0);
    let kept = |more: &[&str]| json(folder, &[&["org", "retention"], more].concat());
    let forever = value!({ "readings_days": 0, "frames_days": 0 });
    assert_eq!(kept(&[])["in_force"], forever);
    let dry = kept(&["--readings-days", "3650", "--dry-run"]);
    assert_eq!(dry, value!({ "devices": 1, "rows": 2, "frames": 0 }));
    assert_eq!(kept(&[])["in_force"], forever, "a dry run says nothing");
    let said = kept(&["--readings-days", "3650", "--frames-days", "forever"]);
    assert_eq!(said["in_force"], value!({ "readings_days": 3650, "frames_days": 0 }));
    assert_eq!(kept(&["--frames-days", "default"])["said"], value!({ "readings_days": 3650, "frames_days": null }));
    let refused = |arguments: &[&str]| {
        let output = senstation(folder).args(["org", "retention"]).args(arguments).output().unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(refused(&["--readings-days", "0"]).contains("from 1 to 36500"));
    assert!(refused(&["--group", "0123456789ABCDEF"]).contains("there is no group"));
    station.terminate();
    assert!(station.wait().success());

    let _station = Station::serve(folder);
    let rows = || json(folder, &["export", "--to", "left.csv", "--until", "2002-01-01"])["rows"].clone();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        let left = rows();
        for file in ["left.csv", "left.csv.manifest.json"] {
            fs::remove_file(folder.join(file)).unwrap();
        }
        if left == 0 {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "{left} are left");
    }
    assert_eq!(json(folder, &["export", "--to", "young.csv"])["rows"], young, "nothing younger is gone");
}
