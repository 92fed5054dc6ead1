//! One's own name, zone, password and sessions.

use axum::{
    Extension,
    extract::{Path, State},
    response::Response,
};
use maud::{Markup, html};

use super::{
    join::zone_row,
    people::{role_name, session_table},
    sign_in::ip,
};
use crate::{
    PortalState,
    actor::{Actor, Address},
    deeds::people,
    fault::Fault,
    fields::Fields,
    guard::see,
    html::{frame, parts},
    password,
    view::View,
};

/// `GET /account`
pub(crate) async fn show(State(portal): State<PortalState>, actor: Actor, view: View) -> Result<Markup, Fault> {
    draw(&portal, &actor, &view, None).await
}

/// `POST /account`
pub(crate) async fn save(
    State(portal): State<PortalState>,
    actor: Actor,
    view: View,
    fields: Fields,
) -> Result<Response, Fault> {
    let saved = people::change_profile(&portal, &actor, Some(fields.get("name")), Some(fields.get("time_zone"))).await;
    answer(&portal, &actor, &view, saved, "saved").await
}

/// `POST /account/password`
pub(crate) async fn change_password(
    State(portal): State<PortalState>,
    actor: Actor,
    view: View,
    address: Option<Extension<Address>>,
    fields: Fields,
) -> Result<Response, Fault> {
    let (old, new) = (fields.get("old"), fields.get("new"));
    let changed = people::change_password(&portal, &actor, old, new, ip(address)).await;
    answer(&portal, &actor, &view, changed, "password").await
}

/// `POST /account/sessions/{token}/end`
pub(crate) async fn end_session(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(token): Path<String>,
) -> Result<Response, Fault> {
    people::end_own_session(&portal, &actor, people::of_handle(&token)?).await?;
    Ok(see("/account?done=ended"))
}

async fn answer(
    portal: &PortalState,
    actor: &Actor,
    view: &View,
    outcome: Result<(), Fault>,
    done: &str,
) -> Result<Response, Fault> {
    match outcome {
        Ok(()) => Ok(see(&format!("/account?done={done}"))),
        Err(fault @ (Fault::Invalid(_) | Fault::Slow(_) | Fault::Busy)) => {
            Ok(frame::refused(fault.status(), &fault, draw(portal, actor, view, Some(&fault)).await?))
        }
        Err(fault) => Err(fault),
    }
}

async fn draw(portal: &PortalState, actor: &Actor, view: &View, fault: Option<&Fault>) -> Result<Markup, Fault> {
    let t = view.t;
    let person = people::oneself(actor)?;
    let sessions = people::own_sessions(portal, actor).await?;
    let content = html! {
        (parts::head(t.account, person.email.as_str(), parts::nothing()))
        (parts::wrong(view, fault))
        form.card.form method="post" action="/account" {
            dl.facts { dt { (t.role) } dd { (role_name(view, person.role)) } }
            div.row { label for="name" { (t.your_name) } input #name name="name" autocomplete="name" maxlength="64" value=(person.name); }
            (zone_row(view, &person.time_zone))
            div.actions { button.primary { (t.save) } }
        }
        form.card.form method="post" action="/account/password" {
            header { h2 { (t.change_password) } }
            input.visually-hidden type="text" name="username" autocomplete="username" tabindex="-1" aria-hidden="true" readonly value=(person.email);
            div.row { label for="old" { (t.password_old) } input #old name="old" type="password" autocomplete="current-password" required; }
            div.row {
                label for="new" { (t.password_new) }
                input #new name="new" type="password" autocomplete="new-password" required minlength=(password::CHARS_MIN);
                p.help { (t.password_help) " " (t.password_change_help) }
            }
            div.actions { button.primary { (t.change_password) } }
        }
        section.card {
            header { h2 { (t.sessions_title) } }
            (session_table(view, &sessions, std::slice::from_ref(person), actor.session(), "/account/sessions"))
        }
    };
    Ok(frame::page(view, t.account, content))
}
