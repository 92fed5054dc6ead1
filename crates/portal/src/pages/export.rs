//! `GET /export`: choose what is to be given out, and get it as a file.

use axum::extract::State;
use maud::{Markup, html};

use crate::{
    PortalState,
    actor::Actor,
    export::Format,
    fault::Fault,
    html::{frame, parts},
    view::View,
};

pub(crate) async fn form(State(portal): State<PortalState>, actor: Actor, view: View) -> Result<Markup, Fault> {
    let t = view.t;
    let fleet = portal.fleets().get(portal.store(), actor.org, portal.now()).await?;
    let mut measurements: Vec<_> =
        model::measurements().iter().map(|known| (known.id, view.measurement(known.id).0)).collect();
    measurements.sort_by(|a, b| a.1.cmp(&b.1));
    let content = html! {
        (parts::head(t.nav_export, t.export_help, parts::nothing()))
        form.card method="get" action="/api/export" {
            div.row {
                label for="device" { (t.export_devices) }
                select #device name="device" multiple size="6" {
                    @for member in &fleet.members {
                        option value=(member.device.eui) { (member.title()) " · " (member.device.eui) }
                    }
                }
                p.hint { (t.export_none_is_all) }
            }
            div.row {
                label for="measurement" { (t.export_measurements) }
                select #measurement name="measurement" multiple size="6" {
                    @for (id, name) in &measurements { option value=(id) { (name) " (" (id) ")" } }
                }
                p.hint { (t.export_none_is_all) }
            }
            div.row { label for="from" { (t.from) } input #from name="from" placeholder="2026-07-01T00:00:00Z"; }
            div.row { label for="to" { (t.to) } input #to name="to" placeholder="2026-08-01T00:00:00Z"; }
            div.row {
                label for="time_zone" { (t.time_zone) }
                input #time_zone name="time_zone" value=(view.zone_name());
            }
            div.row {
                label for="format" { (t.export_format) }
                select #format name="format" {
                    @for format in Format::ALL { option value=(format.as_str()) { (format.name()) } }
                }
            }
            div.row {
                label for="as_of" { (t.export_as_of) }
                input #as_of name="as_of";
                p.hint { (t.export_as_of_help) }
            }
            div.actions { button.primary { (t.export_get) } }
        }
    };
    Ok(frame::page(&view, t.nav_export, content))
}
