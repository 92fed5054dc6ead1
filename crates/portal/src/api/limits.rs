use axum::{
    Json,
    extract::{Path, State},
};
use model::{Allowance, OrgLimits, Rate};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::{Body, keys::KeyShape};
use crate::{
    PortalState,
    actor::Actor,
    deeds::{keys, limits},
    fault::Fault,
};

/// How fast calls may come.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[schema(as = Rate)]
#[serde(deny_unknown_fields)]
pub(crate) struct RateShape {
    /// How many calls a minute, 1 to 1,000,000.
    per_minute: u64,
    /// How many may come at once; a minute's where nothing is said.
    burst: Option<u64>,
}

/// How many data may be used in a period.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = Allowance)]
#[serde(deny_unknown_fields)]
pub(crate) struct AllowanceShape {
    /// How many, from 1.
    amount: u64,
    /// `day` or `month`, in UTC.
    period: String,
}

impl From<Rate> for RateShape {
    fn from(rate: Rate) -> Self {
        Self { per_minute: rate.per_minute.get().into(), burst: Some(rate.burst.get().into()) }
    }
}

impl From<Allowance> for AllowanceShape {
    fn from(allowance: Allowance) -> Self {
        Self { amount: allowance.amount.get(), period: allowance.period.to_string() }
    }
}

impl RateShape {
    pub(crate) fn read(self) -> Result<Rate, Fault> {
        limits::rate(self.per_minute, self.burst)
    }
}

impl AllowanceShape {
    pub(crate) fn read(&self) -> Result<Allowance, Fault> {
        limits::allowance(self.amount, &self.period)
    }
}

/// What the organization may use; `null` is without limit.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Limits)]
pub(crate) struct LimitsShape {
    /// Calls of all keys together.
    rate: Option<RateShape>,
    /// Data that devices upload. Over it, what they send is stored all the same, and nothing is read.
    um: Option<AllowanceShape>,
    /// Data that keys read.
    dm: Option<AllowanceShape>,
}

/// Limits to change; `null` lifts one, what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitsChange {
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<RateShape>)]
    rate: Option<Option<RateShape>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<AllowanceShape>)]
    um: Option<Option<AllowanceShape>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<AllowanceShape>)]
    dm: Option<Option<AllowanceShape>>,
}

/// Limits of a key to change; `null` lifts one, what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyLimitsChange {
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<RateShape>)]
    rate: Option<Option<RateShape>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<AllowanceShape>)]
    dm: Option<Option<AllowanceShape>>,
}

/// Tells `null` from what is left out.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// What is given, or as it was.
fn changed<S, T>(
    given: Option<Option<S>>,
    was: Option<T>,
    read: impl FnOnce(S) -> Result<T, Fault>,
) -> Result<Option<T>, Fault> {
    match given {
        Some(given) => given.map(read).transpose(),
        None => Ok(was),
    }
}

/// `GET /api/organization/limits`
pub(crate) async fn get(State(portal): State<PortalState>, actor: Actor) -> Result<Json<LimitsShape>, Fault> {
    let OrgLimits { rate, um, dm } = *portal.store().get_limits(actor.org).await?;
    Ok(Json(LimitsShape { rate: rate.map(Into::into), um: um.map(Into::into), dm: dm.map(Into::into) }))
}

/// `PATCH /api/organization/limits`
pub(crate) async fn change(
    State(portal): State<PortalState>,
    actor: Actor,
    Body(change): Body<LimitsChange>,
) -> Result<Json<LimitsShape>, Fault> {
    let was = *portal.store().get_limits(actor.org).await?;
    let limits = OrgLimits {
        rate: changed(change.rate, was.rate, RateShape::read)?,
        um: changed(change.um, was.um, |um| um.read())?,
        dm: changed(change.dm, was.dm, |dm| dm.read())?,
    };
    limits::limit_organization(&portal, &actor, limits).await?;
    get(State(portal), actor).await
}

/// `PATCH /api/keys/{id}`
pub(crate) async fn change_key(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(id): Path<String>,
    Body(change): Body<KeyLimitsChange>,
) -> Result<Json<KeyShape>, Fault> {
    let was = limits::find_key(&portal, &actor, keys::id(&id)?).await?;
    let rate = changed(change.rate, was.limits.rate, RateShape::read)?;
    let dm = changed(change.dm, was.limits.dm, |dm| dm.read())?;
    limits::limit_key(&portal, &actor, was.id, rate, dm).await?;
    Ok(Json(KeyShape::of(&limits::find_key(&portal, &actor, was.id).await?)))
}
