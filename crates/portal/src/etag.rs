//! What was asked for and has not changed is not sent again.

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http_body_util::BodyExt;
use sha2::{Digest, Sha256};
use tower::ServiceExt;

use crate::{actor::Actor, fault::Fault, secret::hex};

/// Lets a change through only if whoever makes it has seen how the thing is now, where they say what
/// they have seen.
pub(crate) async fn unless_outdated(State(read): State<Router>, request: Request, next: Next) -> Response {
    let Some(seen) = request.headers().get(header::IF_MATCH).cloned() else { return next.run(request).await };
    let mut asked = Request::builder().method(Method::GET).uri(request.uri().clone());
    // Nothing else of the request: the places of its path would be there twice.
    if let Some(actor) = request.extensions().get::<Actor>() {
        asked = asked.extension(actor.clone());
    }
    let Ok(asked) = asked.body(Body::empty()) else { return Fault::Internal.into_response() };
    let Ok(now) = read.oneshot(asked).await;
    let tag = now.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok());
    match tag {
        Some(tag) if matches(&seen, tag) => next.run(request).await,
        Some(_) => Fault::Outdated.into_response(),
        // What cannot be read cannot be changed either.
        None => now,
    }
}

/// Names the content of an answer, and leaves it out where whoever asks has it already.
pub(crate) async fn answer(request: Request, next: Next) -> Response {
    let is_get = request.method() == Method::GET;
    let known = request.headers().get(header::IF_NONE_MATCH).cloned();
    let response = next.run(request).await;
    let is_json = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    if !is_get || response.status() != StatusCode::OK || !is_json {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(body) = body.collect().await else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let body = body.to_bytes();
    let tag = format!("\"{}\"", hex(&Sha256::digest(&body)[..12]).to_ascii_lowercase());
    if let Ok(tag) = HeaderValue::try_from(&tag) {
        parts.headers.insert(header::ETAG, tag);
    }
    if known.as_ref().is_some_and(|known| matches(known, &tag)) {
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.remove(header::CONTENT_TYPE);
        parts.headers.remove(header::CONTENT_LENGTH);
        return Response::from_parts(parts, Body::empty());
    }
    Response::from_parts(parts, Body::from(body))
}

fn matches(known: &HeaderValue, tag: &str) -> bool {
    let Ok(known) = known.to_str() else { return false };
    known.split(',').map(|one| one.trim().trim_start_matches("W/")).any(|one| one == tag || one == "*")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_known_alone_among_others_or_weakly() {
        let known = |text: &'static str| matches(&HeaderValue::from_static(text), "\"ab\"");
        assert!(known("\"ab\"") && known("\"x\", \"ab\"") && known("W/\"ab\"") && known("*"));
        assert!(!known("ab") && !known("") && !known("\"a\""));
    }
}
