use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use model::{Invite, Person, Session};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Body, Page, created};
use crate::{
    PortalState,
    actor::Actor,
    deeds::{self, people},
    fault::Fault,
};

/// Somebody who signs in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Person)]
pub(crate) struct PersonShape {
    id: String,
    email: String,
    name: String,
    /// `viewer`, `manager` or `owner`.
    role: &'static str,
    /// Whether the person looks after the station as well.
    is_operator: bool,
    time_zone: String,
    created_at: String,
}

impl From<Person> for PersonShape {
    fn from(person: Person) -> Self {
        Self {
            id: person.id.to_string(),
            email: person.email.to_string(),
            name: person.name,
            role: person.role.as_str(),
            is_operator: person.is_operator,
            time_zone: person.time_zone,
            created_at: person.created_at.to_string(),
        }
    }
}

/// What a person may do.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PersonRole {
    /// `viewer`, `manager` or `owner`.
    role: String,
}

/// An invite that nobody has followed yet.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Invite)]
pub(crate) struct InviteShape {
    /// Names the invite; it is not its token.
    id: String,
    role: &'static str,
    note: String,
    created_at: String,
    expires_at: String,
}

impl InviteShape {
    fn of(invite: &Invite) -> Self {
        Self {
            id: people::handle(invite.token),
            role: invite.role.as_str(),
            note: invite.note.clone(),
            created_at: invite.created_at.to_string(),
            expires_at: invite.expires_at.to_string(),
        }
    }
}

/// Somebody to invite.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewInvite {
    /// `viewer`, `manager` or `owner`.
    role: String,
    /// Whom it is for.
    #[serde(default)]
    note: String,
}

/// An invite with its link, which is shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MadeInvite {
    /// The path to open in a browser.
    path: String,
    #[serde(flatten)]
    invite: InviteShape,
}

/// Somebody who is signed in on some browser.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Session)]
pub(crate) struct SessionShape {
    /// Names the session; it is not its token.
    id: String,
    person: String,
    created_at: String,
    seen_at: String,
    address: String,
    /// What the browser calls itself.
    agent: String,
}

impl From<Session> for SessionShape {
    fn from(session: Session) -> Self {
        Self {
            id: people::handle(session.token),
            person: session.person.to_string(),
            created_at: session.created_at.to_string(),
            seen_at: session.seen_at.to_string(),
            address: session.address,
            agent: session.agent,
        }
    }
}

/// `GET /api/people`
pub(crate) async fn list(State(portal): State<PortalState>, actor: Actor) -> Result<Json<Page<PersonShape>>, Fault> {
    let people = portal.store().list_people(actor.org).await?;
    Ok(Json(Page::whole(people.into_iter().map(PersonShape::from).collect())))
}

/// `GET /api/people/{id}`
pub(crate) async fn get(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Json<PersonShape>, Fault> {
    let id = people::id(&id)?;
    let person = portal.store().list_people(actor.org).await?.into_iter().find(|person| person.id == id);
    person.map(|person| Json(person.into())).ok_or(Fault::NotFound)
}

/// `PATCH /api/people/{id}`
pub(crate) async fn set_role(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(id): Path<String>,
    Body(PersonRole { role }): Body<PersonRole>,
) -> Result<Json<PersonShape>, Fault> {
    let role = deeds::parse(&role, |texts| texts.fault_role)?;
    people::set_role(&portal, &actor, people::id(&id)?, role).await?;
    get(State(portal), actor, Path(id)).await
}

/// `DELETE /api/people/{id}`
pub(crate) async fn remove(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<StatusCode, Fault> {
    people::remove(&portal, &actor, people::id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/invites`
pub(crate) async fn invites(State(portal): State<PortalState>, actor: Actor) -> Result<Json<Page<InviteShape>>, Fault> {
    let invites = portal.store().list_invites(actor.org).await?;
    Ok(Json(Page::whole(invites.iter().map(InviteShape::of).collect())))
}

/// `POST /api/invites`
pub(crate) async fn invite(
    State(portal): State<PortalState>,
    actor: Actor,
    Body(NewInvite { role, note }): Body<NewInvite>,
) -> Result<Response, Fault> {
    let role = deeds::parse(&role, |texts| texts.fault_role)?;
    let (invite, secret) = people::invite(&portal, &actor, role, &note).await?;
    let shape = InviteShape::of(&invite);
    let location = format!("/api/invites/{}", shape.id);
    Ok(created(&location, MadeInvite { path: format!("/join/{}", secret.text), invite: shape }))
}

/// `DELETE /api/invites/{id}`
pub(crate) async fn uninvite(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<StatusCode, Fault> {
    people::uninvite(&portal, &actor, people::of_handle(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/sessions`
pub(crate) async fn sessions(
    State(portal): State<PortalState>,
    actor: Actor,
) -> Result<Json<Page<SessionShape>>, Fault> {
    let sessions = portal.store().list_sessions(actor.org).await?;
    Ok(Json(Page::whole(sessions.into_iter().map(SessionShape::from).collect())))
}

/// `DELETE /api/sessions/{id}`
pub(crate) async fn end_session(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<StatusCode, Fault> {
    people::end_session(&portal, &actor, people::of_handle(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
