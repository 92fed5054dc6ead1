//! `GET /map`: where the devices are.

use axum::extract::State;
use maud::{Markup, html};

use crate::{
    PortalState,
    actor::Actor,
    assets,
    fault::Fault,
    html::{
        frame::{self, Extra},
        parts,
    },
    view::View,
};

pub(crate) async fn show(State(portal): State<PortalState>, actor: Actor, view: View) -> Result<Markup, Fault> {
    let t = view.t;
    let fleet = portal.fleets().get(portal.store(), actor.org, view.now).await?;
    let mut placed = 0;
    for member in &fleet.members {
        placed += usize::from(member.position(portal.store()).await?.is_some());
    }
    let note = t.map_note.replacen("{}", &placed.to_string(), 1).replacen("{}", &fleet.members.len().to_string(), 1);
    let settings = portal.settings();
    let content = html! {
        (parts::head(t.nav_map, &note, parts::nothing()))
        div.map data-map="/api/devices/positions" data-world=(assets::url("world.json"))
            data-tiles=(settings.map_tiles.as_deref().unwrap_or_default()) data-attribution=(settings.map_attribution)
            data-empty=(t.map_empty) data-text-online=(t.state_online) data-text-late=(t.state_late)
            data-text-silent=(t.state_silent) data-text-heard=(t.last_heard) data-text-fixed=(t.position_measured) data-text-open=(t.open_device) {}
        noscript { p.muted { (t.map_needs_script) } }
    };
    Ok(frame::page_with(&view, t.nav_map, Extra::Map, content))
}
