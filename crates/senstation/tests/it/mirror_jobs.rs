//! Mirrors that a station runs by itself, streams that are followed, and stations that answer oddly.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use serde_json::{Value, json as value};

use crate::{
    mirror::{Cloud, home, now},
    support::{EUI, Farm, Station, UP, basic, json, senstation},
};

fn serve(folder: &Path) -> Station {
    Station::start(folder, senstation(folder).args(["--data-dir", "home", "serve", "--http", "127.0.0.1:0"]))
}

/// A key, and what the body is.
fn as_json(key: &Value) -> String {
    format!("{}\r\nContent-Type: application/json", basic(key))
}

/// Asks how the only mirror is doing until it is as it should be.
fn until(station: &Station, key: &Value, is_so: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let mirror = station.get("/api/mirrors", key).body["items"][0].clone();
        if is_so(&mirror) {
            return mirror;
        }
        assert!(begun.elapsed().as_secs() < 120, "{mirror}");
    }
}

#[test]
fn a_station_mirrors_another_by_itself_and_goes_on_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let cloud = Cloud::set_up(folder);
    json(folder, &["--data-dir", "home", "org", "create", "--name", "Home"]);
    let manages = json(folder, &["--data-dir", "home", "key", "create", "--scopes", "manage"]);
    let station = serve(folder);
    let mut new = value!({
        "station": format!("http://{}", cloud.station.address),
        "access_id": cloud.key["access_id"],
        "access_key": cloud.key["access_key"],
        "calls_per_minute": 1_500,
    });
    let seen = station.send("POST", "/api/mirror-estimates", &as_json(&manages), new.to_string().as_bytes());
    assert_eq!(seen.status, 200, "{seen:?}");
    assert!(seen.body["dm"].as_u64().unwrap() > 1_000 && !seen.body["devices"].as_array().unwrap().is_empty());
    assert_eq!(seen.body["groups"], value!(["Barn"]));
    assert!(json(folder, &["--data-dir", "home", "device", "list"]).as_array().unwrap().is_empty());

    new["brings_key"] = true.into();
    let made = station.send("POST", "/api/mirrors", &as_json(&manages), new.to_string().as_bytes());
    assert_eq!(made.status, 201, "{made:?}");
    until(&station, &manages, |mirror| mirror["progress"]["done"].as_f64().unwrap() > 0.2);
    station.kill();
    let station = serve(folder);
    let begun = until(&station, &manages, |mirror| mirror["progress"]["phase"] == "history");
    assert!(begun["progress"]["readings"].as_u64().unwrap() > 0, "it goes on where it was");
    let done = until(&station, &manages, |mirror| mirror["progress"]["phase"] == "asking");
    assert_eq!((&done["progress"]["differences"], &done["progress"]["done"]), (&value!([]), &1.0.into()));
    assert_eq!(done["progress"]["readings"], done["progress"]["dm_spent"], "nothing is fetched twice after success");
    // What the last hour may still bring is asked for when a device is heard; the demo's are not any more.
    for (here, there) in cloud.settled(&station).into_iter().zip(cloud.settled(&cloud.station)) {
        assert!(here == there, "{}: {} {}", here.0, here.1, there.1);
    }
    let mirror = format!("/api/mirrors/{}", done["id"].as_str().unwrap());
    let authorization = as_json(&manages);
    let body = br#"{"is_paused":true}"#;
    assert_eq!(station.send("PATCH", &mirror, &authorization, body).status, 200);
    until(&station, &manages, |mirror| mirror["progress"]["phase"] == "resting");
    station.terminate();
    assert!(station.wait().success());
}

