//! ChirpStack v4's HTTP integration, with JSON as its encoding.
//!
//! It posts every event of every device to one address, tells the kind in the query, does not wait
//! longer than five seconds and does not repeat: what is refused is lost there.

mod shape;

use axum::{
    body::Bytes,
    extract::{Query, State, rejection::BytesRejection, rejection::QueryRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use model::{Source, SourceKind, Timestamp, Uplink};
use serde::Deserialize;
use store::Store;

use super::lenient::depth;
use crate::{Accepted, BODY_BYTES_MAX, IngestState, Refusal, StatusReport, accept, accept_status, auth::authenticate};

/// The events that ChirpStack v4 posts.
const EVENTS: [&str; 8] = ["up", "status", "join", "ack", "txack", "log", "location", "integration"];

/// How deep the JSON of an event may nest.
const JSON_DEPTH_MAX: usize = 64;

/// What an event asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Store an uplink.
    Uplink(Uplink),
    /// Store what the network server says about a device.
    Status(StatusReport),
    /// Nothing: it carries no readings.
    Other,
}

/// The query of the webhook.
#[derive(Debug, Deserialize)]
pub(crate) struct Params {
    event: Option<String>,
}

/// `POST /ingest/chirpstack?event=…`.
pub(crate) async fn receive(
    State(state): State<IngestState>,
    query: Result<Query<Params>, QueryRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let refused = |refusal: Refusal, source: Option<&Source>| {
        refusal.log(SourceKind::ChirpStack, source);
        refusal.into_response()
    };
    let received_at = (state.now)();
    let source = match authenticate(state.store.as_ref(), &headers, SourceKind::ChirpStack, received_at).await {
        Ok(source) => source,
        Err(refusal) => return refused(refusal, None),
    };
    let taken = take(state.store.as_ref(), &source, received_at, query, &headers, body).await;
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
    store: &dyn Store,
    source: &Source,
    received_at: Timestamp,
    query: Result<Query<Params>, QueryRejection>,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Option<Accepted>, Refusal> {
    refuse_encodings(headers)?;
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Refusal::TooLarge { max: BODY_BYTES_MAX },
        _ => Refusal::Malformed("the body ended before its end; send it again".to_owned()),
    })?;
    let event = query.ok().and_then(|Query(params)| params.event).unwrap_or_default();
    match read(&event, &body, source, received_at)? {
        Event::Uplink(uplink) => accept(store, source, uplink).await.map(Some),
        Event::Status(report) => accept_status(store, source, report).await.map(Some),
        Event::Other => Ok(None),
    }
}

/// Reads the body of an event.
///
/// **Errors**: an unknown event, a body that is not its JSON, and a payload that is still
/// encrypted.
pub fn read(event: &str, body: &[u8], source: &Source, received_at: Timestamp) -> Result<Event, Refusal> {
    match event {
        "up" => shape::up(parse(event, body)?, source, received_at),
        "status" => shape::status(parse(event, body)?, source, received_at),
        known if EVENTS.contains(&known) => Ok(Event::Other),
        _ => {
            let names = EVENTS.map(|name| format!("`{name}`")).join(", ");
            Err(Refusal::Malformed(format!("say which event this is as `?event=`: one of {names}")))
        }
    }
}

fn parse<'a, T: Deserialize<'a>>(event: &str, body: &'a [u8]) -> Result<T, Refusal> {
    if depth(body) > JSON_DEPTH_MAX {
        return Err(Refusal::Malformed(format!("the body nests more than {JSON_DEPTH_MAX} deep")));
    }
    serde_json::from_slice(body).map_err(|error| {
        // What serde quotes of the body may be as long as the body.
        let what: String = error.to_string().chars().take(200).collect();
        Refusal::Malformed(format!("the body is not the JSON of ChirpStack v4's event `{event}`: {what}"))
    })
}

fn refuse_encodings(headers: &HeaderMap) -> Result<(), Refusal> {
    let named = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (kind, packing) = (named(header::CONTENT_TYPE), named(header::CONTENT_ENCODING));
    let refused = if kind.starts_with("application/octet-stream") || kind.contains("protobuf") {
        kind
    } else if !packing.is_empty() && packing != "identity" {
        packing
    } else {
        return Ok(());
    };
    Err(Refusal::NotJson(refused.chars().take(80).collect()))
}
