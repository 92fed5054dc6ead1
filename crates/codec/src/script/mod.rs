//! Codecs that users write themselves, in JavaScript, as network servers know them.
//!
//! **Shape**: the program defines one of `decodeUplink({bytes, fPort, recvTime, variables})`, which answers
//! `{data, warnings, errors}`; `Decode(fPort, bytes, variables)`; or `Decoder(bytes, port)`, which answer the data
//! itself. The first of them that is there is called.
//!
//! Each payload gets an engine of its own, which is thrown away afterwards: nothing is left from one to the next. It
//! has the language and nothing else: no files, no network, no modules, no timers; `console` is mute, and the clock
//! stands at the time the payload was received.

mod answer;
#[cfg(feature = "javascript")]
mod engine;
mod error;
#[cfg(not(feature = "javascript"))]
mod missing;

use std::time::Duration;

use model::{CodecTable, Reading, Timestamp, UserCodec, Value};

#[cfg(not(feature = "javascript"))]
use self::missing as engine;
pub use self::{answer::Answer, error::Error};

/// How long a program may take for one payload.
pub const DEADLINE: Duration = Duration::from_millis(100);
/// How much memory it may use.
pub const MEMORY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What a program is given.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The LoRaWAN port.
    pub f_port: u8,
    /// The bytes.
    pub payload: &'a [u8],
    /// When they were received.
    pub received_at: Timestamp,
}

/// What became of a payload.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outcome {
    /// The readings of the paths that the table has, by ascending path.
    pub readings: Vec<Reading>,
    /// The paths that the table does not have, and their values.
    pub unmapped: Vec<(String, Value)>,
    /// What the program warns of, and values that are none of their measurement's.
    pub warnings: Vec<String>,
}

/// Looks whether a program can be taken: it is short enough, and defines what is called, within the deadline.
///
/// **Errors**: why it cannot.
pub fn check(source: &str) -> Result<(), Error> {
    refuse_long(source)?;
    engine::check(source)
}

/// Gives a payload to a program.
///
/// **Errors**: the program fails, takes too long or too much memory, or answers nothing that has values; nothing of
/// the payload is decoded then.
pub fn run(source: &str, call: Call<'_>) -> Result<Answer, Error> {
    refuse_long(source)?;
    engine::run(source, call)
}

/// Decodes a payload with a user's codec.
///
/// **Errors**: an empty or overlong payload, and those of [`run`].
pub fn decode(codec: &UserCodec, call: Call<'_>) -> Result<Outcome, crate::Error> {
    crate::check_length(call.payload)?;
    let answer = run(&codec.source, call)?;
    Ok(apply(&codec.table, answer))
}

/// The readings in an answer. Paths that are absent, and values that are null or no finite number, are nothing.
pub fn apply(table: &CodecTable, answer: Answer) -> Outcome {
    let mut outcome = Outcome { warnings: answer.warnings, ..Outcome::default() };
    for (path, value) in answer.values {
        let Some(field) = table.get(&path) else {
            outcome.unmapped.push((path, value));
            continue;
        };
        match answer::measured(field, &value) {
            Some(value) => outcome.readings.push(Reading { series: field.series, value }),
            None => outcome
                .warnings
                .push(format!("`{path}` is `{value}`, which is no value of measurement {}", field.series.measurement)),
        }
    }
    outcome
}

fn refuse_long(source: &str) -> Result<(), Error> {
    if source.len() > UserCodec::SOURCE_BYTES_MAX { Err(Error::Long { have: source.len() }) } else { Ok(()) }
}
