//! `GET /devices/{eui}/table`: rows with both clocks.

use axum::extract::{Path, State};
use maud::{Markup, html};
use model::{Row, RowFlags, SeriesKey, Timestamp, Window};
use store::RowQuery;

use super::{find, page, series_title, tabs};
use crate::{
    PortalState,
    actor::Actor,
    api::page_back,
    fault::Fault,
    fields::Asked,
    html::frame,
    view::{self, View},
};

/// How many rows a page has.
const ROWS: usize = 100;

pub(crate) async fn show(
    State(portal): State<PortalState>,
    actor: Actor,
    view: View,
    Path(eui): Path<String>,
    Asked(asked): Asked,
) -> Result<Markup, Fault> {
    let t = view.t;
    let member = find(&portal, &actor, &eui).await?;
    let before = asked.get("before").parse().ok().map(Timestamp::from_millis);
    let window = Window { start: Timestamp::MIN, end: before.unwrap_or(Timestamp::MAX) };
    let query = RowQuery { device: member.device.id, window, limit: ROWS + 1, hidden: false };
    let rows = portal.store().rows(actor.org, query).await?;
    let (rows, next) = page_back(rows, ROWS, |row| row.measured_at);
    let mut series: Vec<SeriesKey> =
        rows.iter().flat_map(|row| row.readings.iter().map(|reading| reading.series)).collect();
    series.sort_unstable();
    series.dedup();
    let here = format!("/devices/{}/table", member.device.eui);
    let content = html! {
        (tabs(&view, &member.device))
        section.card {
            header { h2 { (t.tab_table) } p { (t.times_in) " " (view.zone_name()) } }
            @if rows.is_empty() {
                p.muted { (t.no_readings) }
            } @else {
                div.scroll tabindex="0" { table {
                    thead { tr {
                        th scope="col" { (t.measured_at) } th scope="col" { (t.received_at) }
                        @for key in &series {
                            th.num scope="col" { (series_title(&view, &member.device, *key)) " " span.unit { (view.measurement(key.measurement).1) } }
                        }
                    } }
                    tbody { @for row in &rows { (table_row(&view, row, &series)) } }
                } }
                nav.pages aria-label=(t.pages) {
                    span { (rows.len()) }
                    span.actions {
                        @if before.is_some() { a.button.small href=(here) { (t.newest) } }
                        @if let Some(next) = next {
                            a.button.small rel="next" href=(format!("{here}?before={}", next.as_millis())) { (t.older) }
                        }
                    }
                }
            }
        }
    };
    Ok(frame::page(&view, &member.title(), page(&view, &portal, &actor, &member, content).await?))
}

fn table_row(view: &View, row: &Row, series: &[SeriesKey]) -> Markup {
    html! {
        tr {
            td.nowrap { (view.time(row.measured_at)) (flags(view, row.flags)) }
            td.nowrap { (view.time(row.received_at)) }
            @for key in series {
                td.num {
                    @match row.readings.iter().find(|reading| reading.series == *key) {
                        Some(reading) => (view::value(&reading.value)),
                        None => "",
                    }
                }
            }
        }
    }
}

fn flags(view: &View, flags: RowFlags) -> Markup {
    let t = view.t;
    html! {
        @for (flag, text) in [(RowFlags::LATE, t.flag_late), (RowFlags::CLAMPED, t.flag_clamped), (RowFlags::SIMULATED, t.flag_simulated)] {
            @if flags.has(flag) { " " span.badge { (text) } }
        }
    }
}
