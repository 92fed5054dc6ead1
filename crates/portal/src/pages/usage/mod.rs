//! `/usage`: what is used, by whom, and what may be used.

pub(crate) mod key;

use std::collections::BTreeMap;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use maud::{Markup, html};
use model::{AccessId, Allowance, Day, OrgLimits, Period, Rate};
use store::Used;

use crate::{
    PortalState,
    actor::Actor,
    deeds::limits,
    fault::Fault,
    fields::{Asked, Fields},
    guard::see,
    html::{frame, parts},
    usage::{self, Habit, Limit, Report, Spent, Standing},
    view::View,
};

/// How many days can be looked at.
const RANGES: [u16; 4] = [1, 7, 31, 92];

/// `GET /usage`
pub(crate) async fn show(
    State(portal): State<PortalState>,
    actor: Actor,
    view: View,
    Asked(asked): Asked,
) -> Result<Markup, Fault> {
    draw(&portal, &actor, &view, usage::days(asked.find("days"))?, None).await
}

/// `POST /usage/limits`
pub(crate) async fn limit(
    State(portal): State<PortalState>,
    actor: Actor,
    view: View,
    fields: Fields,
) -> Result<Response, Fault> {
    let limits =
        (|| Ok(OrgLimits { rate: rate(&fields)?, um: allowance(&fields, "um")?, dm: allowance(&fields, "dm")? }))();
    let done = match limits {
        Ok(limits) => limits::limit_organization(&portal, &actor, limits).await,
        Err(fault) => Err(fault),
    };
    match done {
        Ok(()) => Ok(see("/usage?done=saved")),
        Err(fault @ Fault::Invalid(_)) => {
            let page = draw(&portal, &actor, &view, usage::days(None)?, Some(&fault)).await?;
            Ok((fault.status(), page).into_response())
        }
        Err(fault) => Err(fault),
    }
}

/// The rate that a form asks for; an empty field lifts it.
fn rate(fields: &Fields) -> Result<Option<Rate>, Fault> {
    let number = |name| match fields.get(name).trim() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| Fault::Invalid(|texts| texts.fault_rate)),
    };
    let (per_minute, burst) = (number("rate")?, number("burst")?);
    per_minute.map(|per_minute| limits::rate(per_minute, burst)).transpose()
}

/// The allowance that a form asks for; an empty field lifts it.
fn allowance(fields: &Fields, name: &'static str) -> Result<Option<Allowance>, Fault> {
    let text = fields.get(name).trim();
    if text.is_empty() {
        return Ok(None);
    }
    let amount = text.parse().map_err(|_| Fault::Invalid(|texts| texts.fault_allowance))?;
    let period = if name == "um" { "um_period" } else { "dm_period" };
    limits::allowance(amount, fields.get(period)).map(Some)
}

async fn draw(
    portal: &PortalState,
    actor: &Actor,
    view: &View,
    days: u16,
    fault: Option<&Fault>,
) -> Result<Markup, Fault> {
    let t = view.t;
    let report = usage::report(portal.store(), actor.org, days, view.now).await?;
    let range = html! {
        div.segments role="group" aria-label=(t.range) {
            @for (number, text) in RANGES.into_iter().zip([t.range_day, t.range_week, t.usage_31_days, t.usage_92_days]) {
                a href=(format!("/usage?days={number}")) aria-current=[(number == days).then_some("true")] { (text) }
            }
        }
    };
    let content = html! {
        (parts::head(t.nav_usage, t.usage_help, range))
        (parts::wrong(view, fault))
        (totals(view, &report))
        section.card { header { h2 { (t.usage_limits) } p { (t.usage_utc) } } (standings(view, &report)) }
        section.card { header { h2 { (t.usage_by_key) } } (by_key(view, &report)) }
        section.card { header { h2 { (t.usage_by_endpoint) } } (by_endpoint(view, &report)) }
        section.card { header { h2 { (t.usage_by_device) } p { (t.usage_by_device_help) } } (by_device(view, &report)) }
        section.card { header { h2 { (t.usage_by_day) } } (by_day(view, &report)) }
        (form(view, "/usage/limits", t.usage_limit_organization, report.limits, true))
    };
    Ok(frame::page(view, t.nav_usage, content))
}

