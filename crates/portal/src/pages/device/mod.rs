//! One device: what it measures, how that went, what it sent, and what can be set.

pub(crate) mod frames;
pub(crate) mod settings;
pub(crate) mod table;

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use maud::{Markup, html};
use model::{ChannelIndex, Device, DeviceEui, SeriesKey};
use store::{LatestReading, Select};

use crate::{
    PortalState,
    actor::Actor,
    fault::Fault,
    fields::{Asked, Fields},
    fleet::{self, Member},
    html::{
        code::{self, Credentials},
        frame::{self, Extra},
        parts,
    },
    view::{self, View},
};

/// The most series that are drawn before somebody chooses.
const SERIES_AT_FIRST: usize = 2;
const DAY_MS: i64 = 24 * 3_600_000;
/// How far back charts go, with what they are called.
const RANGES: [(&str, i64); 4] = [("24h", DAY_MS), ("7d", 7 * DAY_MS), ("30d", 30 * DAY_MS), ("1y", 365 * DAY_MS)];

/// The device that a path names, if it is the organization's.
pub(crate) async fn find(portal: &PortalState, actor: &Actor, eui: &str) -> Result<Member, Fault> {
    let eui: DeviceEui = eui.parse().map_err(|_| Fault::NotFound)?;
    fleet::find(portal.store(), actor.org, eui).await?.ok_or(Fault::NotFound)
}

/// The parts of a device that have a page each: the end of the path and the name.
type Tab = (&'static str, fn(&'static crate::text::Texts) -> &'static str);
const TABS: [Tab; 5] = [
    ("", |t| t.tab_chart),
    ("/table", |t| t.tab_table),
    ("/frames", |t| t.tab_frames),
    ("/settings", |t| t.tab_settings),
    ("/code", |t| t.tab_code),
];

/// `GET /devices/{eui}`
pub(crate) async fn show(
    State(portal): State<PortalState>,
    actor: Actor,
    view: View,
    Path(eui): Path<String>,
    Asked(asked): Asked,
) -> Result<Markup, Fault> {
    let member = find(&portal, &actor, &eui).await?;
    let latest = portal.store().latest(actor.org, member.device.id, Select::READINGS).await?;
    let content = html! {
        section aria-label=(view.t.latest_readings) {
            @if latest.is_empty() { p.muted { (view.t.no_readings) } }
            @for (channel, readings) in by_channel(&latest) {
                div.channel {
                    h3 { (channel_title(&view, &member.device, channel)) }
                    ul.tiles { @for reading in readings { (tile(&view, &member.device, reading)) } }
                }
            }
        }
        (tabs(&view, &member.device))
        (chart(&view, &member.device, &latest, &asked))
    };
    Ok(frame::page_with(&view, &member.title(), Extra::Chart, page(&view, &portal, &actor, &member, content).await?))
}

fn by_channel(latest: &[LatestReading]) -> BTreeMap<ChannelIndex, Vec<&LatestReading>> {
    let mut channels: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for reading in latest {
        channels.entry(reading.series.channel).or_default().push(reading);
    }
    channels
}

pub(crate) fn channel_title(view: &View, device: &Device, index: ChannelIndex) -> String {
    let title = view.t.channel.replace("{}", &index.to_string());
    match device.channels.iter().find(|channel| channel.index == index && !channel.name.is_empty()) {
        Some(channel) => format!("{title} · {}", channel.name),
        None => title,
    }
}

fn tile(view: &View, device: &Device, reading: &LatestReading) -> Markup {
    let (name, unit) = view.measurement(reading.series.measurement);
    let key = format!("{}/{}/{}", device.eui, reading.series.channel, reading.series.measurement);
    html! {
        li.tile {
            span.tile-name { (name) }
            span.tile-value { span data-value=(key) { (view::value(&reading.value)) } " " span.unit { (unit) } }
            span.tile-age {
                time datetime=(reading.measured_at) data-age data-at=(key) title=(view.clock(reading.measured_at)) {
                    (view.age_text(reading.measured_at))
                }
            }
        }
    }
}

async fn page(
    view: &View,
    portal: &PortalState,
    actor: &Actor,
    member: &Member,
    content: Markup,
) -> Result<Markup, Fault> {
    let t = view.t;
    let device = &member.device;
    let groups = portal.store().list_groups(actor.org).await?;
    let group = groups.iter().find(|group| Some(group.id) == device.group);
    Ok(html! {
        div.stack {
            p.crumbs {
                a href="/devices" { (t.nav_devices) }
                @if let Some(group) = group { " / " a href=(format!("/devices?group={}", group.id)) { (group.name) } }
            }
            div.head {
                div {
                    div.title { h1 { (member.title()) } (parts::state(view, member)) }
                    p {
                        span.mono { (device.eui) } " · " (device.model)
                        @if member.battery.is_some() { " · " (parts::battery(member.battery)) }
                        " · " (t.heard) " " (view.heard(device.eui, member.heard))
                        @if let Some(minutes) = device.report_cycle_min {
                            ", " (t.report_cycle_wanted.replace("{}", &minutes.to_string()))
                        }
                    }
                }
            }
            (content)
        }
    })
}

