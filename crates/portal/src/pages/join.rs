//! Becoming somebody: by the owner link of a new station, or by an invite.

use axum::{
    Extension,
    extract::{Path, State},
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use maud::{Markup, html};
use model::{Invite, Role};

use super::sign_in::{agent, ip};
use crate::{
    PortalState,
    actor::Address,
    cookie,
    deeds::people::{self, Joining},
    fault::Fault,
    fields::Fields,
    guard::see_with,
    html::{frame, parts},
    password, secret,
    view::View,
};

/// `GET /join/{token}`
pub(crate) async fn form(
    State(portal): State<PortalState>,
    view: View,
    Path(token): Path<String>,
) -> Result<Response, Fault> {
    let Some((invite, organization)) = find(&portal, &token).await? else { return Ok(gone(&view)) };
    Ok(draw(&view, &token, &invite, &organization, &Fields::default(), None).into_response())
}

/// `POST /join/{token}`
pub(crate) async fn submit(
    State(portal): State<PortalState>,
    view: View,
    Path(token): Path<String>,
    address: Option<Extension<Address>>,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Fault> {
    let Some((invite, organization)) = find(&portal, &token).await? else { return Ok(gone(&view)) };
    let joining = Joining {
        email: fields.get("email").to_owned(),
        name: fields.get("name").to_owned(),
        password: fields.get("password").to_owned(),
        time_zone: fields.get("time_zone").to_owned(),
        organization: fields.get("organization").to_owned(),
    };
    let address = ip(address);
    let person = match people::join(&portal, invite.token, &joining, address).await {
        Ok(person) => person,
        Err(fault @ (Fault::Invalid(_) | Fault::Conflict(_) | Fault::Slow(_) | Fault::Busy)) => {
            let page = draw(&view, &token, &invite, &organization, &fields, Some(&fault));
            return Ok(frame::refused(fault.status(), &fault, page));
        }
        Err(Fault::NotFound) => return Ok(gone(&view)),
        Err(fault) => return Err(fault),
    };
    let address = address.to_canonical().to_string();
    let session = people::begin_session(&portal, &person, &address, agent(&headers)).await?;
    let next = if person.is_operator { "/setup?done=welcome" } else { "/?done=welcome" };
    Ok(see_with(next, cookie::set_session(&session, portal.is_secure())))
}

/// An invite that is still good, with the name of the organization it is for.
async fn find(portal: &PortalState, token: &str) -> Result<Option<(Invite, String)>, Fault> {
    let invite = portal.store().find_invite(secret::hash(token)).await?;
    let Some(invite) = invite.filter(|invite| portal.now() < invite.expires_at) else { return Ok(None) };
    let organization = match invite.org {
        Some(org) => portal.store().get_organization(org).await?.name,
        None => String::new(),
    };
    Ok(Some((invite, organization)))
}

fn gone(view: &View) -> Response {
    let t = view.t;
    let content = html! {
        section.card.empty { h1 { (t.join_gone) } p { (t.join_gone_help) } pre { code { "senstation owner-link" } } }
    };
    (axum::http::StatusCode::NOT_FOUND, frame::bare(view, t.join_gone, content)).into_response()
}

fn draw(
    view: &View,
    token: &str,
    invite: &Invite,
    organization: &str,
    fields: &Fields,
    fault: Option<&Fault>,
) -> Markup {
    let t = view.t;
    let is_first = invite.is_operator;
    let role = match invite.role {
        Role::Owner => t.role_owner,
        Role::Manager => t.role_manager,
        Role::Viewer => t.role_viewer,
    };
    let title = if is_first { t.join_first.to_owned() } else { t.join.replace("{}", organization) };
    let content = html! {
        div.stack {
            @if is_first {
                ol.steps { li aria-current="step" { (t.step_owner) } li { (t.step_choose) } li { (t.step_done) } }
            }
            form.card.form method="post" action=(format!("/join/{token}")) {
                header { h1 { (title) } }
                p.muted { @if is_first { (t.join_first_help) } @else { (t.join_help) ": " (role) } }
                (parts::wrong(view, fault))
                @if invite.org.is_none() {
                    div.row {
                        label for="organization" { (t.organization) }
                        input #organization name="organization" required maxlength="64" value=(fields.get("organization"));
                        p.help { (t.organization_help) }
                    }
                } @else if is_first {
                    div.row { label for="organization" { (t.organization) } input #organization disabled value=(organization); }
                }
                div.pair {
                    div.row {
                        label for="email" { (t.email) }
                        input #email name="email" type="email" autocomplete="username" required maxlength="254" value=(fields.get("email"));
                    }
                    div.row {
                        label for="name" { (t.your_name) }
                        input #name name="name" autocomplete="name" maxlength="64" value=(fields.get("name"));
                    }
                }
                div.row {
                    label for="password" { (t.password) }
                    input #password name="password" type="password" autocomplete="new-password" required minlength=(password::CHARS_MIN);
                    p.help { (t.password_help) }
                }
                (zone_row(view, fields.get("time_zone")))
                div.actions { button.primary { (t.go_on) } }
            }
        }
    };
    frame::bare(view, &title, content)
}

/// The choice of a time zone, filled in by the browser.
pub(crate) fn zone_row(view: &View, chosen: &str) -> Markup {
    let t = view.t;
    html! {
        div.row {
            label for="time_zone" { (t.time_zone) }
            input #time_zone name="time_zone" required list="zones" data-zone-input value=(chosen) placeholder="Europe/Zurich";
            datalist #zones { @for zone in jiff::tz::db().available() { option value=(zone.as_str()) {} } }
            p.help { (t.time_zone_help) }
        }
    }
}
