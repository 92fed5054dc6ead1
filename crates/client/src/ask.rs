use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use ureq::http::{HeaderMap, Method, Request};

use crate::{Code, Error, Station};

/// No honest answer is larger.
const BODY_BYTES_MAX: u64 = 64 << 20;

/// What came, and what the station's gateway says of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer<T> {
    /// The answer itself.
    pub data: T,
    /// What the gateway says.
    pub gateway: Gateway,
}

/// What the gateway of a station says in the headers of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Gateway {
    /// How long the call ran, in seconds.
    pub execute_second: Option<f64>,
    /// How many data it cost, in the contract's unit `dm`.
    pub dm: Option<u64>,
}

/// How a station is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manners {
    /// At most so many calls a minute; 0 for as many as come.
    pub calls_per_minute: u32,
    /// How often a call that may succeed later is made in all.
    pub tries: u32,
    /// How long an answer may take.
    pub timeout: Duration,
    /// How long is waited before a second try; twice as long before each further one.
    pub pause: Duration,
    /// And at most so long.
    pub pause_max: Duration,
}

impl Default for Manners {
    /// What Seeed's stations bear: users report refusals near 50 calls a minute.
    fn default() -> Self {
        Self {
            calls_per_minute: 40,
            tries: 6,
            timeout: Duration::from_secs(60),
            pause: Duration::from_secs(2),
            pause_max: Duration::from_secs(60),
        }
    }
}

type Wait = Arc<dyn Fn(Duration) + Send + Sync>;

/// A client of one station with one access key; its clones keep the same pace.
#[derive(Clone)]
pub struct Client {
    agent: ureq::Agent,
    base: String,
    authorization: String,
    manners: Manners,
    wait: Wait,
    next_at: Arc<Mutex<Option<Instant>>>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the key.
        f.debug_struct("Client").field("base", &self.base).field("manners", &self.manners).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Envelope {
    code: Value,
    #[serde(default)]
    msg: String,
    #[serde(default)]
    data: Value,
}

impl Client {
    /// A client with the usual manners.
    ///
    /// **Errors**: `Malformed` if the credentials cannot be sent.
    pub fn new(station: &Station, access_id: &str, access_key: &str) -> Result<Self, Error> {
        if access_id.contains(':') || [access_id, access_key].iter().any(|text| text.contains(char::is_control)) {
            return Err(Error::Malformed("an Access ID has no `:`, and neither it nor the key line ends".to_owned()));
        }
        Ok(Self {
            agent: agent(Manners::default()),
            base: station.base().to_owned(),
            authorization: format!("Basic {}", BASE64_STANDARD.encode(format!("{access_id}:{access_key}"))),
            manners: Manners::default(),
            wait: Arc::new(sleep),
            next_at: Arc::default(),
        })
    }

    /// The same with other manners.
    #[must_use]
    pub fn with_manners(self, manners: Manners) -> Self {
        Self { agent: agent(manners), manners, next_at: Arc::default(), ..self }
    }

    /// The same with another way to wait than to put the thread to sleep, which may also end the wait
    /// early.
    #[must_use]
    pub fn with_wait(self, wait: impl Fn(Duration) + Send + Sync + 'static) -> Self {
        Self { wait: Arc::new(wait), ..self }
    }

    /// Where it asks.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Asks for something that may be asked for twice.
    pub(crate) fn get<T: DeserializeOwned>(&self, name: &str, query: &[(&str, String)]) -> Result<Answer<T>, Error> {
        self.get_as(name, query, Ok)
    }

    /// The same where what comes is to be read further: what cannot be is asked for again.
    pub(crate) fn get_as<T: DeserializeOwned, U>(
        &self,
        name: &str,
        query: &[(&str, String)],
        read: impl Fn(T) -> Result<U, Error>,
    ) -> Result<Answer<U>, Error> {
        let mut text = form_urlencoded::Serializer::new(String::new());
        text.extend_pairs(query);
        let text = text.finish();
        let path = if text.is_empty() { format!("/openapi/{name}") } else { format!("/openapi/{name}?{text}") };
        self.ask(&Method::GET, &path, String::new(), true, read)
    }

    /// Posts something that only asks.
    pub(crate) fn look_up<T: DeserializeOwned>(&self, name: &str, body: &Value) -> Result<Answer<T>, Error> {
        self.ask(&Method::POST, &format!("/openapi/{name}"), body.to_string(), true, Ok)
    }

    /// Posts something that changes something; what may have been done is not asked for again.
    pub(crate) fn change<T: DeserializeOwned>(&self, name: &str, body: &Value) -> Result<Answer<T>, Error> {
        self.ask(&Method::POST, &format!("/openapi/{name}"), body.to_string(), false, Ok)
    }

