//! What a server sends.

use super::{Reason, Version, properties::id};

/// What a client is told when it is let in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Welcome<'a> {
    pub(crate) session_is_present: bool,
    /// What it is called, if it did not say.
    pub(crate) assigned_id: Option<&'a str>,
    /// How long its session is kept, if that is not what it asked for.
    pub(crate) expires_after_s: Option<u32>,
    pub(crate) packet_bytes_max: u32,
    /// How many messages it may have under way that were not acknowledged; `None` where any may be.
    pub(crate) receive_max: Option<u16>,
    /// How many topics it may name by a number.
    pub(crate) aliases_max: u16,
    /// After how many seconds without a word it is gone, if that is not what it asked for.
    pub(crate) keep_alive_s: Option<u16>,
    /// Whether subscriptions can be shared.
    pub(crate) has_shares: bool,
}

/// One message on its way to one client.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Message<'a> {
    pub(crate) topic: &'a [u8],
    pub(crate) payload: &'a [u8],
    pub(crate) qos: u8,
    /// Its number, where the client is to acknowledge it.
    pub(crate) id: Option<u16>,
    /// Whether it was sent before.
    pub(crate) is_again: bool,
    pub(crate) retain: bool,
    /// What only MQTT 5 has.
    pub(crate) more: More<'a>,
}

/// What of a message only MQTT 5 has.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct More<'a> {
    /// The number that stands for the topic, or will.
    pub(crate) alias: Option<u16>,
    pub(crate) expires_after_s: Option<u32>,
    /// Properties as the publisher wrote them.
    pub(crate) passed_on: &'a [u8],
    /// Numbers of the subscriptions that it belongs to.
    pub(crate) numbers: &'a [u32],
}

impl More<'_> {
    fn bytes(&self) -> usize {
        let numbers: usize = self.numbers.iter().map(|number| 1 + number_bytes(*number as usize)).sum();
        let alias = if self.alias.is_some() { 3 } else { 0 };
        let expiry = if self.expires_after_s.is_some() { 5 } else { 0 };
        alias + expiry + self.passed_on.len() + numbers
    }

    fn write(&self, out: &mut Vec<u8>) {
        number(out, self.bytes());
        if let Some(alias) = self.alias {
            out.push(id::TOPIC_ALIAS);
            out.extend_from_slice(&alias.to_be_bytes());
        }
        if let Some(seconds) = self.expires_after_s {
            out.push(id::MESSAGE_EXPIRY);
            out.extend_from_slice(&seconds.to_be_bytes());
        }
        out.extend_from_slice(self.passed_on);
        for given in self.numbers {
            out.push(id::SUBSCRIPTION);
            number(out, *given as usize);
        }
    }
}

impl Message<'_> {
    fn length(&self, version: Version) -> usize {
        let more = match version {
            Version::V3 => 0,
            Version::V5 => self.more.bytes() + number_bytes(self.more.bytes()),
        };
        2 + self.topic.len() + usize::from(self.id.is_some()) * 2 + more + self.payload.len()
    }

    /// How many bytes it has as a packet.
    pub(crate) fn packet_bytes(&self, version: Version) -> usize {
        let length = self.length(version);
        1 + number_bytes(length) + length
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>, version: Version) {
        out.push(0x30 | u8::from(self.is_again) << 3 | self.qos << 1 | u8::from(self.retain));
        number(out, self.length(version));
        binary(out, self.topic);
        if let Some(id) = self.id {
            out.extend_from_slice(&id.to_be_bytes());
        }
        if version == Version::V5 {
            self.more.write(out);
        }
        out.extend_from_slice(self.payload);
    }
}

const fn number_bytes(number: usize) -> usize {
    match number {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        0x4000..0x20_0000 => 3,
        _ => 4,
    }
}

fn number(out: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Nothing of ours has more than 64 KiB.
fn binary(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u16).to_be_bytes());
    out.extend_from_slice(bytes);
}

