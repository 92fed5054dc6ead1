//! Signing in and out, and what somebody prefers to see.

use std::net::{IpAddr, Ipv4Addr};

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use maud::{Markup, html};

use crate::{
    PortalState,
    actor::{Actor, Address},
    cookie,
    deeds::people,
    fault::Fault,
    fields::{Asked, Fields},
    guard::{own_path, see, see_with},
    html::{frame, parts},
    text::Language,
    view::{Theme, View},
};

/// `GET /sign-in`
pub(crate) async fn form(view: View, Asked(asked): Asked) -> Response {
    if view.signed_in.is_some() {
        return see("/");
    }
    draw(&view, "", asked.get("next"), None).into_response()
}

/// `POST /sign-in`
pub(crate) async fn submit(
    State(portal): State<PortalState>,
    view: View,
    address: Option<Extension<Address>>,
    headers: HeaderMap,
    fields: Fields,
) -> Response {
    let (account, next) = (fields.get("email"), fields.get("next"));
    match begin(&portal, account, fields.get("password"), ip(address), &headers).await {
        Ok(token) => see_with(own_path(next), cookie::set_session(&token, portal.is_secure())),
        Err(fault @ (Fault::Invalid(_) | Fault::Slow(_) | Fault::Busy)) => {
            let status = if matches!(fault, Fault::Invalid(_)) { StatusCode::UNAUTHORIZED } else { fault.status() };
            frame::refused(status, &fault, draw(&view, account, next, Some(&fault)))
        }
        Err(fault) => fault.into_response(),
    }
}

async fn begin(
    portal: &PortalState,
    account: &str,
    password: &str,
    address: IpAddr,
    headers: &HeaderMap,
) -> Result<String, Fault> {
    let person = people::sign_in(portal, account, password, address).await?;
    people::begin_session(portal, &person, &address.to_canonical().to_string(), agent(headers)).await
}

/// `POST /sign-out`
pub(crate) async fn out(State(portal): State<PortalState>, actor: Option<Actor>) -> Result<Response, Fault> {
    if let Some(actor) = actor
        && let Some(session) = actor.session()
    {
        people::end_session(&portal, &actor, session).await?;
    }
    Ok(see_with("/sign-in", cookie::end_session(portal.is_secure())))
}

/// `POST /preferences`
pub(crate) async fn prefer(State(portal): State<PortalState>, fields: Fields) -> Response {
    let next = own_path(fields.get("next"));
    let language = Language::parse(fields.get("language")).map(|language| ("language", language.tag()));
    let theme = Theme::parse(fields.get("theme")).map(|theme| ("theme", theme.as_str()));
    match language.or(theme) {
        Some((name, value)) => see_with(next, cookie::set_preference(name, value, portal.is_secure())),
        None => see(next),
    }
}

/// The address of whoever asks; nowhere where nobody said it.
pub(crate) fn ip(address: Option<Extension<Address>>) -> IpAddr {
    address.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Extension(Address(address))| address)
}

/// What a browser calls itself.
pub(crate) fn agent(headers: &HeaderMap) -> &str {
    headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default()
}

fn draw(view: &View, account: &str, next: &str, fault: Option<&Fault>) -> Markup {
    let t = view.t;
    let content = html! {
        form.card.form method="post" action="/sign-in" {
            h1 { (t.sign_in) }
            (parts::wrong(view, fault))
            input type="hidden" name="next" value=(next);
            div.row {
                label for="email" { (t.email) }
                input #email name="email" type="email" autocomplete="username" required autofocus value=(account);
            }
            div.row {
                label for="password" { (t.password) }
                input #password name="password" type="password" autocomplete="current-password" required;
            }
            button.primary.block { (t.sign_in) }
            p.small.muted { (t.sign_in_help) }
        }
    };
    frame::bare(view, t.sign_in, content)
}
