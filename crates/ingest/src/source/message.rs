use model::{Source, Timestamp, Uplink};
use serde::Deserialize;

use super::lenient::nests_deeper;
use crate::{Refusal, StatusReport};

/// How deep the JSON of a message may nest.
const JSON_DEPTH_MAX: usize = 64;

/// A message as it came, whichever way it came.
#[derive(Debug, Clone, Copy, Default)]
pub struct Post<'a> {
    /// What its sender calls it, such as `up` or `down/ack`; empty where the sender does not say.
    pub event: &'a str,
    /// The media type that the sender names; empty where it names none.
    pub content_type: &'a str,
    /// Its bytes.
    pub body: &'a [u8],
}

/// What a message asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// Store an uplink.
    Uplink(Uplink),
    /// Store an uplink that no device has sent, if the station keeps such.
    Simulated(Uplink),
    /// Store what is known about a device without decoding: what a network server says about it, or
    /// readings that came as such. All or none.
    Reports(Vec<StatusReport>),
    /// Nothing: it carries no readings.
    Other,
    /// Nothing, and somebody should know why.
    Warning(String),
}

/// Reads a message of one kind of source.
///
/// **Errors**: [`Refusal::Malformed`] and others that the sender can do something about.
pub type Read = fn(&Post<'_>, &Source, Timestamp) -> Result<Message, Refusal>;

impl<'a> Post<'a> {
    /// Whether the sender says that the body is Protobuf.
    pub(crate) fn is_protobuf(&self) -> bool {
        let names = |name: &str| {
            self.content_type.as_bytes().windows(name.len()).position(|part| part.eq_ignore_ascii_case(name.as_bytes()))
        };
        names("application/octet-stream") == Some(0) || names("protobuf").is_some()
    }

    /// Whether the sender says that the body is CSV.
    pub(crate) fn is_csv(&self) -> bool {
        self.content_type.to_ascii_lowercase().starts_with("text/csv")
    }

    /// The body as JSON of a shape that `expected` names.
    pub(crate) fn json<T: Deserialize<'a>>(&self, expected: &str) -> Result<T, Refusal> {
        if self.is_protobuf() {
            return Err(Refusal::NotJson(self.content_type.chars().take(80).collect()));
        }
        if nests_deeper(self.body, JSON_DEPTH_MAX) {
            return Err(Refusal::Malformed(format!("the body nests more than {JSON_DEPTH_MAX} deep")));
        }
        serde_json::from_slice(self.body).map_err(|error| unexpected(expected, &error))
    }
}

/// What was expected, and what came instead.
pub(crate) fn unexpected(expected: &str, error: &impl ToString) -> Refusal {
    // What a parser quotes of the body may be as long as the body.
    let what: String = error.to_string().chars().take(200).collect();
    Refusal::Malformed(format!("the body is not {expected}: {what}"))
}
