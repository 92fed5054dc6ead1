//! How many may come, and what happens to them when the station stops.

use std::{
    io::{Read, Write},
    time::{Duration, Instant},
};

use rustix::process::{Resource, getrlimit, setrlimit};

use crate::support::{Answer, Farm, Station, UP, read_to_end, senstation};

fn station_with(folder: &std::path::Path, setting: &str, value: &str) -> Station {
    Station::start(folder, senstation(folder).args(["serve", "--http", "127.0.0.1:0"]).env(setting, value))
}

#[test]
fn one_address_gets_so_many_connections_and_the_next_is_told_so() {
    for (setting, status) in
        [("SENSTATION_HTTP_CONNECTIONS_PER_ADDRESS_MAX", 429), ("SENSTATION_HTTP_CONNECTIONS_MAX", 503)]
    {
        let folder = tempfile::tempdir().unwrap();
        let station = station_with(folder.path(), setting, "2");
        let [mut one, mut two] = [station.connect(), station.connect()];
        // An answer shows that both have their seats.
        for socket in [&mut one, &mut two] {
            socket.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
            socket.read_exact(&mut [0; 12]).unwrap();
        }
        let answer = Answer::parse(&read_to_end(&mut station.connect()));
        assert_eq!(answer.status, status, "{answer:?}");
        assert!(answer.head.contains("retry-after: "), "{answer:?}");
        assert!(answer.head.contains("api-gateway-mpuo-consume: 0"), "{answer:?}");
        assert!(answer.body["code"].is_string(), "{answer:?}");
    }
}

#[test]
fn a_log_that_cannot_be_written_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = senstation(folder.path());
    let station = Station::start_logging_to(full, folder.path(), command.args(["serve", "--http", "127.0.0.1:0"]));
    for _ in 0..3 {
        assert_eq!(Answer::parse(&station.talk(b"nonsense\r\n\r\n")).status, 400);
        assert_eq!(station.uplink("no token", UP.as_bytes()).status, 401);
    }
    station.terminate();
    assert!(station.wait().success());
}

#[test]
fn a_refused_client_can_send_on_and_still_read_the_answer() {
    let folder = tempfile::tempdir().unwrap();
    let station = Station::serve(folder.path());
    let mut socket = station.connect();
    socket.write_all(b"POST /openapi/view_devices HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n").unwrap();
    for _ in 0..30 {
        socket.write_all(&[b' '; 100_000]).unwrap();
    }
    assert_eq!(Answer::parse(&read_to_end(&mut socket)).status, 413);
}

