//! `GET /audit`: who did what.

use axum::extract::State;
use maud::{Markup, html};

use crate::{
    PortalState,
    actor::Actor,
    fault::Fault,
    fields::Asked,
    html::{frame, parts},
    view::View,
};

/// How many deeds a page has.
const PAGE: usize = 100;

pub(crate) async fn list(
    State(portal): State<PortalState>,
    actor: Actor,
    view: View,
    Asked(asked): Asked,
) -> Result<Markup, Fault> {
    let t = view.t;
    let before = asked.get("before").parse().ok();
    let deeds = portal.store().list_deeds(actor.org, before, PAGE).await?;
    let content = html! {
        (parts::head(t.nav_audit, t.audit_help, parts::nothing()))
        section.card { div.scroll tabindex="0" { table {
            thead { tr {
                th scope="col" { (t.time) } th scope="col" { (t.who) } th scope="col" { (t.action) }
                th scope="col" { (t.subject) } th scope="col" { (t.detail) } th scope="col" { (t.address) }
            } }
            tbody {
                @for (_, deed) in &deeds {
                    tr {
                        td.nowrap { (view.time(deed.at)) }
                        td { (deed.actor) }
                        td { code { (deed.action) } }
                        td.mono { (deed.subject) }
                        td { (deed.detail) }
                        td.mono { (deed.address) }
                    }
                }
            }
        } } }
        @if deeds.len() == PAGE && let Some((last, _)) = deeds.last() {
            nav.pages aria-label=(t.pages) {
                span { (deeds.len()) }
                span.actions { a.button.small rel="next" href=(format!("/audit?before={last}")) { (t.older) } }
            }
        }
    };
    Ok(frame::page(&view, t.nav_audit, content))
}
