//! `GET /devices/{eui}/frames`: raw frames beside their decoding.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use maud::{Markup, html};
use model::{ChannelIndex, Completeness, Device, Frame, Position, Reading, Timestamp, Window};
use store::{FrameQuery, RowQuery};

use super::{find, page, tabs};
use crate::{
    PortalState,
    actor::Actor,
    fault::Fault,
    html::frame,
    view::{self, View},
};

/// How many frames are shown.
const FRAMES: usize = 20;

/// How many days back it is shown what came.
const DAYS: u32 = 14;

/// A frame with what was decoded of it.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) received_at: Timestamp,
    pub(crate) frame: Frame,
    pub(crate) readings: Vec<Reading>,
}

/// The newest frames of a device, each with its decoding.
pub(crate) async fn newest(
    portal: &PortalState,
    actor: &Actor,
    device: &Device,
    limit: usize,
) -> Result<Vec<Decoded>, Fault> {
    /// An uplink may have several rows.
    const ROWS_PER_FRAME: usize = 16;
    let query = FrameQuery { device: device.id, window: Window::ALL, limit };
    let frames = portal.store().frames(actor.org, query).await?;
    let query = RowQuery { device: device.id, window: Window::ALL, limit: limit * ROWS_PER_FRAME, hidden: false };
    let rows = portal.store().rows(actor.org, query).await?;
    let mut by_origin: BTreeMap<Position, Vec<Reading>> = BTreeMap::new();
    for row in rows {
        by_origin.entry(row.origin()).or_default().extend(row.readings);
    }
    let decoded = frames.into_iter().map(|stored| {
        let readings = by_origin.remove(&stored.position).unwrap_or_default();
        Decoded { received_at: stored.received_at, frame: stored.frame, readings }
    });
    Ok(decoded.collect())
}

pub(crate) async fn show(
    State(portal): State<PortalState>,
    actor: Actor,
    view: View,
    Path(eui): Path<String>,
) -> Result<Markup, Fault> {
    let t = view.t;
    let member = find(&portal, &actor, &eui).await?;
    let frames = newest(&portal, &actor, &member.device, FRAMES).await?;
    let days = crate::api::completeness::days(&portal, &actor, member.device.id, DAYS).await?;
    let content = html! {
        (tabs(&view, &member.device))
        (completeness(&view, &days))
        section.card {
            header { h2 { (t.tab_frames) } p { (t.frames_help) } }
            @if frames.is_empty() { p.muted { (t.no_frames) } }
            div.frames { @for frame in &frames { (draw(&view, frame)) } }
        }
    };
    Ok(frame::page(&view, &member.title(), page(&view, &portal, &actor, &member, content).await?))
}

/// What came and what did not, the newest day first.
fn completeness(view: &View, days: &[Completeness]) -> Markup {
    let t = view.t;
    html! {
        @if !days.is_empty() {
            section.card {
                header { h2 { (t.completeness) } p { (t.completeness_help) } }
                div.scroll { table.cards {
                    thead { tr {
                        th scope="col" { (t.day) } th.num scope="col" { (t.frames_received) }
                        th.num scope="col" { (t.frames_missing) } th.num scope="col" { "%" }
                    } }
                    tbody { @for Completeness { day, received, missing } in days.iter().rev() {
                        tr {
                            th scope="row" { (day) }
                            td.num data-label=(t.frames_received) { (view.count(*received)) }
                            td.num data-label=(t.frames_missing) { (view.count(*missing)) }
                            td.num data-label="%" { (format!("{:.1}", Completeness::percent(*received, *missing))) }
                        }
                    } }
                } }
            }
        }
    }
}

/// A frame beside its decoding.
pub(crate) fn draw(view: &View, decoded: &Decoded) -> Markup {
    let t = view.t;
    let Frame { f_port, f_cnt, payload, receptions, fault, .. } = &decoded.frame;
    let hex: Vec<String> = payload.iter().map(|byte| format!("{byte:02X}")).collect();
    let best = receptions.iter().max_by(|a, b| a.rssi_dbm.cmp(&b.rssi_dbm));
    html! {
        article.frame {
            header {
                (view.time(decoded.received_at))
                " " span { (t.port) " " (f_port) }
                @if let Some(f_cnt) = f_cnt { " " span { (t.frame_counter) " " (f_cnt) } }
                @if let Some(best) = best {
                    " " span { "RSSI " (best.rssi_dbm) " dBm" } " " span { "SNR " (best.snr_db) " dB" }
                    " " span { (t.gateways.replace("{}", &receptions.len().to_string())) }
                }
            }
            p.hex { (hex.join(" ")) }
            div {
                @if let Some(fault) = fault { p { span.badge.bad { (t.not_decoded) } " " span.small.muted { (fault) } } }
                @if !decoded.readings.is_empty() {
                    table { tbody {
                        @for reading in &decoded.readings {
                            @let (name, unit) = view.measurement(reading.series.measurement);
                            tr {
                                td {
                                    @if reading.series.channel == ChannelIndex::DEVICE { (t.device) }
                                    @else { (t.channel.replace("{}", &reading.series.channel.to_string())) }
                                }
                                td { (name) }
                                td.num { (view::value(&reading.value)) " " (unit) }
                            }
                        }
                    } }
                }
            }
        }
    }
}
