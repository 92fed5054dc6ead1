use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use model::{AccessKey, Scopes};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Body, Page, created,
    limits::{AllowanceShape, RateShape},
};
use crate::{PortalState, actor::Actor, deeds::keys, fault::Fault};

/// An access key, without its secret half.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AccessKey)]
pub(crate) struct KeyShape {
    access_id: String,
    name: String,
    /// `read`, `write`, `manage`.
    scopes: Vec<&'static str>,
    created_at: String,
    revoked_at: Option<String>,
    expires_at: Option<String>,
    last_used_at: Option<String>,
    /// Browser origins that it may be used from; any where the list is empty.
    origins: Vec<String>,
    /// Groups whose devices it reaches; all where the list is empty.
    groups: Vec<String>,
    /// How fast it may call; `null` is without limit.
    rate: Option<RateShape>,
    /// How many data it may read; `null` is without limit.
    dm_allowance: Option<AllowanceShape>,
    /// How many calls it has made.
    calls: u64,
    /// How many data it has read.
    dm: u64,
}

impl KeyShape {
    pub(crate) fn of(key: &AccessKey) -> Self {
        let Scopes { read, write, manage } = key.scopes;
        let scopes = [(read, "read"), (write, "write"), (manage, "manage")];
        Self {
            access_id: key.id.to_string(),
            name: key.name.clone(),
            scopes: scopes.into_iter().filter(|(has, _)| *has).map(|(_, scope)| scope).collect(),
            created_at: key.created_at.to_string(),
            revoked_at: key.revoked_at.map(|at| at.to_string()),
            expires_at: key.limits.expires_at.map(|at| at.to_string()),
            last_used_at: key.last_used_at.map(|at| at.to_string()),
            origins: key.limits.origins.clone(),
            groups: key.limits.groups.iter().map(ToString::to_string).collect(),
            rate: key.limits.rate.map(Into::into),
            dm_allowance: key.limits.dm.map(Into::into),
            calls: key.calls,
            dm: key.dm,
        }
    }
}

/// An access key with its secret half, which is shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MadeKey {
    /// 64 upper-case hex digits.
    access_key: String,
    #[serde(flatten)]
    key: KeyShape,
}

/// An access key to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewKey {
    #[serde(default)]
    name: String,
    /// `read`, `write`, `manage`.
    scopes: Vec<String>,
    /// From when on it is refused, by ISO 8601.
    expires_at: Option<String>,
    #[serde(default)]
    origins: Vec<String>,
    #[serde(default)]
    groups: Vec<String>,
    rate: Option<RateShape>,
    dm: Option<AllowanceShape>,
}

/// `GET /api/keys`
pub(crate) async fn list(State(portal): State<PortalState>, actor: Actor) -> Result<Json<Page<KeyShape>>, Fault> {
    let keys = portal.store().list_access_keys(actor.org).await?;
    Ok(Json(Page::whole(keys.iter().map(KeyShape::of).collect())))
}

/// `POST /api/keys`
pub(crate) async fn create(
    State(portal): State<PortalState>,
    actor: Actor,
    Body(new): Body<NewKey>,
) -> Result<Response, Fault> {
    let scopes: Scopes = new.scopes.join("+").parse().map_err(|_| Fault::Invalid(|t| t.fault_no_scope))?;
    let expires_at = new.expires_at.map(|text| text.parse::<jiff::Timestamp>());
    let expires_at = expires_at.transpose().map_err(|_| Fault::Invalid(|t| t.fault_time))?;
    let expires_at = expires_at.map(|at| model::Timestamp::from_millis(at.as_millisecond()));
    let rate = new.rate.map(RateShape::read).transpose()?;
    let dm = new.dm.map(|dm| dm.read()).transpose()?;
    let new = keys::New { name: new.name, scopes, expires_at, origins: new.origins, groups: new.groups, rate, dm };
    let (key, secret) = keys::create(&portal, &actor, new).await?;
    let location = format!("/api/keys/{}", key.id);
    Ok(created(&location, MadeKey { access_key: secret.text, key: KeyShape::of(&key) }))
}

/// `GET /api/keys/{id}`
pub(crate) async fn get(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Json<KeyShape>, Fault> {
    let id = keys::id(&id)?;
    let keys = portal.store().list_access_keys(actor.org).await?;
    keys.iter().find(|key| key.id == id).map(|key| Json(KeyShape::of(key))).ok_or(Fault::NotFound)
}

/// `DELETE /api/keys/{id}`
pub(crate) async fn revoke(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<StatusCode, Fault> {
    keys::revoke(&portal, &actor, keys::id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
