//! What the door itself answers, without asking any room.

use std::borrow::Cow;

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
};

/// The code of "could not be served at all" in the public contract's table.
const CODE: &str = api::CODES[1].code;

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
        serde_json::json!({ "code": CODE, "msg": self.message }).to_string()
    }

    /// The answer, for the HTTP library to write. `is_last` closes the connection after it.
    pub(super) fn into_response(self, is_last: bool) -> Response<Body> {
        let mut response = Response::new(Body::from(self.envelope()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        if is_last {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if self.asks_to_retry() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }

    /// The answer as it goes over the wire, for a request that the HTTP library never saw.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let body = self.envelope();
        let retry = if self.asks_to_retry() { "Retry-After: 5\r\n" } else { "" };
        format!(
            "HTTP/1.1 {} {}\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: {}\r\n{retry}Connection: close\r\n\r\n{body}",
            self.status.as_u16(),
            self.status.canonical_reason().unwrap_or_default(),
            body.len(),
        )
        .into_bytes()
    }

    fn asks_to_retry(&self) -> bool {
        matches!(self.status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_the_one_for_what_could_not_be_served() {
        assert!(api::CODES[1].meaning.contains("could not be served"), "{:?}", api::CODES[1]);
    }

    #[test]
    fn both_forms_say_the_same() {
        let refusal = Refusal::new(StatusCode::TOO_MANY_REQUESTS, "wait a \"little\"");
        let text = String::from_utf8(refusal.to_bytes()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 429 Too Many Requests\r\n"), "{head}");
        assert!(head.contains(&format!("\r\nContent-Length: {}\r\n", body.len())), "{head}");
        assert!(head.contains("\r\nRetry-After: 5\r\n"), "{head}");
        let response = refusal.clone().into_response(true);
        assert_eq!(response.status(), refusal.status());
        assert_eq!(response.headers()[header::RETRY_AFTER], "5");
        assert_eq!(body, refusal.envelope());
    }
}
