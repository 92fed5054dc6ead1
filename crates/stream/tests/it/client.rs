//! A client of MQTT 3.1.1 and MQTT 5, packet by packet.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    time::timeout,
};

use crate::support::Member;

/// How long anything may take that is to happen.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Client {
    pub(crate) socket: DuplexStream,
    pub(crate) version: u8,
    last_id: u16,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) topic: String,
    pub(crate) payload: String,
    pub(crate) id: Option<u16>,
    pub(crate) is_retained: bool,
    /// Numbers of subscriptions.
    pub(crate) numbers: Vec<u8>,
}

pub(crate) fn text(text: impl AsRef<[u8]>) -> Vec<u8> {
    let bytes = text.as_ref();
    [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat()
}

pub(crate) fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let (mut bytes, mut length) = (vec![first], body.len());
    while length >= 0x80 {
        bytes.push(length as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
    bytes.extend_from_slice(body);
    bytes
}

/// A connect; `flags` beside those of user and password, `extra` behind the client id.
pub(crate) fn connect(
    version: u8,
    name: &str,
    flags: u8,
    properties: &[u8],
    extra: &[u8],
    login: (&str, &str),
) -> Vec<u8> {
    let mut body = text("MQTT");
    body.extend_from_slice(&[version, 0xC0 | flags, 0, 60]);
    if version == 5 {
        body.push(properties.len() as u8);
        body.extend_from_slice(properties);
    }
    body.extend([text(name), extra.to_vec(), text(login.0), text(login.1)].concat());
    packet(0x10, &body)
}

impl Client {
    pub(crate) fn new(socket: DuplexStream, version: u8) -> Self {
        Self { socket, version, last_id: 0 }
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).await.unwrap();
    }

    /// The next packet; `None` where the connection has ended.
    pub(crate) async fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        timeout(PATIENCE, async {
            let first = self.socket.read_u8().await.ok()?;
            let (mut length, mut shift) = (0_usize, 0);
            loop {
                let byte = self.socket.read_u8().await.ok()?;
                length |= usize::from(byte & 0x7F) << shift;
                shift += 7;
                if byte & 0x80 == 0 {
                    assert!(byte != 0 || shift == 7, "a length has no more bytes than it needs");
                    break;
                }
            }
            let mut body = vec![0; length];
            self.socket.read_exact(&mut body).await.ok()?;
            Some((first, body))
        })
        .await
        .expect("something comes, or the connection ends")
    }

    pub(crate) async fn expect(&mut self, first: u8) -> Vec<u8> {
        let (kind, body) = self.next().await.expect("the connection is there");
        assert_eq!(kind, first, "{body:?}");
        body
    }

    /// Connects; what the answer says from its first flag on.
    pub(crate) async fn connect(
        &mut self,
        member: &Member,
        name: &str,
        is_clean: bool,
        expires_after_s: u32,
    ) -> Vec<u8> {
        let properties = [&[17][..], &expires_after_s.to_be_bytes()].concat();
        let login = (&*member.user(), &*member.secret);
        self.send(&connect(self.version, name, u8::from(is_clean) << 1, &properties, &[], login)).await;
        self.expect(0x20).await
    }

    /// Subscribes at QoS 1; what comes, acknowledged, until the answer and so many messages are here.
    pub(crate) async fn subscribe_anew(&mut self, filter: &str, count: usize) -> Vec<i64> {
        self.ask_to_subscribe(&[filter], 1).await;
        let (mut minutes, mut is_answered) = (Vec::new(), false);
        while !is_answered || minutes.len() < count {
            let (first, body) = self.next().await.expect("a packet comes");
            if first == 0x90 {
                is_answered = true;
                continue;
            }
            let message = self.read_message(first, &body);
            self.acknowledge(message.id.expect("QoS 1")).await;
            minutes.push(minute_of(&message));
        }
        minutes
    }

    /// Subscribes at a QoS; the codes of the answer.
    pub(crate) async fn subscribe(&mut self, filters: &[&str], qos: u8) -> Vec<u8> {
        let (id, properties) = self.ask_to_subscribe(filters, qos).await;
        let answer = self.expect(0x90).await;
        assert_eq!(answer[..2], id);
        answer[2 + properties..].to_vec()
    }

    /// The id of the packet, and how many bytes of properties it has.
    async fn ask_to_subscribe(&mut self, filters: &[&str], qos: u8) -> ([u8; 2], usize) {
        self.last_id += 1;
        let id = self.last_id.to_be_bytes();
        let properties: &[u8] = if self.version == 5 { &[0] } else { &[] };
        let filters = filters.iter().flat_map(|filter| [text(filter), vec![qos]].concat());
        let body: Vec<u8> = id.into_iter().chain(properties.iter().copied()).chain(filters).collect();
        self.send(&packet(0x82, &body)).await;
        (id, properties.len())
    }

    pub(crate) async fn message(&mut self) -> Message {
        let (first, body) = self.next().await.expect("a message comes");
        self.read_message(first, &body)
    }

    fn read_message(&self, first: u8, body: &[u8]) -> Message {
        assert_eq!(first & 0xF4, 0x30, "a message at QoS 0 or 1: {first:x} {body:?}");
        let (length, rest) = body.split_at(2);
        let (topic, mut rest) = rest.split_at(u16::from_be_bytes(length.try_into().unwrap()).into());
        let mut id = None;
        if first & 2 != 0 {
            id = Some(u16::from_be_bytes(rest[..2].try_into().unwrap()));
            rest = &rest[2..];
        }
        let mut numbers = Vec::new();
        if self.version == 5 {
            let (properties, payload) = rest[1..].split_at(rest[0].into());
            numbers = properties.chunks(2).inspect(|pair| assert_eq!(pair[0], 11)).map(|pair| pair[1]).collect();
            rest = payload;
        }
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Message { topic: text(topic), payload: text(rest), id, is_retained: first & 1 != 0, numbers }
    }

    /// The next message, acknowledged if it wants to be; which minute it is about.
    pub(crate) async fn minute(&mut self) -> i64 {
        let message = self.message().await;
        if let Some(id) = message.id {
            self.acknowledge(id).await;
        }
        minute_of(&message)
    }

    pub(crate) async fn minutes(&mut self, count: usize) -> Vec<i64> {
        let mut minutes = Vec::new();
        for _ in 0..count {
            minutes.push(self.minute().await);
        }
        minutes
    }

    pub(crate) async fn acknowledge(&mut self, id: u16) {
        self.send(&packet(0x40, &id.to_be_bytes())).await;
    }

    /// Asks whether the station is there: what it was asked before has been done by then.
    pub(crate) async fn ping(&mut self) {
        self.send(&[0xC0, 0]).await;
        assert!(self.expect(0xD0).await.is_empty());
    }

    pub(crate) async fn leave(mut self) {
        self.send(&[0xE0, 0]).await;
        assert_eq!(self.next().await, None);
    }

    /// Waits until the station ends the connection; why, if it says so.
    pub(crate) async fn ended(&mut self) -> Option<u8> {
        let mut reason = None;
        while let Some((first, body)) = self.next().await {
            if first == 0xE0 {
                reason = body.first().copied();
            }
        }
        reason
    }
}

pub(crate) fn minute_of(message: &Message) -> i64 {
    let value = message.payload.strip_prefix(r#"{"value":"#).unwrap();
    value[..value.find(',').unwrap()].parse().unwrap()
}
