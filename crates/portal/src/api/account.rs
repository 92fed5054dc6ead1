//! One's own account: for whoever is signed in. An access key has none.

use std::net::IpAddr;

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    Body, Page,
    people::{PersonShape, SessionShape},
};
use crate::{
    PortalState,
    actor::{Actor, Address},
    deeds::people,
    fault::Fault,
    pages::sign_in::ip,
};

/// What to change about oneself; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountChange {
    name: Option<String>,
    /// By its IANA name, such as `Europe/Zurich`.
    time_zone: Option<String>,
}

/// A new password, and the one it replaces.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordChange {
    old: String,
    /// At least 10 characters, at most 512 bytes.
    new: String,
}

/// `GET /api/account`
pub(crate) async fn get(State(portal): State<PortalState>, actor: Actor) -> Result<Json<PersonShape>, Fault> {
    // Looked up anew: the actor is as it was before a change.
    let person = portal.store().find_person(&people::oneself(&actor)?.email).await?;
    person.map(|person| Json(person.into())).ok_or(Fault::NotFound)
}

/// `PATCH /api/account`
pub(crate) async fn change(
    State(portal): State<PortalState>,
    actor: Actor,
    Body(AccountChange { name, time_zone }): Body<AccountChange>,
) -> Result<Json<PersonShape>, Fault> {
    people::change_profile(&portal, &actor, name.as_deref(), time_zone.as_deref()).await?;
    get(State(portal), actor).await
}

/// `PUT /api/account/password`
pub(crate) async fn change_password(
    State(portal): State<PortalState>,
    actor: Actor,
    address: Option<Extension<Address>>,
    Body(PasswordChange { old, new }): Body<PasswordChange>,
) -> Result<StatusCode, Fault> {
    let address: IpAddr = ip(address);
    people::change_password(&portal, &actor, &old, &new, address).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/account/sessions`
pub(crate) async fn sessions(
    State(portal): State<PortalState>,
    actor: Actor,
) -> Result<Json<Page<SessionShape>>, Fault> {
    let sessions = people::own_sessions(&portal, &actor).await?;
    Ok(Json(Page::whole(sessions.into_iter().map(SessionShape::from).collect())))
}

/// `DELETE /api/account/sessions/{id}`
pub(crate) async fn end_session(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<StatusCode, Fault> {
    people::end_own_session(&portal, &actor, people::of_handle(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
