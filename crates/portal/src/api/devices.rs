use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use model::{ChannelIndex, Device, DeviceEui};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Body, Page, created, limit};
use crate::{
    PortalState,
    actor::Actor,
    deeds::devices,
    fault::Fault,
    fields::Asked,
    fleet::{self, Member},
    pages::devices::wanted,
};

/// A device and how it is doing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Device)]
pub(crate) struct DeviceShape {
    /// 16 upper-case hex digits.
    eui: String,
    name: String,
    /// The product model, which chooses the codec.
    model: String,
    /// `gateway` or `node`.
    kind: &'static str,
    /// The id of its group; `null` is the default group.
    group: Option<String>,
    /// Where it was put by hand.
    position: Option<PositionShape>,
    /// `online`, `late` or `silent`.
    state: &'static str,
    /// When it was last heard, by ISO 8601 in UTC.
    last_heard_at: Option<String>,
    battery_percent: Option<f64>,
    report_interval_ms: Option<i64>,
    /// What the interval is to be, if somebody said so; the device may do otherwise.
    report_cycle_wanted_min: Option<u16>,
    bound_at: String,
    /// What measurements of its channels stand for, as `1/4165=4102`, several joined by commas; mostly empty.
    channel_map: String,
    channels: Vec<ChannelShape>,
}

/// Degrees, WGS 84.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Position)]
pub(crate) struct PositionShape {
    pub(crate) latitude: f64,
    pub(crate) longitude: f64,
}

/// A channel that somebody described.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Channel)]
pub(crate) struct ChannelShape {
    index: u16,
    name: String,
    /// The type of its sensor, where somebody said it; else it follows from what the channel measures.
    sensor_type: Option<String>,
}

impl DeviceShape {
    pub(crate) fn of(member: &Member, now: model::Timestamp) -> Self {
        let device: &Device = &member.device;
        Self {
            eui: device.eui.to_string(),
            name: device.name.clone(),
            model: device.model.clone(),
            kind: match device.kind {
                model::DeviceKind::Gateway => "gateway",
                model::DeviceKind::Node => "node",
            },
            group: device.group.map(|group| group.to_string()),
            position: device.place.map(|place| PositionShape { latitude: place.latitude, longitude: place.longitude }),
            state: member.state(now).as_str(),
            last_heard_at: member.heard.map(|at| at.to_string()),
            battery_percent: member.battery,
            report_interval_ms: member.interval_ms,
            report_cycle_wanted_min: device.report_cycle_min,
            bound_at: device.bound_at.to_string(),
            channel_map: device.channel_map.to_string(),
            channels: device
                .channels
                .iter()
                .map(|channel| ChannelShape {
                    index: channel.index.0,
                    name: channel.name.clone(),
                    sensor_type: channel.sensor_type.clone(),
                })
                .collect(),
        }
    }
}

/// A device to add.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewDevice {
    /// 16 hex digits.
    eui: String,
    /// One of the models that the station decodes.
    model: String,
    #[serde(default)]
    name: String,
    /// The id of a group; empty is the default one.
    #[serde(default)]
    group: String,
}

/// What to change about a device; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeviceChange {
    name: Option<String>,
    model: Option<String>,
    /// The id of a group; empty is the default one.
    group: Option<String>,
    position: Option<PositionShape>,
    /// What measurements of its channels stand for, from now on: `1/4165=4102`, several joined by commas.
    channel_map: Option<String>,
}

/// What to call a channel, and what sits there; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChannelName {
    name: Option<String>,
    /// The type of its sensor, such as `1001`; empty lets it follow from what the channel measures.
    sensor_type: Option<String>,
}

/// `GET /api/devices`
pub(crate) async fn list(
    State(portal): State<PortalState>,
    actor: Actor,
    Asked(asked): Asked,
) -> Result<Json<Page<DeviceShape>>, Fault> {
    let now = portal.now();
    let fleet = portal.fleets().get(portal.store(), actor.org, now).await?;
    let after = match asked.find("cursor") {
        None => None,
        Some(cursor) => Some(cursor.parse::<DeviceEui>().map_err(|_| Fault::Invalid(|t| t.fault_cursor))?),
    };
    let wanted = wanted(&asked)?;
    let (page, is_more) = fleet.page(&wanted, after, limit(&asked)?, now);
    let next_cursor = page.last().filter(|_| is_more).map(|last| last.device.eui.to_string());
    let items = page.into_iter().map(|member| DeviceShape::of(member, now)).collect();
    Ok(Json(Page { items, next_cursor }))
}

/// `POST /api/devices`
pub(crate) async fn add(
    State(portal): State<PortalState>,
    actor: Actor,
    Body(new): Body<NewDevice>,
) -> Result<Response, Fault> {
    let NewDevice { eui, model, name, group } = new;
    let device = devices::add(&portal, &actor, devices::New { eui, model, name, group }).await?;
    let member = Member::look_up(portal.store(), device).await?;
    let location = format!("/api/devices/{}", member.device.eui);
    Ok(created(&location, DeviceShape::of(&member, portal.now())))
}

/// The device that a path names, if it is the organization's.
pub(crate) async fn find(portal: &PortalState, actor: &Actor, eui: &str) -> Result<Member, Fault> {
    let eui = eui.parse().map_err(|_| Fault::NotFound)?;
    fleet::find(portal.store(), actor.org, eui).await?.ok_or(Fault::NotFound)
}

/// `GET /api/devices/{eui}`
pub(crate) async fn get(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(eui): Path<String>,
) -> Result<Json<DeviceShape>, Fault> {
    let member = find(&portal, &actor, &eui).await?;
    Ok(Json(DeviceShape::of(&member, portal.now())))
}

/// `PATCH /api/devices/{eui}`
pub(crate) async fn change(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(eui): Path<String>,
    Body(change): Body<DeviceChange>,
) -> Result<Json<DeviceShape>, Fault> {
    let device = find(&portal, &actor, &eui).await?.device.eui;
    let DeviceChange { name, model, group, position, channel_map } = change;
    let position = position.map(|PositionShape { latitude, longitude }| devices::Position { latitude, longitude });
    let change = devices::Change { name, model, group, position, channel_map };
    devices::update(&portal, &actor, device, change).await?;
    let member = find(&portal, &actor, &eui).await?;
    Ok(Json(DeviceShape::of(&member, portal.now())))
}

/// `DELETE /api/devices/{eui}`
pub(crate) async fn retire(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(eui): Path<String>,
) -> Result<StatusCode, Fault> {
    devices::retire(&portal, &actor, eui.parse().map_err(|_| Fault::NotFound)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `PUT /api/devices/{eui}/channels/{index}`
pub(crate) async fn name_channel(
    State(portal): State<PortalState>,
    actor: Actor,
    Path((eui, index)): Path<(String, String)>,
    Body(ChannelName { name, sensor_type }): Body<ChannelName>,
) -> Result<Json<DeviceShape>, Fault> {
    let device = find(&portal, &actor, &eui).await?.device.eui;
    let index = ChannelIndex(index.parse().map_err(|_| Fault::NotFound)?);
    let (name, sensor_type) = (name.as_deref(), sensor_type.as_deref());
    devices::describe_channel(&portal, &actor, device, index, name, sensor_type).await?;
    let member = find(&portal, &actor, &eui).await?;
    Ok(Json(DeviceShape::of(&member, portal.now())))
}
