//! `GET /api/live`: the stream as server-sent events, by the whole process.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
};

use serde_json::{Value, json as value};

use crate::support::{EUI, Farm, Station, basic, json};

/// Readings of one post.
const BATCH: usize = 100;

/// Who hears the stream.
struct Listener {
    socket: BufReader<TcpStream>,
    text: String,
}

/// One event: its id, if it has one, and its topic and payload.
#[derive(Debug, Clone, PartialEq)]
struct Heard {
    id: Option<String>,
    topic: String,
    payload: Value,
}

fn request(query: &str, key: &Value, last: Option<&str>) -> String {
    let last = last.map(|id| format!("Last-Event-ID: {id}\r\n")).unwrap_or_default();
    let authorization = basic(key);
    format!("GET /api/live{query} HTTP/1.1\r\nHost: station\r\nAuthorization: {authorization}\r\n{last}\r\n")
}

impl Listener {
    fn open(station: &Station, query: &str, key: &Value, last: Option<&str>) -> Self {
        let mut socket = station.connect();
        socket.write_all(request(query, key, last).as_bytes()).unwrap();
        let mut listener = Self { socket: BufReader::new(socket), text: String::new() };
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(listener.socket.read_line(&mut head).unwrap() > 0, "{head}");
        }
        let head = head.to_ascii_lowercase();
        assert!(head.starts_with("http/1.1 200 ") && head.contains("content-type: text/event-stream"), "{head}");
        listener
    }

    /// The next event; `None` where the stream has ended.
    fn event(&mut self) -> Option<Heard> {
        loop {
            while let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                if let Some(data) = field("data") {
                    assert_eq!(field("event"), Some("message"), "{event}");
                    let data: Value = serde_json::from_str(data).unwrap();
                    let topic = data["topic"].as_str().unwrap().to_owned();
                    return Some(Heard { id: field("id").map(str::to_owned), topic, payload: data["payload"].clone() });
                }
            }
            let mut length = String::new();
            if self.socket.read_line(&mut length).unwrap() == 0 {
                return None;
            }
            let length = usize::from_str_radix(length.trim(), 16).unwrap();
            let mut chunk = vec![0; length + 2];
            self.socket.read_exact(&mut chunk).unwrap();
            if length == 0 {
                return None;
            }
            self.text.push_str(std::str::from_utf8(&chunk[..length]).unwrap());
        }
    }

    fn heard(&mut self) -> Heard {
        self.event().expect("an event comes")
    }

    /// The values of the next uplinks of one reading each.
    fn values(&mut self, count: usize) -> Vec<i64> {
        (0..count).map(|_| self.heard().payload["value"].as_i64().unwrap()).collect()
    }
}

/// An organization with a source of readings, and a key that may listen.
struct Org {
    farm: Farm,
    token: String,
    key: Value,
}

/// A key of an organization that may listen.
fn manager(folder: &Path, org: &str) -> Value {
    json(folder, &["key", "create", "--org", org, "--scopes", "manage"])
}

impl Org {
    fn new() -> (Station, Self) {
        let folder = tempfile::tempdir().unwrap();
        let station = Station::serve(folder.path());
        let farm = Farm::set_up(folder);
        let (token, key) = (farm.source(&farm.org, "http"), manager(farm.path(), &farm.org));
        (station, Self { farm, token, key })
    }

    fn topic(&self, rest: &str) -> String {
        format!("/device_sensor_data/{}/{rest}", self.farm.org)
    }
}

/// One uplink for each value, a second apart.
fn send(station: &Station, token: &str, values: std::ops::Range<i64>) {
    for value in values {
        post(station, token, &value!([reading(1, value, value)]));
    }
}

fn reading(channel: usize, second: i64, value: i64) -> Value {
    let time = 1_783_651_184_000 + second * 1_000;
    value!({"device": EUI, "time": time, "channel": channel, "measurement": 4097, "value": value})
}

