//! Every device of the organization, and adding one.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use maud::{Markup, html};
use model::{DeviceEui, Group, GroupId};

use crate::{
    PortalState, Right,
    actor::Actor,
    deeds::{codecs, devices},
    fault::Fault,
    fields::{Asked, Fields},
    fleet::{State as DeviceState, Wanted},
    guard::see,
    html::{frame, parts},
    view::View,
};

/// How many devices a page has.
const PAGE: usize = 50;

/// `GET /devices`
pub(crate) async fn list(
    State(portal): State<PortalState>,
    actor: Actor,
    view: View,
    Asked(asked): Asked,
) -> Result<Markup, Fault> {
    let t = view.t;
    let fleet = portal.fleets().get(portal.store(), actor.org, view.now).await?;
    let groups = portal.store().list_groups(actor.org).await?;
    let unbound = portal.store().list_unbound(actor.org, super::unbound::DEVICES_MAX).await?.len() as u64;
    // A link that somebody has kept shows everything rather than an error.
    let wanted = wanted(&asked).unwrap_or_else(|_| Wanted { search: search(&asked), ..Wanted::default() });
    let after = asked.get("after").parse::<DeviceEui>().ok();
    let (page, is_more) = fleet.page(&wanted, after, PAGE, view.now);
    let (found, all) = (fleet.count(&wanted, view.now), fleet.members.len());
    let note = if found == all {
        t.devices_count.replace("{}", &view.count(all as u64))
    } else {
        t.devices_found.replacen("{}", &view.count(found as u64), 1).replacen("{}", &view.count(all as u64), 1)
    };
    let add = html! { @if actor.may(Right::Write) { a.button.primary href="/devices/new" { (t.add_device) } } };
    let content = html! {
        (parts::head(t.nav_devices, &note, add))
        (filters(&view, &groups, &wanted))
        @if unbound > 0 {
            p.notice { (t.unbound_count.replace("{}", &view.count(unbound))) " " a href="/devices/unbound" { (t.show) } }
        }
        @if page.is_empty() {
            section.card.empty { h2 { (t.nothing_found) } p { (t.nothing_found_help) } }
        } @else {
            section.card { div.scroll { table.cards {
                thead { tr {
                    th scope="col" { (t.device) } th scope="col" { (t.model) } th scope="col" { (t.group) }
                    th scope="col" { (t.state) } th scope="col" { (t.battery) } th scope="col" { (t.last_heard) }
                } }
                tbody {
                    @for member in &page {
                        tr {
                            th scope="row" {
                                a href=(format!("/devices/{}", member.device.eui)) { (member.title()) }
                                span.sub.mono { (member.device.eui) }
                            }
                            td data-label=(t.model) { (member.device.model) }
                            td data-label=(t.group) { (group_name(&groups, member.device.group)) }
                            td data-label=(t.state) { (parts::state(&view, member)) }
                            td data-label=(t.battery) { (parts::battery(member.battery)) }
                            td data-label=(t.last_heard) { (view.heard(member.device.eui, member.heard)) }
                        }
                    }
                }
            } } }
            nav.pages aria-label=(t.pages) {
                span { (page.len()) " / " (view.count(found as u64)) }
                span.actions {
                    @if after.is_some() { a.button.small href=(link(&wanted, None)) { (t.first_page) } }
                    @if is_more && let Some(last) = page.last() {
                        a.button.small rel="next" href=(link(&wanted, Some(last.device.eui))) { (t.next_page) }
                    }
                }
            }
        }
    };
    Ok(frame::page(&view, t.nav_devices, content))
}

/// Which devices a query means.
pub(crate) fn wanted(asked: &Fields) -> Result<Wanted, Fault> {
    let group = match asked.get("group") {
        "" => None,
        "default" => Some(None),
        id => Some(Some(id.parse::<GroupId>().map_err(|_| Fault::Invalid(|texts| texts.fault_group))?)),
    };
    let state = match asked.get("state") {
        "" => None,
        text => Some(DeviceState::parse(text).ok_or(Fault::Invalid(|texts| texts.fault_state))?),
    };
    Ok(Wanted { search: search(asked), group, state })
}

fn search(asked: &Fields) -> String {
    asked.get("search").trim().to_lowercase()
}

