use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Body, Page, limit};
use crate::{
    PortalState,
    actor::Actor,
    deeds::{self, people},
    fault::Fault,
    fields::Asked,
    fleet::{State as DeviceState, Wanted},
    state::Fact,
};

/// The organization.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Organization)]
pub(crate) struct OrganizationShape {
    id: String,
    name: String,
    created_at: String,
}

/// What to call the organization.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrganizationName {
    name: String,
}

/// `GET /api/organization`
pub(crate) async fn get(State(portal): State<PortalState>, actor: Actor) -> Result<Json<OrganizationShape>, Fault> {
    let organization = portal.store().get_organization(actor.org).await?;
    let (id, created_at) = (organization.id.to_string(), organization.created_at.to_string());
    Ok(Json(OrganizationShape { id, name: organization.name, created_at }))
}

/// `PATCH /api/organization`
pub(crate) async fn rename(
    State(portal): State<PortalState>,
    actor: Actor,
    Body(OrganizationName { name }): Body<OrganizationName>,
) -> Result<Json<OrganizationShape>, Fault> {
    people::rename_organization(&portal, &actor, &name).await?;
    get(State(portal), actor).await
}

/// How the organization's devices are doing.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Summary {
    devices: usize,
    online: usize,
    late: usize,
    silent: usize,
    low_battery: usize,
    uplinks_in_last_hour: u64,
    /// Since when uplinks are counted, if that is less than an hour.
    uplinks_counted_since: Option<String>,
    /// Data uploaded, in the contract's unit.
    um: u64,
    /// Data read over HTTP, in the contract's unit.
    dm: u64,
}

/// `GET /api/summary`
pub(crate) async fn summary(State(portal): State<PortalState>, actor: Actor) -> Result<Json<Summary>, Fault> {
    let now = portal.now();
    let fleet = portal.fleets().get(portal.store(), actor.org, now).await?;
    let count = |state| fleet.count(&Wanted { state: Some(state), ..Wanted::default() }, now);
    Ok(Json(Summary {
        devices: fleet.members.len(),
        online: count(DeviceState::Online),
        late: count(DeviceState::Late),
        silent: count(DeviceState::Silent),
        low_battery: fleet.members.iter().filter(|member| member.has_low_battery()).count(),
        uplinks_in_last_hour: portal.live().uplinks_in_last_hour(actor.org, now),
        uplinks_counted_since: portal.live().counts_since(now).map(|at| at.to_string()),
        um: portal.store().count_um(actor.org).await?,
        dm: portal.store().count_dm(actor.org).await?,
    }))
}

/// Whether a fleet is simulated in the organization.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Fleet)]
pub(crate) struct FleetShape {
    is_simulated: bool,
}

/// `GET /api/fleet`
pub(crate) async fn fleet(State(portal): State<PortalState>, actor: Actor) -> Json<FleetShape> {
    Json(FleetShape { is_simulated: portal.station().has_simulated_fleet(actor.org) })
}

/// `PUT /api/fleet`
pub(crate) async fn start_fleet(State(portal): State<PortalState>, actor: Actor) -> Result<StatusCode, Fault> {
    deeds::fleet::start(&portal, &actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /api/fleet`
pub(crate) async fn remove_fleet(State(portal): State<PortalState>, actor: Actor) -> Result<StatusCode, Fault> {
    deeds::fleet::remove(&portal, &actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A kind of quantity.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Measurement)]
pub(crate) struct MeasurementShape {
    id: u32,
    name: &'static str,
    unit: &'static str,
    value_range: &'static str,
    remark: &'static str,
}

/// `GET /api/measurements`
pub(crate) async fn measurements() -> Json<Page<MeasurementShape>> {
    let all = model::measurements().iter().map(|known| MeasurementShape {
        id: known.id.0,
        name: known.name,
        unit: known.unit,
        value_range: known.value_range,
        remark: known.remark,
    });
    Json(Page::whole(all.collect()))
}

/// Something that somebody did.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Deed)]
pub(crate) struct DeedShape {
    at: String,
    actor: String,
    address: String,
    action: String,
    subject: String,
    detail: String,
}

/// `GET /api/audit`
pub(crate) async fn audit(
    State(portal): State<PortalState>,
    actor: Actor,
    Asked(asked): Asked,
) -> Result<Json<Page<DeedShape>>, Fault> {
    let before = asked.find("cursor").map(|cursor| cursor.parse().map_err(|_| Fault::Invalid(|t| t.fault_cursor)));
    let limit = limit(&asked)?;
    let deeds = portal.store().list_deeds(actor.org, before.transpose()?, limit).await?;
    let next_cursor = deeds.last().filter(|_| deeds.len() == limit).map(|(number, _)| number.to_string());
    let items = deeds.into_iter().map(|(_, deed)| DeedShape {
        at: deed.at.to_string(),
        actor: deed.actor,
        address: deed.address,
        action: deed.action,
        subject: deed.subject,
        detail: deed.detail,
    });
    Ok(Json(Page { items: items.collect(), next_cursor }))
}

/// The station itself.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = System)]
pub(crate) struct SystemShape {
    version: &'static str,
    facts: Vec<FactShape>,
    /// The newest lines of the log, oldest first.
    log: Vec<String>,
}

/// Something to know about the station.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Fact)]
pub(crate) struct FactShape {
    name: &'static str,
    /// A text, a time by ISO 8601, or a number: of things, bytes or days (0 is for ever); `null`
    /// where nothing is wrong.
    #[schema(value_type = Object)]
    value: serde_json::Value,
}

impl From<Fact> for serde_json::Value {
    fn from(fact: Fact) -> Self {
        match fact {
            Fact::Text(text) => text.into(),
            Fact::At(at) => at.to_string().into(),
            Fact::Count(number) | Fact::Bytes(number) => number.into(),
            Fact::Days(days) => days.into(),
            Fact::Trouble(trouble) => trouble.into(),
        }
    }
}

/// `GET /api/system`
pub(crate) async fn system(State(portal): State<PortalState>) -> Json<SystemShape> {
    let station = portal.station();
    let facts = station.facts().into_iter().map(|(name, fact)| FactShape { name, value: fact.into() }).collect();
    Json(SystemShape { version: station.version(), facts, log: station.log_tail() })
}