fn totals(view: &View, report: &Report) -> Markup {
    let t = view.t;
    let used = report.usage.days.iter().fold(Used::default(), |mut all, (_, used)| {
        all.add(*used);
        all
    });
    let um: u64 = report.um.iter().map(|(_, um)| um).sum();
    let tiles = [
        (t.calls, used.calls, t.usage_calls_note),
        (t.usage_refused, used.refused, t.usage_refused_note),
        (t.usage_unchanged, used.unchanged, t.usage_unchanged_note),
        ("dm", used.dm, t.usage_dm_note),
        ("um", um, t.usage_um_note),
    ];
    html! {
        ul.stats {
            @for (label, number, note) in tiles {
                li { div.stat { span.stat-label { (label) } b.stat-value { (view.count(number)) } span.stat-note { (note) } } }
            }
        }
    }
}

fn key_name(view: &View, report: &Report, id: AccessId) -> Markup {
    let name = report.keys.iter().find(|key| key.id == id).map_or("", |key| key.name.as_str());
    html! {
        a href=(format!("/usage/keys/{id}")) { @if name.is_empty() { (id) } @else { (name) } }
        @if !name.is_empty() { span.sub.mono { (id) } }
        @if name.is_empty() { span.sub { (view.t.nameless) } }
    }
}

fn standings(view: &View, report: &Report) -> Markup {
    let t = view.t;
    html! {
        @if report.standings.is_empty() { p.muted { (t.usage_unlimited) } }
        @else {
            div.scroll { table.cards {
                thead { tr {
                    th scope="col" { (t.subject) } th scope="col" { (t.usage_limit) } th.num scope="col" { (t.usage_used) }
                    th scope="col" { (t.usage_resets) } th scope="col" { (t.usage_forecast) }
                } }
                tbody { @for standing in &report.standings { (standing_row(view, report, standing)) } }
            } }
        }
    }
}

fn standing_row(view: &View, report: &Report, standing: &Standing) -> Markup {
    let t = view.t;
    let (limit, spent) = match standing.limit {
        Limit::Calls(rate) => {
            let text = t.usage_rate.replacen("{}", &view.count(rate.per_minute.get().into()), 1);
            (text.replacen("{}", &view.count(rate.burst.get().into()), 1), None)
        }
        Limit::Dm(allowance, spent) => (allowance_text(view, "dm", allowance), Some((allowance, spent))),
        Limit::Um(allowance, spent) => (allowance_text(view, "um", allowance), Some((allowance, spent))),
    };
    html! {
        tr {
            th scope="row" { @match standing.key { Some(id) => (key_name(view, report, id)), None => (t.organization) } }
            td data-label=(t.usage_limit) { (limit) }
            @if let Some((allowance, Spent { used, resets_at, reached_at })) = spent {
                td.num data-label=(t.usage_used) { (view.count(used)) " (" (percent(used, allowance.amount.get())) "%)" }
                td data-label=(t.usage_resets) { (view.time(resets_at)) }
                td data-label=(t.usage_forecast) {
                    @match reached_at {
                        Some(at) if at <= view.now => span.badge.bad { (t.usage_reached) },
                        Some(at) => { span.badge.warn { (t.usage_reached_on) } " " (view.time(at)) },
                        None => (t.usage_not_reached),
                    }
                }
            } @else { td {} td {} td {} }
        }
    }
}

fn percent(used: u64, amount: u64) -> u64 {
    (u128::from(used) * 100 / u128::from(amount.max(1))).try_into().unwrap_or(u64::MAX)
}

fn allowance_text(view: &View, unit: &str, allowance: Allowance) -> String {
    let text = match allowance.period {
        Period::Day => view.t.usage_per_day,
        Period::Month => view.t.usage_per_month,
    };
    format!("{unit}: {}", text.replace("{}", &view.count(allowance.amount.get())))
}

/// The cells that every table of usage ends with.
fn cells(view: &View, used: Used) -> Markup {
    let t = view.t;
    let numbers =
        [(t.calls, used.calls), (t.usage_refused, used.refused), (t.usage_unchanged, used.unchanged), ("dm", used.dm)];
    html! { @for (label, number) in numbers { td.num data-label=(label) { (view.count(number)) } } }
}

fn head(view: &View, first: &[&str]) -> Markup {
    let t = view.t;
    html! {
        thead { tr {
            @for name in first { th scope="col" { (name) } }
            @for name in [t.calls, t.usage_refused, t.usage_unchanged, "dm"] { th.num scope="col" { (name) } }
        } }
    }
}

fn by_key(view: &View, report: &Report) -> Markup {
    let t = view.t;
    let mut keys = report.usage.keys.clone();
    keys.sort_by_key(|(id, used)| (std::cmp::Reverse((used.dm, used.calls)), *id));
    html! {
        @if keys.is_empty() { p.muted { (t.usage_nothing) } }
        @else {
            div.scroll { table.cards {
                (head(view, &[t.name, t.usage_habit]))
                tbody { @for (id, used) in keys {
                    tr {
                        th scope="row" { (key_name(view, report, id)) }
                        td data-label=(t.usage_habit) { (habit(view, Habit::of(used))) }
                        (cells(view, used))
                    }
                } }
            } }
        }
    }
}

