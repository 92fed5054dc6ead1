//! What an entry of the log is as messages.

use std::{io::Write, ops::Range, sync::Arc};

use model::{DeviceEui, OrgId, Position, SeriesKey, SourceId, Timestamp, Value, write_decimal};
use serde::de::IgnoredAny;
use store::{Entry, Followed, LogEntry, StoredUplink};

use crate::{letter::Letter, topic::Topic};

/// One of the two trees of topics that an organization has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Space {
    pub(crate) org: OrgId,
    /// Whether it is the private one and not the stream.
    pub(crate) is_private: bool,
}

/// How many bytes are taken in at once for one reader, if one entry has not more.
pub(crate) const BATCH_BYTES: usize = 128 * 1024;

/// What was read of the log for a reader of one space.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) published: Vec<Arc<Published>>,
    /// Everything up to here is among it, or is not to be published here.
    pub(crate) read_to: Position,
    /// Whether it is all that was read.
    pub(crate) is_whole: bool,
}

/// Something to be sent to whoever asked for it.
#[derive(Debug)]
pub(crate) struct Published {
    pub(crate) org: OrgId,
    pub(crate) place: Place,
    pub(crate) body: Body,
}

/// Where something published stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// In the log.
    Log(Position),
    /// Nowhere: it is the so-maniest of its hub that passes by and is gone.
    Passing(u64),
}

#[derive(Debug)]
pub(crate) enum Body {
    Uplink(Uplink),
    Letter(Letter),
}

/// An uplink as messages, written once for everybody who gets it.
#[derive(Debug)]
pub(crate) struct Uplink {
    org: OrgId,
    pub(crate) eui: DeviceEui,
    /// One for each reading, in the order that they were measured.
    pub(crate) parts: Vec<Part>,
    text: Vec<u8>,
}

/// One message.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) series: SeriesKey,
    topic: Range<usize>,
    payload: Range<usize>,
}

impl Published {
    /// What is published of an entry. A new decoding of an old uplink is no news of a device, and
    /// belongs to its history, as does what was brought in as such.
    pub(crate) fn of(entry: LogEntry) -> Option<Self> {
        let LogEntry { position, entry } = entry;
        let org = entry.org();
        let body = match entry {
            Entry::Uplink(uplink) if uplink.source == SourceId::HISTORY => return None,
            Entry::Uplink(uplink) => Body::Uplink(Uplink::of(uplink)),
            Entry::Message(message) => Body::Letter(message.into()),
            Entry::Redecode(_) => return None,
        };
        Some(Self { org, place: Place::Log(position), body })
    }

    pub(crate) fn space(&self) -> Space {
        Space { org: self.org, is_private: matches!(self.body, Body::Letter(_)) }
    }

    /// Where it stands in the log, if it does.
    pub(crate) fn position(&self) -> Option<Position> {
        match self.place {
            Place::Log(position) => Some(position),
            Place::Passing(_) => None,
        }
    }

    /// About how much memory it takes.
    pub(crate) fn bytes(&self) -> usize {
        match &self.body {
            Body::Uplink(uplink) => uplink.text.len() + size_of_val(&*uplink.parts),
            Body::Letter(letter) => letter.bytes(),
        }
    }

    /// How many messages it is.
    pub(crate) fn count(&self) -> usize {
        match &self.body {
            Body::Uplink(uplink) => uplink.parts.len(),
            Body::Letter(_) => 1,
        }
    }

    /// Topic and body of one of its messages.
    pub(crate) fn text(&self, at: usize) -> (&[u8], &[u8]) {
        match &self.body {
            Body::Uplink(uplink) => {
                let part = &uplink.parts[at];
                (&uplink.text[part.topic.clone()], &uplink.text[part.payload.clone()])
            }
            Body::Letter(letter) => (letter.topic.as_bytes(), &letter.payload),
        }
    }
}

impl Batch {
    /// As much of what was read as is taken in at once.
    pub(crate) fn of(followed: Followed, space: Space) -> Self {
        let Followed { entries, next } = followed;
        let mut batch = Self { is_whole: true, ..Self::default() };
        let mut bytes = 0;
        for entry in entries {
            if bytes >= BATCH_BYTES {
                batch.is_whole = false;
                return batch;
            }
            batch.read_to = entry.position;
            let Some(published) = Published::of(entry).filter(|published| published.space() == space) else { continue };
            bytes += published.bytes();
            batch.published.push(Arc::new(published));
        }
        batch.read_to = batch.read_to.max(next);
        batch
    }
}

impl Uplink {
    fn of(uplink: StoredUplink) -> Self {
        let StoredUplink { org, eui, mut rows, .. } = uplink;
        rows.sort_by_key(|row| row.measured_at);
        let mut published = Self { org, eui, parts: Vec::new(), text: Vec::new() };
        for row in rows {
            for reading in &row.readings {
                published.push(reading.series, row.measured_at, &reading.value);
            }
        }
        published
    }

    fn push(&mut self, series: SeriesKey, measured_at: Timestamp, value: &Value) {
        let topic = Topic { org: self.org, eui: self.eui, series };
        let begin = self.text.len();
        // Writing into memory does not fail.
        let _written = write!(self.text, "{topic}");
        let middle = self.text.len();
        self.text.extend_from_slice(br#"{"value":"#);
        write_value(&mut self.text, value);
        self.text.extend_from_slice(br#","timestamp":"#);
        self.text.extend_from_slice(itoa::Buffer::new().format(measured_at.as_millis()).as_bytes());
        self.text.push(b'}');
        self.parts.push(Part { series, topic: begin..middle, payload: middle..self.text.len() });
    }
}

/// A number, a text, or the list that it is.
fn write_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Number(number) if !number.is_finite() => out.extend_from_slice(b"null"),
        Value::Number(number) => write_decimal(out, *number),
        // One list that is no JSON would make the message unreadable.
        Value::Json(raw) if serde_json::from_str::<IgnoredAny>(raw).is_ok() => out.extend_from_slice(raw.as_bytes()),
        Value::Text(text) | Value::Json(text) => {
            // Writing a text into memory does not fail.
            let _written = serde_json::to_writer(&mut *out, text);
        }
    }
}