#[test]
fn a_mirror_with_a_budget_rests_when_it_is_used_up_and_goes_on_with_a_larger_one() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let cloud = Cloud::set_up(folder);
    json(folder, &["--data-dir", "home", "org", "create", "--name", "Home"]);
    let manages = json(folder, &["--data-dir", "home", "key", "create", "--scopes", "manage"]);
    let station = serve(folder);
    let new = value!({
        "station": format!("http://{}", cloud.station.address),
        "access_id": cloud.key["access_id"],
        "access_key": cloud.key["access_key"],
        "calls_per_minute": 6_000,
        "budget_dm": 2_000,
    });
    let made = station.send("POST", "/api/mirrors", &as_json(&manages), new.to_string().as_bytes());
    assert_eq!(made.status, 201, "{made:?}");
    let spent = until(&station, &manages, |mirror| mirror["progress"]["phase"] == "spent");
    let dm = spent["progress"]["dm_spent"].as_u64().unwrap();
    assert!((2_000..20_000).contains(&dm), "{spent}");
    let mirror = format!("/api/mirrors/{}", made.body["id"].as_str().unwrap());
    let authorization = as_json(&manages);
    assert_eq!(station.send("PATCH", &mirror, &authorization, br#"{"budget_dm":0}"#).status, 200);
    let done = until(&station, &manages, |mirror| mirror["progress"]["phase"] == "asking");
    assert!(done["progress"]["dm_spent"].as_u64().unwrap() > dm);
}

#[test]
fn a_mirror_follows_a_stream_and_resumes_it() {
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
    let here = serve(folder);
    let stream = there.greeting.split("mqtt://").nth(1).unwrap();
    let stream =
        format!("mqtt://{}", stream.split(|c: char| c != '.' && c != ':' && !c.is_ascii_digit()).next().unwrap());
    let follow = || {
        let mut command = senstation(folder);
        let url = format!("http://{}", there.address);
        // It is not asked within the time of a test.
        command.args(["--data-dir", "home", "mirror", "--every", "86400", "--calls-per-minute", "0"]);
        command.args(["--station", &url, "--stream", &stream, "--access-key-file", "key.txt"]);
        command.args(["--access-id", farm.key["access_id"].as_str().unwrap()]);
        let mut mirror = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(mirror.stderr.take().unwrap()).lines().map(Result::unwrap);
        (mirror, lines)
    };
    let latest = |station: &Station| {
        let path = format!("/openapi/view_latest_telemetry_data?device_eui={EUI}");
        station.get(&path, &farm.key).body["data"].clone()
    };
    let (mut mirror, mut lines) = follow();
    assert!(lines.any(|line| line == "its stream is followed"));
    // The first connection may have missed something, so it is asked once.
    assert!(lines.any(|line| line.ends_with("new readings")));
    uplink(2);
    assert!(lines.any(|line| line.ends_with("new readings")));
    assert_eq!(latest(&here), latest(&there));
    mirror.kill().unwrap();
    mirror.wait().unwrap();
    uplink(3);
    let (mut mirror, mut lines) = follow();
    assert!(lines.any(|line| line.ends_with("new readings")), "what came meanwhile");
    assert_eq!(latest(&here), latest(&there));
    mirror.kill().unwrap();
    mirror.wait().unwrap();
}

/// Passes requests on to a station, and spoils the answers to some of them.
struct Spoiler {
    address: SocketAddr,
    spoiled: Arc<AtomicUsize>,
}

impl Spoiler {
    fn before(station: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, spoiled) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&spoiled);
        std::thread::spawn(move || {
            for (number, socket) in listener.incoming().enumerate() {
                let Ok(socket) = socket else { return };
                answer(socket, station, number, &count);
            }
        });
        Self { address, spoiled }
    }
}