fn link(wanted: &Wanted, after: Option<DeviceEui>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("search", &wanted.search).append_pair("group", &group_value(wanted.group));
    query.append_pair("state", wanted.state.map(DeviceState::as_str).unwrap_or_default());
    if let Some(after) = after {
        query.append_pair("after", &after.to_string());
    }
    format!("/devices?{}", query.finish())
}

fn group_value(group: Option<Option<GroupId>>) -> String {
    match group {
        None => String::new(),
        Some(None) => "default".to_owned(),
        Some(Some(id)) => id.to_string(),
    }
}

pub(crate) fn group_name(groups: &[Group], id: Option<GroupId>) -> &str {
    groups.iter().find(|group| Some(group.id) == id).map_or("–", |group| group.name.as_str())
}

fn filters(view: &View, groups: &[Group], wanted: &Wanted) -> Markup {
    let t = view.t;
    let chosen = group_value(wanted.group);
    html! {
        form.filters method="get" role="search" action="/devices" {
            div.row.grow {
                label for="search" { (t.search) }
                input #search name="search" type="search" placeholder=(t.search_hint) value=(wanted.search);
            }
            div.row {
                label for="group" { (t.group) }
                select #group name="group" data-submit {
                    (parts::option("", t.all, chosen.is_empty()))
                    (parts::option("default", t.default_group, chosen == "default"))
                    @for group in groups { (parts::option(&group.id.to_string(), &group.name, chosen == group.id.to_string())) }
                }
            }
            div.row {
                label for="state" { (t.state) }
                select #state name="state" data-submit {
                    (parts::option("", t.all, wanted.state.is_none()))
                    @for state in DeviceState::ALL {
                        (parts::option(state.as_str(), parts::state_text(view, state), wanted.state == Some(state)))
                    }
                }
            }
            button { (t.search) }
        }
    }
}

/// `GET /devices/new`
pub(crate) async fn form(State(portal): State<PortalState>, actor: Actor, view: View) -> Result<Markup, Fault> {
    draw_form(&portal, &actor, &view, &Fields::default(), None).await
}

/// `POST /devices`
pub(crate) async fn add(
    State(portal): State<PortalState>,
    actor: Actor,
    view: View,
    fields: Fields,
) -> Result<Response, Fault> {
    let new = devices::New {
        eui: fields.get("eui").to_owned(),
        model: fields.get("model").to_owned(),
        name: fields.get("name").to_owned(),
        group: fields.get("group").to_owned(),
    };
    match devices::add(&portal, &actor, new).await {
        Ok(device) => Ok(see(&format!("/devices/{}?done=added", device.eui))),
        Err(fault @ (Fault::Invalid(_) | Fault::Conflict(_))) => {
            let page = draw_form(&portal, &actor, &view, &fields, Some(&fault)).await?;
            Ok((fault.status(), page).into_response())
        }
        Err(fault) => Err(fault),
    }
}

async fn draw_form(
    portal: &PortalState,
    actor: &Actor,
    view: &View,
    fields: &Fields,
    fault: Option<&Fault>,
) -> Result<Markup, Fault> {
    let t = view.t;
    let groups = portal.store().list_groups(actor.org).await?;
    let models = codecs::models(portal, actor).await?;
    let content = html! {
        (parts::head(t.add_device, "", parts::nothing()))
        form.card.form method="post" action="/devices" {
            (parts::wrong(view, fault))
            div.row {
                label for="eui" { "DevEUI" }
                input.mono #eui name="eui" required minlength="16" maxlength="16" pattern="[0-9A-Fa-f]{16}" placeholder="2CF7F12004100005" value=(fields.get("eui"));
                p.help { (t.eui_help) }
            }
            div.row {
                label for="model" { (t.model) }
                select #model name="model" required {
                    (parts::option("", "", fields.get("model").is_empty()))
                    @for model in &models { (parts::option(model, model, fields.get("model") == model)) }
                }
                p.help { (t.model_help) }
            }
            div.row { label for="name" { (t.name) } input #name name="name" maxlength="64" value=(fields.get("name")); }
            div.row {
                label for="group" { (t.group) }
                select #group name="group" {
                    (parts::option("", t.default_group, fields.get("group").is_empty()))
                    @for group in &groups { (parts::option(&group.id.to_string(), &group.name, fields.get("group") == group.id.to_string())) }
                }
            }
            div.actions { button.primary { (t.add_device) } a.button.quiet href="/devices" { (t.cancel) } }
        }
    };
    Ok(frame::page(view, t.add_device, content))
}
