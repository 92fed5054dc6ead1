//! The command line.

use std::{
    os::unix::{fs::PermissionsExt, net::UnixStream},
    time::{Duration, Instant},
};

use assert_cmd::{Command, assert::Assert};
use serde_json::{Value, json};

use crate::support::{Answer, EUI, Farm, Station, UP, json, senstation};

fn run(folder: &std::path::Path, arguments: &[&str]) -> Assert {
    Command::from_std(senstation(folder)).args(arguments).assert()
}

/// What a command says to stderr when it ends with this code and prints nothing.
fn refused(folder: &std::path::Path, arguments: &[&str], code: i32) -> String {
    let output = run(folder, arguments).code(code).get_output().clone();
    assert!(output.stdout.is_empty(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).unwrap()
}

fn text(assert: Assert) -> String {
    String::from_utf8(assert.success().get_output().stdout.clone()).unwrap()
}

#[test]
fn every_command_prints_one_json_value() {
    let farm = Farm::set_up(tempfile::tempdir().unwrap());
    let folder = farm.path();
    let org = farm.org.as_str();
    assert_eq!(json(folder, &["org", "list"])[0]["org_id"], org);
    assert_eq!(farm.key["access_id"].as_str().map(str::len), Some(16));
    assert_eq!(farm.key["access_key"].as_str().map(str::len), Some(64));
    let keys = json(folder, &["key", "list", "--org", org]);
    assert_eq!(keys[0]["access_id"], farm.key["access_id"]);
    assert_eq!(keys[0].get("access_key"), None);
    let devices = json(folder, &["device", "list"]);
    assert_eq!((&devices[0]["eui"], &devices[0]["model"]), (&json!(EUI), &json!("S2101")));
    let sources = json(folder, &["source", "list"]);
    assert_eq!((&sources[0]["url"], sources[0].get("token")), (&json!("/ingest/chirpstack"), None));
    assert_eq!(json(folder, &["device", "remove", "--eui", EUI])["removed"], true);
    assert_eq!(json(folder, &["device", "list"]), json!([]));
    let models = json(folder, &["codec", "models"]);
    assert!(models.as_array().unwrap().iter().any(|model| model["model"] == "S2101"), "{models}");
    assert_eq!(json(folder, &["config"])["http.listen"], json!({"value": "127.0.0.1:8080", "origin": "default"}));
}

#[test]
fn people_are_told_what_comes_next() {
    let folder = tempfile::tempdir().unwrap();
    let created = text(run(folder.path(), &["org", "create", "--name", "Farm"]));
    assert!(created.contains("Next: senstation key create --org "), "{created}");
    let key = text(run(folder.path(), &["key", "create"]));
    assert!(key.contains("not shown again") && key.contains("curl --user "), "{key}");
    assert_eq!(text(run(folder.path(), &["device", "list"])), "none\n");
}

#[test]
fn a_failure_ends_with_1_and_wrong_usage_with_2() {
    let farm = Farm::set_up(tempfile::tempdir().unwrap());
    let folder = farm.path();
    for (arguments, words) in [
        (&["device", "add", "--eui", EUI, "--model", "S2101"][..], "exists already"),
        (&["device", "remove", "--eui", "2CF7F12004109999"], "no such device"),
        (&["device", "remove", "--eui", "2CF7F12004109999", "--purge"], "never had a device `2CF7F12004109999`"),
        (&["key", "create", "--org", "100000000000"], "no such organization"),
        (&["key", "create", "--group", "00000000000000FF"], "has no group `00000000000000FF`"),
        (&["key", "revoke", "--access-id", "0123456789ABCDEF"], "there is no access key"),
        (&["codec", "decode", "--model", "S2101", "--hex", "0101"], "at byte"),
        (&["--config", "missing.toml", "org", "list"], "cannot read `missing.toml`"),
        (&["serve", "--http", "here"], "`here` is no address"),
    ] {
        let said = refused(folder, arguments, 1);
        assert!(said.starts_with("error: ") && said.contains(words), "{arguments:?}: {said}");
    }
    for (arguments, words) in [
        (&["device", "add", "--eui", "xyz", "--model", "S2101"][..], "16 hex digits"),
        (&["device", "add", "--eui", EUI, "--model", "S2l05"], "did you mean `S2105`?"),
        (&["device", "add", "--eui", EUI, "--model", "S2101", "--latitude", "91", "--longitude", "0"], "-90 to 90"),
        (&["source", "create", "--kind", "pigeon"], "a source is of kind"),
        (&["source", "create", "--kind", "demo"], "makes its own source"),
        (&["source", "remove", "--source-id", "xyz"], "a source is named by 16 hex digits"),
        (&["device", "list", "--org", "Farm"], "an organization is named by its number"),
        (&["org", "create", "--name", ""], "must not be empty"),
        (&["key", "create", "--name", "a\nb"], "control characters"),
        (&["key", "create", "--scopes", "admin"], "is no scope"),
        (&["key", "create", "--expires-in-days", "0"], "1..=3650"),
        (&["key", "create", "--expires-in-days", "3651"], "1..=3650"),
        (&["key", "create", "--origin", "example.org"], "is no origin"),
        (&["key", "create", "--group", "Barn"], "16 hex digits"),
        (&["source", "create", "--kind", "chirpstack", "--name", "\u{1b}[2J"], "control characters"),
        (&["device", "add", "--eui", EUI, "--model", "S2101", "--name", &"x".repeat(129)], "at most 128 characters"),
        (&["codec", "decode", "--model", "S9", "--hex", "00"], "there is no such model"),
        (&["codec", "decode", "--model", "S2101", "--hex", "0"], "odd number of digits"),
        (&["codec", "decode", "--model", "S2101", "--hex", "zz"], "something else than hex digits"),
        (&["fly"], "unrecognized subcommand"),
    ] {
        let said = refused(folder, arguments, 2);
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
}

#[test]
fn a_folder_without_a_station_is_named_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["org", "list"][..], &["key", "create"], &["device", "remove", "--eui", EUI, "--purge"]] {
        let said = refused(folder.path(), arguments, 1);
        assert!(said.contains("there is no station in `./senstation-data`"), "{said}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_credential_that_nobody_was_shown_is_worth_nothing() {
    let farm = Farm::set_up(tempfile::tempdir().unwrap());
    for (arguments, words) in [
        (&["key", "create", "--json"][..], "it is revoked"),
        (&["key", "create"], "it is revoked"),
        (&["source", "create", "--kind", "chirpstack"], "the source is removed"),
        (&["org", "list"], "the result cannot be written"),
    ] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let output = senstation(farm.path()).args(arguments).stdout(full).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(words), "{said}");
    }
    let keys = json(farm.path(), &["key", "list"]);
    let unrevoked = keys.as_array().unwrap().iter().filter(|key| key["revoked_at"].is_null());
    assert_eq!(unrevoked.map(|key| &key["access_id"]).collect::<Vec<_>>(), [&farm.key["access_id"]]);
    assert_eq!(json(farm.path(), &["source", "list"]).as_array().map(Vec::len), Some(1));
}

