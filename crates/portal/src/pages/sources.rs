//! Sources: outside systems that bring uplinks.

use axum::{
    extract::{Path, State},
    response::Response,
};
use maud::{Markup, html};
use model::{Broker, BrokerState, Source, SourceHealth, SourceKind, Timestamp};

use super::paste::what_to_paste;
use crate::{
    PortalState,
    actor::Actor,
    deeds::{
        self,
        brokers::{self, NewBroker},
        sources,
    },
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
    let kind =
        deeds::parse(fields.find("kind").unwrap_or(SourceKind::ChirpStack.as_str()), |texts| texts.fault_source_kind)?;
    let (source, secret) = sources::create(&portal, &actor, kind, name, auto_add).await?;
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

/// `POST /sources/{id}/broker`
pub(crate) async fn fetch(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Fault> {
    let new = NewBroker {
        url: fields.get("url"),
        user: fields.get("user").trim(),
        password: fields.get("password"),
        ca_pem: fields.get("ca_pem"),
        topics: fields.get("topics").split_whitespace().map(str::to_owned).collect(),
    };
    brokers::set(&portal, &actor, sources::id(&id)?, new).await?;
    Ok(see("/sources?done=saved"))
}

/// `POST /sources/{id}/broker/remove`
pub(crate) async fn fetch_no_more(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    brokers::remove(&portal, &actor, sources::id(&id)?).await?;
    Ok(see("/sources?done=saved"))
}

async fn draw(portal: &PortalState, actor: &Actor, view: &View, made: Option<&Made>) -> Result<Markup, Fault> {
    let t = view.t;
    let all = portal.store().list_sources(actor.org).await?;
    let health = portal.store().list_source_health(actor.org).await?;
    let brokers = portal.store().list_brokers(Some(actor.org)).await?;
    let broker = |source: &Source| brokers.iter().find(|(broker, _)| broker.source == source.id);
    let content = html! {
        (parts::head(t.nav_sources, t.sources_help, parts::nothing()))
        @if let Some((source, secret, until)) = made {
            section.card.secret role="status" {
                header { h2 { (t.source_created) ": " (title(source)) } }
                div.notice.warn {
                    strong { (t.shown_once_token) }
                    @if let Some(until) = until { " " (t.token_before) " " (view.time(*until)) }
                }
                (what_to_paste(view, source, Some(secret)))
            }
        }
        form.card.inline method="post" action="/sources" {
            div.row { label for="kind" { (t.new_source) } select #kind name="kind" {
                @for kind in SourceKind::ALL.into_iter().filter(|kind| *kind != SourceKind::Demo) {
                    (parts::option(kind.as_str(), kind_name(kind), kind == SourceKind::ChirpStack))
                }
            } }
            div.row { label for="name" { (t.name) } input #name name="name" maxlength="64"; }
            label.check { input type="checkbox" name="auto_add" checked; " " (t.auto_add) }
            button.primary { (t.create_source) }
        }
        @for source in &all { (card(view, source, health.iter().find(|health| health.id == source.id), broker(source))) }
    };
    Ok(frame::page(view, t.nav_sources, content))
}

fn title(source: &Source) -> String {
    if source.name.is_empty() { source.id.to_string() } else { source.name.clone() }
}

fn kind_name(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::ChirpStack => "ChirpStack, HTTP",
        SourceKind::Tts => "The Things Stack, webhook",
        SourceKind::Helium => "Helium Console, HTTP",
        SourceKind::Aws => "AWS IoT Core for LoRaWAN",
        SourceKind::Http => "HTTP, JSON or CSV",
        SourceKind::Mqtt => "MQTT",
        SourceKind::Demo => "Demo",
    }
}

fn card(
    view: &View,
    source: &Source,
    health: Option<&SourceHealth>,
    broker: Option<&(Broker, Option<BrokerState>)>,
) -> Markup {
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
                @if let Some((broker, state)) = broker {
                    dt { (t.broker) } dd {
                        code { (broker.url) } " "
                        @match state {
                            Some(state) if state.is_connected => span.badge.ok { (t.broker_connected) },
                            Some(state) => { span.badge.bad { (t.broker_not_connected) } " " (view.age(state.since)) ": " (state.trouble) },
                            None => span.badge { (t.source_waits) },
                        }
                    }
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
                @if source.kind != SourceKind::Mqtt { (fetch_form(view, source, broker.map(|(broker, _)| broker))) }
                div.actions {
                    a.button.small href=(format!("{at}/rules")) { (t.model_rules) }
                    form method="post" action=(format!("{at}/rotate")) data-confirm=(t.rotate_confirm) { button.small { (t.rotate) } }
                    form method="post" action=(format!("{at}/delete")) data-confirm=(t.source_delete_confirm) { button.small.danger { (t.delete) } }
                }
            }
        }
    }
}

/// Where a source's messages are fetched from, if from anywhere.
fn fetch_form(view: &View, source: &Source, broker: Option<&Broker>) -> Markup {
    let t = view.t;
    let at = format!("/sources/{}/broker", source.id);
    let id = |name: &str| format!("{name}-{}", source.id);
    let text = |of: fn(&Broker) -> &str| broker.map(of).unwrap_or_default();
    let url = broker.map(|broker| broker.url.to_string()).unwrap_or_default();
    let topics = broker.map(|broker| broker.topics.join("\n")).unwrap_or_default();
    html! {
        details.fold {
            summary { (t.broker_fetch) }
            p.small.muted { (t.broker_help) }
            form method="post" action=(at) {
                div.row { label for=(id("url")) { (t.broker_url) } input id=(id("url")) name="url" required placeholder="mqtts://broker.example:8883" value=(url); }
                div.row { label for=(id("user")) { (t.source_user) } input id=(id("user")) name="user" autocomplete="off" value=(text(|broker| &broker.user)); }
                div.row { label for=(id("password")) { (t.source_password) } input id=(id("password")) name="password" type="password" autocomplete="new-password"; }
                div.row { label for=(id("topics")) { (t.broker_topics) } textarea id=(id("topics")) name="topics" rows="2" { (topics) } }
                div.row { label for=(id("ca")) { (t.broker_ca) } textarea id=(id("ca")) name="ca_pem" rows="2" { (text(|broker| &broker.ca_pem)) } }
                button { (t.save) }
            }
            @if broker.is_some() {
                form method="post" action=(format!("{at}/remove")) { button.small.danger { (t.broker_remove) } }
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
