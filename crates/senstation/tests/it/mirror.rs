//! One station stands in for the cloud, another brings its history home.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json as value};

use crate::support::{EUI, Farm, Station, UP, json, senstation};

/// A station with a simulated fleet that no longer sends, as strict as Seeed's, and a key of it.
pub(crate) struct Cloud {
    pub(crate) station: Station,
    pub(crate) key: Value,
    euis: Vec<String>,
    newest_ms: i64,
}

impl Cloud {
    pub(crate) fn set_up(folder: &Path) -> Self {
        let mut command = senstation(folder);
        let command = command.args(["demo", "--data-dir", "cloud", "--days", "3", "--http", "127.0.0.1:0", "--json"]);
        let demo = Station::start(folder, command);
        let key: Value = serde_json::from_str(&demo.greeting).unwrap();
        let first = key["devices"][0]["eui"].as_str().unwrap();
        let group = demo.post("/openapi/create_group", &key, r#"{"name":"Barn"}"#).body["data"]["group_uuid"].clone();
        let move_there = value!({ "group_uuid": group, "devices": [first] }).to_string();
        assert_eq!(demo.post("/openapi/move_devices_to_group", &key, &move_there).body["code"], "0");
        demo.terminate();
        assert!(demo.wait().success());
        let mut command = senstation(folder);
        command.env("SENSTATION_CONTRACT_STRICT_WINDOWS", "true");
        let station = Station::start(folder, command.args(["--data-dir", "cloud", "serve", "--http", "127.0.0.1:0"]));
        let listed = station.get("/openapi/list_devices", &key).body["data"].clone();
        let listed = listed.as_array().unwrap().iter();
        let euis = listed.map(|device| device["device_eui"].as_str().unwrap().to_owned());
        let euis: Vec<String> = euis.collect();
        let latest = station.get(&format!("/openapi/view_latest_telemetry_data?device_eui={}", euis[0]), &key);
        let newest: jiff::Timestamp = latest.body["data"][0]["points"][0]["time"].as_str().unwrap().parse().unwrap();
        let newest_ms = newest.as_millisecond();
        fs::write(folder.join("key.txt"), key["access_key"].as_str().unwrap()).unwrap();
        Self { station, key, euis, newest_ms }
    }

    /// The command that mirrors it into another data folder.
    pub(crate) fn mirror(&self, folder: &Path, more: &[&str]) -> Command {
        self.mirror_from(folder, &format!("http://{}", self.station.address), more)
    }

    /// The same from an address that stands for it.
    pub(crate) fn mirror_from(&self, folder: &Path, url: &str, more: &[&str]) -> Command {
        let mut command = senstation(folder);
        command.args(["--data-dir", "home", "--json", "mirror", "--once", "--calls-per-minute", "0", "--station", url]);
        command.args(["--access-key-file", "key.txt", "--access-id", self.key["access_id"].as_str().unwrap()]);
        command.args(more);
        command
    }

    fn mirrored(&self, folder: &Path, more: &[&str]) -> Value {
        let output = self.mirror(folder, more).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// What a station answers about everything that is mirrored.
    pub(crate) fn answers(&self, station: &Station) -> Vec<(String, Value)> {
        self.answers_until(station, self.newest_ms + 600_000, true)
    }

    /// The same without the last hours, which a mirror that follows leaves until a device is heard again.
    pub(crate) fn settled(&self, station: &Station) -> Vec<(String, Value)> {
        self.answers_until(station, self.newest_ms - 2 * 3_600_000, false)
    }

    fn answers_until(&self, station: &Station, end_ms: i64, has_latest: bool) -> Vec<(String, Value)> {
        let mut answers = Vec::new();
        let window = format!("time_start={}&time_end={end_ms}", self.newest_ms - 3 * 86_400_000);
        for eui in &self.euis {
            let mut paths = Vec::new();
            if has_latest {
                paths.push(format!("/openapi/view_latest_telemetry_data?device_eui={eui}"));
            }
            for more in ["", "&channel_index=1&measurement_id=4097", "&measurement_id=4203"] {
                paths.push(format!("/openapi/list_telemetry_data?device_eui={eui}&{window}{more}"));
                paths.push(format!("/openapi/aggregate_chart_points?device_eui={eui}&{window}&interval=30{more}"));
            }
            for path in paths {
                let answer = station.get(&path, &self.key);
                assert_eq!(answer.body["code"], "0", "{path}");
                answers.push((path, answer.body["data"].clone()));
            }
        }
        for path in ["/openapi/list_devices", "/openapi/list_devices?device_type=1", "/openapi/list_groups"] {
            answers.push((path.to_owned(), station.get(path, &self.key).body["data"].clone()));
        }
        let body = value!({ "device_euis": self.euis }).to_string();
        let path = "/openapi/list_device_channels";
        answers.push((path.to_owned(), station.post(path, &self.key, &body).body["data"].clone()));
        answers
    }
}

pub(crate) fn home(folder: &Path, key: &Value) {
    json(folder, &["--data-dir", "home", "org", "create", "--name", "Home"]);
    // Programs keep their keys and change the address alone.
    let id = key["access_id"].as_str().unwrap();
    json(folder, &["--data-dir", "home", "key", "import", "--access-id", id, "--access-key-file", "key.txt"]);
}

#[test]
fn a_mirror_that_is_killed_again_and_again_answers_the_same_in_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let cloud = Cloud::set_up(folder);
    home(folder, &cloud.key);
    let dry = cloud.mirrored(folder, &["--dry-run"]);
    assert_eq!((&dry["devices"], &dry["groups"], &dry["dm_spent"]), (&cloud.euis.len().into(), &1.into(), &0.into()));
    assert!(dry["estimate"]["dm"].as_u64().unwrap() > 1_000, "{dry}");
    assert!(json(folder, &["--data-dir", "home", "device", "list"]).as_array().unwrap().is_empty());

    let station =
        Station::start(folder, senstation(folder).args(["--data-dir", "home", "serve", "--http", "127.0.0.1:0"]));
    for tenth in ["10 %", "40 %", "10 %"] {
        let mut mirror = cloud.mirror(folder, &[]).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(mirror.stderr.take().unwrap()).lines().map(Result::unwrap);
        assert!(lines.any(|line| line == format!("history {tenth}")), "it comes so far");
        mirror.kill().unwrap();
        mirror.wait().unwrap();
    }
    let done = cloud.mirrored(folder, &[]);
    assert_eq!(done["differences"], value!([]));
    let (points, spent) = (done["points"].as_u64().unwrap(), done["dm_spent"].as_u64().unwrap());
    assert!(points > 10_000 && spent == points, "{done}");
    for (here, there) in cloud.answers(&station).into_iter().zip(cloud.answers(&cloud.station)) {
        assert!(here == there, "{}: {} {}", here.0, here.1, there.1);
    }

    let again = cloud.mirrored(folder, &[]);
    assert_eq!(
        (&again["points"], &again["dm_spent"]),
        (&done["points"], &done["dm_spent"]),
        "nothing is fetched twice"
    );
    drop(station);
    // Without a running station it opens the store itself.
    assert_eq!(cloud.mirrored(folder, &[])["differences"], value!([]));
}

#[test]
fn a_mirror_keeps_to_its_budget_and_says_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let cloud = Cloud::set_up(folder);
    home(folder, &cloud.key);
    let refused = |more: &[&str]| {
        let output = cloud.mirror(folder, more).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{more:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let said = refused(&["--budget", "2000"]);
    assert!(said.contains("the budget of 2000 dm is used up"), "{said}");
    let dry = cloud.mirrored(folder, &["--dry-run"]);
    assert!((2_000..20_000).contains(&dry["dm_spent"].as_u64().unwrap()), "{dry}");
    assert!(dry["estimate"]["dm"].as_u64().unwrap() > 0);
    fs::write(folder.join("key.txt"), "another key").unwrap();
    let said = refused(&[]);
    assert!(said.contains("the station refused") && said.contains("11104"), "{said}");
    fs::write(folder.join("key.txt"), cloud.key["access_key"].as_str().unwrap()).unwrap();
    json(folder, &["--data-dir", "home", "org", "create", "--name", "Other"]);
    let orgs = json(folder, &["--data-dir", "home", "org", "list"]);
    let other = orgs.as_array().unwrap().iter().find(|org| org["name"] == "Other").unwrap()["org_id"].as_str().unwrap();
    assert_eq!(cloud.mirrored(folder, &["--dry-run", "--org", other])["dm_spent"], 0, "it is mirrored by itself");
}

#[expect(clippy::disallowed_methods, reason = "what is believed depends on the real time")]
pub(crate) fn now() -> std::time::SystemTime {
    std::time::SystemTime::now()
}

#[test]
fn a_mirror_follows_what_comes() {
    let folder = tempfile::tempdir().unwrap();
    let farm = Farm::set_up(tempfile::tempdir().unwrap());
    let (there, folder) = (Station::serve(farm.path()), folder.path());
    let uplink = |number: u32| {
        let at = jiff::Timestamp::try_from(now()).unwrap().to_string();
        let mut body: Value = serde_json::from_str(UP).unwrap();
        body["deduplicationId"] = format!("00000000-0000-4000-8000-{number:012}").into();
        (body["time"], body["fCnt"]) = (at.into(), number.into());
        assert_eq!(there.uplink(&farm.token, body.to_string().as_bytes()).status, 200);
    };
    uplink(1);
    fs::write(folder.join("key.txt"), farm.key["access_key"].as_str().unwrap()).unwrap();
    home(folder, &farm.key);
    let here =
        Station::start(folder, senstation(folder).args(["--data-dir", "home", "serve", "--http", "127.0.0.1:0"]));
    let mut command = senstation(folder);
    let url = format!("http://{}", there.address);
    command.args(["--data-dir", "home", "mirror", "--every", "5", "--calls-per-minute", "0", "--station", &url]);
    command.args(["--access-key-file", "key.txt", "--access-id", farm.key["access_id"].as_str().unwrap()]);
    let mut mirror = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(mirror.stderr.take().unwrap()).lines().map(Result::unwrap);
    let latest = |station: &Station| {
        let path = format!("/openapi/view_latest_telemetry_data?device_eui={EUI}");
        station.get(&path, &farm.key).body["data"].clone()
    };
    assert!(lines.any(|line| line.starts_with("following")), "history comes first");
    assert!(lines.any(|line| line.ends_with("new readings")));
    assert_eq!(latest(&here), latest(&there));
    uplink(2);
    assert!(lines.any(|line| line.ends_with("new readings")));
    assert_eq!(latest(&here), latest(&there));
    mirror.kill().unwrap();
    mirror.wait().unwrap();
}
