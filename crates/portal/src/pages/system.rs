//! `GET /system`: how the station itself is doing.

use axum::extract::State;
use maud::{Markup, html};

use crate::{
    PortalState,
    html::{frame, parts},
    text::Texts,
    view::View,
};

pub(crate) async fn show(State(portal): State<PortalState>, view: View) -> Markup {
    let t = view.t;
    let station = portal.station();
    let log = station.log_tail();
    let content = html! {
        (parts::head(t.nav_system, "", parts::nothing()))
        section.card {
            header { h2 { (t.station) } }
            dl.facts {
                dt { (t.version) } dd { (station.version()) }
                @for (name, value) in station.facts() { dt { (fact_name(t, name)) } dd { (value) } }
            }
        }
        section.card {
            header { h2 { (t.log) } p { (t.log_help) } }
            pre.log tabindex="0" { @for line in &log { (line) "\n" } }
        }
    };
    frame::page(&view, t.nav_system, content)
}

/// What a fact of the station is called.
fn fact_name(t: &'static Texts, name: &'static str) -> &'static str {
    match name {
        "started" => t.fact_started,
        "data_dir" => t.fact_data_dir,
        "disk_bytes" => t.fact_disk,
        "disk_free" => t.fact_disk_free,
        "devices" => t.fact_devices,
        "open_bytes" => t.fact_open,
        "log_bytes" => t.fact_log,
        "readings_days" => t.fact_readings_days,
        "frames_days" => t.fact_frames_days,
        "health" => t.fact_health,
        other => other,
    }
}
