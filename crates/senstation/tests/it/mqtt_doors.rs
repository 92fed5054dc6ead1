//! MQTT through every door: in the clear and over TLS, by TCP and by WebSocket, on its own ports and the HTTP ports.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::Value;

use crate::{
    mqtt_client::text,
    support::{Farm, Station, json, senstation},
    tls::{connect, make_certificate},
};

trait Wire: Read + Write {}

impl<T: Read + Write> Wire for T {}

/// A connect of MQTT 5 with a key.
fn hello(farm: &Farm, name: &str) -> Vec<u8> {
    let (user, key) = (format!("org-{}", farm.org), farm.key["access_key"].as_str().unwrap());
    let body = [text("MQTT"), vec![5, 0xC2, 0, 0, 0], text(name), text(&user), text(key)].concat();
    [&[0x10, body.len() as u8 | 0x80, (body.len() >> 7) as u8][..], &body].concat()
}

/// One packet, as it comes.
fn packet(wire: &mut dyn Wire) -> Vec<u8> {
    let mut head = [0; 2];
    wire.read_exact(&mut head).unwrap();
    let mut body = vec![0; head[1].into()];
    wire.read_exact(&mut body).unwrap();
    [&head[..], &body].concat()
}

/// Connects and pings; the station says goodbye when it stops.
fn talk(wire: &mut dyn Wire, farm: &Farm, name: &str) {
    wire.write_all(&hello(farm, name)).unwrap();
    let answer = packet(wire);
    assert_eq!((answer[0], answer[3]), (0x20, 0), "{answer:?}");
    wire.write_all(&[0xC0, 0]).unwrap();
    assert_eq!(packet(wire), [0xD0, 0]);
}

fn hears_goodbye(wire: &mut dyn Wire) {
    assert_eq!(packet(wire), [0xE0, 1, 0x8B]);
}

/// The client's side of a WebSocket, frame by frame.
struct WebSocket<'a> {
    wire: Box<dyn Wire + 'a>,
    arrived: Vec<u8>,
}

const UPGRADE: &str = "Host: station\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqttv3.1, mqtt\r\n";

fn head(wire: &mut dyn Wire) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        wire.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

impl<'a> WebSocket<'a> {
    fn open(mut wire: impl Wire + 'a) -> Self {
        wire.write_all(format!("GET /mqtt HTTP/1.1\r\n{UPGRADE}\r\n").as_bytes()).unwrap();
        let head = head(&mut wire).to_ascii_lowercase();
        assert!(head.starts_with("http/1.1 101 "), "{head}");
        // The example of RFC 6455.
        assert!(head.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="), "{head}");
        assert!(head.contains("sec-websocket-protocol: mqtt\r\n"), "{head}");
        Self { wire: Box::new(wire), arrived: Vec::new() }
    }
}

impl Read for WebSocket<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        while self.arrived.is_empty() {
            let mut head = [0; 2];
            self.wire.read_exact(&mut head)?;
            assert_eq!(head[0], 0x82, "a binary message");
            let mut body = vec![0; head[1].into()];
            self.wire.read_exact(&mut body)?;
            self.arrived = body;
        }
        let count = out.len().min(self.arrived.len());
        out[..count].copy_from_slice(&self.arrived[..count]);
        self.arrived.drain(..count);
        Ok(count)
    }
}

impl Write for WebSocket<'_> {
    /// In two messages, as a packet need not be one.
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        for part in [&bytes[..1], &bytes[1..]] {
            let mut frame = vec![0x82];
            match part.len() {
                length @ 0..126 => frame.push(0x80 | length as u8),
                length => {
                    frame.push(0x80 | 126);
                    frame.extend_from_slice(&(length as u16).to_be_bytes());
                }
            }
            let mask = [1, 2, 3, 4];
            frame.extend_from_slice(&mask);
            frame.extend(part.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
            self.wire.write_all(&frame)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.wire.flush()
    }
}

/// A station with every door open, and where they are.
fn serve(folder: tempfile::TempDir) -> (Station, Farm, impl Fn(&str) -> SocketAddr) {
    make_certificate(folder.path());
    let mut command = senstation(folder.path());
    command.args(["--json", "serve", "--http", "127.0.0.1:0", "--https", "127.0.0.1:0"]);
    command.args([
        "--tls-certificate",
        "senstation-data/tls/station.crt",
        "--tls-key",
        "senstation-data/tls/station.key",
    ]);
    let station = Station::start(folder.path(), &mut command);
    let greeting: Value = serde_json::from_str(&station.greeting).unwrap();
    let farm = Farm::set_up(folder);
    let address = move |name: &str| {
        let url = greeting[name].as_str().unwrap_or_else(|| panic!("{name}: {greeting}"));
        url.split("://").nth(1).unwrap().parse().unwrap()
    };
    (station, farm, address)
}

fn dial(address: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    socket
}

