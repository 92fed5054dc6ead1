//! What a station and the programs that run its users' codecs say to each other: a line of JSON each way.

use codec::script::{Answer, Error};
use model::{Timestamp, Value};
use serde::{Deserialize, Serialize};

use super::Call;

/// A program, and what it is given; nothing to only look whether it can be taken.
#[derive(Serialize, Deserialize)]
pub(super) struct Request<'a> {
    #[serde(borrow)]
    pub(super) source: std::borrow::Cow<'a, str>,
    pub(super) call: Option<Given>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Given {
    f_port: u8,
    payload: Vec<u8>,
    received_ms: i64,
}

impl From<&Call> for Given {
    fn from(call: &Call) -> Self {
        let Call { f_port, payload, received_at } = call;
        Self { f_port: *f_port, payload: payload.clone(), received_ms: received_at.as_millis() }
    }
}

impl From<Given> for Call {
    fn from(given: Given) -> Self {
        let received_at = Timestamp::from_millis(given.received_ms);
        Self { f_port: given.f_port, payload: given.payload, received_at }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) enum Reply {
    Answer { numbers: Vec<(String, f64)>, texts: Vec<(String, String)>, warnings: Vec<String> },
    Long(usize),
    NoEntry,
    Threw(String),
    Refused(String),
    Deadline,
    Memory,
    Nothing,
    Much,
    Large,
    NotBuilt,
}

impl From<Result<Answer, Error>> for Reply {
    fn from(result: Result<Answer, Error>) -> Self {
        match result {
            Ok(Answer { values, warnings }) => {
                let (mut numbers, mut texts) = (Vec::new(), Vec::new());
                for (path, value) in values {
                    match value {
                        Value::Number(number) => numbers.push((path, number)),
                        Value::Text(text) | Value::Json(text) => texts.push((path, text.into())),
                    }
                }
                Self::Answer { numbers, texts, warnings }
            }
            Err(Error::Long { have }) => Self::Long(have),
            Err(Error::NoEntry) => Self::NoEntry,
            Err(Error::Threw(why)) => Self::Threw(why),
            Err(Error::Refused(why)) => Self::Refused(why),
            Err(Error::Memory) => Self::Memory,
            Err(Error::Nothing) => Self::Nothing,
            Err(Error::Many) => Self::Much,
            Err(Error::Large) => Self::Large,
            Err(Error::NotBuilt) => Self::NotBuilt,
            Err(_) => Self::Deadline,
        }
    }
}

impl From<Reply> for Result<Answer, Error> {
    fn from(reply: Reply) -> Self {
        Err(match reply {
            Reply::Answer { numbers, texts, warnings } => {
                let numbers = numbers.into_iter().map(|(path, number)| (path, Value::Number(number)));
                let texts = texts.into_iter().map(|(path, text)| (path, Value::text(text)));
                let mut values: Vec<_> = numbers.chain(texts).collect();
                values.sort_by(|(a, _), (b, _)| a.cmp(b));
                return Ok(Answer { values, warnings });
            }
            Reply::Long(have) => Error::Long { have },
            Reply::NoEntry => Error::NoEntry,
            Reply::Threw(why) => Error::Threw(why),
            Reply::Refused(why) => Error::Refused(why),
            Reply::Deadline => Error::Deadline,
            Reply::Memory => Error::Memory,
            Reply::Nothing => Error::Nothing,
            Reply::Much => Error::Many,
            Reply::Large => Error::Large,
            Reply::NotBuilt => Error::NotBuilt,
        })
    }
}
