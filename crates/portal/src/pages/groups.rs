//! Groups of devices.

use axum::{
    extract::{Path, State},
    response::Response,
};
use maud::{Markup, html};
use model::GroupId;

use crate::{
    PortalState, Right,
    actor::Actor,
    deeds::groups,
    fault::Fault,
    fields::Fields,
    fleet::{Fleet, State as DeviceState},
    guard::see,
    html::{frame, parts},
    view::View,
};

/// `GET /groups`
pub(crate) async fn list(State(portal): State<PortalState>, actor: Actor, view: View) -> Result<Markup, Fault> {
    let t = view.t;
    let groups = portal.store().list_groups(actor.org).await?;
    let fleet = portal.fleets().get(portal.store(), actor.org, view.now).await?;
    let may_change = actor.may(Right::Write);
    let content = html! {
        @let retention = html! { @if actor.may(Right::Manage) { a.button href="/retention" { (t.retention) } } };
        (parts::head(t.nav_groups, t.groups_help, retention))
        section.card { div.scroll { table.cards {
            thead { tr {
                th scope="col" { (t.group) } th.num scope="col" { (t.nav_devices) } th scope="col" { (t.state) }
                @if may_change { th {} }
            } }
            tbody {
                tr {
                    th scope="row" { a href="/devices?group=default" { (t.default_group) } }
                    (counts(&view, &fleet, None))
                    @if may_change { td {} }
                }
                @for group in &groups {
                    tr {
                        th scope="row" { a href=(format!("/devices?group={}", group.id)) { (group.name) } }
                        (counts(&view, &fleet, Some(group.id)))
                        @if may_change { td { div.actions {
                            form.actions method="post" action=(format!("/groups/{}/rename", group.id)) {
                                input name="name" required maxlength="64" value=(group.name) aria-label=(t.name);
                                button.small { (t.rename) }
                            }
                            form method="post" action=(format!("/groups/{}/delete", group.id)) data-confirm=(t.group_delete_confirm) {
                                button.small.danger { (t.delete) }
                            }
                        } } }
                    }
                }
            }
        } } }
        @if may_change {
            form.card.inline method="post" action="/groups" {
                div.row { label for="name" { (t.new_group) } input #name name="name" required maxlength="64"; }
                button.primary { (t.create_group) }
            }
        }
    };
    Ok(frame::page(&view, t.nav_groups, content))
}

/// How many devices a group has, and the worst state among them.
fn counts(view: &View, fleet: &Fleet, group: Option<GroupId>) -> Markup {
    let members = || fleet.members.iter().filter(|member| member.device.group == group);
    let worst: Option<DeviceState> = members().map(|member| member.state(view.now)).min();
    html! {
        td.num data-label=(view.t.nav_devices) { (members().count()) }
        td data-label=(view.t.state) {
            @if let Some(state) = worst { span.state.(state.as_str()) { (parts::state_text(view, state)) } }
        }
    }
}

/// `POST /groups`
pub(crate) async fn create(State(portal): State<PortalState>, actor: Actor, fields: Fields) -> Result<Response, Fault> {
    groups::create(&portal, &actor, fields.get("name")).await?;
    Ok(see("/groups?done=added"))
}

/// `POST /groups/{id}/rename`
pub(crate) async fn rename(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Fault> {
    groups::rename(&portal, &actor, groups::id(&id)?, fields.get("name")).await?;
    Ok(see("/groups?done=saved"))
}

/// `POST /groups/{id}/delete`
pub(crate) async fn delete(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    groups::delete(&portal, &actor, groups::id(&id)?).await?;
    Ok(see("/groups?done=removed"))
}
