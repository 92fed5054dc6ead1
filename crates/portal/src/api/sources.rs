use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use model::{Broker, BrokerState, Source, SourceHealth};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Body, Page, created};
use crate::{
    PortalState,
    actor::Actor,
    deeds::{
        self,
        brokers::{self, NewBroker},
        sources,
    },
    fault::Fault,
};

/// A source and how it has been doing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Source)]
pub(crate) struct SourceShape {
    /// 16 upper-case hex digits.
    id: String,
    kind: &'static str,
    name: String,
    /// Whether devices that it names, and nobody bound, are added by themselves.
    auto_add: bool,
    created_at: String,
    /// Until when the token before the last rotation is good.
    previous_token_until: Option<String>,
    messages: u64,
    last_message_at: Option<String>,
    last_error_at: Option<String>,
    last_error: String,
    /// Where its messages are fetched from, if from anywhere.
    broker: Option<BrokerShape>,
}

/// A broker without its password, and how fetching from it goes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Broker)]
pub(crate) struct BrokerShape {
    /// `mqtt://HOST:PORT`, or `mqtts://HOST:PORT` with TLS.
    url: String,
    user: String,
    has_password: bool,
    ca_pem: String,
    /// Empty: what is usual for the kind of the source.
    topics: Vec<String>,
    connected: bool,
    /// What is the matter, if anything.
    trouble: String,
    /// Since when it is so; `null` before the first try.
    since: Option<String>,
}

impl BrokerShape {
    fn of((broker, state): &(Broker, Option<BrokerState>)) -> Self {
        Self {
            url: broker.url.to_string(),
            user: broker.user.clone(),
            has_password: !broker.password.is_empty(),
            ca_pem: broker.ca_pem.clone(),
            topics: broker.topics.clone(),
            connected: state.as_ref().is_some_and(|state| state.is_connected),
            trouble: state.as_ref().map(|state| state.trouble.clone()).unwrap_or_default(),
            since: state.as_ref().map(|state| state.since.to_string()),
        }
    }
}

/// A broker to fetch from, in place of the one before.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewBroker)]
pub(crate) struct NewBrokerShape {
    url: String,
    #[serde(default)]
    user: String,
    /// Without one, that of before stays if address and user do.
    #[serde(default)]
    password: String,
    /// Certificates as PEM; empty for those that the operating system trusts.
    #[serde(default)]
    ca_pem: String,
    #[serde(default)]
    topics: Vec<String>,
}

impl SourceShape {
    fn of(source: &Source, health: Option<&SourceHealth>, broker: Option<&(Broker, Option<BrokerState>)>) -> Self {
        Self {
            id: source.id.to_string(),
            kind: source.kind.as_str(),
            name: source.name.clone(),
            auto_add: source.auto_add,
            created_at: source.created_at.to_string(),
            previous_token_until: source.previous.map(|previous| previous.until.to_string()),
            messages: health.map_or(0, |health| health.messages),
            last_message_at: health.and_then(|health| health.last_message_at).map(|at| at.to_string()),
            last_error_at: health.and_then(|health| health.last_error_at).map(|at| at.to_string()),
            last_error: health.map(|health| health.last_error.clone()).unwrap_or_default(),
            broker: broker.map(BrokerShape::of),
        }
    }
}

/// A source with its token, which is shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MadeSource {
    token: String,
    /// Where the network server posts to; `null` for a kind that does not post.
    path: Option<&'static str>,
    #[serde(flatten)]
    source: SourceShape,
}

/// A source to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSource {
    /// `chirpstack`, `tts`, `helium`, `aws`, `http` or `mqtt`.
    kind: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    auto_add: bool,
}

/// What to change about a source; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SourceChange {
    name: Option<String>,
    auto_add: Option<bool>,
}

async fn find(portal: &PortalState, actor: &Actor, id: &str) -> Result<SourceShape, Fault> {
    let source = sources::find(portal, actor, sources::id(id)?).await?;
    let health = portal.store().list_source_health(actor.org).await?;
    let broker = brokers::find(portal, actor, source.id).await?;
    Ok(SourceShape::of(&source, health.iter().find(|health| health.id == source.id), broker.as_ref()))
}

/// `GET /api/sources`
pub(crate) async fn list(State(portal): State<PortalState>, actor: Actor) -> Result<Json<Page<SourceShape>>, Fault> {
    let sources = portal.store().list_sources(actor.org).await?;
    let health = portal.store().list_source_health(actor.org).await?;
    let health = |source: &Source| health.iter().find(|health| health.id == source.id);
    let brokers = portal.store().list_brokers(Some(actor.org)).await?;
    let broker = |source: &Source| brokers.iter().find(|(broker, _)| broker.source == source.id);
    let shapes = sources.iter().map(|source| SourceShape::of(source, health(source), broker(source)));
    Ok(Json(Page::whole(shapes.collect())))
}

/// `POST /api/sources`
pub(crate) async fn create(
    State(portal): State<PortalState>,
    actor: Actor,
    Body(new): Body<NewSource>,
) -> Result<Response, Fault> {
    let kind = deeds::parse(&new.kind, |texts| texts.fault_source_kind)?;
    let (source, secret) = sources::create(&portal, &actor, kind, &new.name, new.auto_add).await?;
    let location = format!("/api/sources/{}", source.id);
    let made = MadeSource { token: secret.text, path: kind.path(), source: SourceShape::of(&source, None, None) };
    Ok(created(&location, made))
}

/// `GET /api/sources/{id}`
pub(crate) async fn get(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Json<SourceShape>, Fault> {
    find(&portal, &actor, &id).await.map(Json)
}

/// `PATCH /api/sources/{id}`
pub(crate) async fn change(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(id): Path<String>,
    Body(SourceChange { name, auto_add }): Body<SourceChange>,
) -> Result<Json<SourceShape>, Fault> {
    sources::update(&portal, &actor, sources::id(&id)?, name.as_deref(), auto_add).await?;
    find(&portal, &actor, &id).await.map(Json)
}

/// `POST /api/sources/{id}/token`
pub(crate) async fn rotate(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Json<MadeSource>, Fault> {
    let (source, secret, _) = sources::rotate(&portal, &actor, sources::id(&id)?).await?;
    let path = source.kind.path();
    Ok(Json(MadeSource { token: secret.text, path, source: find(&portal, &actor, &id).await? }))
}

/// `DELETE /api/sources/{id}`
pub(crate) async fn delete(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<StatusCode, Fault> {
    sources::delete(&portal, &actor, sources::id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `PUT /api/sources/{id}/broker`
pub(crate) async fn fetch(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(id): Path<String>,
    Body(new): Body<NewBrokerShape>,
) -> Result<Json<SourceShape>, Fault> {
    let NewBrokerShape { url, user, password, ca_pem, topics } = new;
    let new = NewBroker { url: &url, user: &user, password: &password, ca_pem: &ca_pem, topics };
    brokers::set(&portal, &actor, sources::id(&id)?, new).await?;
    find(&portal, &actor, &id).await.map(Json)
}

/// `DELETE /api/sources/{id}/broker`
pub(crate) async fn fetch_no_more(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<StatusCode, Fault> {
    brokers::remove(&portal, &actor, sources::id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