/// Answers one request, and closes.
fn answer(mut socket: TcpStream, station: SocketAddr, number: usize, spoiled: &AtomicUsize) {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") && socket.read(&mut byte).is_ok_and(|read| read == 1) {
        request.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&request).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    if socket.read_exact(&mut body).is_err() {
        return;
    }
    let status = |line: &str, more: &str, body: &str| {
        format!("HTTP/1.1 {line}\r\ncontent-length: {}\r\n{more}connection: close\r\n\r\n{body}", body.len())
    };
    let spoil = match number {
        1 => Some(status("429 Too Many Requests", "retry-after: 1\r\n", "")),
        7 => Some(status("500 Internal Server Error", "", "<html>oops</html>")),
        9 => Some(status("200 OK", "", r#"{"code":"0","data":{"list":"none"}}"#)),
        11 => Some(status("200 OK", "", r#"{"code":"0","data":{"list":[[[1,"4097"]],[[["x"]]]]}}"#)),
        13 => Some(String::new()),
        15 => Some("HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n{\"code\":\"0\",\"data\":".to_owned()),
        _ => None,
    };
    if let Some(spoil) = spoil {
        spoiled.fetch_add(1, Ordering::Relaxed);
        let _ = socket.write_all(spoil.as_bytes());
        let _ = socket.shutdown(Shutdown::Both);
        return;
    }
    let mut there = TcpStream::connect(station).unwrap();
    let request = String::from_utf8(request).unwrap().replacen("\r\n", "\r\nconnection: close\r\n", 1);
    there.write_all(request.as_bytes()).unwrap();
    there.write_all(&body).unwrap();
    let mut answer = Vec::new();
    there.read_to_end(&mut answer).unwrap();
    let _ = socket.write_all(&answer);
    let _ = socket.shutdown(Shutdown::Both);
}

#[test]
fn a_station_that_answers_oddly_is_asked_again_and_nothing_is_stored_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let cloud = Cloud::set_up(folder);
    home(folder, &cloud.key);
    let spoiler = Spoiler::before(cloud.station.address);
    let url = format!("http://{}", spoiler.address);
    let output = cloud.mirror_from(folder, &url, &[]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let done: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(spoiler.spoiled.load(Ordering::Relaxed), 6, "each kind of odd answer came");
    assert_eq!((&done["differences"], &done["points"]), (&value!([]), &done["dm_spent"]));
    let station = serve(folder);
    for (here, there) in cloud.answers(&station).into_iter().zip(cloud.answers(&cloud.station)) {
        assert!(here == there, "{}: {} {}", here.0, here.1, there.1);
    }
}

#[test]
fn a_key_that_is_of_another_organization_now_fetches_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let cloud = Cloud::set_up(folder);
    home(folder, &cloud.key);
    let first = cloud.mirror(folder, &["--budget", "1"]).output().unwrap();
    assert!(String::from_utf8_lossy(&first.stderr).contains("is used up"));
    let state = fs::read_dir(folder.join("home")).unwrap().map(|entry| entry.unwrap().path());
    let state = state.into_iter().find(|path| path.extension().is_some_and(|of| of == "json")).unwrap();
    let mut known: Value = serde_json::from_slice(&fs::read(&state).unwrap()).unwrap();
    known["other_org"] = "4711".into();
    fs::write(&state, known.to_string()).unwrap();
    let refused = cloud.mirror(folder, &[]).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("was of 4711 before; nothing was fetched"), "{said}");
}

#[test]
fn a_station_whose_certificate_is_not_trusted_is_asked_nothing() {
    let there = tempfile::tempdir().unwrap();
    crate::tls::make_certificate(there.path());
    let (station, https) = crate::tls::serve(there.path(), &[]);
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    json(folder, &["--data-dir", "home", "org", "create", "--name", "Home"]);
    fs::write(folder.join("key.txt"), "0123456789ABCDEF0123456789ABCDEF").unwrap();
    let mut command = senstation(folder);
    command.args(["--data-dir", "home", "mirror", "--once", "--access-id", "0123456789ABCDEF"]);
    command.args(["--access-key-file", "key.txt", "--station", &format!("https://{https}")]);
    let refused = command.output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(
        !refused.status.success() && said.contains("certificate cannot be trusted, and nothing was asked"),
        "{said}"
    );
    drop(station);
}
