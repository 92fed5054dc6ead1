//! `GET /system`: how the station itself is doing.

use axum::extract::State;
use maud::{Markup, html};

use crate::{
    PortalState,
    html::{frame, parts},
    state::Fact,
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
                @for (name, value) in station.facts() { dt { (fact_name(t, name)) } dd { (fact(&view, &value)) } }
            }
        }
        section.card {
            header { h2 { (t.log) } p { (t.log_help) } }
            @if log.is_empty() { p.muted { (t.log_empty) } } @else { pre.log tabindex="0" { @for line in &log { (line) "\n" } } }
        }
    };
    frame::page(&view, t.nav_system, content)
}

fn fact(view: &View, fact: &Fact) -> Markup {
    let t = view.t;
    html! {
        @match fact {
            Fact::Text(text) => span.mono { (text) },
            Fact::At(at) => (view.time(*at)),
            Fact::Count(count) => (view.count(*count)),
            Fact::Bytes(bytes) => (size(*bytes)),
            Fact::Days(0) => (t.for_ever),
            Fact::Days(days) => (t.days.replace("{}", &days.to_string())),
            Fact::Trouble(None) => span.badge.ok { (t.fact_fine) },
            Fact::Trouble(Some(trouble)) => span.badge.bad { (trouble) },
        }
    }
}

/// A number of bytes as people read it.
fn size(bytes: u64) -> String {
    let mib = bytes as f64 / f64::from(1 << 20);
    if mib < 1024.0 { format!("{mib:.1} MiB") } else { format!("{:.1} GiB", mib / 1024.0) }
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
        "readings_days" => t.fact_readings_days,
        "frames_days" => t.fact_frames_days,
        "disk_growth" => t.fact_disk_growth,
        "disk_full_at" => t.fact_disk_full_at,
        "health" => t.fact_health,
        "retention" => t.fact_retention,
        "backup" => t.fact_backup,
        "backup_at" => t.fact_backup_at,
        other => other,
    }
}
