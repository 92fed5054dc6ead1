//! What an entry of the log is as messages.

use std::{io::Write, ops::Range};

use model::{DeviceEui, OrgId, Position, SeriesKey, SourceId, Timestamp, Value};
use serde::de::IgnoredAny;
use store::{Entry, LogEntry, StoredUplink};

use crate::topic::Topic;

/// An uplink as messages, written once for everybody who gets it.
#[derive(Debug)]
pub(crate) struct Published {
    pub(crate) org: OrgId,
    pub(crate) position: Position,
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
    /// What is published of an entry; of anything but an uplink nothing is: a new decoding of an old
    /// uplink is no news of a device, and belongs to its history, as does what was brought in as such.
    pub(crate) fn of(entry: LogEntry) -> Option<Self> {
        let LogEntry { position, entry: Entry::Uplink(uplink) } = entry else { return None };
        if uplink.source == SourceId::HISTORY {
            return None;
        }
        let StoredUplink { org, eui, mut rows, .. } = uplink;
        rows.sort_by_key(|row| row.measured_at);
        let mut published = Self { org, position, eui, parts: Vec::new(), text: Vec::new() };
        for row in rows {
            for reading in &row.readings {
                published.push(reading.series, row.measured_at, &reading.value);
            }
        }
        Some(published)
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

    pub(crate) fn topic(&self, part: &Part) -> &[u8] {
        &self.text[part.topic.clone()]
    }

    pub(crate) fn payload(&self, part: &Part) -> &[u8] {
        &self.text[part.payload.clone()]
    }
}

/// A number, a text, or the list that it is.
fn write_value(out: &mut Vec<u8>, value: &Value) {
    const WHOLE_MAX: f64 = 1e15;
    match value {
        Value::Number(number) if !number.is_finite() => out.extend_from_slice(b"null"),
        Value::Number(number) if number.abs() < WHOLE_MAX && number.trunc() == *number => {
            out.extend_from_slice(itoa::Buffer::new().format(*number as i64).as_bytes());
        }
        Value::Number(number) => out.extend_from_slice(zmij::Buffer::new().format_finite(*number).as_bytes()),
        // One list that is no JSON would make the message unreadable.
        Value::Json(raw) if serde_json::from_str::<IgnoredAny>(raw).is_ok() => out.extend_from_slice(raw.as_bytes()),
        Value::Text(text) | Value::Json(text) => {
            // Writing a text into memory does not fail.
            let _written = serde_json::to_writer(&mut *out, text);
        }
    }
}
