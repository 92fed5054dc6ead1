//! People of the organization, invites, and who is signed in where.

use axum::{
    extract::{Path, State},
    response::Response,
};
use maud::{Markup, html};
use model::{Person, PersonId, Role, SecretHash, Session};

use crate::{
    PortalState,
    actor::Actor,
    deeds::{self, people},
    fault::Fault,
    fields::Fields,
    guard::see,
    html::{frame, parts},
    secret::Secret,
    view::View,
};

/// `GET /people`
pub(crate) async fn list(State(portal): State<PortalState>, actor: Actor, view: View) -> Result<Markup, Fault> {
    draw(&portal, &actor, &view, None).await
}

fn role(text: &str) -> Result<Role, Fault> {
    deeds::parse(text, |texts| texts.fault_role)
}

/// `POST /people/invite`
pub(crate) async fn invite(
    State(portal): State<PortalState>,
    actor: Actor,
    view: View,
    fields: Fields,
) -> Result<Markup, Fault> {
    let (_, secret) = people::invite(&portal, &actor, role(fields.get("role"))?, fields.get("note")).await?;
    draw(&portal, &actor, &view, Some(&secret)).await
}

/// `POST /people/uninvite/{token}`
pub(crate) async fn uninvite(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(token): Path<String>,
) -> Result<Response, Fault> {
    people::uninvite(&portal, &actor, people::of_handle(&token)?).await?;
    Ok(see("/people?done=removed"))
}

/// `POST /people/organization`
pub(crate) async fn rename_organization(
    State(portal): State<PortalState>,
    actor: Actor,
    fields: Fields,
) -> Result<Response, Fault> {
    people::rename_organization(&portal, &actor, fields.get("name")).await?;
    Ok(see("/people?done=saved"))
}

/// `POST /people/{id}/role`
pub(crate) async fn set_role(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Fault> {
    people::set_role(&portal, &actor, people::id(&id)?, role(fields.get("role"))?).await?;
    Ok(see("/people?done=saved"))
}

/// `POST /people/{id}/remove`
pub(crate) async fn remove(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    people::remove(&portal, &actor, people::id(&id)?).await?;
    Ok(see("/people?done=removed"))
}

/// `POST /people/sessions/{token}/end`
pub(crate) async fn end_session(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(token): Path<String>,
) -> Result<Response, Fault> {
    people::end_session(&portal, &actor, people::of_handle(&token)?).await?;
    Ok(see("/people?done=ended"))
}

pub(crate) fn role_name(view: &View, role: Role) -> &'static str {
    match role {
        Role::Viewer => view.t.role_viewer,
        Role::Manager => view.t.role_manager,
        Role::Owner => view.t.role_owner,
    }
}

fn roles(view: &View, chosen: Role) -> Markup {
    html! { @for role in Role::ALL { (parts::option(role.as_str(), role_name(view, role), role == chosen)) } }
}

async fn draw(portal: &PortalState, actor: &Actor, view: &View, made: Option<&Secret>) -> Result<Markup, Fault> {
    let t = view.t;
    let everybody = portal.store().list_people(actor.org).await?;
    let sessions = portal.store().list_sessions(actor.org).await?;
    let invites = portal.store().list_invites(actor.org).await?;
    let seen =
        |id: PersonId| sessions.iter().filter(|session| session.person == id).map(|session| session.seen_at).max();
    let own = actor.person().map(|person| person.id);
    let content = html! {
        (parts::head(t.nav_people, t.people_help, parts::nothing()))
        @if let Some(secret) = made {
            section.card.secret role="status" {
                header { h2 { (t.invite_created) } }
                div.notice.warn { strong { (t.shown_once_link) } }
                (parts::copied(view, "invite", &format!("{}/join/{}", view.url, secret.text)))
            }
        }
        form.card.inline method="post" action="/people/organization" {
            div.row {
                label for="organization" { (t.organization) }
                input #organization name="name" required maxlength="64" value=(view.organization());
            }
            button { (t.rename) }
        }
        section.card { div.scroll { table.cards {
            thead { tr { th scope="col" { (t.person) } th scope="col" { (t.role) } th scope="col" { (t.last_seen) } th {} } }
            tbody {
                @for person in &everybody {
                    tr {
                        th scope="row" { (name(person)) span.sub { (person.email) } }
                        td data-label=(t.role) {
                            form.actions method="post" action=(format!("/people/{}/role", person.id)) {
                                select name="role" aria-label=(t.role) data-submit { (roles(view, person.role)) }
                                noscript { button.small { (t.save) } }
                            }
                        }
                        td data-label=(t.last_seen) { @match seen(person.id) { Some(at) => (view.age(at)), None => (t.never) } }
                        td {
                            @if own != Some(person.id) {
                                form.actions method="post" action=(format!("/people/{}/remove", person.id)) data-confirm=(t.person_remove_confirm) {
                                    button.small.danger { (t.remove) }
                                }
                            }
                        }
                    }
                }
            }
        } } }
        form.card.inline method="post" action="/people/invite" {
            div.row { label for="note" { (t.invite_whom) } input #note name="note" maxlength="64"; }
            div.row { label for="role" { (t.role) } select #role name="role" { (roles(view, Role::Viewer)) } }
            button.primary { (t.invite) }
        }
        @if !invites.is_empty() {
            section.card {
                header { h2 { (t.open_invites) } }
                div.scroll { table.cards {
                    thead { tr { th scope="col" { (t.invite_whom) } th scope="col" { (t.role) } th scope="col" { (t.expires) } th {} } }
                    tbody { @for invite in &invites { tr {
                        th scope="row" { (invite.note) }
                        td data-label=(t.role) { (role_name(view, invite.role)) }
                        td data-label=(t.expires) { (view.time(invite.expires_at)) }
                        td { form.actions method="post" action=(format!("/people/uninvite/{}", people::handle(invite.token))) { button.small.danger { (t.take_back) } } }
                    } } }
                } }
            }
        }
        section.card {
            header { h2 { (t.sessions_title) } }
            (session_table(view, &sessions, &everybody, actor.session(), "/people/sessions"))
        }
    };
    Ok(frame::page(view, t.nav_people, content))
}

pub(crate) fn name(person: &Person) -> &str {
    if person.name.is_empty() { person.email.as_str() } else { &person.name }
}

/// Who is signed in where.
pub(crate) fn session_table(
    view: &View,
    sessions: &[Session],
    everybody: &[Person],
    own: Option<SecretHash>,
    action: &str,
) -> Markup {
    let t = view.t;
    html! {
        div.scroll { table.cards {
            thead { tr { th scope="col" { (t.person) } th scope="col" { (t.browser) } th scope="col" { (t.address) } th scope="col" { (t.last_seen) } th {} } }
            tbody {
                @for session in sessions {
                    @let person = everybody.iter().find(|person| person.id == session.person);
                    tr {
                        th scope="row" { (person.map_or("", name)) @if own == Some(session.token) { " " span.badge.ok { (t.this_browser) } } }
                        td.wide.small data-label=(t.browser) { (session.agent) }
                        td.mono data-label=(t.address) { (session.address) }
                        td data-label=(t.last_seen) { (view.age(session.seen_at)) }
                        td { form.actions method="post" action=(format!("{action}/{}/end", people::handle(session.token))) { button.small { (t.end_session) } } }
                    }
                }
            }
        } }
    }
}