fn post(station: &Station, token: &str, body: &Value) {
    let answer = station.send("POST", "/ingest/http", &format!("Bearer {token}"), body.to_string().as_bytes());
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[test]
fn readings_come_as_mqtt_tells_them_and_as_filters_say() {
    let (station, org) = Org::new();
    let key = &org.key;
    let mut all = Listener::open(&station, "", key, None);
    let first = org.topic(&format!("{EUI}/1/vs/4097"));
    let filters = format!("?filter={}&filter={}", org.topic("%2B/2/vs/%2B"), org.topic(&format!("{EUI}/3/%23")));
    let mut some = Listener::open(&station, &filters, key, None);
    let readings: Vec<Value> = (1..=3).map(|channel| reading(channel, 0, channel as i64)).collect();
    post(&station, &org.token, &Value::from(readings));

    let heard: Vec<Heard> = (0..3).map(|_| all.heard()).collect();
    assert_eq!(heard[0].topic, first);
    assert_eq!(heard[0].payload, value!({"value": 1, "timestamp": 1_783_651_184_000_i64}));
    let ids: Vec<bool> = heard.iter().map(|event| event.id.is_some()).collect();
    assert_eq!(ids, [false, false, true], "the last of an uplink says where to go on");
    let topics: Vec<String> = (0..2).map(|_| some.heard().topic).collect();
    assert_eq!(topics, [2, 3].map(|channel| org.topic(&format!("{EUI}/{channel}/vs/4097"))));
}

#[test]
fn what_is_no_filter_of_ones_own_or_no_place_is_refused() {
    let (station, org) = Org::new();
    let many = "filter=%2Fdevice_sensor_data&".repeat(21);
    for query in
        ["?filter=%23", "?filter=", "?filter=/device_sensor_data/1/%23", "?filter=$SYS/%23", &format!("?{many}")]
    {
        let answer = station.get(&format!("/api/live{query}"), &org.key);
        assert_eq!(answer.status, 422, "{query}: {answer:?}");
    }
    for last in ["x", "-1", "18446744073709551616"] {
        let request = request("", &org.key, Some(last)).replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
        assert!(station.talk(request.as_bytes()).starts_with("HTTP/1.1 422 "), "{last}");
    }
    let none = value!({"access_id": "0123456789ABCDEF", "access_key": "0"});
    assert_eq!(station.get("/api/live", &none).status, 401);
    assert_eq!(station.get("/api/live", &org.farm.key).status, 403, "a key that may read and write");
}

#[test]
fn who_comes_back_goes_on_behind_what_was_seen_last_also_after_a_kill() {
    let (station, org) = Org::new();
    let mut listener = Listener::open(&station, "", &org.key, None);
    send(&station, &org.token, 0..3);
    assert_eq!(listener.values(2), [0, 1]);
    let last = listener.heard().id;
    drop(listener);
    send(&station, &org.token, 3..50);
    station.kill();
    let station = Station::serve(org.farm.path());
    send(&station, &org.token, 50..60);
    let mut listener = Listener::open(&station, "", &org.key, last.as_deref());
    assert_eq!(listener.values(57), (3..60).collect::<Vec<_>>());
    send(&station, &org.token, 60..62);
    assert_eq!(listener.values(2), [60, 61]);
}

#[test]
fn another_organization_is_not_heard() {
    let (station, org) = Org::new();
    let other = org.farm.another("Neighbour");
    let theirs = org.farm.source(&other, "http");
    let mut listener = Listener::open(&station, "", &org.key, None);
    let mut resumed = Listener::open(&station, "", &org.key, Some("0"));
    send(&station, &theirs, 0..5);
    send(&station, &org.token, 100..101);
    send(&station, &theirs, 5..10);
    send(&station, &org.token, 101..102);
    for listener in [&mut listener, &mut resumed] {
        assert_eq!(listener.values(2), [100, 101]);
    }
}

#[test]
fn who_reads_slowly_misses_nothing() {
    let (station, org) = Org::new();
    let mut listener = Listener::open(&station, "", &org.key, None);
    // More uplinks than are kept for a reader, and more bytes than two sockets hold.
    const POSTS: usize = 600;
    for at in 0..POSTS {
        let readings = (0..BATCH).map(|channel| reading(channel + 1, at as i64, at as i64)).collect::<Vec<_>>();
        post(&station, &org.token, &Value::from(readings));
    }
    let mut expected = (0..POSTS as i64).flat_map(|at| [at; BATCH]);
    assert!(listener.values(POSTS * BATCH).into_iter().eq(&mut expected));
    send(&station, &org.token, 1_000..1_001);
    assert_eq!(listener.values(1), [1_000]);
}

#[test]
fn a_revoked_key_hears_nothing_more_and_a_station_that_stops_ends_it() {
    let (station, org) = Org::new();
    let second = manager(org.farm.path(), &org.farm.org);
    let mut revoked = Listener::open(&station, "", &org.key, None);
    let mut stays = Listener::open(&station, "", &second, None);
    send(&station, &org.token, 0..1);
    assert_eq!((revoked.values(1), stays.values(1)), (vec![0], vec![0]));
    let id = org.key["access_id"].as_str().unwrap();
    json(org.farm.path(), &["key", "revoke", "--access-id", id]);
    assert_eq!(revoked.event(), None);
    send(&station, &org.token, 1..2);
    assert_eq!(stays.values(1), [1]);
    station.terminate();
    assert_eq!(stays.event(), None);
    assert!(station.wait().success());
}
