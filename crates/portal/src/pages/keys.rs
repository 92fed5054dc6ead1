//! Access keys: made, used, revoked.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use maud::{Markup, html};
use model::{AccessKey, Group, Scopes, Timestamp};

use crate::{
    PortalState,
    actor::Actor,
    deeds::keys,
    fault::Fault,
    fields::Fields,
    guard::see,
    html::{
        code::{self, Credentials},
        frame, parts,
    },
    secret::Secret,
    view::View,
};

const DAY_MS: i64 = 24 * 3_600_000;

/// `GET /keys`
pub(crate) async fn list(State(portal): State<PortalState>, actor: Actor, view: View) -> Result<Markup, Fault> {
    draw(&portal, &actor, &view, None, None).await
}

/// `POST /keys`
pub(crate) async fn create(
    State(portal): State<PortalState>,
    actor: Actor,
    view: View,
    fields: Fields,
) -> Result<Response, Fault> {
    let has = |scope| fields.all("scope").any(|given| given == scope);
    let origins = fields.get("origins").split_whitespace().map(|origin| origin.trim_end_matches('/').to_owned());
    let made = async {
        let new = keys::New {
            name: fields.get("name").to_owned(),
            scopes: Scopes { read: has("read"), write: has("write"), manage: has("manage") },
            expires_at: expiry(fields.get("days").trim(), view.now)?,
            origins: origins.collect(),
            groups: fields.all("group").map(str::to_owned).collect(),
            rate: None,
            dm: None,
        };
        keys::create(&portal, &actor, new).await
    };
    match made.await {
        Ok(made) => Ok(draw(&portal, &actor, &view, Some(&made), None).await?.into_response()),
        Err(fault @ Fault::Invalid(_)) => {
            let page = draw(&portal, &actor, &view, None, Some(&fault)).await?;
            Ok((fault.status(), page).into_response())
        }
        Err(fault) => Err(fault),
    }
}

/// When a key expires that is to last so many days; nothing is for ever.
fn expiry(days: &str, now: Timestamp) -> Result<Option<Timestamp>, Fault> {
    if days.is_empty() {
        return Ok(None);
    }
    let days = days.parse::<i64>().map_err(|_| Fault::Invalid(|texts| texts.fault_expiry))?;
    Ok(Some(now.plus_ms(days.saturating_mul(DAY_MS))))
}

/// `POST /keys/{id}/revoke`
pub(crate) async fn revoke(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    keys::revoke(&portal, &actor, keys::id(&id)?).await?;
    Ok(see("/keys?done=revoked"))
}

