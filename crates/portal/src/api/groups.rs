use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use model::Group;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Body, Page, created};
use crate::{PortalState, actor::Actor, deeds::groups, fault::Fault};

/// A group of devices.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Group)]
pub(crate) struct GroupShape {
    /// 16 upper-case hex digits.
    id: String,
    name: String,
}

impl From<Group> for GroupShape {
    fn from(group: Group) -> Self {
        Self { id: group.id.to_string(), name: group.name }
    }
}

/// What to call a group.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GroupName {
    name: String,
}

/// `GET /api/groups`
pub(crate) async fn list(State(portal): State<PortalState>, actor: Actor) -> Result<Json<Page<GroupShape>>, Fault> {
    let groups = portal.store().list_groups(actor.org).await?;
    Ok(Json(Page::whole(groups.into_iter().map(GroupShape::from).collect())))
}

/// `POST /api/groups`
pub(crate) async fn create(
    State(portal): State<PortalState>,
    actor: Actor,
    Body(GroupName { name }): Body<GroupName>,
) -> Result<Response, Fault> {
    let group = groups::create(&portal, &actor, &name).await?;
    Ok(created(&format!("/api/groups/{}", group.id), GroupShape::from(group)))
}

/// `GET /api/groups/{id}`
pub(crate) async fn get(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Json<GroupShape>, Fault> {
    let id = groups::id(&id)?;
    let group = portal.store().list_groups(actor.org).await?.into_iter().find(|group| group.id == id);
    group.map(|group| Json(group.into())).ok_or(Fault::NotFound)
}

/// `PATCH /api/groups/{id}`
pub(crate) async fn rename(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(id): Path<String>,
    Body(GroupName { name }): Body<GroupName>,
) -> Result<Json<GroupShape>, Fault> {
    groups::rename(&portal, &actor, groups::id(&id)?, &name).await?;
    get(State(portal), actor, Path(id)).await
}

/// `DELETE /api/groups/{id}`
pub(crate) async fn delete(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<StatusCode, Fault> {
    groups::delete(&portal, &actor, groups::id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
