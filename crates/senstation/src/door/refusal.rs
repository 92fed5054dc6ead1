//! What the door itself answers, without asking any room.

use std::{borrow::Cow, time::Duration};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Response, StatusCode, header},
};

/// Why a request got no further than the door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    status: StatusCode,
    message: Cow<'static, str>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, message: message.into() }
    }

    pub(super) fn bad_request(message: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(super) const fn status(&self) -> StatusCode {
        self.status
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }

    fn envelope(&self) -> String {
        serde_json::json!({ "code": api::FRAMEWORK.code, "msg": self.message }).to_string()
    }

    /// What both forms of the answer carry, the headers of the public contract among them: a
    /// program that reads those finds them whoever refused it.
    fn headers(&self, took: Duration, is_last: bool) -> HeaderMap {
        let mut headers = HeaderMap::from_iter(api::gateway_headers(took, 0));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        if self.asks_to_retry() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        if is_last {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        headers
    }

    /// The answer, for the HTTP library to write, `took` after the request's head. `is_last` closes the connection after it.
    pub(super) fn into_response(self, took: Duration, is_last: bool) -> Response<Body> {
        let mut response = Response::new(Body::from(self.envelope()));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers(took, is_last);
        response
    }

    /// The answer as it goes over the wire, for a request that the HTTP library never saw.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let body = self.envelope();
        let reason = self.status.canonical_reason().unwrap_or_default();
        let mut bytes = format!("HTTP/1.1 {} {reason}\r\n", self.status.as_u16()).into_bytes();
        for (name, value) in &self.headers(Duration::ZERO, true) {
            bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
        bytes.extend(format!("content-length: {}\r\n\r\n{body}", body.len()).into_bytes());
        bytes
    }

    fn asks_to_retry(&self) -> bool {
        matches!(self.status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_say_the_same() {
        let refusal = Refusal::new(StatusCode::TOO_MANY_REQUESTS, "wait a \"little\"");
        let text = String::from_utf8(refusal.to_bytes()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let mut lines: Vec<_> = head.lines().collect();
        assert_eq!(lines.remove(0), "HTTP/1.1 429 Too Many Requests");
        assert_eq!(lines.pop(), Some(format!("content-length: {}", body.len()).as_str()));
        let response = refusal.clone().into_response(Duration::ZERO, true);
        assert_eq!(response.status(), refusal.status());
        assert_eq!(response.headers()[header::RETRY_AFTER], "5");
        let headers = response.headers().iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()));
        assert_eq!(lines, headers.collect::<Vec<_>>());
        assert_eq!(body, refusal.envelope());
        assert!(body.contains(r#""code":"10000""#), "{body}");
    }
}
