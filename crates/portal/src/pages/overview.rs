//! `GET /`: what is well and what is not, problems first.

use axum::extract::State;
use maud::{Markup, html};
use model::{Day, Timestamp};
use store::{LatestReading, Select};

use crate::{
    PortalState, Right,
    actor::Actor,
    fault::Fault,
    fleet::{Member, State as DeviceState, Wanted},
    html::{frame, parts},
    state::BackupOutcome,
    view::{self, View},
};

/// How many devices a list of the overview has.
const SHOWN: usize = 8;
/// A disk that is full sooner than in 30 days is told of.
const SOON_MS: i64 = 30 * 24 * 3_600_000;

pub(crate) async fn show(State(portal): State<PortalState>, actor: Actor, view: View) -> Result<Markup, Fault> {
    let t = view.t;
    let fleet = portal.fleets().get(portal.store(), actor.org, view.now).await?;
    let counts = DeviceState::ALL
        .map(|state| (state, fleet.count(&Wanted { state: Some(state), ..Wanted::default() }, view.now)));
    let mut problems: Vec<&Member> = fleet
        .members
        .iter()
        .filter(|member| member.state(view.now) != DeviceState::Online || member.has_low_battery())
        .collect();
    let problem_count = problems.len();
    problems.sort_by_key(|member| (member.state(view.now), member.heard));
    problems.truncate(SHOWN);
    let mut recent: Vec<&Member> = fleet.members.iter().filter(|member| member.heard.is_some()).collect();
    recent.sort_by_key(|member| std::cmp::Reverse(member.heard));
    recent.truncate(SHOWN);
    let mut latest = Vec::with_capacity(recent.len());
    for member in &recent {
        latest.push(portal.store().latest(actor.org, member.device.id, Select::READINGS).await?);
    }
    let uplinks = portal.live().uplinks_in_last_hour(actor.org, view.now);
    let since = portal.live().counts_since(view.now);
    let content = html! {
        (parts::head(t.nav_overview, "", add_button(&view, &actor)))
        @if actor.may(Right::Operate) && let Some(at) = portal.station().disk_full_at()
            && at < view.now.plus_ms(SOON_MS) {
            div.notice.error role="alert" { (t.disk_full_soon.replace("{}", &Day::of(at).to_string())) }
        }
        @if actor.may(Right::Operate) { (backup(&view, portal.station().last_backup())) }
        @if portal.station().has_simulated_fleet(actor.org) { (simulated(&view, &actor)) }
        @if fleet.members.is_empty() {
            (empty(&view, &actor))
        } @else {
            ul.stats {
                @for (state, count) in counts { li { (tile(&view, state, count, fleet.members.len())) } }
                li { div.stat {
                    span.stat-label { (t.uplinks_in_last_hour) }
                    b.stat-value { (view.count(uplinks)) }
                    span.stat-note { (counted_since(&view, since)) }
                } }
            }
            div.columns {
                section.card {
                    header { h2 { (t.problems) } p { (t.devices_count.replace("{}", &problem_count.to_string())) } }
                    (problem_table(&view, &problems))
                }
                section.card {
                    header { h2 { (t.recently_heard) } p { a href="/devices" { (t.all_devices) } } }
                    (recent_table(&view, &recent, &latest))
                }
            }
        }
    };
    Ok(frame::page(&view, t.nav_overview, content))
}

fn add_button(view: &View, actor: &Actor) -> Markup {
    html! { @if actor.may(Right::Write) { a.button href="/devices/new" { (view.t.add_device) } } }
}

/// What came of the last backup; nothing where none was made by the clock.
fn backup(view: &View, last: Option<BackupOutcome>) -> Markup {
    let t = view.t;
    let Some(BackupOutcome { good_at, trouble }) = last else { return parts::nothing() };
    html! {
        @if let Some(trouble) = trouble { div.notice.error role="alert" { (t.fact_backup) ": " (trouble) } }
        @else if let Some(at) = good_at { p.muted { (t.fact_backup_at) ": " (view.time(at)) } }
    }
}

