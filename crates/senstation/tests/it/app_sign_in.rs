//! An app that knows an account and a password, from `app-password create` to its readings.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::support::{Farm, Station, UP, json, senstation};

/// `printf %s PASSWORD | md5sum`, as the app does it.
fn md5(password: &str) -> String {
    use md5::{Digest, Md5};
    Md5::digest(password).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn start(folder: &std::path::Path) -> Station {
    let mut command = senstation(folder);
    command.env("SENSTATION_PORTAL_LOGIN_ENABLED", "true");
    Station::start(folder, command.args(["serve", "--http", "127.0.0.1:0"]))
}

/// What the station answers to a request without a key.
fn ask(station: &Station, request: &str) -> Value {
    let answer = station.talk(format!("{request}\r\nHost: station\r\nConnection: close\r\n\r\n").as_bytes());
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

fn sign_in(station: &Station, made: &Value) -> Value {
    let (account, password) = (made["account"].as_str().unwrap(), md5(made["password"].as_str().unwrap()));
    let request = format!("POST /portalapi/user/login?account={account}&password={password}&origin=1 HTTP/1.1");
    ask(station, &format!("{request}\r\nContent-Length: 0"))
}

fn fetch(station: &Station, token: &str) -> Value {
    let request = "GET /portalapi/organization/access/getFixedAccess HTTP/1.1";
    ask(station, &format!("{request}\r\nAuthorization: {token}"))
}

#[test]
fn an_app_signs_in_reads_and_is_turned_away_when_it_is_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let station = start(folder.path());
    let farm = Farm::set_up(folder);
    assert_eq!(station.uplink(&farm.token, UP.as_bytes()).status, 200);
    let made = json(farm.path(), &["app-password", "create", "--name", "Home Assistant"]);
    let signed_in = sign_in(&station, &made);
    assert_eq!((&signed_in["code"], &signed_in["data"]["org_id"]), (&json!("0"), &json!(farm.org)));
    let token = signed_in["data"]["token"].as_str().unwrap();
    let access = fetch(&station, token)["data"].clone();
    assert_eq!(access["access_id"], made["account"]);
    assert_eq!(station.get("/openapi/list_devices", &access).body["data"][0]["device_eui"], crate::support::EUI);

    // The secrets are nowhere in the folder, and the key that they follow from is nobody else's.
    let key_file = farm.path().join("senstation-data/station.key");
    assert_eq!(key_file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    for secret in [access["access_key"].as_str().unwrap(), made["password"].as_str().unwrap()] {
        for file in std::fs::read_dir(farm.path().join("senstation-data")).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap_or_default();
            assert!(!bytes.windows(secret.len()).any(|found| found.eq_ignore_ascii_case(secret.as_bytes())));
        }
        assert!(!farm.log().contains(secret));
    }

    station.kill();
    let station = start(farm.path());
    assert_eq!(fetch(&station, token)["data"], access, "a token outlives a restart");
    json(farm.path(), &["app-password", "revoke", "--account", made["account"].as_str().unwrap()]);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while station.get("/openapi/view_organization", &access).body["code"] == "0" {
        assert!(std::time::Instant::now() < deadline, "it is still let in");
    }
    assert_eq!(sign_in(&station, &made)["code"], "11105");
    assert_eq!(fetch(&station, token)["code"], "11105");
}

#[test]
fn nobody_signs_in_where_nothing_was_switched_on() {
    let folder = tempfile::tempdir().unwrap();
    let station = Station::serve(folder.path());
    let farm = Farm::set_up(folder);
    let made = json(farm.path(), &["app-password", "create"]);
    assert_eq!(sign_in(&station, &made)["code"], "10000");
    assert_eq!(fetch(&station, "x")["code"], "10000");
}

#[test]
fn a_kit_has_the_same_key_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let station = Station::serve(folder.path());
    let farm = Farm::set_up(folder);
    let kit = station.post("/openapi/device/create_development_kit", &farm.key, r#"{"dev_name":"Kit"}"#).body;
    station.kill();
    let station = Station::serve(farm.path());
    let path = format!("/openapi/device/view_node_key?node_eui={}", kit["data"]["eui"].as_str().unwrap());
    assert_eq!(station.get(&path, &farm.key).body["data"]["device_key"], kit["data"]["device_key"]);
}
