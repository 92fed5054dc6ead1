//! What every source that posts has in common: its token, the limits of its body, and the answer.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{Query, State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::{MethodRouter, post},
};
use model::{Source, SourceKind, Timestamp};

use super::message::{Message, Post, Read};
use crate::{
    Accepted, BODY_BYTES_MAX, IngestState, Refusal, accept, accept_reports, auth::authenticate,
    pipeline::accept_simulated,
};

/// What answers the posts of a kind of source, all of whose messages `read` reads.
pub(crate) fn webhook(kind: SourceKind, read: Read) -> MethodRouter<Arc<IngestState>> {
    post(
        async move |State(state): State<Arc<IngestState>>,
                    uri: Uri,
                    headers: HeaderMap,
                    body: Result<Bytes, BytesRejection>| {
            receive(&state, kind, read, &uri, &headers, body).await
        },
    )
}

/// Takes a post in and says what became of it.
pub(crate) async fn receive(
    state: &IngestState,
    kind: SourceKind,
    read: Read,
    uri: &Uri,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let refused = |refusal: Refusal, source: Option<&Source>| {
        refusal.log(kind, source);
        refusal.into_response()
    };
    let received_at = (state.now)();
    let source = match authenticate(state.store.as_ref(), headers, kind, received_at).await {
        Ok(source) => source,
        Err(refusal) => return refused(refusal, None),
    };
    let taken = take(state, &source, received_at, read, uri, headers, body).await;
    match &taken {
        Ok(_) => state.notes.count_message(&source, received_at),
        Err(refusal) => state.notes.keep_refusal(&source, received_at, refusal),
    }
    match taken {
        Ok(Some(accepted)) => accepted.into_response(),
        Ok(None) => StatusCode::NO_CONTENT.into_response(),
        Err(refusal) => refused(refusal, Some(&source)),
    }
}

async fn take(
    state: &IngestState,
    source: &Source,
    received_at: Timestamp,
    read: Read,
    uri: &Uri,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Option<Accepted>, Refusal> {
    let named = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let packing = named(header::CONTENT_ENCODING);
    if !packing.is_empty() && packing != "identity" {
        return Err(Refusal::NotJson(packing.chars().take(80).collect()));
    }
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Refusal::TooLarge { max: BODY_BYTES_MAX },
        _ => Refusal::Malformed("the body ended before its end; send it again".to_owned()),
    })?;
    let event = event(source.kind, uri);
    let post = Post { event: &event, content_type: named(header::CONTENT_TYPE), body: &body };
    let message = read(&post, source, received_at)?;
    let eui = match &message {
        Message::Uplink(uplink) if source.kind == SourceKind::Tts => Some(uplink.eui),
        _ => None,
    };
    let stored = store_message(state, source, message).await;
    if let (Some(eui), Ok(Some(Accepted { kept: false, .. }))) = (eui, &stored) {
        let key = &state.devices.station_key;
        if let Err(error) = state.downlinks.keep(state.store.as_ref(), key, source, eui, headers).await {
            // The uplink itself is stored, and the next one says it again.
            tracing::warn!(%eui, "how the device is reached could not be kept: {error}");
        }
    }
    stored
}

/// Does what a message asks for.
pub(crate) async fn store_message(
    state: &IngestState,
    source: &Source,
    message: Message,
) -> Result<Option<Accepted>, Refusal> {
    let store = state.store.as_ref();
    match message {
        Message::Uplink(uplink) => accept(store, &state.scripts, source, uplink).await.map(Some),
        Message::Simulated(uplink) if state.keeps_simulated => {
            accept_simulated(store, &state.scripts, source, uplink).await.map(Some)
        }
        Message::Simulated(uplink) => Ok(Some(Accepted {
            warnings: vec![format!(
                "a simulated uplink of device `{}`: it can be read and was not stored; `ingest.keep_simulated` keeps them",
                uplink.eui
            )],
            ..Accepted::default()
        })),
        Message::Reports(reports) => accept_reports(store, source, reports).await.map(Some),
        Message::Other => Ok(None),
        Message::Warning(warning) => Ok(Some(Accepted { warnings: vec![warning], ..Accepted::default() })),
    }
}

/// What follows the path of the kind, or else what the query calls `event`, if it does so once.
fn event(kind: SourceKind, uri: &Uri) -> String {
    let below = kind.path().and_then(|path| uri.path().strip_prefix(path)).unwrap_or_default().trim_matches('/');
    if !below.is_empty() {
        return below.to_owned();
    }
    // What network servers write; anything else is taken apart by the rules.
    let plain = uri.query().and_then(|query| query.strip_prefix("event="));
    if let Some(event) = plain.filter(|event| event.bytes().all(|byte| byte.is_ascii_alphanumeric())) {
        return event.to_owned();
    }
    let Ok(Query(pairs)) = Query::<Vec<(String, String)>>::try_from_uri(uri) else { return String::new() };
    let mut events = pairs.into_iter().filter(|(name, _)| name == "event").map(|(_, event)| event);
    match (events.next(), events.next()) {
        (Some(event), None) => event,
        _ => String::new(),
    }
}