pub(crate) fn welcome(out: &mut Vec<u8>, version: Version, welcome: Welcome<'_>) {
    let Welcome { session_is_present, assigned_id, expires_after_s, packet_bytes_max, .. } = welcome;
    let mut properties = Vec::new();
    if version == Version::V5 {
        if let Some(seconds) = expires_after_s {
            properties.push(id::SESSION_EXPIRY);
            properties.extend_from_slice(&seconds.to_be_bytes());
        }
        properties.push(id::PACKET_BYTES_MAX);
        properties.extend_from_slice(&packet_bytes_max.to_be_bytes());
        if let Some(client_id) = assigned_id {
            properties.push(id::ASSIGNED_CLIENT_ID);
            binary(&mut properties, client_id.as_bytes());
        }
        for (property, number) in [
            (id::RECEIVE_MAX, welcome.receive_max),
            (id::TOPIC_ALIAS_MAX, Some(welcome.aliases_max).filter(|max| *max > 0)),
            (id::SERVER_KEEP_ALIVE, welcome.keep_alive_s),
        ] {
            if let Some(number) = number {
                properties.push(property);
                properties.extend_from_slice(&number.to_be_bytes());
            }
        }
        if !welcome.has_shares {
            properties.extend_from_slice(&[id::SHARED_AVAILABLE, 0]);
        }
    }
    connect_answer(out, version, session_is_present, 0, &properties);
}

/// Turns a client away, where its standard has a word for why.
pub(crate) fn refusal(out: &mut Vec<u8>, version: Version, reason: Reason) {
    if let Some(code) = reason.connect_code(version) {
        connect_answer(out, version, false, code, &[]);
    }
}

fn connect_answer(out: &mut Vec<u8>, version: Version, session_is_present: bool, code: u8, properties: &[u8]) {
    out.push(0x20);
    match version {
        Version::V3 => out.extend_from_slice(&[2, session_is_present.into(), code]),
        Version::V5 => {
            number(out, 2 + number_bytes(properties.len()) + properties.len());
            out.extend_from_slice(&[session_is_present.into(), code]);
            number(out, properties.len());
            out.extend_from_slice(properties);
        }
    }
}

/// Which step of a publish it is, by the standard's numbers.
pub(crate) mod step {
    pub(crate) const ACKNOWLEDGED: u8 = 0x40;
    pub(crate) const RECEIVED: u8 = 0x50;
    pub(crate) const RELEASE: u8 = 0x62;
    pub(crate) const COMPLETE: u8 = 0x70;
}

/// Takes a step of a publish, or answers one.
pub(crate) fn answer(out: &mut Vec<u8>, version: Version, step: u8, id: u16, reason: Reason) {
    let [high, low] = id.to_be_bytes();
    match (version, reason) {
        (Version::V3, _) | (Version::V5, Reason::Success) => out.extend_from_slice(&[step, 2, high, low]),
        (Version::V5, reason) => out.extend_from_slice(&[step, 3, high, low, reason.code()]),
    }
}

pub(crate) fn subscribed(out: &mut Vec<u8>, version: Version, id: u16, reasons: &[Reason]) {
    let codes: Vec<u8> = reasons.iter().map(|reason| reason.subscribe_code(version)).collect();
    listed(out, version, 0x90, id, &codes);
}

pub(crate) fn unsubscribed(out: &mut Vec<u8>, version: Version, id: u16, reasons: &[Reason]) {
    let codes: Vec<u8> = match version {
        Version::V3 => Vec::new(),
        Version::V5 => reasons.iter().map(|reason| reason.code()).collect(),
    };
    listed(out, version, 0xB0, id, &codes);
}

fn listed(out: &mut Vec<u8>, version: Version, kind: u8, id: u16, codes: &[u8]) {
    let no_properties: &[u8] = if version == Version::V5 { &[0] } else { &[] };
    out.push(kind);
    number(out, 2 + no_properties.len() + codes.len());
    out.extend_from_slice(&id.to_be_bytes());
    out.extend_from_slice(no_properties);
    out.extend_from_slice(codes);
}

pub(crate) fn pong(out: &mut Vec<u8>) {
    out.extend_from_slice(&[0xD0, 0]);
}

/// Says why the connection ends; only MQTT 5 has that.
pub(crate) fn goodbye(out: &mut Vec<u8>, version: Version, reason: Reason) {
    if version == Version::V5 {
        out.extend_from_slice(&[0xE0, 1, reason.code()]);
    }
}