#[test]
fn the_watch_runs_while_the_body_comes_in() {
    let folder = tempfile::tempdir().unwrap();
    let station = Station::serve(folder.path());
    let mut slow = station.connect();
    let head = "POST /openapi/view_devices HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n";
    slow.write_all(head.as_bytes()).unwrap();
    // The station asks for the body: it has the head.
    slow.read_exact(&mut [0; 25]).unwrap();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(300) {
        station.talk(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    }
    slow.write_all(b"{}").unwrap();
    let answer = Answer::parse(&read_to_end(&mut slow));
    let seconds = answer.head.split("api-gateway-excute-second: ").nth(1).and_then(|rest| rest.lines().next());
    assert!(seconds.unwrap().parse::<f64>().unwrap() >= 0.3, "{answer:?}");
}

#[test]
fn the_log_does_not_grow_with_every_refusal() {
    let folder = tempfile::tempdir().unwrap();
    let station = Station::serve(folder.path());
    let begun = Instant::now();
    for _ in 0..200 {
        assert_eq!(Answer::parse(&station.talk(b"GET\r\n\r\n")).status, 400);
    }
    let lines = std::fs::read_to_string(folder.path().join("log")).unwrap().matches("refused: ").count();
    let periods = usize::try_from(begun.elapsed().as_secs()).unwrap() + 1;
    assert!((1..=10 * periods).contains(&lines), "{lines} lines in {periods} s");
}

#[test]
fn what_is_under_way_when_the_station_stops_is_finished() {
    let folder = tempfile::tempdir().unwrap();
    let station = Station::serve(folder.path());
    let farm = Farm::set_up(folder);
    let mut idle = station.connect();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    idle.read_exact(&mut [0; 12]).unwrap();

    let mut busy = station.connect();
    let head = format!(
        "POST /ingest/chirpstack?event=up HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        farm.token,
        UP.len()
    );
    busy.write_all(head.as_bytes()).unwrap();
    // The station asks for the body: the request is under way.
    busy.read_exact(&mut [0; 25]).unwrap();
    station.terminate();
    // Idle connections are closed at once, so that this shows that the station is stopping.
    idle.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
    read_to_end(&mut idle);
    // Whoever asks twice at once does not mean "leave it as it is".
    station.terminate();
    busy.write_all(UP.as_bytes()).unwrap();
    let answer = Answer::parse(&read_to_end(&mut busy));
    assert_eq!((answer.status, &answer.body["stored"]), (200, &2.into()), "{answer:?}");
    assert!(station.wait().success());
    assert!(farm.log().contains("\"stopped\""), "{}", farm.log());
    assert!(!farm.path().join("senstation-data/control.sock").exists());
}

#[test]
fn a_body_that_never_comes_does_not_hold_the_stop() {
    let folder = tempfile::tempdir().unwrap();
    let station = Station::serve(folder.path());
    let [mut silent, mut halfway, mut busy] = [station.connect(), station.connect(), station.connect()];
    halfway.write_all(b"GET /healthz HTTP/1.1\r\nHost").unwrap();
    busy.write_all(
        b"POST /openapi/view_devices HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n",
    )
    .unwrap();
    busy.read_exact(&mut [0; 25]).unwrap();
    station.terminate();
    // Told to come again, not cut off without a word.
    let answer = Answer::parse(&read_to_end(&mut busy));
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.head.contains("retry-after: "), "{answer:?}");
    assert_eq!(read_to_end(&mut silent), "");
    assert_eq!(read_to_end(&mut halfway), "");
    assert!(station.wait().success());
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(!log.contains("were cut"), "{log}");
}

#[test]
fn two_thousand_slow_clients_keep_nobody_out() {
    let folder = tempfile::tempdir().unwrap();
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
    let station = Station::serve(folder.path());
    let slow: Vec<_> = (0..2_000)
        .map(|_| {
            let mut socket = station.connect();
            socket.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-").unwrap();
            socket
        })
        .collect();
    for _ in 0..100 {
        let answer = station.talk(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        assert_eq!(Answer::parse(&answer).status, 200);
    }
    // Each is told in the end what was wrong.
    for mut socket in slow {
        assert_eq!(Answer::parse(&read_to_end(&mut socket)).status, 408);
    }
}

#[test]
fn a_hangup_is_noticed_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let station = Station::serve(folder.path());
    station.signal("HUP");
    let log = || std::fs::read_to_string(folder.path().join("log")).unwrap();
    while !log().contains("nothing to reload") {
        station.talk(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    }
    station.terminate();
    assert!(station.wait().success());
}

#[test]
fn metrics_are_for_this_machine_or_an_address_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let station = Station::serve(folder.path());
    let get = |fields: &str| {
        station.talk(format!("GET /metrics HTTP/1.1\r\nHost: a\r\n{fields}Connection: close\r\n\r\n").as_bytes())
    };
    let shown = get("");
    assert!(shown.contains("senstation_http_connections") && shown.ends_with("# EOF\n"), "{shown}");
    assert_eq!(Answer::parse(&get("X-Forwarded-For: 203.0.113.9\r\n")).status, 404);

    let folder = tempfile::tempdir().unwrap();
    let apart = station_with(folder.path(), "SENSTATION_METRICS_LISTEN", "127.0.0.1:0");
    let answer = apart.talk(b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_eq!(Answer::parse(&answer).status, 404);
}