fn simulated(view: &View, actor: &Actor) -> Markup {
    html! {
        div.notice {
            (view.t.fleet_is_simulated) " "
            @if actor.may(Right::Manage) {
                form method="post" action="/setup/fleet/remove" data-confirm=(view.t.fleet_remove_confirm) {
                    button.small { (view.t.fleet_remove) }
                }
            }
        }
    }
}

fn empty(view: &View, actor: &Actor) -> Markup {
    let t = view.t;
    html! {
        section.card.empty {
            h2 { (t.no_devices) } p { (t.no_devices_help) }
            div.actions {
                @if actor.may(Right::Manage) { a.button.primary href="/setup" { (t.setup_title) } }
                @if actor.may(Right::Write) { a.button href="/devices/new" { (t.add_device) } }
            }
        }
    }
}

fn tile(view: &View, state: DeviceState, count: usize, all: usize) -> Markup {
    let t = view.t;
    let note = match state {
        DeviceState::Online => t.of_devices.replace("{}", &all.to_string()),
        DeviceState::Late => t.late_note.to_owned(),
        DeviceState::Silent => t.silent_note.to_owned(),
    };
    html! {
        a.stat href=(format!("/devices?state={}", state.as_str())) {
            span.stat-label { span.state.(state.as_str()) { (parts::state_text(view, state)) } }
            b.stat-value { (count) }
            span.stat-note { (note) }
        }
    }
}

fn counted_since(view: &View, since: Option<Timestamp>) -> Markup {
    html! { @if let Some(since) = since { (view.t.counted_since) " " (view.age(since)) } }
}

fn device_cell(member: &Member, note: &str) -> Markup {
    html! {
        th scope="row" {
            a href=(format!("/devices/{}", member.device.eui)) { (member.title()) }
            span.sub { (note) }
        }
    }
}

fn problem_table(view: &View, problems: &[&Member]) -> Markup {
    let t = view.t;
    html! {
        @if problems.is_empty() {
            p.muted { (t.no_problems) }
        } @else {
            div.scroll { table.cards {
                thead { tr { th scope="col" { (t.device) } th scope="col" { (t.state) } th scope="col" { (t.battery) } th scope="col" { (t.last_heard) } } }
                tbody {
                    @for member in problems {
                        tr {
                            (device_cell(member, &member.device.eui.to_string()))
                            td data-label=(t.state) { (parts::state(view, member)) }
                            td data-label=(t.battery) { (parts::battery(member.battery)) }
                            td data-label=(t.last_heard) { (view.heard(member.device.eui, member.heard)) }
                        }
                    }
                }
            } }
        }
    }
}

fn recent_table(view: &View, recent: &[&Member], latest: &[Vec<LatestReading>]) -> Markup {
    /// How many readings of a device are shown.
    const READINGS: usize = 3;
    let t = view.t;
    html! {
        div.scroll { table.cards {
            thead { tr { th scope="col" { (t.device) } th scope="col" { (t.latest_readings) } th scope="col" { (t.last_heard) } } }
            tbody {
                @for (member, readings) in recent.iter().zip(latest) {
                    tr {
                        (device_cell(member, &member.device.model))
                        td.wide data-label=(t.latest_readings) {
                            @for (at, reading) in readings.iter().take(READINGS).enumerate() {
                                @if at > 0 { " · " }
                                span data-value=(format!("{}/{}/{}", member.device.eui, reading.series.channel, reading.series.measurement)) {
                                    (view::value(&reading.value))
                                }
                                " " (view.measurement(reading.series.measurement).1)
                            }
                        }
                        td data-label=(t.last_heard) { (view.heard(member.device.eui, member.heard)) }
                    }
                }
            }
        } }
    }
}
