//! How people get in, and how simulated fleets come and go.

use std::io::{BufRead, BufReader};

use serde_json::{Value, json};

use crate::support::{Answer, Station, json, senstation};

/// A browser that somebody signed in with.
struct Person<'a> {
    station: &'a Station,
    cookie: String,
}

fn send(station: &Station, method: &str, path: &str, extra: &str, body: &str) -> Answer {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: station\r\nContent-Length: {}\r\nConnection: close\r\n{extra}\r\n",
        body.len()
    );
    Answer::parse(&station.talk(format!("{head}{body}").as_bytes()))
}

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

impl<'a> Person<'a> {
    fn of(station: &'a Station, answer: &Answer) -> Self {
        let cookie = answer.head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).expect("a cookie");
        Self { station, cookie: cookie.split(';').next().unwrap().to_owned() }
    }

    /// Follows a link for an owner.
    fn join(station: &'a Station, url: &str) -> Self {
        let path = path_of(url);
        let body = "organization=Farm&email=ada%40example.org&password=correct+horse&time_zone=UTC";
        let answer = send(station, "POST", &path, FORM, body);
        assert_eq!(answer.status, 303, "{answer:?}");
        Self::of(station, &answer)
    }

    fn get(&self, path: &str) -> Value {
        let answer = send(self.station, "GET", path, &format!("Cookie: {}\r\n", self.cookie), "");
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.body
    }

    fn post(&self, path: &str) {
        let answer = send(self.station, "POST", path, &format!("{FORM}Cookie: {}\r\n", self.cookie), "");
        assert_eq!(answer.status, 303, "{path}: {answer:?}");
    }

    /// Asks again and again until an answer is as it should be.
    fn until(&self, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let begun = std::time::Instant::now();
        loop {
            let answer = self.get(path);
            if is_so(&answer) {
                return answer;
            }
            assert!(begun.elapsed().as_secs() < 120, "{path}: {answer}");
        }
    }
}

fn path_of(url: &str) -> String {
    let rest = url.split("://").nth(1).unwrap();
    rest[rest.find('/').unwrap()..].to_owned()
}

#[test]
fn a_new_station_prints_a_link_that_founds_an_organization() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = senstation(folder.path())
        .args(["serve", "--http", "127.0.0.1:0"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.next().unwrap().starts_with("listening on http://"));
    assert!(lines.next().unwrap().contains("good once and for 15 minutes"));
    let link = lines.next().unwrap();
    assert!(link.trim().starts_with("http://127.0.0.1:") && link.contains("/join/"), "{link}");
    child.kill().unwrap();
    child.wait().unwrap();

    // The link outlives the process, and is good once.
    let station = Station::serve(folder.path());
    let owner = Person::join(&station, link.trim());
    assert_eq!(owner.get("/api/organization")["name"], "Farm");
    assert_eq!(send(&station, "GET", &path_of(&link), "", "").status, 404);
    // A command beside the running station makes another.
    let second = json(folder.path(), &["owner-link"]);
    assert_eq!(second["org_id"], owner.get("/api/organization")["id"]);
    let page = send(&station, "GET", &path_of(second["url"].as_str().unwrap()), "", "");
    assert_eq!(page.status, 200, "{page:?}");
}

#[test]
fn with_people_or_several_organizations_no_link_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["one", "two"] {
        json(folder.path(), &["org", "create", "--name", name]);
    }
    let output = senstation(folder.path()).args(["owner-link"]).output().unwrap();
    assert!(String::from_utf8(output.stderr).unwrap().contains("--org"));
    let mut child = senstation(folder.path())
        .args(["serve", "--http", "127.0.0.1:0"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    lines.next().unwrap();
    assert!(lines.next().unwrap().starts_with("The portal: http://"));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn an_owner_is_made_without_a_browser() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("password"), "correct horse\nignored\n").unwrap();
    let serve = |email: &str| {
        let mut command = senstation(folder.path());
        command.env("SENSTATION_OWNER_EMAIL", email).env("SENSTATION_OWNER_PASSWORD_FILE", "password");
        command
    };
    let station = Station::start(folder.path(), serve("Ada@example.org").args(["serve", "--http", "127.0.0.1:0"]));
    let answer = send(&station, "POST", "/sign-in", FORM, "email=ada%40example.org&password=correct+horse");
    assert_eq!(answer.status, 303, "{answer:?}");
    assert_eq!(Person::of(&station, &answer).get("/api/people")["items"][0]["is_operator"], true);
    let answer = send(&station, "POST", "/sign-in", FORM, "email=ada%40example.org&password=wrong+horse");
    assert_eq!(answer.status, 401, "{answer:?}");
    drop(station);
    // Once there are people the setting makes nobody.
    let station = Station::start(folder.path(), serve("eve@example.org").args(["serve", "--http", "127.0.0.1:0"]));
    let answer = send(&station, "POST", "/sign-in", FORM, "email=eve%40example.org&password=correct+horse");
    assert_eq!(answer.status, 401, "{answer:?}");
    drop(station);

    std::fs::write(folder.path().join("password"), "short").unwrap();
    let fresh = tempfile::tempdir().unwrap();
    let output = serve("ada@example.org")
        .arg("--data-dir")
        .arg(fresh.path())
        .args(["serve", "--http", "127.0.0.1:0"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("at least 10 characters"));
}

#[test]
fn a_simulated_fleet_comes_and_goes_by_a_click() {
    let folder = tempfile::tempdir().unwrap();
    let station = Station::serve(folder.path());
    let link = json(folder.path(), &["owner-link"]);
    let owner = Person::join(&station, link["url"].as_str().unwrap());
    let cookie = owner.cookie.clone();
    owner.post("/setup/fleet");
    let summary = owner.until("/api/summary", |summary| summary["online"] == 9);
    assert_eq!((&summary["devices"], &summary["silent"]), (&json!(10), &json!(1)));
    station.terminate();
    assert!(station.wait().success());

    // It goes on after a restart.
    let station = Station::serve(folder.path());
    let owner = Person { station: &station, cookie };
    assert_eq!(owner.get("/api/summary")["devices"], 10);
    owner.post("/setup/fleet/remove");
    owner.until("/api/sources", |sources| sources["items"] == json!([]));
    let summary = owner.until("/api/summary", |summary| summary["devices"] == 0);
    assert_eq!(summary["silent"], 0);
    assert!(
        std::fs::read_dir(folder.path().join("senstation-data"))
            .unwrap()
            .all(|entry| { !entry.unwrap().file_name().to_string_lossy().starts_with("demo-") })
    );
}
