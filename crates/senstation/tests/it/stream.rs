//! One reading's way out: a webhook carries it in, a reader of the stream hears of it.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::Value;

use crate::support::{EUI, Farm, Station, UP};

/// A client of MQTT 3.1.1 whose session is kept.
struct Reader(TcpStream);

fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u16).to_be_bytes()[..], text.as_bytes()].concat()
}

fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let low = body.len() as u8 | 0x80;
    [&[first, low, (body.len() >> 7) as u8][..], body].concat()
}

impl Reader {
    /// Connects; whether the session was there.
    fn connect(station: &Station, farm: &Farm) -> (Self, bool) {
        let door: SocketAddr = station.greeting.split("mqtt://").nth(1).unwrap().trim().parse().unwrap();
        let mut socket = TcpStream::connect(door).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let (user, key) = (format!("org-{}", farm.org), farm.key["access_key"].as_str().unwrap());
        let body = [text("MQTT"), vec![4, 0xC0, 0, 0], text("bridge"), text(&user), text(key)].concat();
        socket.write_all(&packet(0x10, &body)).unwrap();
        let mut answer = [0; 4];
        socket.read_exact(&mut answer).unwrap();
        assert_eq!((&answer[..2], answer[3]), (&[0x20, 2][..], 0));
        (Self(socket), answer[2] == 1)
    }

    fn subscribe(&mut self, filter: &str) {
        self.0.write_all(&packet(0x82, &[&[0, 1][..], &text(filter), &[1]].concat())).unwrap();
        let mut answer = [0; 5];
        self.0.read_exact(&mut answer).unwrap();
        assert_eq!(answer, [0x90, 3, 0, 1, 1]);
    }

    /// The next message, acknowledged: topic and body.
    fn message(&mut self) -> (String, Value) {
        let mut head = [0; 2];
        self.0.read_exact(&mut head).unwrap();
        // What was under way when the reader went comes as a duplicate.
        assert_eq!(head[0] & !0x08, 0x32, "a message at QoS 1");
        let mut body = vec![0; head[1].into()];
        self.0.read_exact(&mut body).unwrap();
        let (topic, rest) = body[2..].split_at(u16::from_be_bytes([body[0], body[1]]).into());
        self.0.write_all(&[&[0x40, 2][..], &rest[..2]].concat()).unwrap();
        (String::from_utf8(topic.to_vec()).unwrap(), serde_json::from_slice(&rest[2..]).unwrap())
    }

    /// When the next uplink was measured, by both of its readings.
    fn uplink(&mut self, farm: &Farm) -> i64 {
        let (temperature, humidity) = (self.message(), self.message());
        let below = format!("/{}/{EUI}/1/vs/", farm.org);
        assert!(temperature.0.ends_with(&format!("{below}4097")), "{temperature:?}");
        assert!(humidity.0.ends_with(&format!("{below}4098")), "{humidity:?}");
        assert_eq!((&temperature.1["value"], &humidity.1["value"]), (&Value::from(21.4), &Value::from(31.4)));
        assert_eq!(temperature.1["timestamp"], humidity.1["timestamp"]);
        temperature.1["timestamp"].as_i64().unwrap()
    }
}

/// Sends uplinks, one for each second.
fn send(station: &Station, farm: &Farm, seconds: std::ops::Range<u32>) {
    for second in seconds {
        let mut body: Value = serde_json::from_str(UP).unwrap();
        body["deduplicationId"] = format!("{second}").into();
        body["time"] = format!("2026-07-10T02:39:{second:02}.000+00:00").into();
        assert_eq!(station.uplink(&farm.token, body.to_string().as_bytes()).status, 200);
    }
}

#[test]
fn a_reader_that_was_away_while_the_station_was_killed_receives_everything() {
    let folder = tempfile::tempdir().unwrap();
    let station = Station::serve(folder.path());
    let farm = Farm::set_up(folder);
    let (mut reader, was_known) = Reader::connect(&station, &farm);
    assert!(!was_known);
    reader.subscribe(&::stream::every_reading(farm.org.parse().unwrap()));
    send(&station, &farm, 0..3);
    let first = reader.uplink(&farm);
    assert_eq!([reader.uplink(&farm), reader.uplink(&farm)].map(|at| at - first), [1_000, 2_000]);
    drop(reader);
    send(&station, &farm, 3..20);
    station.kill();
    let station = Station::serve(farm.path());
    send(&station, &farm, 20..30);
    let (mut reader, was_known) = Reader::connect(&station, &farm);
    assert!(was_known);
    // What was acknowledged in the second before the station was killed may come again.
    let mut next = (reader.uplink(&farm) - first) / 1_000;
    assert!(next <= 3, "{next}");
    while next < 29 {
        let at = (reader.uplink(&farm) - first) / 1_000;
        assert_eq!(at, next + 1);
        next = at;
    }
    station.terminate();
    assert!(station.wait().success());
}
