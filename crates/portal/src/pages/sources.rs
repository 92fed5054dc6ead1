//! Sources: outside systems that bring uplinks.

use axum::{
    extract::{Path, State},
    response::Response,
};
use maud::{Markup, html};
use model::{Source, SourceHealth, SourceKind, Timestamp};

use super::setup::what_to_paste;
use crate::{
    PortalState,
    actor::Actor,
    deeds::sources,
    fault::Fault,
    fields::Fields,
    guard::see,
    html::{frame, parts},
    secret::Secret,
    view::View,
};

/// A source whose token is shown this once, and until when the one before is good.
type Made = (Source, Secret, Option<Timestamp>);

/// `GET /sources`
pub(crate) async fn list(State(portal): State<PortalState>, actor: Actor, view: View) -> Result<Markup, Fault> {
    draw(&portal, &actor, &view, None).await
}

/// `POST /sources`
pub(crate) async fn create(
    State(portal): State<PortalState>,
    actor: Actor,
    view: View,
    fields: Fields,
) -> Result<Markup, Fault> {
    let (name, auto_add) = (fields.get("name"), fields.has("auto_add"));
    let (source, secret) = sources::create(&portal, &actor, SourceKind::ChirpStack, name, auto_add).await?;
    draw(&portal, &actor, &view, Some(&(source, secret, None))).await
}

/// `POST /sources/{id}`
pub(crate) async fn save(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Fault> {
    let auto_add = Some(fields.has("auto_add"));
    sources::update(&portal, &actor, sources::id(&id)?, Some(fields.get("name")), auto_add).await?;
    Ok(see("/sources?done=saved"))
}

/// `POST /sources/{id}/rotate`
pub(crate) async fn rotate(
    State(portal): State<PortalState>,
    actor: Actor,
    view: View,
    Path(id): Path<String>,
) -> Result<Markup, Fault> {
    let (source, secret, until) = sources::rotate(&portal, &actor, sources::id(&id)?).await?;
    draw(&portal, &actor, &view, Some(&(source, secret, Some(until)))).await
}

/// `POST /sources/{id}/delete`
pub(crate) async fn delete(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    sources::delete(&portal, &actor, sources::id(&id)?).await?;
    Ok(see("/sources?done=removed"))
}

async fn draw(portal: &PortalState, actor: &Actor, view: &View, made: Option<&Made>) -> Result<Markup, Fault> {
    let t = view.t;
    let all = portal.store().list_sources(actor.org).await?;
    let health = portal.store().list_source_health(actor.org).await?;
    let content = html! {
        (parts::head(t.nav_sources, t.sources_help, parts::nothing()))
        @if let Some((source, secret, until)) = made {
            section.card.secret role="status" {
                header { h2 { (t.source_created) ": " (title(source)) } }
                div.notice.warn {
                    strong { (t.shown_once_token) }
                    @if let Some(until) = until { " " (t.token_before) " " (view.time(*until)) }
                }
                (what_to_paste(view, Some(secret)))
            }
        }
        form.card.inline method="post" action="/sources" {
            div.row { label for="name" { (t.new_source) } input #name name="name" maxlength="64" value="ChirpStack"; }
            label.check { input type="checkbox" name="auto_add" checked; " " (t.auto_add) }
            button.primary { (t.create_source) }
        }
        @for source in &all { (card(view, source, health.iter().find(|health| health.id == source.id))) }
    };
    Ok(frame::page(view, t.nav_sources, content))
}

fn title(source: &Source) -> String {
    if source.name.is_empty() { source.id.to_string() } else { source.name.clone() }
}

fn kind_name(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::ChirpStack => "ChirpStack, HTTP",
        SourceKind::Demo => "Demo",
    }
}

fn card(view: &View, source: &Source, health: Option<&SourceHealth>) -> Markup {
    let t = view.t;
    let at = format!("/sources/{}", source.id);
    let is_ours = source.kind == SourceKind::Demo;
    html! {
        section.card {
            header { h2 { (title(source)) } @if is_ours { span.badge { (t.flag_simulated) } } @else { (badge(view, health)) } }
            @if !is_ours { dl.facts {
                dt { (t.kind) } dd { (kind_name(source.kind)) }
                dt { (t.messages) } dd { (view.count(health.map_or(0, |health| health.messages))) }
                dt { (t.last_message) } dd { @match health.and_then(|health| health.last_message_at) { Some(at) => (view.age(at)), None => (t.never) } }
                @if let Some((health, at)) = health.and_then(|health| Some((health, health.last_error_at?))) {
                    dt { (t.last_error) } dd { (view.age(at)) ": " (health.last_error) }
                }
                @if let Some(previous) = source.previous && view.now < previous.until {
                    dt { (t.token_before) } dd { (view.time(previous.until)) }
                }
            } }
            @if !is_ours {
                form.inline method="post" action=(at) {
                    div.row { label for=(format!("name-{}", source.id)) { (t.name) } input id=(format!("name-{}", source.id)) name="name" maxlength="64" value=(source.name); }
                    label.check { input type="checkbox" name="auto_add" checked[source.auto_add]; " " (t.auto_add) }
                    button { (t.save) }
                }
                div.actions {
                    a.button.small href=(format!("{at}/rules")) { (t.model_rules) }
                    form method="post" action=(format!("{at}/rotate")) data-confirm=(t.rotate_confirm) { button.small { (t.rotate) } }
                    form method="post" action=(format!("{at}/delete")) data-confirm=(t.source_delete_confirm) { button.small.danger { (t.delete) } }
                }
            }
        }
    }
}

/// How a source is doing, in a word.
fn badge(view: &View, health: Option<&SourceHealth>) -> Markup {
    let t = view.t;
    let (heard, failed) = health.map_or((None, None), |health| (health.last_message_at, health.last_error_at));
    html! {
        @if failed > heard { span.badge.bad { (t.source_refused) } }
        @else if heard.is_some() { span.badge.ok { (t.source_works) } }
        @else { span.badge { (t.source_waits) } }
    }
}