#[test]
fn a_key_is_made_as_narrow_as_asked() {
    let folder = tempfile::tempdir().unwrap();
    let station = Station::serve(folder.path());
    let farm = Farm::set_up(folder);
    let made = station.post("/openapi/create_group", &farm.key, r#"{"name":"Barn"}"#).body;
    let group = made["data"]["group_uuid"].as_str().unwrap();
    let arguments = ["key", "create", "--expires-in-days", "30", "--group", group, "--group", group];
    let of_group = json(farm.path(), &arguments);
    assert_eq!((&of_group["groups"], &of_group["origins"]), (&json!([group]), &json!([])));
    let arguments = ["key", "create", "--origin", "https://A.example:443/", "--origin", "http://localhost:3000"];
    let of_origin = json(farm.path(), &arguments);
    assert_eq!(of_origin["origins"], json!(["https://a.example", "http://localhost:3000"]));
    assert_eq!(of_origin["expires_at"], Value::Null);

    let listed = |key| station.get("/openapi/list_devices", key).body;
    assert_eq!(listed(&farm.key)["data"][0]["device_eui"], EUI);
    assert_eq!(listed(&of_group), json!({"code": "0", "data": []}));
    assert_eq!(listed(&of_origin)["code"], "11201");
    station.terminate();
    assert!(station.wait().success());

    let keys = json(farm.path(), &["key", "list"]);
    let found =
        |made: &Value| keys.as_array().unwrap().iter().find(|key| key["access_id"] == made["access_id"]).unwrap();
    assert_eq!(found(&of_group)["expires_at"], of_group["expires_at"]);
    assert_eq!((&found(&of_group)["groups"], &found(&of_group)["calls"]), (&json!([group]), &json!(1)));
    assert_eq!((&found(&farm.key)["calls"], &found(&farm.key)["dm"]), (&json!(2), &json!(0)));
    assert_eq!(found(&farm.key)["expires_at"], Value::Null);
    let shown = text(run(farm.path(), &["key", "list"]));
    let headings = shown.lines().next().unwrap().split_whitespace().collect::<Vec<_>>();
    assert_eq!(headings[3..6], ["expires_at", "calls", "dm"]);
    assert!(shown.contains(of_group["expires_at"].as_str().unwrap()), "{shown}");

    let shown = text(run(farm.path(), &["key", "create", "--origin", "https://a.example", "--expires-in-days", "1"]));
    for line in ["expires at  2", "origins     https://a.example", "--header 'Origin: https://a.example' http://"] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
}

#[test]
fn several_organizations_have_to_be_told_apart() {
    let farm = Farm::set_up(tempfile::tempdir().unwrap());
    json(farm.path(), &["org", "create", "--name", "Another"]);
    assert!(refused(farm.path(), &["device", "list"], 1).contains("name one with `--org`"));
    let empty = tempfile::tempdir().unwrap();
    assert!(refused(empty.path(), &["device", "list"], 1).contains("create one with `senstation org create"));
}

#[test]
fn a_payload_is_decoded_as_the_pipeline_would() {
    let folder = tempfile::tempdir().unwrap();
    let arguments =
        ["codec", "decode", "--model", "s2101", "--f-port", "7", "--hex", "01011098530000", "010210A87A0000AF51"];
    let decoded = json(folder.path(), &arguments);
    let reading = |id: &str, name: &str, value: f64, unit: &str| json!({"channel": 1, "measurement_id": id, "name": name, "value": value, "unit": unit});
    let readings = [reading("4097", "Air Temperature", 21.4, "℃"), reading("4098", "Air Humidity", 31.4, "% RH")];
    assert_eq!(decoded["model"], "S2101");
    assert_eq!(decoded["rows"], json!([{"measured_at": null, "readings": readings}]));
    assert!(decoded["warnings"][0].as_str().unwrap().contains("f_port `7`"));
    let shown = text(run(folder.path(), &arguments));
    assert!(shown.contains("21.4 ℃") && shown.contains("warning: f_port"), "{shown}");
}

#[test]
fn settings_say_where_they_come_from_and_mistakes_are_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("senstation.toml"), "[http]\nlisten = \"off\"\n").unwrap();
    let mut command = senstation(folder.path());
    command.args(["config", "--json", "--data-dir", "here"]).env("SENSTATION_LOG_LEVEL", "debug");
    let shown: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
    assert_eq!(shown["http.listen"], json!({"value": "off", "origin": "senstation.toml"}));
    assert_eq!(shown["log.level"], json!({"value": "debug", "origin": "SENSTATION_LOG_LEVEL"}));
    assert_eq!(shown["data_dir"], json!({"value": "here", "origin": "--data-dir"}));

    std::fs::write(folder.path().join("senstation.toml"), "[http]\nlisten_on = \"off\"\n").unwrap();
    assert!(refused(folder.path(), &["config"], 1).contains("did you mean `http.listen`?"));
}

