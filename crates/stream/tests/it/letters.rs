//! A client of the private space: publishing, and reading what was published, whole.

use crate::{
    client::{Client, packet, text},
    support::{App, Member},
};

/// A message as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Letter {
    pub(crate) topic: String,
    pub(crate) payload: String,
    pub(crate) qos: u8,
    pub(crate) id: u16,
    pub(crate) retain: bool,
    pub(crate) is_again: bool,
    pub(crate) properties: Vec<u8>,
}

/// What a client says when it connects, beside who it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Terms<'a> {
    pub(crate) is_kept: bool,
    pub(crate) properties: &'a [u8],
    pub(crate) keep_alive_s: u8,
    /// Flags of the will, and what stands for it behind the client id.
    pub(crate) will: Option<(u8, Vec<u8>)>,
}

/// An hour, as a property.
pub(crate) const AN_HOUR: &[u8] = &[17, 0, 0, 14, 16];

/// A will, with its properties where the version has some.
pub(crate) fn will(version: u8, properties: &[u8], topic: &str, payload: &str) -> Vec<u8> {
    let head = if version == 5 { [&[properties.len() as u8], properties].concat() } else { Vec::new() };
    [head, text(topic), text(payload)].concat()
}

impl Client {
    /// Connects; the answer from its first flag on.
    pub(crate) async fn enter(&mut self, member: &Member, name: &str, terms: Terms<'_>) -> Vec<u8> {
        self.knock(member, name, terms).await;
        self.expect(0x20).await
    }

    pub(crate) async fn knock(&mut self, member: &Member, name: &str, terms: Terms<'_>) {
        let Terms { is_kept, properties, keep_alive_s, will } = terms;
        let (will_flags, will) = will.map_or((0, Vec::new()), |(flags, will)| (0x04 | flags, will));
        let mut body = text("MQTT");
        let clean = if is_kept { 0 } else { 2 };
        body.extend_from_slice(&[self.version, 0xC0 | clean | will_flags, 0, keep_alive_s]);
        if self.version == 5 {
            let kept: &[u8] = if is_kept && !properties.contains(&17) { AN_HOUR } else { &[] };
            body.push((properties.len() + kept.len()) as u8);
            body.extend([properties, kept].concat());
        }
        body.extend([text(name), will, text(member.user()), text(&member.secret)].concat());
        self.send(&packet(0x10, &body)).await;
    }

    /// Publishes without waiting for anything.
    pub(crate) async fn post(&mut self, flags: u8, id: u16, properties: &[u8], topic: &str, payload: &str) {
        let mut body = text(topic);
        if flags & 6 != 0 {
            body.extend_from_slice(&id.to_be_bytes());
        }
        if self.version == 5 {
            body.push(properties.len() as u8);
            body.extend_from_slice(properties);
        }
        body.extend_from_slice(payload.as_bytes());
        self.send(&packet(0x30 | flags, &body)).await;
    }

    /// Publishes, and waits until the station has it.
    pub(crate) async fn publish(&mut self, qos: u8, topic: &str, payload: &str) {
        self.publish_with(qos << 1, &[], topic, payload).await;
    }

    pub(crate) async fn publish_with(&mut self, flags: u8, properties: &[u8], topic: &str, payload: &str) {
        let id = 77_u16;
        self.post(flags, id, properties, topic, payload).await;
        match flags >> 1 & 3 {
            0 => self.ping().await,
            1 => assert_eq!(self.expect(0x40).await, id.to_be_bytes()),
            _ => {
                assert_eq!(self.expect(0x50).await, id.to_be_bytes());
                self.send(&packet(0x62, &id.to_be_bytes())).await;
                assert_eq!(self.expect(0x70).await, id.to_be_bytes());
            }
        }
    }

