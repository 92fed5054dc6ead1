use axum::{
    Json,
    extract::{Path, State},
};
use model::{GroupId, Keep, Retention};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Body;
use crate::{
    PortalState,
    actor::Actor,
    deeds::{groups, retention},
    fault::Fault,
    fields::{Asked, Fields},
};

/// How many days history is kept; 0 is for ever, `null` says nothing.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[schema(as = Keep)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeepShape {
    /// Readings, by when they were measured: 0 to 36,500.
    readings_days: Option<u32>,
    /// Raw frames, by when they were received: 0 to 36,500.
    frames_days: Option<u32>,
}

impl KeepShape {
    fn of(said: Retention) -> Self {
        let days = |keep: Option<Keep>| keep.map(Keep::as_days);
        Self { readings_days: days(said.readings), frames_days: days(said.frames) }
    }

    fn read(self) -> Result<Retention, Fault> {
        let keep = |days: Option<u32>| days.map(retention::keep).transpose();
        Ok(Retention { readings: keep(self.readings_days)?, frames: keep(self.frames_days)? })
    }
}

/// How long history is kept. What is older is removed for good, within the hour and then day by day.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Retention)]
pub(crate) struct RetentionShape {
    /// What is said here. A group's word goes before the organization's, and that before the station's.
    readings_days: Option<u32>,
    frames_days: Option<u32>,
    /// What holds, all said; 0 is for ever.
    in_force: KeepShape,
}

/// What would be removed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Removal {
    /// Devices that have anything that is too old.
    devices: u64,
    /// What a device measured at one time is one row.
    rows: u64,
    /// Raw frames.
    frames: u64,
}

async fn show(portal: &PortalState, actor: &Actor, group: Option<GroupId>) -> Result<Json<RetentionShape>, Fault> {
    let rules = retention::rules(portal, actor, group).await?;
    let said = match group {
        None => rules.organization,
        Some(id) => rules.groups.get(&id).copied().unwrap_or_default(),
    };
    let forever = Retention { readings: Some(Keep::Forever), frames: Some(Keep::Forever) };
    let in_force = KeepShape::of(rules.of(group).or(portal.station().retention()).or(forever));
    let KeepShape { readings_days, frames_days } = KeepShape::of(said);
    Ok(Json(RetentionShape { readings_days, frames_days, in_force }))
}

/// What a query asks about; what is left out says nothing.
fn asked_for(asked: &Fields) -> Result<Retention, Fault> {
    let days = |name| match asked.get(name) {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| Fault::Invalid(|texts| texts.fault_keep)),
    };
    KeepShape { readings_days: days("readings_days")?, frames_days: days("frames_days")? }.read()
}

async fn count(
    portal: &PortalState,
    actor: &Actor,
    group: Option<GroupId>,
    asked: &Fields,
) -> Result<Json<Removal>, Fault> {
    let old = retention::preview(portal, actor, group, asked_for(asked)?).await?;
    Ok(Json(Removal { devices: old.devices, rows: old.rows, frames: old.frames }))
}

/// `GET /api/organization/retention`
pub(crate) async fn get(State(portal): State<PortalState>, actor: Actor) -> Result<Json<RetentionShape>, Fault> {
    show(&portal, &actor, None).await
}

/// `PUT /api/organization/retention`
pub(crate) async fn set(
    State(portal): State<PortalState>,
    actor: Actor,
    Body(keep): Body<KeepShape>,
) -> Result<Json<RetentionShape>, Fault> {
    retention::set(&portal, &actor, None, keep.read()?).await?;
    show(&portal, &actor, None).await
}

/// `GET /api/organization/retention/removal`
pub(crate) async fn removal(
    State(portal): State<PortalState>,
    actor: Actor,
    Asked(asked): Asked,
) -> Result<Json<Removal>, Fault> {
    count(&portal, &actor, None, &asked).await
}

/// `GET /api/groups/{id}/retention`
pub(crate) async fn get_of_group(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Json<RetentionShape>, Fault> {
    show(&portal, &actor, Some(groups::id(&id)?)).await
}

/// `PUT /api/groups/{id}/retention`
pub(crate) async fn set_of_group(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(id): Path<String>,
    Body(keep): Body<KeepShape>,
) -> Result<Json<RetentionShape>, Fault> {
    let group = Some(groups::id(&id)?);
    retention::set(&portal, &actor, group, keep.read()?).await?;
    show(&portal, &actor, group).await
}

/// `GET /api/groups/{id}/retention/removal`
pub(crate) async fn removal_of_group(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(id): Path<String>,
    Asked(asked): Asked,
) -> Result<Json<Removal>, Fault> {
    count(&portal, &actor, Some(groups::id(&id)?), &asked).await
}
