//! Messages of an organization's private space, as the store and the log keep them.

use model::{OrgId, Timestamp};
use store::Message;

use crate::packet::Content;

/// A message of an organization's private space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Letter {
    pub(crate) topic: Box<str>,
    pub(crate) payload: Box<[u8]>,
    pub(crate) retain: bool,
    pub(crate) received_at: Timestamp,
    pub(crate) header: Header,
}

/// What is known of a letter beside.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Header {
    /// What it was published at.
    pub(crate) qos: u8,
    /// The client that did.
    pub(crate) publisher: Box<str>,
    pub(crate) expires_after_s: Option<u32>,
    /// Properties of MQTT 5 that are passed on, as they came.
    pub(crate) properties: Box<[u8]>,
}

/// What the first byte of a header is.
const VERSION: u8 = 1;

impl Header {
    /// **Shape**: version, QoS, expiry in seconds (`u64`, all ones for never), length of the
    /// publisher's name (`u16`), its name, properties; big endian.
    pub(crate) fn to_bytes(&self) -> Box<[u8]> {
        let expires_after_s = self.expires_after_s.map_or(u64::MAX, u64::from);
        let name = self.publisher.as_bytes();
        let length = u16::try_from(name.len()).unwrap_or(u16::MAX);
        let name = &name[..length.into()];
        let head = [&[VERSION, self.qos][..], &expires_after_s.to_be_bytes(), &length.to_be_bytes()].concat();
        [&head[..], name, &self.properties].concat().into()
    }

    /// What a header says; one that nobody can read says nothing.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        Self::try_read(bytes).unwrap_or_default()
    }

    fn try_read(bytes: &[u8]) -> Option<Self> {
        let (&[VERSION, qos @ 0..=2], rest) = bytes.split_first_chunk()? else { return None };
        let (expires_after_s, rest) = rest.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (name, properties) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
        Some(Self {
            qos,
            publisher: std::str::from_utf8(name).ok()?.into(),
            expires_after_s: u32::try_from(u64::from_be_bytes(*expires_after_s)).ok(),
            properties: properties.into(),
        })
    }
}

impl Letter {
    pub(crate) fn new(
        topic: &str,
        qos: u8,
        retain: bool,
        content: Content,
        publisher: &str,
        received_at: Timestamp,
    ) -> Self {
        let Content { expires_after_s, properties, payload } = content;
        let header = Header { qos, publisher: publisher.into(), expires_after_s, properties: properties.into() };
        Self { topic: topic.into(), payload: payload.into(), retain, received_at, header }
    }

    pub(crate) fn to_message(&self, org: OrgId) -> Message {
        let Self { topic, payload, retain, received_at, header } = self;
        let (topic, payload) = (topic.clone(), payload.clone());
        Message { org, received_at: *received_at, topic, payload, retain: *retain, header: header.to_bytes() }
    }

    /// How many seconds it has left, where it does not last for ever; `Err` if it has none.
    pub(crate) fn left_s(&self, now: Timestamp) -> Result<Option<u32>, Expired> {
        let Some(seconds) = self.header.expires_after_s else { return Ok(None) };
        let past_s = now.since_ms(self.received_at).max(0) / 1_000;
        match u32::try_from(i64::from(seconds) - past_s) {
            Ok(left @ 1..) => Ok(Some(left)),
            Ok(0) | Err(_) => Err(Expired),
        }
    }

    /// About how much memory it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.topic.len() + self.payload.len() + self.header.properties.len() + self.header.publisher.len()
    }
}

/// A letter is not worth passing on any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Expired;

impl From<Message> for Letter {
    fn from(message: Message) -> Self {
        let Message { received_at, topic, payload, retain, header, .. } = message;
        Self { topic, payload, retain, received_at, header: Header::read(&header) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_header_reads_back(
            qos in 0..3_u8,
            publisher in ".{0,9}",
            expires_after_s: Option<u32>,
            properties: Vec<u8>,
        ) {
            let (publisher, properties) = (publisher.into(), properties.into());
            let header = Header { qos, publisher, expires_after_s, properties };
            prop_assert_eq!(Header::read(&header.to_bytes()), header);
        }

        #[test]
        fn any_bytes_are_a_header_or_none(bytes: Vec<u8>) {
            Header::read(&bytes);
        }
    }

    #[test]
    fn a_letter_lasts_as_long_as_it_says() {
        let at = |ms| Timestamp::from_millis(1_000_000 + ms);
        let content = Content { expires_after_s: Some(10), ..Content::default() };
        let letter = Letter::new("a", 1, false, content, "me", at(0));
        for (ms, left) in [(-5_000, Ok(Some(10))), (999, Ok(Some(10))), (9_000, Ok(Some(1))), (10_000, Err(Expired))] {
            assert_eq!(letter.left_s(at(ms)), left, "{ms}");
        }
        let lasting = Letter::new("a", 1, false, Content::default(), "me", at(0));
        assert_eq!(lasting.left_s(at(i64::from(u32::MAX) * 2_000)), Ok(None));
    }
}