fn tabs(view: &View, device: &Device) -> Markup {
    let here = view.path.rsplit_once(&device.eui.to_string()).map_or("", |(_, rest)| rest);
    html! {
        nav.tabs aria-label=(view.t.device) {
            @for (path, name) in TABS {
                a href=(format!("/devices/{}{path}", device.eui)) aria-current=[(path == here).then_some("true")] { (name(view.t)) }
            }
        }
    }
}

/// How a series is written in addresses: `1/4097`.
pub(crate) fn series_key(series: SeriesKey) -> String {
    format!("{}/{}", series.channel, series.measurement)
}

fn chart(view: &View, device: &Device, latest: &[LatestReading], asked: &Fields) -> Markup {
    let t = view.t;
    let range = asked.get("range");
    let (range, range_ms) = RANGES.into_iter().find(|(name, _)| *name == range).unwrap_or(RANGES[0]);
    let numbers: Vec<SeriesKey> =
        latest.iter().filter(|reading| reading.value.as_number().is_some()).map(|reading| reading.series).collect();
    let chosen: Vec<String> = if asked.has("series") {
        numbers
            .iter()
            .map(|series| series_key(*series))
            .filter(|key| asked.all("series").any(|asked| asked == key))
            .collect()
    } else {
        numbers.iter().take(SERIES_AT_FIRST).map(|series| series_key(*series)).collect()
    };
    let link = |range: &str| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("range", range);
        for key in &chosen {
            query.append_pair("series", key);
        }
        format!("/devices/{}?{}", device.eui, query.finish())
    };
    html! {
        section.card #chart-section {
            header {
                h2 { (t.tab_chart) }
                nav.segments aria-label=(t.range) {
                    @for ((name, _), text) in RANGES.into_iter().zip([t.range_day, t.range_week, t.range_month, t.range_year]) {
                        a.button href=(link(name)) aria-current=[(name == range).then_some("true")] { (text) }
                    }
                }
            }
            form.chart-form method="get" data-chart-form="#chart" {
                input type="hidden" name="range" value=(range);
                fieldset {
                    legend.visually-hidden { (t.series) }
                    @for series in &numbers {
                        @let key = series_key(*series);
                        label.check {
                            input type="checkbox" name="series" value=(key) checked[chosen.contains(&key)];
                            " " (series_title(view, device, *series))
                        }
                    }
                }
                noscript { button.small { (t.show) } }
            }
            div.chart #chart data-chart=(format!("/api/devices/{}/chart", device.eui)) data-eui=(device.eui)
                data-from=(view.now.minus_ms(range_ms).as_millis()) data-to="" data-series=(chosen.join(","))
                data-label-min=(t.chart_min) data-label-avg=(t.chart_avg) data-label-max=(t.chart_max)
                data-empty=(t.chart_empty) data-error=(t.chart_error) {}
            noscript { p.small.muted { (t.chart_needs_script) " " a href=(format!("/devices/{}/table", device.eui)) { (t.tab_table) } } }
        }
    }
}

/// What a series is called: its measurement, and its channel where that tells them apart.
pub(crate) fn series_title(view: &View, device: &Device, series: SeriesKey) -> String {
    let (name, _) = view.measurement(series.measurement);
    let channel = device.channels.iter().find(|channel| channel.index == series.channel && !channel.name.is_empty());
    match channel {
        Some(channel) => format!("{name} · {}", channel.name),
        None if series.channel > ChannelIndex(1) => format!("{name} · {}", series.channel),
        None => name,
    }
}

/// `GET /devices/{eui}/code`
pub(crate) async fn show_code(
    State(portal): State<PortalState>,
    actor: Actor,
    view: View,
    Path(eui): Path<String>,
) -> Result<Markup, Fault> {
    let t = view.t;
    let member = find(&portal, &actor, &eui).await?;
    let eui = member.device.eui.to_string();
    let credentials = Credentials::PLACEHOLDERS;
    let stream = portal.station().stream(view.host_name(), actor.org, credentials.key);
    let content = html! {
        (tabs(&view, &member.device))
        section.card {
            header { h2 { (t.tab_code) } p { (t.code_help) " " a href="/keys" { (t.nav_keys) } } }
            div { (code::snippets(&view, &credentials, "view_latest_telemetry_data", Some(&eui), Some(&stream))) }
        }
    };
    Ok(frame::page(&view, &member.title(), page(&view, &portal, &actor, &member, content).await?))
}
