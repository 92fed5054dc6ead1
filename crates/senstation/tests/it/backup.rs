//! Backups by command, beside a running station and without one.

use std::{fs, path::Path};

use serde_json::Value;

use crate::support::{EUI, Farm, Station, UP, json, senstation};

/// What a command says to stderr when it fails.
fn refused(folder: &Path, arguments: &[&str]) -> String {
    let output = senstation(folder).args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn latest(farm: &Farm, station: &Station) -> Value {
    station.get(&format!("/openapi/view_latest_telemetry_data?device_eui={EUI}"), &farm.key).body
}

#[test]
fn a_running_station_is_backed_up_verified_and_comes_back_elsewhere() {
    let farm = Farm::set_up(tempfile::tempdir().unwrap());
    let folder = farm.path();
    let station = Station::serve(folder);
    assert_eq!(station.uplink(&farm.token, UP.as_bytes()).status, 200);
    let answer = latest(&farm, &station);
    assert_eq!(answer["data"].as_array().map(Vec::len), Some(1));

    let made = json(folder, &["backup", "--to", "a.backup"]);
    assert_eq!((&made["position"], &made["files"]), (&Value::from("1"), &Value::from(Vec::<Value>::new())));
    assert!(refused(folder, &["backup", "--to", "a.backup"]).contains("is there already"));
    assert!(refused(folder, &["backup", "--to", "nowhere/a.backup"]).contains("cannot write"));
    let key = fs::read_to_string(folder.join("senstation-data/station.key")).unwrap();
    let with_secrets = json(folder, &["backup", "--to", "b.backup", "--with-secrets"]);
    assert_eq!(with_secrets["files"][0], "station.key");
    assert_eq!(json(folder, &["verify"])["whole"], true);
    assert_eq!(json(folder, &["verify", "--backup", "b.backup"])["backup"]["position"], "1");
    let held = refused(folder, &["restore", "--from", "a.backup", "--overwrite"]);
    assert!(held.contains(&format!("process {}", station.pid())), "{held}");
    station.kill();

    // The same command without a running station.
    let again = json(folder, &["backup", "--to", "c.backup"]);
    assert_eq!(again["position"], made["position"]);
    assert_eq!(json(folder, &["verify"])["whole"], true);
    assert!(refused(folder, &["restore", "--from", "a.backup"]).contains("add `--overwrite`"));

    let restored = json(folder, &["--data-dir", "other", "restore", "--from", "b.backup"]);
    assert_eq!(restored["verified"]["whole"], true);
    assert_eq!(fs::read_to_string(folder.join("other/station.key")).unwrap(), key);
    let other =
        Station::start(folder, senstation(folder).args(["--data-dir", "other", "serve", "--http", "127.0.0.1:0"]));
    assert_eq!(latest(&farm, &other), answer);
    assert_eq!(other.uplink(&farm.token, UP.as_bytes()).body["duplicate"], true, "what was taken is known");
    drop(other);
    json(folder, &["restore", "--from", "a.backup", "--overwrite"]);
    assert_eq!(latest(&farm, &Station::serve(folder)), answer);
}

#[test]
fn what_is_no_whole_backup_is_refused_and_damage_ends_with_1() {
    let farm = Farm::set_up(tempfile::tempdir().unwrap());
    let folder = farm.path();
    json(folder, &["backup", "--to", "a.backup"]);
    let whole = fs::read(folder.join("a.backup")).unwrap();
    fs::write(folder.join("cut"), &whole[..whole.len() - 1]).unwrap();
    let mut flipped = whole;
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    fs::write(folder.join("flipped"), flipped).unwrap();
    fs::write(folder.join("foreign"), "something else").unwrap();
    for (file, words) in [
        ("cut", "ends early"),
        ("flipped", "altered or damaged"),
        ("foreign", "no backup of a station"),
        ("missing", "No such file"),
    ] {
        for command in [&["restore", "--from", file, "--data-dir", "new"][..], &["verify", "--backup", file]] {
            let said = refused(folder, command);
            assert!(said.contains(words) && said.contains(&format!("`{file}`")), "{said}");
        }
        assert!(!folder.join("new").exists());
    }
    let path = folder.join("senstation-data/registry.db");
    let mut bytes = fs::read(&path).unwrap();
    let len = bytes.len();
    bytes[len - 4_096..].fill(0xAB);
    fs::write(&path, bytes).unwrap();
    let output = senstation(folder).args(["--json", "verify"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["whole"], false);
    assert!(found["findings"].to_string().contains("registry.db"), "{found}");
    assert!(refused(&folder.join("senstation-data"), &["verify"]).contains("there is no station"));
}

#[test]
fn readings_are_exported_beside_a_running_station_and_without_one() {
    let farm = Farm::set_up(tempfile::tempdir().unwrap());
    let folder = farm.path();
    let station = Station::serve(folder);
    assert_eq!(station.uplink(&farm.token, UP.as_bytes()).status, 200);
    let made = json(folder, &["export", "--to", "a.csv"]);
    assert_eq!(made["position"], "1");
    let text = fs::read_to_string(folder.join("a.csv")).unwrap();
    assert_eq!(made["rows"].as_u64().unwrap() as usize, text.lines().count() - 2);
    let manifest: Value = serde_json::from_slice(&fs::read(folder.join("a.csv.manifest.json")).unwrap()).unwrap();
    assert_eq!((&manifest["sha256"], &manifest["devices"][0]["eui"]), (&made["sha256"], &EUI.into()));
    assert!(refused(folder, &["export", "--to", "a.csv"]).contains("is there already"));
    drop(station);
    let again = json(folder, &["export", "--to", "b.csv", "--as-of", "1"]);
    assert_eq!(again["sha256"], made["sha256"], "the same query as of the same position gives the same bytes");
    let none =
        json(folder, &["export", "--to", "c.jsonl", "--format", "jsonl", "--until", "2001-01-01", "--device", EUI]);
    assert_eq!(none["rows"], 0);
    for (arguments, words) in [
        (&["--format", "xls"][..], "`csv`, `jsonl`"),
        (&["--time-zone", "Mars"], "no time zone"),
        (&["--device", "2CF7F12004109999"], "no such device"),
        (&["--as-of", "once"], "is no time"),
    ] {
        let said = refused(folder, &[&["export", "--to", "d.csv"], arguments].concat());
        assert!(said.contains(words), "{said}");
        assert!(!folder.join("d.csv").exists() && !folder.join("d.csv.manifest.json").exists());
    }
}
