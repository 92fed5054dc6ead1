use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde::Serialize;
use store::UnboundDevice;
use utoipa::ToSchema;

use super::{Page, limit};
use crate::{PortalState, actor::Actor, deeds::devices, fault::Fault, fields::Asked};

/// A device that a source brings uplinks of and that nobody has bound.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UnboundDevice)]
pub(crate) struct UnboundShape {
    /// 16 upper-case hex digits.
    eui: String,
    /// The id of the source that brings its uplinks.
    source: String,
    /// The model that its source's words make likely; `null` where they make none so.
    model: Option<String>,
    /// What its source calls it; may be empty.
    name: String,
    first_heard_at: String,
    last_heard_at: String,
    /// How many of its frames are kept, to be decoded when it is bound.
    kept: u64,
    /// How many had to make room for later ones.
    dropped: u64,
}

impl From<UnboundDevice> for UnboundShape {
    fn from(device: UnboundDevice) -> Self {
        Self {
            eui: device.eui.to_string(),
            source: device.source.to_string(),
            model: Some(device.model).filter(|model| !model.is_empty()),
            name: device.name,
            first_heard_at: device.first_heard_at.to_string(),
            last_heard_at: device.last_heard_at.to_string(),
            kept: device.kept,
            dropped: device.dropped,
        }
    }
}

/// `GET /api/unbound`
pub(crate) async fn list(
    State(portal): State<PortalState>,
    actor: Actor,
    Asked(asked): Asked,
) -> Result<Json<Page<UnboundShape>>, Fault> {
    let devices = portal.store().list_unbound(actor.org, limit(&asked)?).await?;
    Ok(Json(Page { items: devices.into_iter().map(UnboundShape::from).collect(), next_cursor: None }))
}

/// `DELETE /api/unbound/{eui}`
pub(crate) async fn forget(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(eui): Path<String>,
) -> Result<StatusCode, Fault> {
    devices::forget(&portal, &actor, eui.parse().map_err(|_| Fault::NotFound)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
