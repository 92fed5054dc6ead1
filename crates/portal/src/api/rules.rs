use axum::{
    Json,
    extract::{Path, State},
};
use serde::{Deserialize, Serialize};
use store::ModelRule;
use utoipa::ToSchema;

use super::{Body, Page};
use crate::{PortalState, actor::Actor, deeds::sources, fault::Fault};

/// Which model a device is that its source names so.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ModelRule)]
pub(crate) struct RuleShape {
    /// What the source says of the device, such as the name of its device profile; in any case.
    name: String,
    /// One of the models that the station decodes.
    model: String,
}

/// Rules in the order that they are tried.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ModelRules)]
pub(crate) struct Rules {
    items: Vec<RuleShape>,
}

/// `GET /api/sources/{id}/rules`
pub(crate) async fn list(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Json<Page<RuleShape>>, Fault> {
    let rules = sources::rules(&portal, &actor, sources::id(&id)?).await?;
    let items = rules.into_iter().map(|ModelRule { hint, model }| RuleShape { name: hint, model });
    Ok(Json(Page { items: items.collect(), next_cursor: None }))
}

/// `PUT /api/sources/{id}/rules`
pub(crate) async fn set(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(id): Path<String>,
    Body(Rules { items }): Body<Rules>,
) -> Result<Json<Page<RuleShape>>, Fault> {
    let source = sources::id(&id)?;
    let rules = items.into_iter().map(|RuleShape { name, model }| ModelRule { hint: name, model });
    sources::set_rules(&portal, &actor, source, rules.collect()).await?;
    list(State(portal), actor, Path(id)).await
}