#[test]
fn a_second_station_in_the_same_folder_is_told_who_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let station = Station::serve(folder.path());
    let said = refused(folder.path(), &["serve", "--http", "127.0.0.1:0"], 1);
    assert!(said.contains(&format!("process {} is using it", station.pid())), "{said}");
    drop(station);
    assert!(Station::serve(folder.path()).greeting.starts_with("listening on http://127.0.0.1:"));
}

#[test]
fn a_station_tells_programs_where_it_listens_in_json() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = senstation(folder.path());
    let station = Station::start(folder.path(), command.args(["serve", "--http", "127.0.0.1:0", "--json"]));
    let greeting: Value = serde_json::from_str(&station.greeting).unwrap();
    assert_eq!(greeting["url"], format!("http://{}", station.address));
}

#[test]
fn a_taken_port_is_refused_with_advice() {
    let folder = tempfile::tempdir().unwrap();
    let station = Station::serve(folder.path());
    let another = tempfile::tempdir().unwrap();
    let said = refused(another.path(), &["serve", "--http", &station.address.to_string()], 1);
    assert!(said.contains("choose another address with `--http`"), "{said}");
}

#[test]
fn a_purged_device_has_no_history_left_beside_a_station_and_without_bound_or_not() {
    for (is_served, is_bound) in [(true, true), (true, false), (false, true), (false, false)] {
        let folder = tempfile::tempdir().unwrap();
        let station = Station::serve(folder.path());
        let farm = Farm::set_up(folder);
        assert_eq!(station.uplink(&farm.token, UP.as_bytes()).status, 200);
        if !is_bound {
            json(farm.path(), &["device", "remove", "--eui", EUI]);
        }
        let station = if is_served {
            json(farm.path(), &["device", "remove", "--eui", EUI, "--purge"]);
            station
        } else {
            station.kill();
            json(farm.path(), &["device", "remove", "--eui", EUI, "--purge"]);
            Station::serve(farm.path())
        };
        json(farm.path(), &["device", "add", "--eui", EUI, "--model", "S2101"]);
        let path = format!("/openapi/view_latest_telemetry_data?device_eui={EUI}");
        let answer: Answer = station.get(&path, &farm.key);
        assert_eq!(answer.body, json!({"code": "0", "data": []}), "served: {is_served}, bound: {is_bound}");
    }
}

