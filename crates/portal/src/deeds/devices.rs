use std::sync::Arc;

use model::{Channel, ChannelIndex, ChannelMap, Device, DeviceEui, DeviceKind, GeoPoint, GroupId};
use serde::Deserialize;
use store::{Binding, DeviceChange};

use super::name;
use crate::{PortalState, actor::Actor, fault::Fault};

/// A device to add.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct New {
    pub(crate) eui: String,
    pub(crate) model: String,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) group: String,
}

/// What to change about a device.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    pub(crate) name: Option<String>,
    pub(crate) model: Option<String>,
    /// The id of a group, or empty for the default one.
    pub(crate) group: Option<String>,
    pub(crate) position: Option<Position>,
    pub(crate) channel_map: Option<String>,
}

/// Degrees, WGS 84.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Position {
    pub(crate) latitude: f64,
    pub(crate) longitude: f64,
}

pub(crate) fn eui(text: &str) -> Result<DeviceEui, Fault> {
    super::parse(text, |texts| texts.fault_eui)
}

pub(crate) fn group(text: &str) -> Result<Option<GroupId>, Fault> {
    if text.is_empty() { Ok(None) } else { super::parse(text, |texts| texts.fault_group).map(Some) }
}

pub(super) async fn model(portal: &PortalState, actor: &Actor, text: &str) -> Result<String, Fault> {
    let mut models = super::codecs::models(portal, actor).await?.into_iter();
    let named = text.trim().to_lowercase();
    models.find(|model| model.to_lowercase() == named).ok_or(Fault::Invalid(|texts| texts.fault_model))
}

fn place(position: Position) -> Result<GeoPoint, Fault> {
    let Position { latitude, longitude } = position;
    let is_on_earth = (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude);
    if is_on_earth { Ok(GeoPoint { latitude, longitude }) } else { Err(Fault::Invalid(|texts| texts.fault_position)) }
}

/// Binds a device to the organization.
pub(crate) async fn add(portal: &PortalState, actor: &Actor, new: New) -> Result<Arc<Device>, Fault> {
    let (eui, model) = (eui(&new.eui)?, model(portal, actor, &new.model).await?);
    let before = portal.store().find_unbound_device(actor.org, eui, portal.now()).await?;
    let (place, frequency, code) =
        before.map(|before| (before.place, before.frequency, before.code)).unwrap_or_default();
    let binding = Binding {
        org: actor.org,
        eui,
        kind: DeviceKind::Node,
        model: model.clone(),
        name: name(&new.name)?,
        group: group(&new.group)?,
        place,
        frequency,
        code,
        bound_at: portal.now(),
    };
    let device = portal.store().bind_device(binding).await.map_err(|error| match error {
        store::Error::Conflict(_) => Fault::Conflict(|texts| texts.fault_device_exists),
        store::Error::NotFound(_) => Fault::Invalid(|texts| texts.fault_group),
        other => other.into(),
    })?;
    portal.fleets().forget(actor.org);
    actor.record(portal, "device.add", eui, format!("{model} {}", device.name)).await?;
    Ok(device)
}

/// Changes what is given.
pub(crate) async fn update(portal: &PortalState, actor: &Actor, eui: DeviceEui, change: Change) -> Result<(), Fault> {
    let mut said = Vec::new();
    let mut kept = DeviceChange::default();
    if let Some(text) = &change.name {
        let name = name(text)?;
        said.push(format!("name {name}"));
        kept.name = Some(name);
    }
    if let Some(text) = &change.model {
        let model = model(portal, actor, text).await?;
        said.push(format!("model {model}"));
        kept.model = Some(model);
    }
    if let Some(position) = change.position {
        let place = place(position)?;
        said.push(format!("position {} {}", place.latitude, place.longitude));
        kept.place = Some(place);
    }
    if let Some(text) = &change.channel_map {
        let map: ChannelMap = super::parse(text, |texts| texts.fault_channel_map)?;
        said.push(format!("channel map {map}"));
        kept.channel_map = Some(map);
    }
    let group = change.group.as_deref().map(group).transpose()?;
    if let Some(Some(group)) = group
        && !portal.store().list_groups(actor.org).await?.iter().any(|known| known.id == group)
    {
        return Err(Fault::Invalid(|texts| texts.fault_group));
    }
    if kept != DeviceChange::default() {
        portal.store().update_device(actor.org, eui, kept).await?;
    }
    if let Some(group) = group {
        said.push(group.map_or_else(|| "default group".to_owned(), |group| format!("group {group}")));
        portal.store().move_devices_to_group(actor.org, &[eui], group).await?;
    }
    portal.fleets().forget(actor.org);
    actor.record(portal, "device.change", eui, said.join(", ")).await?;
    Ok(())
}

/// Names a channel, and says or, where it is empty, unsays the type of its sensor.
pub(crate) async fn describe_channel(
    portal: &PortalState,
    actor: &Actor,
    eui: DeviceEui,
    index: ChannelIndex,
    new: Option<&str>,
    sensor_type: Option<&str>,
) -> Result<(), Fault> {
    let device = portal.store().find_device(actor.org, eui).await?.ok_or(Fault::NotFound)?;
    let new = new.map(name).transpose()?;
    let sensor_type = match sensor_type.map(str::trim) {
        None => None,
        Some("") => Some(None),
        Some(id) => {
            let known = model::sensor_type(id).ok_or(Fault::Invalid(|texts| texts.fault_sensor_type))?;
            Some(Some(known.id.to_owned()))
        }
    };
    let known = device.channels.iter().find(|channel| channel.index == index);
    let channel = match known {
        Some(channel) => Channel {
            name: new.unwrap_or_else(|| channel.name.clone()),
            sensor_type: sensor_type.unwrap_or_else(|| channel.sensor_type.clone()),
            ..channel.clone()
        },
        None => Channel {
            index,
            name: new.unwrap_or_default(),
            sensor_type: sensor_type.flatten(),
            sensor_id: String::new(),
            measurements: Vec::new(),
            created_at: portal.now(),
        },
    };
    let kind = channel.sensor_type.as_deref().unwrap_or_default();
    let detail = format!("channel {index} {} {kind}", channel.name).trim_end().to_owned();
    portal.store().describe_channel(actor.org, eui, channel).await?;
    portal.fleets().forget(actor.org);
    actor.record(portal, "device.channel", eui, detail).await?;
    Ok(())
}

/// Forgets a device that nobody has bound, and what is kept of it.
pub(crate) async fn forget(portal: &PortalState, actor: &Actor, eui: DeviceEui) -> Result<(), Fault> {
    portal.store().forget_unbound(actor.org, eui).await?;
    actor.record(portal, "device.forget", eui, "").await?;
    Ok(())
}

/// Unbinds a device; its history stays.
pub(crate) async fn retire(portal: &PortalState, actor: &Actor, eui: DeviceEui) -> Result<(), Fault> {
    portal.store().unbind_device(actor.org, eui).await?;
    portal.fleets().forget(actor.org);
    actor.record(portal, "device.retire", eui, "").await?;
    Ok(())
}