async fn draw(
    portal: &PortalState,
    actor: &Actor,
    view: &View,
    made: Option<&(AccessKey, Secret)>,
    fault: Option<&Fault>,
) -> Result<Markup, Fault> {
    let t = view.t;
    let mut keys = portal.store().list_access_keys(actor.org).await?;
    // Those that work first, the newest first.
    keys.sort_by_key(|key| (!works(key, view.now), std::cmp::Reverse(key.created_at)));
    let groups = portal.store().list_groups(actor.org).await?;
    let content = html! {
        (parts::head(t.nav_keys, t.keys_help, parts::nothing()))
        @if let Some((key, secret)) = made { (shown_once(portal, view, key, secret)) }
        (parts::wrong(view, fault))
        form.card.form method="post" action="/keys" {
            header { h2 { (t.create_key) } }
            div.row { label for="name" { (t.name) } input #name name="name" maxlength="64" placeholder=(t.key_name_hint); }
            fieldset {
                legend { (t.scopes) }
                @for (scope, text, is_ticked) in [("read", t.scope_read, true), ("write", t.scope_write, false), ("manage", t.scope_manage, false)] {
                    label.check { input type="checkbox" name="scope" value=(scope) checked[is_ticked]; " " span { b { (scope) } " · " (text) } }
                }
            }
            details.fold {
                summary { (t.key_limits) }
                div.pair {
                    div.row {
                        label for="days" { (t.key_days) }
                        input #days name="days" type="number" min="1" max="3650" inputmode="numeric";
                        p.help { (t.key_days_help) }
                    }
                    div.row {
                        label for="origins" { (t.key_origins) }
                        input #origins name="origins" placeholder="https://dashboard.example.org";
                        p.help { (t.key_origins_help) }
                    }
                }
                @if !groups.is_empty() {
                    fieldset {
                        legend { (t.key_groups) }
                        @for group in &groups {
                            label.check { input type="checkbox" name="group" value=(group.id); " " (group.name) }
                        }
                        p.help { (t.key_groups_help) }
                    }
                }
            }
            div.actions { button.primary { (t.create_key) } }
        }
        @if !keys.is_empty() { section.card { (table(view, &keys, &groups)) } }
    };
    Ok(frame::page(view, t.nav_keys, content))
}

fn works(key: &AccessKey, now: Timestamp) -> bool {
    key.revoked_at.is_none() && key.limits.expires_at.is_none_or(|at| now < at)
}

fn shown_once(portal: &PortalState, view: &View, key: &AccessKey, secret: &Secret) -> Markup {
    let t = view.t;
    // A key that a terminal cannot read with gets no line for one.
    let may_read = key.scopes.read && key.limits.origins.is_empty();
    let stream = may_read.then(|| portal.station().stream(view.host_name(), key.org, &secret.text));
    let id = key.id.to_string();
    let title = if key.name.is_empty() { &id } else { &key.name };
    html! {
        section.card.secret role="status" {
            header { h2 { (t.key_created) ": " (title) } }
            div.notice.warn { strong { (t.shown_once_key) } }
            dl.facts {
                dt { "Access ID" } dd { (parts::copied(view, "access-id", &id)) }
                dt { "Access Key" } dd { (parts::copied(view, "access-key", &secret.text)) }
            }
            p { (t.key_try) }
            div { (code::snippets(view, &Credentials { id: &id, key: &secret.text }, "list_devices", None, stream.as_ref())) }
        }
    }
}

fn table(view: &View, keys: &[AccessKey], groups: &[Group]) -> Markup {
    let t = view.t;
    html! {
        div.scroll { table.cards {
            thead { tr {
                th scope="col" { (t.name) } th scope="col" { "Access ID" } th scope="col" { (t.scopes) } th scope="col" { (t.state) }
                th scope="col" { (t.last_used) } th.num scope="col" { (t.calls) } th.num scope="col" { "dm" } th {}
            } }
            tbody { @for key in keys { (row(view, key, groups)) } }
        } }
    }
}

fn row(view: &View, key: &AccessKey, groups: &[Group]) -> Markup {
    let t = view.t;
    let limits = &key.limits;
    html! {
        tr {
            th scope="row" {
                a href=(format!("/usage/keys/{}", key.id)) { @if key.name.is_empty() { span.muted { (t.nameless) } } @else { (key.name) } }
                @if !limits.origins.is_empty() { span.sub { (limits.origins.join(" ")) } }
                @if !limits.groups.is_empty() {
                    span.sub { @for id in &limits.groups { (super::devices::group_name(groups, Some(*id))) " " } }
                }
            }
            td.mono data-label="Access ID" { (key.id) }
            td data-label=(t.scopes) { span.badge { (key.scopes) } }
            td data-label=(t.state) {
                @if let Some(at) = key.revoked_at { span.badge.bad { (t.revoked) } " " (view.age(at)) }
                @else if let Some(at) = limits.expires_at {
                    @if at <= view.now { span.badge.bad { (t.expired) } } @else { (t.expires) " " (view.time(at)) }
                }
                @else { span.badge.ok { (t.active) } }
            }
            td data-label=(t.last_used) { @match key.last_used_at { Some(at) => (view.age(at)), None => (t.never) } }
            td.num data-label=(t.calls) { (view.count(key.calls)) }
            td.num data-label="dm" { (view.count(key.dm)) }
            td {
                @if key.revoked_at.is_none() {
                    form.actions method="post" action=(format!("/keys/{}/revoke", key.id)) data-confirm=(t.revoke_confirm) {
                        button.small.danger { (t.revoke) }
                    }
                }
            }
        }
    }
}
