//! `GET /stream`: who reads the stream and is in the private space, and what comes under a filter.

use axum::extract::State;
use maud::{Markup, html};

use crate::{
    PortalState,
    actor::Actor,
    fault::Fault,
    html::{
        frame::{self, Extra},
        parts,
    },
    state::BrokerFigures,
    view::View,
};

pub(crate) async fn show(State(portal): State<PortalState>, actor: Actor, view: View) -> Result<Markup, Fault> {
    let t = view.t;
    let figures = portal.station().broker(actor.org);
    let content = html! {
        (parts::head(t.nav_stream, t.stream_help, parts::nothing()))
        (totals(&view, &figures))
        section.card { header { h2 { (t.stream_clients) } } (clients(&view, &figures)) }
        section.card {
            header { h2 { (t.stream_tester) } p { (t.stream_tester_help) } }
            form.row data-stream-tester {
                label { (t.stream_filter)
                    input.mono name="filter" autocomplete="off" spellcheck="false"
                        placeholder=(format!("/…/{}/#", actor.org));
                }
                button { (t.stream_listen) }
            }
            p.notice.error role="alert" data-stream-refused hidden { (t.fault_filter) }
            div.scroll tabindex="0" { table {
                thead { tr { th scope="col" { (t.stream_topic) } th scope="col" { (t.stream_body) } } }
                tbody data-stream-messages aria-live="polite" {}
            } }
        }
    };
    Ok(frame::page_with(&view, t.nav_stream, Extra::Stream, content))
}

fn totals(view: &View, figures: &BrokerFigures) -> Markup {
    let t = view.t;
    let tiles = [
        (t.stream_connected, figures.clients.len() as u64, t.stream_connected_note),
        (t.stream_sent, figures.sent, t.stream_since_start),
        (t.stream_received, figures.received, t.stream_since_start),
        (t.stream_dropped, figures.dropped, t.stream_dropped_note),
        (t.stream_missed, figures.missed, t.stream_missed_note),
    ];
    html! {
        ul.stats {
            @for (label, number, note) in tiles {
                li { div.stat { span.stat-label { (label) } b.stat-value { (view.count(number)) } span.stat-note { (note) } } }
            }
        }
    }
}

fn clients(view: &View, figures: &BrokerFigures) -> Markup {
    let t = view.t;
    html! {
        @if figures.clients.is_empty() { p.muted { (t.stream_nobody) } }
        @else {
            div.scroll tabindex="0" { table {
                thead { tr {
                    th scope="col" { (t.stream_client) } th scope="col" { (t.stream_space) }
                    th scope="col" { (t.stream_session) } th.num scope="col" { (t.stream_lag) }
                } }
                tbody {
                    @for client in &figures.clients {
                        tr {
                            th.mono scope="row" { (client.id) }
                            td { @if client.is_private { (t.stream_private) } @else { (t.stream_public) } }
                            td { @if client.is_kept { (t.stream_kept) } @else { (t.stream_not_kept) } }
                            td.num { @if client.is_kept { (view.count(client.lag)) } @else { "–" } }
                        }
                    }
                }
            } }
        }
    }
}
