//! The management API below `/api`: everything a page does, a program can do.

pub(crate) mod account;
pub(crate) mod codecs;
pub(crate) mod completeness;
pub(crate) mod data;
pub(crate) mod devices;
pub(crate) mod document;
pub(crate) mod events;
pub(crate) mod export;
pub(crate) mod groups;
pub(crate) mod keys;
pub(crate) mod limits;
pub(crate) mod live;
pub(crate) mod mirrors;
pub(crate) mod organization;
pub(crate) mod people;
pub(crate) mod retention;
pub(crate) mod rules;
pub(crate) mod sources;
pub(crate) mod unbound;
pub(crate) mod usage;

use axum::{
    Json,
    body::Bytes,
    extract::{FromRequest, Request},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use model::{Position, Timestamp};
use serde::{Serialize, de::DeserializeOwned};
use utoipa::ToSchema;

use crate::{PortalState, export::AsOf, fault::Fault, fields::Fields};

/// The most items of a page.
pub(crate) const LIMIT_MAX: usize = 1_000;
/// How many items a page has where nobody says.
const LIMIT: usize = 100;

/// A body of JSON, refused as a problem where it is none.
#[derive(Debug)]
pub(crate) struct Body<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !(kind.eq_ignore_ascii_case("application/json") || kind.ends_with("+json")) {
            return Err(problem(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "media_type",
                "send `Content-Type: application/json`",
            ));
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| {
            let status = rejection.status();
            let code = if status == StatusCode::PAYLOAD_TOO_LARGE { "too_large" } else { "invalid" };
            problem(status, code, &rejection.body_text())
        })?;
        // A list could otherwise stand for an object whose members may all be absent.
        if !bytes.trim_ascii_start().starts_with(b"{") {
            return Err(problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "send a JSON object"));
        }
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|error| problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid", &error.to_string()))
    }
}

/// A problem by RFC 9457 that only programs can have.
fn problem(status: StatusCode, code: &str, detail: &str) -> Response {
    let title = status.canonical_reason().unwrap_or_default();
    let problem = serde_json::json!({
        "type": "about:blank", "title": title, "status": status.as_u16(), "code": code, "detail": detail,
    });
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"))];
    (status, kind, Json(problem)).into_response()
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page<T> {
    /// The items, in the order of the list.
    // What a type parameter stands for is otherwise pointed to, and not there.
    #[schema(inline)]
    pub(crate) items: Vec<T>,
    /// What to send as `cursor` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// A list that is one page.
    pub(crate) const fn whole(items: Vec<T>) -> Self {
        Self { items, next_cursor: None }
    }
}

/// How many items are asked for.
pub(crate) fn limit(asked: &Fields) -> Result<usize, Fault> {
    match asked.find("limit") {
        None => Ok(LIMIT),
        Some(text) => match text.parse() {
            Ok(limit) if (1..=LIMIT_MAX).contains(&limit) => Ok(limit),
            _ => Err(Fault::Invalid(|texts| texts.fault_limit)),
        },
    }
}

/// Makes a page of what was found newest first, asked for one more than the page has: the page ends
/// where a moment does, so that the next one, which goes on before it, leaves nothing out. Where one
/// moment fills a whole page, its rest is left out.
pub(crate) fn page_back<T>(
    mut found: Vec<T>,
    limit: usize,
    at: impl Fn(&T) -> Timestamp,
) -> (Vec<T>, Option<Timestamp>) {
    if found.len() <= limit {
        return (found, None);
    }
    let beyond = at(&found[limit]);
    found.truncate(limit);
    let whole = found.iter().rposition(|item| at(item) != beyond).map_or(limit, |last| last + 1);
    found.truncate(whole);
    let next = found.last().map(&at);
    (found, next)
}

/// A time in milliseconds since 1970, or by ISO 8601.
pub(crate) fn time(asked: &Fields, name: &str) -> Result<Option<Timestamp>, Fault> {
    let Some(text) = asked.find(name).filter(|text| !text.is_empty()) else { return Ok(None) };
    let of_number = text.parse().ok().map(Timestamp::from_millis);
    let of_text = || text.parse::<jiff::Timestamp>().ok().map(|at| Timestamp::from_millis(at.as_millisecond()));
    of_number.or_else(of_text).ok_or(Fault::Invalid(|texts| texts.fault_time)).map(Some)
}

/// Up to when what was stored counts; a position or a time that is still to come is refused, because what is
/// answered for it would change.
pub(crate) async fn as_of(asked: &Fields, portal: &PortalState) -> Result<Option<AsOf>, Fault> {
    const FUTURE: Fault = Fault::Invalid(|texts| texts.fault_as_of_future);
    let text = asked.get("as_of");
    if text.is_empty() {
        return Ok(None);
    }
    // A time has more to it than digits.
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let position = text.parse().map_err(|_| Fault::Invalid(|texts| texts.fault_as_of))?;
        let position = Position::from_raw(position);
        let head = portal.store().head().await?;
        return if position > head { Err(FUTURE) } else { Ok(Some(AsOf::Position(position))) };
    }
    let at: jiff::Timestamp = text.parse().map_err(|_| Fault::Invalid(|texts| texts.fault_as_of))?;
    let at = Timestamp::from_millis(at.as_millisecond());
    if at > portal.now() { Err(FUTURE) } else { Ok(Some(AsOf::Received(at))) }
}

/// An answer to something that made a thing.
pub(crate) fn created(location: &str, body: impl Serialize) -> Response {
    let mut response = (StatusCode::CREATED, Json(body)).into_response();
    if let Ok(location) = HeaderValue::try_from(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_ends_where_a_moment_does() {
        let check = |times: &[i64], expected: &[i64], next: Option<i64>| {
            let (page, cursor) = page_back(times.to_vec(), 3, |ms| Timestamp::from_millis(*ms));
            assert_eq!((page.as_slice(), cursor.map(Timestamp::as_millis)), (expected, next), "{times:?}");
        };
        check(&[], &[], None);
        check(&[9, 8, 7], &[9, 8, 7], None);
        check(&[9, 8, 7, 6], &[9, 8, 7], Some(7));
        check(&[9, 8, 7, 7], &[9, 8], Some(8));
        check(&[9, 8, 8, 8], &[9], Some(9));
        check(&[8, 8, 8, 8], &[8, 8, 8], Some(8));
    }
}
