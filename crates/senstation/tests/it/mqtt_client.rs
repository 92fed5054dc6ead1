//! A client of MQTT 3.1.1 that says exactly what it is told to say.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::Value;

use crate::support::{Farm, Station};

pub(crate) struct Client(pub(crate) TcpStream);

pub(crate) fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u16).to_be_bytes()[..], text.as_bytes()].concat()
}

fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let low = body.len() as u8 | 0x80;
    [&[first, low, (body.len() >> 7) as u8][..], body].concat()
}

impl Client {
    /// Connects with a session that is kept; what the station answers: whether it was there, and a code.
    pub(crate) fn connect(station: &Station, name: &str, user: &str, password: &str) -> (Self, [u8; 2]) {
        let door: SocketAddr = station.greeting.split("mqtt://").nth(1).unwrap().trim().parse().unwrap();
        let mut socket = TcpStream::connect(door).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let body = [text("MQTT"), vec![4, 0xC0, 0, 0], text(name), text(user), text(password)].concat();
        socket.write_all(&packet(0x10, &body)).unwrap();
        let mut answer = [0; 4];
        socket.read_exact(&mut answer).unwrap();
        assert_eq!(answer[..2], [0x20, 2]);
        (Self(socket), [answer[2], answer[3]])
    }

    /// As [`Client::connect`], with the key of a farm; whether the session was there.
    pub(crate) fn reader(station: &Station, farm: &Farm, name: &str) -> (Self, bool) {
        let (user, key) = (format!("org-{}", farm.org), farm.key["access_key"].as_str().unwrap());
        let (client, [was_known, code]) = Self::connect(station, name, &user, key);
        assert_eq!(code, 0);
        (client, was_known == 1)
    }

    pub(crate) fn subscribe(&mut self, filter: &str) {
        self.0.write_all(&packet(0x82, &[&[0, 1][..], &text(filter), &[1]].concat())).unwrap();
        let mut answer = [0; 5];
        self.0.read_exact(&mut answer).unwrap();
        assert_eq!(answer, [0x90, 3, 0, 1, 1]);
    }

    /// Publishes at QoS 1, and waits until the station has it.
    pub(crate) fn publish(&mut self, topic: &str, payload: &str) {
        self.0.write_all(&packet(0x32, &[&text(topic)[..], &[0, 7], payload.as_bytes()].concat())).unwrap();
        let mut answer = [0; 4];
        self.0.read_exact(&mut answer).unwrap();
        assert_eq!(answer, [0x40, 2, 0, 7]);
    }

    /// The next message, acknowledged: topic and body.
    pub(crate) fn message(&mut self) -> (String, Value) {
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
}