    fn ask<T: DeserializeOwned, U>(
        &self,
        method: &Method,
        path: &str,
        body: String,
        only_reads: bool,
        read: impl Fn(T) -> Result<U, Error>,
    ) -> Result<Answer<U>, Error> {
        let mut tried = 0;
        loop {
            self.keep_pace();
            let asked = self.ask_once(method, path, &body);
            let error = match asked.and_then(|Answer { data, gateway }| Ok(Answer { data: read(data)?, gateway })) {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            tried += 1;
            let is_limit = matches!(error, Error::Limited { .. });
            if tried >= self.manners.tries || !(is_limit || only_reads && error.is_passing()) {
                return Err(error);
            }
            let doubled = self.manners.pause.saturating_mul(1 << (tried - 1).min(16)).min(self.manners.pause_max);
            let asked_for = match error {
                Error::Limited { retry_after_s: Some(seconds) } => Duration::from_secs(seconds.min(3_600)),
                _ => Duration::ZERO,
            };
            (self.wait)(doubled.max(asked_for));
        }
    }

    /// Waits until the next call may be made.
    fn keep_pace(&self) {
        let Some(apart) = Duration::from_secs(60).checked_div(self.manners.calls_per_minute) else { return };
        let now = Instant::now();
        let at = {
            let mut next_at = self.next_at.lock().unwrap_or_else(PoisonError::into_inner);
            let at = next_at.map_or(now, |at| at.max(now));
            *next_at = Some(at + apart);
            at
        };
        if at > now {
            (self.wait)(at - now);
        }
    }

    fn ask_once<T: DeserializeOwned>(&self, method: &Method, path: &str, body: &str) -> Result<Answer<T>, Error> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("Authorization", &self.authorization)
            .header("API-VERSION", "2")
            .header("Accept", "application/json");
        let built = |error: ureq::http::Error| Error::Malformed(error.to_string());
        let mut answer = if body.is_empty() {
            self.agent.run(request.body(()).map_err(built)?).map_err(unreachable)?
        } else {
            let request = request.header("Content-Type", "application/json").body(body).map_err(built)?;
            self.agent.run(request).map_err(unreachable)?
        };
        let (status, gateway, retry_after_s) =
            (answer.status().as_u16(), gateway(answer.headers()), retry_after(answer.headers()));
        let text = answer.body_mut().with_config().limit(BODY_BYTES_MAX).read_to_string();
        if status == 429 {
            return Err(Error::Limited { retry_after_s });
        }
        let text = text.map_err(unreachable)?;
        let Ok(envelope) = serde_json::from_str::<Envelope>(&text) else {
            return Err(match status {
                200..=299 => Error::Malformed(beginning(&text)),
                status => Error::Status { status },
            });
        };
        let code = number(&envelope.code).ok_or_else(|| Error::Malformed(beginning(&text)))?;
        match (code, status) {
            (0, 200..=299) => {}
            (429, _) => return Err(Error::Limited { retry_after_s }),
            (_, 500..) | (500..=599, _) | (0, _) => return Err(Error::Status { status }),
            (code, _) => return Err(Error::Refused { code: Code::of(code), message: envelope.msg }),
        }
        let data = serde_json::from_value(envelope.data)
            .map_err(|error| Error::Malformed(format!("{error} in {}", beginning(&text))))?;
        Ok(Answer { data, gateway })
    }
}

fn unreachable(error: ureq::Error) -> Error {
    let text = error.to_string();
    match error {
        ureq::Error::Rustls(_) => Error::Untrusted(text),
        // As the connection reports what TLS refuses.
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::InvalidData && is_of_tls(&error) => {
            Error::Untrusted(text)
        }
        _ => Error::Unreachable(text),
    }
}

fn is_of_tls(error: &std::io::Error) -> bool {
    error.get_ref().is_some_and(|cause| cause.to_string().contains("certificate"))
}

fn agent(manners: Manners) -> ureq::Agent {
    // What a status means is read from the envelope.
    let config = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0);
    config.max_redirects_will_error(false).timeout_global(Some(manners.timeout)).build().into()
}

#[expect(clippy::disallowed_methods, reason = "the other station wants to be left alone for so long")]
fn sleep(time: Duration) {
    std::thread::sleep(time);
}

fn gateway(headers: &HeaderMap) -> Gateway {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    Gateway {
        // Spelled as the contract spells it.
        execute_second: text("api-gateway-excute-second").and_then(|text| text.trim().parse().ok()),
        dm: text("api-gateway-mpuo-consume").and_then(|text| text.trim().parse().ok()),
    }
}

fn retry_after(headers: &HeaderMap) -> Option<u64> {
    headers.get("retry-after")?.to_str().ok()?.trim().parse().ok()
}

/// A code is a text of digits; a number is understood as well.
fn number(code: &Value) -> Option<u32> {
    match code {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.as_u64().and_then(|number| number.try_into().ok()),
        _ => None,
    }
}

fn beginning(text: &str) -> String {
    const CHARS: usize = 120;
    let beginning: String = text.chars().take(CHARS).collect();
    format!("`{beginning}`")
}
