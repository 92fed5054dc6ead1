//! What can be set about a device.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use maud::{Markup, html};
use model::{ChannelIndex, Device};
use store::Select;

use super::{by_channel, find, page, tabs};
use crate::{
    PortalState, Right,
    actor::Actor,
    deeds::{self, codecs, devices},
    fault::Fault,
    fields::Fields,
    fleet::Member,
    guard::see,
    html::{frame, parts},
    view::View,
};

/// `GET /devices/{eui}/settings`
pub(crate) async fn show(
    State(portal): State<PortalState>,
    actor: Actor,
    view: View,
    Path(eui): Path<String>,
) -> Result<Markup, Fault> {
    let member = find(&portal, &actor, &eui).await?;
    draw(&portal, &actor, &view, &member, None).await
}

async fn draw(
    portal: &PortalState,
    actor: &Actor,
    view: &View,
    member: &Member,
    fault: Option<&Fault>,
) -> Result<Markup, Fault> {
    let t = view.t;
    let device = &member.device;
    let here = format!("/devices/{}", device.eui);
    let groups = portal.store().list_groups(actor.org).await?;
    let latest = portal.store().latest(actor.org, device.id, Select::READINGS).await?;
    let channels = by_channel(&latest).into_keys().chain(device.channels.iter().map(|channel| channel.index));
    let mut channels: Vec<ChannelIndex> = channels.collect();
    channels.sort_unstable();
    channels.dedup();
    let models = codecs::models(portal, actor).await?;
    let is_locked = !actor.may(Right::Write);
    let content = html! {
        (tabs(view, device))
        section.card {
            header { h2 { (t.tab_settings) } }
            (parts::wrong(view, fault))
            form.form method="post" action=(format!("{here}/settings")) {
                fieldset.bare disabled[is_locked] {
                    div.pair {
                        div.row { label for="name" { (t.name) } input #name name="name" maxlength="64" value=(device.name); }
                        div.row {
                            label for="group" { (t.group) }
                            select #group name="group" {
                                (parts::option("", t.default_group, device.group.is_none()))
                                @for group in &groups { (parts::option(&group.id.to_string(), &group.name, device.group == Some(group.id))) }
                            }
                        }
                    }
                    div.row {
                        label for="model" { (t.model) }
                        select #model name="model" {
                            // A development kit is of none that the station decodes.
                            @if !models.contains(&device.model) {
                                (parts::option(&device.model, &device.model, true))
                            }
                            @for model in &models { (parts::option(model, model, device.model == *model)) }
                        }
                        p.help { (t.model_change_help) }
                    }
                    div.pair {
                        div.row { label for="latitude" { (t.latitude) } input #latitude name="latitude" inputmode="decimal" value=[device.place.map(|place| place.latitude)]; }
                        div.row { label for="longitude" { (t.longitude) } input #longitude name="longitude" inputmode="decimal" value=[device.place.map(|place| place.longitude)]; }
                    }
                    div.row {
                        label for="channel-map" { (t.channel_map) }
                        input.mono #channel-map name="channel-map" placeholder="1/4165=4102, 2/4165=4103" value=(device.channel_map);
                        p.help { (t.channel_map_help) }
                    }
                    @for index in &channels {
                        @let known = device.channels.iter().find(|channel| channel.index == *index);
                        div.row {
                            label for=(format!("channel-{index}")) { (t.channel_name.replace("{}", &index.to_string())) }
                            input id=(format!("channel-{index}")) name=(format!("channel-{index}")) maxlength="64" value=(known.map_or("", |channel| channel.name.as_str()));
                            select name=(format!("type-{index}")) aria-label=(t.sensor_type) {
                                @let said = known.and_then(|channel| channel.sensor_type.as_deref()).unwrap_or_default();
                                (parts::option("", t.sensor_type_inferred, said.is_empty()))
                                @for kind in model::sensor_types() {
                                    (parts::option(kind.id, &format!("{} {}", kind.id, kind.name), said == kind.id))
                                }
                            }
                        }
                    }
                    div.actions { button.primary { (t.save) } }
                }
            }
        }
        @if !is_locked {
            section.card {
                header { h2 { (t.retire) } }
                form.actions method="post" action=(format!("{here}/retire")) data-confirm=(t.retire_confirm) {
                    button.danger { (t.retire) } span.small.muted { (t.retire_help) }
                }
            }
        }
    };
    Ok(frame::page(view, &member.title(), page(view, portal, actor, member, content).await?))
}

/// `POST /devices/{eui}/settings`
pub(crate) async fn save(
    State(portal): State<PortalState>,
    actor: Actor,
    view: View,
    Path(eui): Path<String>,
    fields: Fields,
) -> Result<Response, Fault> {
    let member = find(&portal, &actor, &eui).await?;
    match change(&portal, &actor, &member.device, &fields).await {
        Ok(()) => Ok(see(&format!("/devices/{}/settings?done=saved", member.device.eui))),
        Err(fault @ Fault::Invalid(_)) => {
            let page = draw(&portal, &actor, &view, &member, Some(&fault)).await?;
            Ok((fault.status(), page).into_response())
        }
        Err(fault) => Err(fault),
    }
}

async fn change(portal: &PortalState, actor: &Actor, device: &Device, fields: &Fields) -> Result<(), Fault> {
    let changed = |field: &str, now: &str| fields.find(field).filter(|text| *text != now).map(str::to_owned);
    let group = device.group.map(|group| group.to_string()).unwrap_or_default();
    let change = devices::Change {
        name: changed("name", &device.name),
        model: changed("model", &device.model),
        group: changed("group", &group),
        position: position(fields, device)?,
        channel_map: changed("channel-map", &device.channel_map.to_string()),
    };
    let mut channels = Vec::new();
    for channel in (0..=u16::from(u8::MAX)).map(ChannelIndex) {
        let known = device.channels.iter().find(|known| known.index == channel);
        let now = known.map_or("", |known| known.name.as_str());
        let said = known.and_then(|known| known.sensor_type.as_deref()).unwrap_or_default();
        let name = changed(&format!("channel-{channel}"), now);
        let kind = changed(&format!("type-{channel}"), said);
        if name.is_some() || kind.is_some() {
            // Refused before anything is changed.
            let name = name.map(|name| deeds::name(&name)).transpose()?;
            channels.push((channel, name, kind));
        }
    }
    devices::update(portal, actor, device.eui, change).await?;
    for (channel, name, kind) in channels {
        devices::describe_channel(portal, actor, device.eui, channel, name.as_deref(), kind.as_deref()).await?;
    }
    Ok(())
}

fn position(fields: &Fields, device: &Device) -> Result<Option<devices::Position>, Fault> {
    let (latitude, longitude) = (fields.get("latitude").trim(), fields.get("longitude").trim());
    if latitude.is_empty() && longitude.is_empty() {
        return Ok(None);
    }
    let degrees = |text: &str| text.replace(',', ".").parse().map_err(|_| Fault::Invalid(|t| t.fault_position));
    let position = devices::Position { latitude: degrees(latitude)?, longitude: degrees(longitude)? };
    let is_same =
        device.place.is_some_and(|place| (place.latitude, place.longitude) == (position.latitude, position.longitude));
    Ok((!is_same).then_some(position))
}

/// `POST /devices/{eui}/retire`
pub(crate) async fn retire(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(eui): Path<String>,
) -> Result<Response, Fault> {
    devices::retire(&portal, &actor, eui.parse().map_err(|_| Fault::NotFound)?).await?;
    Ok(see("/devices?done=removed"))
}
