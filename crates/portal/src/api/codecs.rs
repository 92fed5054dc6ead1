use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use model::{Reading, UserCodec, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Body, Page, created};
use crate::{
    PortalState, TriedCodec,
    actor::Actor,
    deeds::codecs::{self, Draft},
    fault::Fault,
};

/// A codec of the organization's own.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Codec)]
pub(crate) struct CodecShape {
    /// The model of the devices that it decodes.
    model: String,
    /// Raised with every change; stored with each row that it decodes.
    version: u16,
    /// The program, in JavaScript.
    source: String,
    /// A line `path = channel/measurement` or `path = channel/measurement * factor` for each value.
    table: String,
    /// A line `port hex -> channel/measurement=value, …` for each example.
    examples: String,
    changed_at: String,
}

impl CodecShape {
    fn of(codec: &UserCodec) -> Self {
        Self {
            model: codec.model.clone(),
            version: codec.version.0,
            source: codec.source.clone(),
            table: codec.table.to_string(),
            examples: codec.examples.to_string(),
            changed_at: codec.changed_at.to_string(),
        }
    }
}

/// A codec to keep.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCodec {
    /// A model that is not built in; 1 to 64 characters.
    model: String,
    source: String,
    table: String,
    examples: String,
}

/// What a codec is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CodecChange {
    source: String,
    table: String,
    examples: String,
}

/// A program to be tried on a payload.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CodecTrial {
    source: String,
    #[serde(default)]
    table: String,
    f_port: u8,
    /// The payload as hex digits.
    payload: String,
}

/// What a codec makes of a payload.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CodecOutcome {
    readings: Vec<TriedReading>,
    /// What the program answers and the table does not have.
    unmapped: Vec<TriedPath>,
    warnings: Vec<String>,
}

/// A reading that would be stored.
#[derive(Debug, Serialize, ToSchema)]
struct TriedReading {
    channel: u16,
    measurement_id: String,
    value: serde_json::Value,
}

/// A value of an answer, and where it stands.
#[derive(Debug, Serialize, ToSchema)]
struct TriedPath {
    path: String,
    value: serde_json::Value,
}

fn json(value: &Value) -> serde_json::Value {
    value.as_number().map_or_else(|| value.to_string().into(), Into::into)
}

/// `GET /api/codecs`
pub(crate) async fn list(State(portal): State<PortalState>, actor: Actor) -> Result<Json<Page<CodecShape>>, Fault> {
    let codecs = codecs::list(&portal, &actor).await?;
    Ok(Json(Page::whole(codecs.iter().map(|codec| CodecShape::of(codec)).collect())))
}

/// `POST /api/codecs`
pub(crate) async fn create(
    State(portal): State<PortalState>,
    actor: Actor,
    Body(NewCodec { model, source, table, examples }): Body<NewCodec>,
) -> Result<Response, Fault> {
    let draft = Draft { model: &model, source: &source, table: &table, examples: &examples };
    let codec = codecs::create(&portal, &actor, draft).await?;
    let path: String = form_urlencoded::byte_serialize(codec.model.as_bytes()).collect();
    Ok(created(&format!("/api/codecs/{}", path.replace('+', "%20")), CodecShape::of(&codec)))
}

/// `GET /api/codecs/{model}`
pub(crate) async fn get(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(model): Path<String>,
) -> Result<Json<CodecShape>, Fault> {
    Ok(Json(CodecShape::of(&*codecs::find(&portal, &actor, &model).await?)))
}

/// `PUT /api/codecs/{model}`
pub(crate) async fn change(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(model): Path<String>,
    Body(CodecChange { source, table, examples }): Body<CodecChange>,
) -> Result<Json<CodecShape>, Fault> {
    let draft = Draft { model: &model, source: &source, table: &table, examples: &examples };
    Ok(Json(CodecShape::of(&*codecs::change(&portal, &actor, &model, draft).await?)))
}

/// `DELETE /api/codecs/{model}`
pub(crate) async fn remove(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(model): Path<String>,
) -> Result<StatusCode, Fault> {
    codecs::remove(&portal, &actor, &model).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/codec-trials`
pub(crate) async fn attempt(
    State(portal): State<PortalState>,
    actor: Actor,
    Body(CodecTrial { source, table, f_port, payload }): Body<CodecTrial>,
) -> Result<Json<CodecOutcome>, Fault> {
    let draft = Draft { model: "", source: &source, table: &table, examples: "" };
    let payload = codecs::bytes(&payload)?;
    let TriedCodec { readings, unmapped, warnings } = codecs::attempt(&portal, &actor, draft, f_port, payload).await?;
    let readings = readings.iter().map(|Reading { series, value }| TriedReading {
        channel: series.channel.0,
        measurement_id: series.measurement.to_string(),
        value: json(value),
    });
    let unmapped = unmapped.into_iter().map(|(path, value)| TriedPath { value: json(&value), path });
    Ok(Json(CodecOutcome { readings: readings.collect(), unmapped: unmapped.collect(), warnings }))
}