    /// Subscribes with options; the codes of the answer.
    pub(crate) async fn ask(&mut self, number: Option<u8>, filters: &[(&str, u8)]) -> Vec<u8> {
        let properties = number.map_or(vec![0], |number| vec![2, 11, number]);
        let properties = if self.version == 5 { &properties[..] } else { &[] };
        let filters = filters.iter().flat_map(|(filter, options)| [text(filter), vec![*options]].concat());
        let body: Vec<u8> = [0, 9].into_iter().chain(properties.iter().copied()).chain(filters).collect();
        self.send(&packet(0x82, &body)).await;
        let answer = self.expect(0x90).await;
        assert_eq!(answer[..2], [0, 9]);
        answer[if self.version == 5 { 3 } else { 2 }..].to_vec()
    }

    /// The next message, not acknowledged.
    pub(crate) async fn letter(&mut self) -> Letter {
        let (first, body) = self.next().await.expect("a message comes");
        assert_eq!(first & 0xF0, 0x30, "a message: {first:x} {body:?}");
        let (length, rest) = body.split_at(2);
        let (topic, mut rest) = rest.split_at(u16::from_be_bytes(length.try_into().unwrap()).into());
        let (mut id, mut properties) = (0, Vec::new());
        if first & 6 != 0 {
            id = u16::from_be_bytes(rest[..2].try_into().unwrap());
            rest = &rest[2..];
        }
        if self.version == 5 {
            let (given, payload) = rest[1..].split_at(rest[0].into());
            properties = given.to_vec();
            rest = payload;
        }
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Letter {
            topic: text(topic),
            payload: text(rest),
            qos: first >> 1 & 3,
            id,
            retain: first & 1 != 0,
            is_again: first & 8 != 0,
            properties,
        }
    }

    /// The next message, received as its QoS needs.
    pub(crate) async fn receive(&mut self) -> Letter {
        let letter = self.letter().await;
        let id = letter.id.to_be_bytes();
        match letter.qos {
            0 => {}
            1 => self.send(&packet(0x40, &id)).await,
            _ => {
                self.send(&packet(0x50, &id)).await;
                assert_eq!(self.expect(0x62).await, id);
                self.send(&packet(0x70, &id)).await;
            }
        }
        letter
    }

    /// The body of the next message; the rest of its QoS is left for later, as answers may come in between.
    pub(crate) async fn receive_later(&mut self) -> String {
        loop {
            let (first, body) = self.next().await.expect("a message comes");
            if first == 0x62 {
                self.send(&packet(0x70, &body[..2])).await;
                continue;
            }
            assert_eq!(first & 0xF0, 0x30, "{first:x}");
            let length = usize::from(u16::from_be_bytes([body[0], body[1]]));
            let (id, rest) = body[2 + length..].split_at(2);
            self.send(&packet(if first & 6 == 2 { 0x40 } else { 0x50 }, id)).await;
            let skipped = if self.version == 5 { 1 + usize::from(rest[0]) } else { 0 };
            return String::from_utf8(rest[skipped..].to_vec()).unwrap();
        }
    }

    /// The bodies of the next messages.
    pub(crate) async fn bodies(&mut self, count: usize) -> Vec<String> {
        let mut bodies = Vec::new();
        for _ in 0..count {
            bodies.push(self.receive().await.payload);
        }
        bodies
    }
}

impl App {
    /// A client of the private space, with nothing to be kept.
    pub(crate) async fn clerk(&mut self, version: u8, member: &Member, name: &str) -> Client {
        self.clerk_with(version, member, name, Terms::default()).await
    }

    pub(crate) async fn clerk_with(&mut self, version: u8, member: &Member, name: &str, terms: Terms<'_>) -> Client {
        let mut client = self.client(version);
        let answer = client.enter(member, name, terms).await;
        assert_eq!(answer[1], 0, "{answer:?}");
        client
    }

    /// An organization that nobody is in yet, and a source of kind `mqtt` of it.
    pub(crate) async fn office(&self) -> Member {
        let member = self.member().await;
        self.source(member.org).await
    }
}