#[test]
fn a_command_does_not_wait_for_another_that_says_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let station = Station::serve(folder.path());
    let farm = Farm::set_up(folder);
    let path = farm.path().join("senstation-data/control.sock");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let silent = [(); 3].map(|()| UnixStream::connect(&path).unwrap());
    let begun = Instant::now();
    json(farm.path(), &["device", "remove", "--eui", EUI, "--purge"]);
    // Each of the silent would have been waited for as long as this.
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    station.terminate();
    assert!(station.wait().success());
    drop(silent);
}

#[test]
fn a_folder_whose_path_is_too_long_for_a_socket_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("x".repeat(120));
    let mut command = senstation(folder.path());
    command.args(["serve", "--http", "127.0.0.1:0"]).env("SENSTATION_DATA_DIR", &data_dir);
    let station = Station::start(folder.path(), &mut command);
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(log.contains("have to wait until the station is stopped"), "{log}");
    let data_dir = data_dir.to_str().unwrap();
    json(folder.path(), &["--data-dir", data_dir, "org", "create", "--name", "Farm"]);
    let purge = ["--data-dir", data_dir, "device", "remove", "--eui", EUI, "--purge"];
    assert!(refused(folder.path(), &purge, 1).contains(&format!("process {} is using it", station.pid())));
    station.kill();
    assert!(refused(folder.path(), &purge, 1).contains("never had a device"));
}