fn habit(view: &View, habit: Habit) -> Markup {
    let t = view.t;
    html! {
        @match habit {
            Habit::IsRefused => span.badge.bad { (t.habit_refused) },
            Habit::Polls => span.badge.ok { (t.habit_polls) },
            Habit::Pages => span.badge { (t.habit_pages) },
            Habit::Plain => span.muted { "–" },
        }
    }
}

fn by_endpoint(view: &View, report: &Report) -> Markup {
    let t = view.t;
    html! {
        @if report.usage.endpoints.is_empty() { p.muted { (t.usage_nothing) } }
        @else {
            div.scroll { table.cards {
                (head(view, &[t.usage_endpoint, t.nav_keys]))
                tbody { @for (id, endpoint, used) in &report.usage.endpoints {
                    tr {
                        th.mono scope="row" { (endpoint) }
                        td data-label=(t.nav_keys) { (key_name(view, report, *id)) }
                        (cells(view, *used))
                    }
                } }
            } }
        }
    }
}

fn by_device(view: &View, report: &Report) -> Markup {
    let t = view.t;
    html! {
        @if report.usage.devices.is_empty() { p.muted { (t.usage_nothing) } }
        @else {
            div.scroll { table.cards {
                (head(view, &[t.device]))
                tbody { @for (eui, used) in &report.usage.devices {
                    tr {
                        th.mono scope="row" {
                            @match eui { Some(eui) => a href=(format!("/devices/{eui}")) { (eui) }, None => (t.usage_other_devices) }
                        }
                        (cells(view, *used))
                    }
                } }
            } }
        }
    }
}

fn by_day(view: &View, report: &Report) -> Markup {
    let t = view.t;
    let mut days: BTreeMap<Day, (Used, u64)> = BTreeMap::new();
    for (day, used) in &report.usage.days {
        days.entry(*day).or_default().0 = *used;
    }
    for (day, um) in &report.um {
        days.entry(*day).or_default().1 = *um;
    }
    html! {
        @if days.is_empty() { p.muted { (t.usage_nothing) } }
        @else {
            div.scroll { table.cards {
                thead { tr {
                    th scope="col" { (t.usage_day) }
                    @for name in [t.calls, t.usage_refused, t.usage_unchanged, "dm", "um"] { th.num scope="col" { (name) } }
                } }
                tbody { @for (day, (used, um)) in days.into_iter().rev() {
                    tr { th.nowrap scope="row" { (day) } (cells(view, used)) td.num data-label="um" { (view.count(um)) } }
                } }
            } }
        }
    }
}

/// What sets the limits of the organization or, without `um`, of a key.
fn form(view: &View, action: &str, title: &str, limits: OrgLimits, has_um: bool) -> Markup {
    let t = view.t;
    let number = |name: &str, label: &str, help: &str, value: Option<u64>| {
        html! {
            div.row {
                label for=(name) { (label) }
                input id=(name) name=(name) type="number" min="1" inputmode="numeric" value=[value];
                @if !help.is_empty() { p.help { (help) } }
            }
        }
    };
    let allowance = |name: &str, label: &str, help: &str, allowance: Option<Allowance>| {
        let period = allowance.map_or(Period::Month, |allowance| allowance.period);
        html! {
            div.pair {
                (number(name, label, help, allowance.map(|allowance| allowance.amount.get())))
                div.row {
                    label for=(format!("{name}_period")) { (t.usage_period) }
                    select id=(format!("{name}_period")) name=(format!("{name}_period")) {
                        (parts::option("day", t.usage_period_day, period == Period::Day))
                        (parts::option("month", t.usage_period_month, period == Period::Month))
                    }
                }
            }
        }
    };
    let (per_minute, burst) = (limits.rate.map(|rate| rate.per_minute.get()), limits.rate.map(|rate| rate.burst.get()));
    html! {
        form.card.form method="post" action=(action) {
            header { h2 { (title) } p { (t.usage_form_help) } }
            div.pair {
                (number("rate", t.usage_form_rate, "", per_minute.map(Into::into)))
                (number("burst", t.usage_form_burst, t.usage_form_burst_help, burst.map(Into::into)))
            }
            (allowance("dm", t.usage_form_dm, "", limits.dm))
            @if has_um { (allowance("um", t.usage_form_um, t.usage_form_um_help, limits.um)) }
            div.actions { button.primary { (t.save) } }
        }
    }
}
