//! Devices that sources bring uplinks of and that nobody has bound.

use axum::{
    extract::{Path, State},
    response::Response,
};
use maud::{Markup, html};
use model::Source;
use store::UnboundDevice;

use crate::{
    PortalState, Right,
    actor::Actor,
    deeds::{codecs, devices},
    fault::Fault,
    guard::see,
    html::{frame, parts},
    view::View,
};

/// How many are shown.
pub(crate) const DEVICES_MAX: usize = 1_000;

/// `GET /devices/unbound`
pub(crate) async fn list(State(portal): State<PortalState>, actor: Actor, view: View) -> Result<Markup, Fault> {
    let t = view.t;
    let devices = portal.store().list_unbound(actor.org, DEVICES_MAX).await?;
    let lost = portal.store().count_unbound_lost(actor.org).await?;
    let sources = portal.store().list_sources(actor.org).await?;
    let models = codecs::models(&portal, &actor).await?;
    let may_write = actor.may(Right::Write);
    let content = html! {
        (parts::head(t.unbound, t.unbound_help, parts::nothing()))
        @if lost > 0 { p.notice.warn { (t.unbound_lost.replace("{}", &view.count(lost))) } }
        @if devices.is_empty() {
            section.card.empty { h2 { (t.nothing_found) } p { (t.no_unbound) } }
        } @else {
            section.card { div.scroll { table.cards {
                thead { tr {
                    th scope="col" { (t.device) } th scope="col" { (t.source) } th scope="col" { (t.first_heard) }
                    th scope="col" { (t.last_heard) } th scope="col" { (t.kept_frames) }
                    @if may_write { th scope="col" { (t.add_device) } }
                } }
                tbody { @for device in &devices { (row(&models, &view, &sources, device, may_write)) } }
            } } }
        }
    };
    Ok(frame::page(&view, t.unbound, content))
}

fn row(models: &[String], view: &View, sources: &[Source], device: &UnboundDevice, may_write: bool) -> Markup {
    let t = view.t;
    let source = sources.iter().find(|source| source.id == device.source && !source.name.is_empty());
    let source = source.map_or_else(|| device.source.to_string(), |source| source.name.clone());
    html! {
        tr {
            th scope="row" { span.mono { (device.eui) } @if !device.name.is_empty() { span.sub { (device.name) } } }
            td data-label=(t.source) { (source) }
            td data-label=(t.first_heard) { (view.time(device.first_heard_at)) }
            td data-label=(t.last_heard) { (view.age(device.last_heard_at)) }
            td data-label=(t.kept_frames) {
                (view.count(device.kept))
                @if device.dropped > 0 { span.sub { (t.frames_dropped.replace("{}", &view.count(device.dropped))) } }
            }
            @if may_write {
                td data-label=(t.add_device) {
                    form.inline method="post" action="/devices" {
                        input type="hidden" name="eui" value=(device.eui);
                        select name="model" required aria-label=(t.model) {
                            (parts::option("", t.model, device.model.is_empty()))
                            @for model in models { (parts::option(model, model, device.model == *model)) }
                        }
                        input name="name" maxlength="64" aria-label=(t.name) placeholder=(t.name) value=(device.name);
                        button.primary.small { (t.add_device) }
                    }
                    form method="post" action=(format!("/devices/unbound/{}/forget", device.eui)) data-confirm=(t.forget_confirm) {
                        button.small.danger { (t.forget) }
                    }
                }
            }
        }
    }
}

/// `POST /devices/unbound/{eui}/forget`
pub(crate) async fn forget(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(eui): Path<String>,
) -> Result<Response, Fault> {
    devices::forget(&portal, &actor, eui.parse().map_err(|_| Fault::NotFound)?).await?;
    Ok(see("/devices/unbound?done=forgotten"))
}
