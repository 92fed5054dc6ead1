use bytes::{Buf, BytesMut};

use super::{
    Content, Fault, Packet, Publish, Reason, Version, Wish,
    connect::{self, is_topic},
    malformed,
    properties::{self, id},
    take::Take,
    violation,
};

/// The largest connect that is read: a will has up to 64 KiB.
const CONNECT_BYTES_MAX: usize = 80 * 1024;

/// Finds packets in what a client sends.
#[derive(Debug, Clone)]
pub struct Reader {
    version: Option<Version>,
    bytes_max: usize,
}

impl Reader {
    /// For a client that has said nothing yet, whose packets may have so many bytes, head included.
    pub const fn new(bytes_max: usize) -> Self {
        Self { version: None, bytes_max }
    }

    /// Takes the next packet out of what has arrived, once it is there as a whole. The first one is a
    /// connect, and no other one is.
    ///
    /// **Errors**: nothing that comes later means anything.
    pub fn read(&mut self, arrived: &mut BytesMut) -> Result<Option<Packet>, Fault> {
        let Some((head, length)) = split_head(arrived)? else { return Ok(None) };
        // Whoever has not said who it is has no right to much.
        let bytes_max = if self.version.is_some() { self.bytes_max } else { self.bytes_max.min(CONNECT_BYTES_MAX) };
        if head + length > bytes_max {
            return Err(Fault { reason: Reason::PacketTooLarge, what: "a packet is too large" });
        }
        // Before the rest is waited for: whoever begins otherwise speaks another protocol.
        let first = arrived[0];
        if self.version.is_none() != (first >> 4 == 1) {
            return violation("a connect does not come first, or comes twice");
        }
        if arrived.len() < head + length {
            return Ok(None);
        }
        let packet = self.parse(first, Take(&arrived[head..head + length]))?;
        arrived.advance(head + length);
        if let Packet::Connect(connect) = &packet {
            self.version = Some(connect.version);
        }
        Ok(Some(packet))
    }

    fn parse(&self, first: u8, mut take: Take<'_>) -> Result<Packet, Fault> {
        let is_5 = self.version == Some(Version::V5);
        let (kind, flags) = (first >> 4, first & 0x0F);
        let flags_must_be = match kind {
            3 => flags,
            6 | 8 | 10 => 2,
            _ => 0,
        };
        if flags != flags_must_be {
            return malformed("a packet has reserved flags set");
        }
        let packet = match kind {
            1 => return connect::read(take).map(|connect| Packet::Connect(Box::new(connect))),
            3 => return publish(flags, take, is_5),
            4..=7 => {
                let id = take.id()?;
                let mut is_refused = false;
                if is_5 && !take.is_empty() {
                    is_refused = take.u8()? >= 0x80;
                    if !take.is_empty() {
                        properties::read(&mut take, properties::OF_ANSWER, |_, _, _| Ok(()))?;
                    }
                }
                match kind {
                    4 => Packet::PublishAcknowledged(id),
                    5 => Packet::PublishReceived { id, is_refused },
                    6 => Packet::PublishRelease(id),
                    _ => Packet::PublishComplete(id),
                }
            }
            8 => return subscribe(take, is_5),
            10 => return unsubscribe(take, is_5),
            12 => Packet::Ping,
            14 => {
                let (mut expires_after_s, mut with_will) = (None, false);
                if is_5 && !take.is_empty() {
                    with_will = take.u8()? != 0;
                    if !take.is_empty() {
                        properties::read(&mut take, properties::OF_DISCONNECT, |property, number, _| {
                            if property == id::SESSION_EXPIRY {
                                expires_after_s = Some(number);
                            }
                            Ok(())
                        })?;
                    }
                }
                Packet::Disconnect { expires_after_s, with_will }
            }
            15 if is_5 => {
                if !take.is_empty() {
                    take.u8()?;
                    properties::read(&mut take, properties::OF_AUTHENTICATE, |_, _, _| Ok(()))?;
                }
                Packet::Authenticate
            }
            _ => return violation("a packet that only servers send, or nobody"),
        };
        take.end()?;
        Ok(packet)
    }
}

/// How long head and rest of the packet are that begins here, once that can be told.
fn split_head(arrived: &[u8]) -> Result<Option<(usize, usize)>, Fault> {
    let Some((_, rest)) = arrived.split_first() else { return Ok(None) };
    let mut take = Take(rest);
    match take.number() {
        Ok(length) => Ok(Some((arrived.len() - take.0.len(), length as usize))),
        Err(fault) if rest.len() >= 4 => Err(fault),
        Err(_) => Ok(None),
    }
}

fn publish(flags: u8, mut take: Take<'_>, is_5: bool) -> Result<Packet, Fault> {
    let qos = flags >> 1 & 3;
    let is_again = flags & 8 != 0;
    if qos == 3 || qos == 0 && is_again {
        return malformed("a publish has flags that contradict each other");
    }
    let topic = take.text()?;
    let id = if qos == 0 { None } else { Some(take.id()?) };
    let (mut alias, mut content) = (None, Content::default());
    if is_5 {
        properties::read(&mut take, properties::OF_PUBLISH, |property, number, bytes| {
            match property {
                id::TOPIC_ALIAS => alias = Some(number as u16),
                id::MESSAGE_EXPIRY => content.expires_after_s = Some(number),
                _ => content.properties.extend_from_slice(bytes),
            }
            Ok(())
        })?;
    }
    if !(is_topic(topic) || topic.is_empty() && alias.is_some()) {
        return Err(Fault { reason: Reason::TopicNameInvalid, what: "a publish has no topic, or one with wildcards" });
    }
    content.payload = take.0.to_vec();
    let (topic, retain) = (topic.to_owned(), flags & 1 != 0);
    Ok(Packet::Publish(Box::new(Publish { id, qos, retain, is_again, topic, alias, content })))
}

fn subscribe(mut take: Take<'_>, is_5: bool) -> Result<Packet, Fault> {
    let id = take.id()?;
    let mut number = None;
    if is_5 {
        properties::read(&mut take, properties::OF_SUBSCRIBE, |property, value, _| {
            if property == id::SUBSCRIPTION {
                number = Some(value);
            }
            Ok(())
        })?;
    }
    let mut filters = Vec::new();
    while !take.is_empty() {
        let filter = take.text()?.to_owned();
        let options = take.u8()?;
        let wish = Wish {
            qos: options & 3,
            no_local: options & 4 != 0,
            retain_as_published: options & 8 != 0,
            retain_handling: options >> 4 & 3,
        };
        let is_good = if is_5 { options >> 6 == 0 && wish.retain_handling != 3 } else { options >> 2 == 0 };
        if wish.qos == 3 || !is_good {
            return malformed("a filter has options that there are none of");
        }
        if wish.no_local && filter.starts_with("$share/") {
            return violation("a shared filter leaves one's own messages out");
        }
        filters.push((filter, wish));
    }
    if filters.is_empty() {
        return violation("a subscribe has no filter");
    }
    Ok(Packet::Subscribe { id, number, filters })
}

fn unsubscribe(mut take: Take<'_>, is_5: bool) -> Result<Packet, Fault> {
    let id = take.id()?;
    if is_5 {
        properties::read(&mut take, properties::OF_UNSUBSCRIBE, |_, _, _| Ok(()))?;
    }
    let mut filters = Vec::new();
    while !take.is_empty() {
        filters.push(take.text()?.to_owned());
    }
    if filters.is_empty() {
        return violation("an unsubscribe has no filter");
    }
    Ok(Packet::Unsubscribe { id, filters })
}
