use std::time::Duration;

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use model::Hint;
use serde::Serialize;

use crate::{auth::Caller, call, error::Refusal, json, version::Version};

/// What became of a call, left in the extensions of its response for whoever counts calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answered {
    /// The path as the router has it; `other` for paths it does not have.
    pub endpoint: &'static str,
    /// The code in the envelope.
    pub code: &'static str,
    /// How many data it read.
    pub dm: u64,
}

/// Data in its envelope, `{"code":"0","data":…}`.
#[derive(Debug)]
pub(crate) struct Answer {
    body: Bytes,
    dm: u64,
    /// What names its version, if it has one.
    tag: Option<HeaderValue>,
}

impl Answer {
    /// Data that are no readings.
    pub(crate) fn of(data: &impl Serialize) -> Result<Self, Refusal> {
        let data = serde_json::to_vec(data)?;
        Ok(Self::written(data.len(), |out| out.extend_from_slice(&data)))
    }

    /// The same with how long it took, as the API of 2019 has it.
    pub(crate) fn with_time(self, took: Duration) -> Self {
        let mut body = Vec::from(self.body);
        body.pop();
        body.extend_from_slice(format!(r#","time":{}.{:06}}}"#, took.as_secs(), took.subsec_micros()).as_bytes());
        Self { body: body.into(), ..self }
    }

    /// What a change answers.
    pub(crate) fn nothing() -> Self {
        Self::written(2, |out| out.extend_from_slice(b"{}"))
    }

    /// What a change answers in the API of 2019.
    pub(crate) fn empty_text() -> Self {
        Self::written(2, |out| out.extend_from_slice(br#""""#))
    }

    /// Data that are no readings, as bytes that may be shared between answers.
    pub(crate) const fn ready(body: Bytes) -> Self {
        Self { body, dm: 0, tag: None }
    }

    /// Readings, `dm` of them, paid for by the caller.
    ///
    /// **Errors**: the caller has them already; there are not so many left of an allowance.
    pub(crate) async fn of_readings(
        caller: &Caller,
        version: Version,
        dm: usize,
        bytes: usize,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<Self, Refusal> {
        if dm == 0 {
            call::note(|notes| notes.hints.push(Hint::Empty));
        }
        let written = Self::written(bytes, write);
        let tag = caller.take(version, &written.body, dm as u64).await?;
        Ok(Self { dm: dm as u64, tag: Some(tag), ..written })
    }

    /// Data written by hand into about so many bytes.
    pub(crate) fn written(bytes: usize, write: impl FnOnce(&mut Vec<u8>)) -> Self {
        const HEAD: &[u8] = br#"{"code":"0","data":"#;
        let mut body = Vec::with_capacity(HEAD.len() + bytes + 1);
        body.extend_from_slice(HEAD);
        write(&mut body);
        body.push(b'}');
        Self { body: body.into(), dm: 0, tag: None }
    }

    /// The whole envelope, to be shared between answers.
    pub(crate) fn into_body(self) -> Bytes {
        self.body
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = json_response(StatusCode::OK, self.body);
        response.extensions_mut().insert(Answered { endpoint: "", code: "0", dm: self.dm });
        if let Some(tag) = self.tag {
            let headers = response.headers_mut();
            headers.insert(header::ETAG, tag);
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        }
        response
    }
}

/// A failure in its envelope, `{"code":"11202","msg":"…"}`.
pub(crate) fn failure(status: StatusCode, code: &str, msg: &str) -> Response {
    let mut body = Vec::with_capacity(64 + msg.len());
    body.extend_from_slice(br#"{"code":"#);
    json::text(&mut body, code);
    body.extend_from_slice(br#","msg":"#);
    json::text(&mut body, msg);
    body.push(b'}');
    json_response(status, body.into())
}

fn json_response(status: StatusCode, body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