/// 3.1.1: 6.0.0-2, 6.0.0-4, 7.1.1-1
/// 5: 3.14.2-2, 4.2-1, 6.0.0-2, 6.0.0-4
#[test]
fn mqtt_is_spoken_through_every_door_and_nobody_is_left_without_a_goodbye() {
    let (station, farm, address) = serve(tempfile::tempdir().unwrap());
    let encrypted =
        |name: &str| connect(farm.path(), address(name), "station.lan", &[&rustls::version::TLS13]).unwrap();
    let mut wires: Vec<(&str, Box<dyn Wire>)> = vec![
        ("mqtt", Box::new(dial(address("mqtt")))),
        ("ws", Box::new(WebSocket::open(dial(address("mqtt_ws"))))),
        ("ws on the HTTP port", Box::new(WebSocket::open(dial(address("url"))))),
        ("wss on the HTTPS port", Box::new(WebSocket::open(encrypted("https_url")))),
        ("wss", Box::new(WebSocket::open(encrypted("mqtt_ws")))),
        ("mqtts", Box::new(encrypted_mqtt(&farm, address("mqtts")))),
    ];
    for (name, wire) in &mut wires {
        talk(&mut **wire, &farm, name);
    }
    station.terminate();
    for (_, wire) in &mut wires {
        hears_goodbye(&mut **wire);
    }
    drop(wires);
    assert!(station.wait().success());
}

/// As a client of MQTT does it, which names no protocol of HTTP.
fn encrypted_mqtt(farm: &Farm, address: SocketAddr) -> crate::tls::Encrypted {
    crate::tls::connect_as(farm.path(), address, "station.lan", &[&rustls::version::TLS13], &[]).unwrap()
}

/// 3.1.1: 6.0.0-1
/// 5: 6.0.0-1
#[test]
fn what_is_no_websocket_is_refused_in_an_envelope() {
    let (station, _farm, address) = serve(tempfile::tempdir().unwrap());
    let without = |line: &str| UPGRADE.replacen(line, "", 1);
    for (what, request, status) in [
        ("no upgrade", "GET /mqtt HTTP/1.1\r\nHost: a\r\n".to_owned(), 426),
        ("another method", format!("POST /mqtt HTTP/1.1\r\nContent-Length: 0\r\n{UPGRADE}"), 426),
        ("another version", format!("GET /mqtt HTTP/1.1\r\n{}", UPGRADE.replace("13", "8")), 426),
        (
            "no key",
            format!("GET /mqtt HTTP/1.1\r\n{}", without("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")),
            426,
        ),
        (
            "no sub-protocol",
            format!("GET /mqtt HTTP/1.1\r\n{}", without("Sec-WebSocket-Protocol: mqttv3.1, mqtt\r\n")),
            400,
        ),
        ("another path", format!("GET /mqtt/ HTTP/1.1\r\n{UPGRADE}"), 404),
    ] {
        let answer = station.talk(format!("{request}Connection: close\r\n\r\n").as_bytes());
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{what}: {answer}");
        assert!(answer.contains(r#""code":"#), "{what}: {answer}");
    }
    // The port for WebSockets alone has no envelopes, and no other paths.
    for (request, status) in [
        (format!("GET /openapi HTTP/1.1\r\n{UPGRADE}\r\n"), 404),
        (format!("GET /mqtt HTTP/1.1\r\n{}\r\n", without("Sec-WebSocket-Protocol: mqttv3.1, mqtt\r\n")), 400),
    ] {
        let mut socket = dial(address("mqtt_ws"));
        socket.write_all(request.as_bytes()).unwrap();
        assert!(head(&mut socket).starts_with(&format!("HTTP/1.1 {status} ")), "{request}");
    }
    // A text is no packet.
    let mut socket = dial(address("url"));
    socket.write_all(format!("GET /mqtt HTTP/1.1\r\n{UPGRADE}\r\n").as_bytes()).unwrap();
    head(&mut socket);
    socket.write_all(&[0x81, 0x81, 0, 0, 0, 0, b'a']).unwrap();
    assert_eq!(socket.read_to_end(&mut Vec::new()).map(drop).err().map(|error| error.kind()), None);
    // MQTT in the clear has no answer where TLS is spoken.
    let mut plain = dial(address("mqtts"));
    plain.write_all(&[0x10, 0]).unwrap();
    assert_eq!(plain.read_to_end(&mut Vec::new()).unwrap_or_default(), 0);
}

#[test]
fn a_new_certificate_is_shown_on_the_port_of_mqtt_too() {
    let (station, farm, address) = serve(tempfile::tempdir().unwrap());
    let shown = || encrypted_mqtt(&farm, address("mqtts")).conn.peer_certificates().unwrap()[0].clone().into_owned();
    let first = shown();
    let mut old = encrypted_mqtt(&farm, address("mqtts"));
    talk(&mut old, &farm, "old");
    json(farm.path(), &["ca", "issue", "--host", "station.lan", "--replace"]);
    station.signal("HUP");
    while !std::fs::read_to_string(farm.path().join("log")).unwrap().contains("was read again") {
        old.write_all(&[0xC0, 0]).unwrap();
        assert_eq!(packet(&mut old), [0xD0, 0]);
    }
    assert_ne!(shown(), first);
}
