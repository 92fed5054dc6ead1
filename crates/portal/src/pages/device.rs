//! One device: what it measures, how that went, what it sent, and what can be set.

use std::collections::BTreeMap;

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use maud::{Markup, html};
use model::{ChannelIndex, Device, DeviceEui, Frame, Position, Reading, Row, RowFlags, SeriesKey, Timestamp, Window};
use store::{FrameQuery, LatestReading, RowQuery, Select};

use crate::{
    PortalState, Right,
    actor::Actor,
    deeds::{self, devices},
    fault::Fault,
    fields::{Asked, Fields},
    fleet::{self, Member},
    guard::see,
    html::{
        code::{self, Credentials},
        frame::{self, Extra},
        parts,
    },
    view::{self, View},
};

/// How many rows a page of the table has.
const ROWS: usize = 100;
/// How many frames are shown.
const FRAMES: usize = 20;
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

/// `GET /devices/{eui}/table`
pub(crate) async fn table(
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
    let query = RowQuery { device: member.device.id, window, limit: ROWS, hidden: false };
    let rows = portal.store().rows(actor.org, query).await?;
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
                        @if rows.len() == ROWS && let Some(last) = rows.last() {
                            a.button.small rel="next" href=(format!("{here}?before={}", last.measured_at.as_millis())) { (t.older) }
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

/// A frame with what was decoded of it.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) received_at: Timestamp,
    pub(crate) frame: Frame,
    pub(crate) readings: Vec<Reading>,
}

/// The newest frames of a device, each with its decoding.
pub(crate) async fn frames(
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

/// `GET /devices/{eui}/frames`
pub(crate) async fn show_frames(
    State(portal): State<PortalState>,
    actor: Actor,
    view: View,
    Path(eui): Path<String>,
) -> Result<Markup, Fault> {
    let t = view.t;
    let member = find(&portal, &actor, &eui).await?;
    let frames = frames(&portal, &actor, &member.device, FRAMES).await?;
    let content = html! {
        (tabs(&view, &member.device))
        section.card {
            header { h2 { (t.tab_frames) } p { (t.frames_help) } }
            @if frames.is_empty() { p.muted { (t.no_frames) } }
            div.frames { @for frame in &frames { (draw_frame(&view, frame)) } }
        }
    };
    Ok(frame::page(&view, &member.title(), page(&view, &portal, &actor, &member, content).await?))
}

/// A frame beside its decoding.
pub(crate) fn draw_frame(view: &View, decoded: &Decoded) -> Markup {
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

/// `GET /devices/{eui}/settings`
pub(crate) async fn settings(
    State(portal): State<PortalState>,
    actor: Actor,
    view: View,
    Path(eui): Path<String>,
) -> Result<Markup, Fault> {
    let member = find(&portal, &actor, &eui).await?;
    draw_settings(&portal, &actor, &view, &member, None).await
}

async fn draw_settings(
    portal: &PortalState,
    actor: &Actor,
    view: &View,
    member: &Member,
    fault: Option<&Fault>,
) -> Result<Markup, Fault> {
    let t = view.t;
    let device = &member.device;
    let here = format!("/devices/{}", device.eui);
    let groups = portal.store().list_groups(actor.org).await?;
    let latest = portal.store().latest(actor.org, device.id, Select::READINGS).await?;
    let channels = by_channel(&latest).into_keys().chain(device.channels.iter().map(|channel| channel.index));
    let mut channels: Vec<ChannelIndex> = channels.collect();
    channels.sort_unstable();
    channels.dedup();
    let is_locked = !actor.may(Right::Write);
    let content = html! {
        (tabs(view, device))
        section.card {
            header { h2 { (t.tab_settings) } }
            (parts::wrong(view, fault))
            form.form method="post" action=(format!("{here}/settings")) {
                fieldset.bare disabled[is_locked] {
                    div.pair {
                        div.row { label for="name" { (t.name) } input #name name="name" maxlength="64" value=(device.name); }
                        div.row {
                            label for="group" { (t.group) }
                            select #group name="group" {
                                (parts::option("", t.default_group, device.group.is_none()))
                                @for group in &groups { (parts::option(&group.id.to_string(), &group.name, device.group == Some(group.id))) }
                            }
                        }
                    }
                    div.row {
                        label for="model" { (t.model) }
                        select #model name="model" {
                            @for model in portal.station().models() { (parts::option(model, model, device.model == model)) }
                        }
                        p.help { (t.model_change_help) }
                    }
                    div.pair {
                        div.row { label for="latitude" { (t.latitude) } input #latitude name="latitude" inputmode="decimal" value=[device.place.map(|place| place.latitude)]; }
                        div.row { label for="longitude" { (t.longitude) } input #longitude name="longitude" inputmode="decimal" value=[device.place.map(|place| place.longitude)]; }
                    }
                    @for index in &channels {
                        @let known = device.channels.iter().find(|channel| channel.index == *index);
                        div.row {
                            label for=(format!("channel-{index}")) { (t.channel_name.replace("{}", &index.to_string())) }
                            input id=(format!("channel-{index}")) name=(format!("channel-{index}")) maxlength="64" value=(known.map_or("", |channel| channel.name.as_str()));
                        }
                    }
                    div.actions { button.primary { (t.save) } }
                }
            }
        }
        @if !is_locked {
            section.card {
                header { h2 { (t.retire) } }
                form.actions method="post" action=(format!("{here}/retire")) data-confirm=(t.retire_confirm) {
                    button.danger { (t.retire) } span.small.muted { (t.retire_help) }
                }
            }
        }
    };
    Ok(frame::page(view, &member.title(), page(view, portal, actor, member, content).await?))
}

/// `POST /devices/{eui}/settings`
pub(crate) async fn save(
    State(portal): State<PortalState>,
    actor: Actor,
    view: View,
    Path(eui): Path<String>,
    fields: Fields,
) -> Result<Response, Fault> {
    let member = find(&portal, &actor, &eui).await?;
    match change(&portal, &actor, &member.device, &fields).await {
        Ok(()) => Ok(see(&format!("/devices/{}/settings?done=saved", member.device.eui))),
        Err(fault @ Fault::Invalid(_)) => {
            let page = draw_settings(&portal, &actor, &view, &member, Some(&fault)).await?;
            Ok((fault.status(), page).into_response())
        }
        Err(fault) => Err(fault),
    }
}

async fn change(portal: &PortalState, actor: &Actor, device: &Device, fields: &Fields) -> Result<(), Fault> {
    let changed = |field: &str, now: &str| fields.find(field).filter(|text| *text != now).map(str::to_owned);
    let group = device.group.map(|group| group.to_string()).unwrap_or_default();
    let change = devices::Change {
        name: changed("name", &device.name),
        model: changed("model", &device.model),
        group: changed("group", &group),
        position: position(fields, device)?,
    };
    let mut channels = Vec::new();
    for channel in (0..=u16::from(u8::MAX)).map(ChannelIndex) {
        let known = device.channels.iter().find(|known| known.index == channel);
        let now = known.map_or("", |known| known.name.as_str());
        if let Some(name) = changed(&format!("channel-{channel}"), now) {
            // Refused before anything is changed.
            channels.push((channel, deeds::name(&name)?));
        }
    }
    devices::update(portal, actor, device.eui, change).await?;
    for (channel, name) in channels {
        devices::name_channel(portal, actor, device.eui, channel, &name).await?;
    }
    Ok(())
}

fn position(fields: &Fields, device: &Device) -> Result<Option<devices::Position>, Fault> {
    let (latitude, longitude) = (fields.get("latitude").trim(), fields.get("longitude").trim());
    if latitude.is_empty() && longitude.is_empty() {
        return Ok(None);
    }
    let degrees = |text: &str| text.replace(',', ".").parse().map_err(|_| Fault::Invalid(|t| t.fault_position));
    let position = devices::Position { latitude: degrees(latitude)?, longitude: degrees(longitude)? };
    let is_same =
        device.place.is_some_and(|place| (place.latitude, place.longitude) == (position.latitude, position.longitude));
    Ok((!is_same).then_some(position))
}

/// `POST /devices/{eui}/retire`
pub(crate) async fn retire(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(eui): Path<String>,
) -> Result<Response, Fault> {
    devices::retire(&portal, &actor, eui.parse().map_err(|_| Fault::NotFound)?).await?;
    Ok(see("/devices?done=removed"))
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
    let content = html! {
        (tabs(&view, &member.device))
        section.card {
            header { h2 { (t.tab_code) } p { (t.code_help) " " a href="/keys" { (t.nav_keys) } } }
            div { (code::snippets(&view, actor.org, &Credentials::PLACEHOLDERS, "view_latest_telemetry_data", Some(&eui))) }
        }
    };
    Ok(frame::page(&view, &member.title(), page(&view, &portal, &actor, &member, content).await?))
}