#[test]
fn shells_learn_the_commands() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        assert!(text(run(folder.path(), &["completions", shell])).contains("senstation"));
    }
    assert!(text(run(folder.path(), &["--help"])).contains("Examples:"));
}

#[test]
fn an_app_password_is_shown_once_and_lists_and_ends_with_its_key() {
    let farm = Farm::set_up(tempfile::tempdir().unwrap());
    let (folder, org) = (farm.path(), farm.org.as_str());
    let made = json(folder, &["app-password", "create", "--org", org, "--name", "Home Assistant"]);
    let (account, password) = (made["account"].as_str().unwrap(), made["password"].as_str().unwrap());
    assert_eq!((account.len(), password.len(), &made["scopes"]), (16, 40, &json!("read")));
    let listed = json(folder, &["app-password", "list"]);
    assert_eq!((listed.as_array().map(Vec::len), &listed[0]["account"]), (Some(1), &made["account"]));
    assert!(!listed.to_string().contains(password), "{listed}");
    let keys = json(folder, &["key", "list"]);
    let behind = keys.as_array().unwrap().iter().find(|key| key["access_id"] == account).unwrap();
    assert_eq!((&behind["app_password"], &behind["name"]), (&json!(true), &json!("Home Assistant")));
    let plain = farm.key["access_id"].as_str().unwrap();
    let none = refused(folder, &["app-password", "revoke", "--account", plain], 1);
    assert!(none.contains("has no app that signs in as"), "{none}");
    let revoked = json(folder, &["app-password", "revoke", "--org", org, "--account", account]);
    assert_eq!(json(folder, &["app-password", "list"])[0]["revoked_at"], revoked["revoked_at"]);
    let shown = text(run(folder, &["app-password", "create"]));
    assert!(shown.contains("Nobody may sign in yet: set `portal_login.enabled = true`"), "{shown}");
}

#[test]
fn a_source_of_each_kind_says_where_it_posts_and_fetches_only_what_is_named() {
    let farm = Farm::set_up(tempfile::tempdir().unwrap());
    let folder = farm.path();
    for kind in ["chirpstack", "tts", "helium", "aws", "http", "mqtt"] {
        let url = if kind == "mqtt" { Value::Null } else { json!(format!("/ingest/{kind}")) };
        assert_eq!(json(folder, &["source", "create", "--kind", kind])["url"], url);
    }
    let http = json(folder, &["source", "create", "--kind", "http"])["source_id"].as_str().unwrap().to_owned();
    let http = http.as_str();
    fn fetch<'a>(id: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
        [&["source", "fetch", "--source-id", id], rest].concat()
    }
    let not = |id: &str, rest: &[&str], code: i32, words: &str| {
        let said = refused(folder, &fetch(id, rest), code);
        assert!(said.contains(words), "{said}");
    };
    not(http, &["--from", "mqtt://broker.farm"], 1, "`--topic`");
    not("0123456789ABCDEF", &["--from", "mqtt://broker.farm"], 1, "source not found");
    not(http, &["--from", "http://broker.farm"], 2, "mqtts://HOST:PORT");
    not(http, &["--from", "mqtt://broker.farm", "--topic", "a/#/b"], 2, "whole levels");
    not(http, &[], 2, "--from");
    let named = text(run(folder, &fetch(http, &["--from", "mqtts://broker.farm", "--topic", "farm/#"])));
    assert!(named.contains("mqtts://broker.farm:8883"), "{named}");
    let listed = text(run(folder, &["source", "list"]));
    assert!(listed.contains("mqtts://broker.farm:8883 not fetching yet"), "{listed}");
    assert!(text(run(folder, &fetch(http, &["--stop"]))).contains("from nowhere"));
}
