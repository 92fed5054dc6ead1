//! Messages that the station fetches from the user's own broker, a mosquitto.

use std::{
    io::Write,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::{EUI, Farm, Station, UP, json};

const PATIENCE: Duration = Duration::from_secs(60);
const PASSWORD: &str = "grey-heron-94";
const TOPIC: &str = "application/3/device/2cf7f12004100005/event/up";

/// A broker of its own, ended when dropped.
struct Mosquitto {
    child: Child,
    port: u16,
}

impl Mosquitto {
    /// `None` where there is none, which is said.
    fn start(folder: &Path) -> Option<Self> {
        if Command::new("mosquitto").arg("-h").output().is_err() {
            eprintln!("there is no mosquitto here: fetching from a broker was not tried; install `mosquitto`");
            return None;
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (passwords, settings) = (folder.join("mosquitto.passwords"), folder.join("mosquitto.conf"));
        let mut made = Command::new("mosquitto_passwd");
        made.args(["-b", "-c"]).arg(&passwords).args(["station", PASSWORD]);
        assert!(made.status().unwrap().success());
        let text = format!(
            "listener {port} 127.0.0.1\nallow_anonymous false\npassword_file {}\npersistence true\n\
             persistence_location {}/\nuser root\nmax_queued_messages 10000\n",
            passwords.display(),
            folder.display()
        );
        std::fs::write(&settings, text).unwrap();
        let child = Command::new("mosquitto").arg("-c").arg(settings).stderr(Stdio::null()).spawn().unwrap();
        Some(Self { child, port })
    }

    /// Publishes messages, one a line, and waits until the broker has them.
    fn publish(&self, lines: &str) {
        let begun = Instant::now();
        loop {
            let mut client = Command::new("mosquitto_pub")
                .args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-u", "station", "-P", PASSWORD])
                .args(["-q", "1", "-t", TOPIC, "-l"])
                .stdin(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            client.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
            if client.wait().unwrap().success() {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "the broker takes nothing");
        }
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// Uplinks, one a line and one for each second.
fn uplinks(seconds: std::ops::Range<u32>) -> String {
    seconds
        .map(|second| {
            let mut body: Value = serde_json::from_str(UP).unwrap();
            body["deduplicationId"] = format!("{second}").into();
            body["time"] = format!("2026-07-10T02:{:02}:{:02}.000+00:00", second / 60, second % 60).into();
            format!("{body}\n")
        })
        .collect()
}

/// Waits until the source's broker is as expected.
fn until(farm: &Farm, what: &str, is_so: impl Fn(&Value) -> bool) {
    let begun = Instant::now();
    loop {
        let sources = json(farm.path(), &["source", "list"]);
        if is_so(&sources[0]["broker"]) {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "not {what}: {sources}\n{}", farm.log());
    }
}

/// Waits until so many temperatures are stored.
fn until_stored(station: &Station, farm: &Farm, count: usize) {
    let path = format!(
        "/openapi/list_telemetry_data?device_eui={EUI}&measurement_id=4097&channel_index=1&limit=1000\
         &time_start=1783648000000&time_end=1783652400000"
    );
    let begun = Instant::now();
    loop {
        let answer = station.get(&path, &farm.key).body;
        let stored = answer["data"]["list"][1][0].as_array().map_or(0, Vec::len);
        assert!(stored <= count, "more than was published: {stored}");
        if stored == count {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{stored} of {count}: {answer}\n{}", farm.log());
    }
}

#[test]
fn what_is_published_while_the_station_is_killed_is_stored_when_it_is_back() {
    let farm = Farm::set_up(tempfile::tempdir().unwrap());
    let Some(broker) = Mosquitto::start(farm.path()) else { return };
    let source = json(farm.path(), &["source", "list"])[0]["source_id"].as_str().unwrap().to_owned();
    let fetch = |password: &str| {
        let file = farm.path().join("password");
        std::fs::write(&file, format!("{password}\n")).unwrap();
        let from = format!("mqtt://127.0.0.1:{}", broker.port);
        let file = file.display().to_string();
        json(
            farm.path(),
            &[
                "source",
                "fetch",
                "--source-id",
                &source,
                "--from",
                &from,
                "--user",
                "station",
                "--password-file",
                &file,
            ],
        )
    };
    let station = Station::serve(farm.path());
    broker.publish("\n");
    assert_eq!(fetch(PASSWORD)["broker"]["has_password"], true);
    until(&farm, "connected", |broker| broker["connected"] == true);
    broker.publish(&uplinks(0..20));
    until_stored(&station, &farm, 20);

    station.kill();
    broker.publish(&uplinks(20..120));
    let station = Station::serve(farm.path());
    until_stored(&station, &farm, 120);

    station.terminate();
    assert!(station.wait().success());
    broker.publish(&uplinks(120..140));
    let station = Station::serve(farm.path());
    until_stored(&station, &farm, 140);

    fetch("another");
    until(&farm, "refused", |broker| broker["trouble"] == "the broker refuses user or password");
    fetch(PASSWORD);
    until(&farm, "connected again", |broker| broker["connected"] == true);
    assert_eq!(json(farm.path(), &["source", "fetch", "--source-id", &source, "--stop"])["broker"], Value::Null);
    until(&farm, "gone", Value::is_null);

    let registry = std::fs::read(farm.path().join("senstation-data/registry.db")).unwrap();
    let log = farm.log();
    assert!(
        !registry.windows(PASSWORD.len()).any(|part| part == PASSWORD.as_bytes()) && !log.contains(PASSWORD),
        "the password is sealed"
    );
}
