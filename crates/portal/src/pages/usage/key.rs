//! `/usage/keys/{id}`: what a key has called last, and what it may use.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use maud::{Markup, html};
use model::{AccessKey, Call, Hint, OrgLimits};

use super::{allowance, form, rate};
use crate::{
    PortalState,
    actor::Actor,
    deeds::{keys, limits},
    fault::Fault,
    fields::Fields,
    guard::see,
    html::{frame, parts},
    view::View,
};

/// `GET /usage/keys/{id}`
pub(crate) async fn show(
    State(portal): State<PortalState>,
    actor: Actor,
    view: View,
    Path(id): Path<String>,
) -> Result<Markup, Fault> {
    let key = limits::find_key(&portal, &actor, keys::id(&id)?).await?;
    Ok(draw(&portal, &actor, &view, &key, None))
}

/// `POST /usage/keys/{id}`
pub(crate) async fn limit(
    State(portal): State<PortalState>,
    actor: Actor,
    view: View,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Fault> {
    let key = limits::find_key(&portal, &actor, keys::id(&id)?).await?;
    let wanted = rate(&fields).and_then(|rate| Ok((rate, allowance(&fields, "dm")?)));
    match wanted {
        Ok((rate, dm)) => {
            limits::limit_key(&portal, &actor, key.id, rate, dm).await?;
            Ok(see(&format!("/usage/keys/{}?done=saved", key.id)))
        }
        Err(fault) => Ok((fault.status(), draw(&portal, &actor, &view, &key, Some(&fault))).into_response()),
    }
}

fn draw(portal: &PortalState, actor: &Actor, view: &View, key: &AccessKey, fault: Option<&Fault>) -> Markup {
    let t = view.t;
    let calls = portal.station().last_calls(actor.org, key.id);
    let id = key.id.to_string();
    let title = if key.name.is_empty() { &id } else { &key.name };
    let back = html! { a.button href="/usage" { (t.nav_usage) } };
    let limits = OrgLimits { rate: key.limits.rate, dm: key.limits.dm, um: None };
    let content = html! {
        (parts::head(title, &id, back))
        (parts::wrong(view, fault))
        section.card {
            header { h2 { (t.usage_last_calls) } p { (t.usage_last_calls_help) } }
            @if calls.is_empty() { p.muted { (t.usage_nothing) } } @else { (table(view, &calls)) }
        }
        (form(view, &format!("/usage/keys/{id}"), t.usage_limit_key, limits, false))
    };
    frame::page(view, title, content)
}

fn table(view: &View, calls: &[Call]) -> Markup {
    let t = view.t;
    html! {
        div.scroll { table.cards {
            thead { tr {
                th scope="col" { (t.time) } th scope="col" { (t.usage_endpoint) } th scope="col" { (t.device) }
                th scope="col" { (t.usage_answer) } th.num scope="col" { "dm" } th.num scope="col" { (t.usage_took) }
                th scope="col" { (t.usage_worth_knowing) }
            } }
            tbody { @for call in calls { (row(view, call)) } }
        } }
    }
}

fn row(view: &View, call: &Call) -> Markup {
    let t = view.t;
    let took_ms = f64::from(call.took_us) / 1_000.0;
    html! {
        tr {
            td.nowrap data-label=(t.time) { (view.time(call.at)) }
            td.mono data-label=(t.usage_endpoint) { (call.method) " " (call.endpoint) }
            td.mono data-label=(t.device) { @if let Some(eui) = call.device { (eui) } }
            td data-label=(t.usage_answer) {
                @if call.is_refused() { span.badge.bad { (call.code) } } @else { span.badge.ok { (call.status) } }
                @if !call.meaning.is_empty() { span.sub { (call.meaning) } }
            }
            td.num data-label="dm" { (view.count(call.dm)) }
            td.num data-label=(t.usage_took) { (format!("{took_ms:.2} ms")) }
            td.wide data-label=(t.usage_worth_knowing) { @for hint in &call.hints { div { (told(view, hint)) } } }
        }
    }
}

fn told(view: &View, hint: &Hint) -> String {
    let t = view.t;
    match hint {
        Hint::Unchanged => t.hint_unchanged.to_owned(),
        Hint::Unknown { name, meant: None } => t.hint_unknown.replace("{}", name),
        Hint::Unknown { name, meant: Some(meant) } => {
            t.hint_unknown_meant.replacen("{}", meant, 1).replacen("{}", name, 1)
        }
        Hint::Clipped => t.hint_clipped.to_owned(),
        Hint::LimitMoved => t.hint_limit_moved.to_owned(),
        Hint::Widened => t.hint_widened.to_owned(),
        Hint::Empty => t.hint_empty.to_owned(),
        Hint::PageFull => t.hint_page_full.to_owned(),
        Hint::PageUneven => t.hint_page_uneven.to_owned(),
        Hint::Limit(text) => text.to_string(),
    }
}
