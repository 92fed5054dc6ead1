//! Other stations, whose history is brought home and which are followed.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use maud::{Markup, html};
use model::{Mirror, Timestamp};

use crate::{
    MirrorDifference, MirrorPhase, MirrorProgress, MirrorSight, PortalState,
    actor::Actor,
    deeds::{
        self,
        mirrors::{self, Change, New},
    },
    fault::Fault,
    fields::Fields,
    guard::see,
    html::{frame, parts},
    view::View,
};

/// Devices and differences that are listed, at most.
const LISTED: usize = 100;

/// What stands in the form.
#[derive(Default)]
struct Written {
    station: String,
    access_id: String,
    access_key: String,
    since: String,
    budget: String,
    pace: String,
    streams: bool,
    stream_at: String,
    brings_key: bool,
}

impl Written {
    fn of(fields: &Fields) -> Self {
        let text = |name: &str| fields.get(name).trim().to_owned();
        Self {
            station: text("station"),
            access_id: text("access_id"),
            access_key: text("access_key"),
            since: text("since"),
            budget: text("budget"),
            pace: text("pace"),
            streams: fields.has("streams"),
            stream_at: text("stream_at"),
            brings_key: fields.has("brings_key"),
        }
    }

    fn read(&self) -> Result<New<'_>, Fault> {
        let since = match self.since.as_str() {
            "" => None,
            day => {
                let at = day.parse::<jiff::civil::Date>().ok();
                let at = at.and_then(|day| jiff::tz::TimeZone::UTC.to_timestamp(day.into()).ok());
                let at = at.ok_or(Fault::Invalid(|texts| texts.fault_time))?;
                Some(Timestamp::from_millis(at.as_millisecond()))
            }
        };
        Ok(New {
            station: &self.station,
            access_id: &self.access_id,
            access_key: &self.access_key,
            since,
            budget_dm: budget(&self.budget)?,
            calls_per_minute: pace(&self.pace)?,
            streams: self.streams,
            stream_at: &self.stream_at,
            brings_key: self.brings_key,
        })
    }
}

fn budget(text: &str) -> Result<Option<u64>, Fault> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    deeds::parse(text, |texts| texts.fault_mirror_budget).map(|dm: u64| (dm > 0).then_some(dm))
}

fn pace(text: &str) -> Result<Option<u32>, Fault> {
    if text.trim().is_empty() { Ok(None) } else { deeds::parse(text, |texts| texts.fault_mirror_pace).map(Some) }
}

/// `GET /mirrors`
pub(crate) async fn list(State(portal): State<PortalState>, actor: Actor, view: View) -> Result<Markup, Fault> {
    draw(&portal, &actor, &view, &Written::default(), None, None).await
}

/// `POST /mirrors`: looks at a station, or begins to mirror it.
pub(crate) async fn create(
    State(portal): State<PortalState>,
    actor: Actor,
    view: View,
    fields: Fields,
) -> Result<Response, Fault> {
    let written = Written::of(&fields);
    let done = async {
        let new = written.read()?;
        if fields.get("do") == "look" {
            return mirrors::look(&portal, &actor, &new).await.map(Some);
        }
        mirrors::create(&portal, &actor, &new).await.map(|_| None)
    };
    match done.await {
        Ok(None) => Ok(see("/mirrors?done=added")),
        Ok(Some(sight)) => Ok(draw(&portal, &actor, &view, &written, None, Some(&sight)).await?.into_response()),
        Err(fault @ (Fault::Invalid(_) | Fault::Conflict(_) | Fault::Wrong(_))) => {
            let page = draw(&portal, &actor, &view, &written, Some(&fault), None).await?;
            Ok((fault.status(), page).into_response())
        }
        Err(fault) => Err(fault),
    }
}

/// `POST /mirrors/{id}`
pub(crate) async fn change(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Fault> {
    let mut change = Change::default();
    match fields.get("do") {
        "pause" => change.is_paused = Some(true),
        "resume" => change.is_paused = Some(false),
        "compare" => change.compare_hours = Some(deeds::parse(fields.get("hours"), |texts| texts.fault_mirror_hours)?),
        _ => {
            change.budget_dm = Some(budget(fields.get("budget"))?);
            change.calls_per_minute = pace(fields.get("pace"))?;
            change.streams = Some(fields.has("streams"));
            change.stream_at = fields.find("stream_at").map(|at| at.trim().to_owned());
        }
    }
    mirrors::change(&portal, &actor, &id, change).await?;
    Ok(see("/mirrors?done=saved"))
}

/// `POST /mirrors/{id}/remove`
pub(crate) async fn remove(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    mirrors::remove(&portal, &actor, &id).await?;
    Ok(see("/mirrors?done=removed"))
}

async fn draw(
    portal: &PortalState,
    actor: &Actor,
    view: &View,
    written: &Written,
    fault: Option<&Fault>,
    sight: Option<&MirrorSight>,
) -> Result<Markup, Fault> {
    let t = view.t;
    let all = mirrors::list(portal, actor).await?;
    let content = html! {
        (parts::head(t.nav_mirrors, t.mirrors_help, parts::nothing()))
        @for mirror in &all {
            (card(view, mirror, &portal.station().mirror_progress(mirror.org, mirror.id)))
        }
        h2 { (t.new_mirror) }
        (form(view, written, fault, sight))
    };
    Ok(frame::page(view, t.nav_mirrors, content))
}

fn card(view: &View, mirror: &Mirror, progress: &MirrorProgress) -> Markup {
    let t = view.t;
    let path = format!("/mirrors/{}", mirror.id);
    let pace_id = format!("pace-{}", mirror.id);
    let budget_id = format!("budget-{}", mirror.id);
    html! {
        section.card {
            header { h2 { (mirror.station) } p.mono { (mirror.access_id) } }
            div data-fresh=(mirror.id) { (state(view, mirror, progress)) }
            form.form method="post" action=(path) {
                div.pair {
                    div.row {
                        label for=(budget_id) { (t.mirror_budget) }
                        input id=(budget_id) name="budget" inputmode="numeric" value=[mirror.budget_dm];
                    }
                    div.row {
                        label for=(pace_id) { (t.mirror_pace) }
                        input id=(pace_id) name="pace" inputmode="numeric" value=(mirror.calls_per_minute);
                    }
                }
                div.row { label.check { input type="checkbox" name="streams" checked[mirror.streams]; " " (t.mirror_streams) } }
                @if let Some(at) = &mirror.stream_at { input type="hidden" name="stream_at" value=(at); }
                div.actions {
                    button name="do" value="save" { (t.save) }
                    @if mirror.is_paused { button.primary name="do" value="resume" { (t.mirror_resume) } }
                    @else { button name="do" value="pause" { (t.mirror_pause) } }
                }
            }
            div.actions {
                @for (hours, text) in [(24, t.mirror_compare_day), (168, t.mirror_compare_week)] {
                    form method="post" action=(path) {
                        input type="hidden" name="hours" value=(hours);
                        button.small name="do" value="compare" { (text) }
                    }
                }
                @if mirror.compare_until.is_some() {
                    form method="post" action=(path) {
                        input type="hidden" name="hours" value="0";
                        button.small name="do" value="compare" { (t.mirror_compare_end) }
                    }
                }
                form method="post" action=(format!("{path}/remove")) data-confirm=(t.mirror_remove_confirm) {
                    button.small.danger { (t.delete) }
                }
            }
        }
    }
}

/// What changes while it goes on.
fn state(view: &View, mirror: &Mirror, progress: &MirrorProgress) -> Markup {
    let t = view.t;
    let phase = match progress.phase {
        MirrorPhase::Resting => t.mirror_resting,
        MirrorPhase::Looking => t.mirror_looking,
        MirrorPhase::History => t.mirror_history,
        MirrorPhase::Counting => t.mirror_counting,
        MirrorPhase::Asking => t.mirror_asking,
        MirrorPhase::Streaming => t.mirror_streaming,
        MirrorPhase::Spent => t.mirror_spent,
        MirrorPhase::Waiting => t.mirror_waiting,
    };
    let percent = (progress.share() * 100.0).floor();
    let days = (progress.share() * progress.device_days as f64) as u64;
    let days = t.mirror_device_days.replacen("{}", &view.count(days), 1);
    let days = days.replacen("{}", &view.count(progress.device_days), 1);
    html! {
        @if let Some(trouble) = &progress.trouble { div.notice.error role="alert" { (trouble) } }
        p {
            b { (phase) }
            " · " (t.mirror_since.replace("{}", &view.clock(mirror.since)))
            @if let Some(left) = progress.left_ms { " · " (t.mirror_left.replace("{}", &duration(left))) }
        }
        @if progress.total > 0 {
            progress max="100" value=(percent) aria-label=(t.mirror_history) { (percent) " %" }
        }
        ul.stats {
            (stat(t.mirror_history, &format!("{percent} %"), &days))
            (stat(t.mirror_readings, &view.count(progress.points), t.mirror_readings_note))
            (stat(t.mirror_dm, &view.count(progress.dm), &match mirror.budget_dm {
                Some(budget) => t.mirror_of_budget.replace("{}", &view.count(budget)),
                None => t.mirror_no_budget.to_owned(),
            }))
            (stat(t.mirror_news, &view.count(progress.news), &progress.news_at.map_or_else(String::new, |at| view.clock(at))))
        }
        @match &progress.differences {
            Some(all) if all.is_empty() => p { (t.mirror_proved) },
            Some(all) => (differences(view, t.mirror_differences, all)),
            None => {},
        }
        @if let Some(until) = mirror.compare_until {
            p { (t.mirror_compared.replacen("{}", &view.count(progress.compared), 1).replacen("{}", &view.clock(until), 1)) }
        }
        @if !progress.disagreements.is_empty() { (differences(view, t.mirror_disagreements, &progress.disagreements)) }
    }
}

fn stat(label: &str, number: &str, note: &str) -> Markup {
    html! { li { div.stat { span.stat-label { (label) } b.stat-value { (number) } span.stat-note { (note) } } } }
}

fn differences(view: &View, title: &str, all: &[MirrorDifference]) -> Markup {
    let t = view.t;
    html! {
        p.notice.warn { (title.replace("{}", &view.count(all.len() as u64))) }
        div.scroll tabindex="0" { table {
            thead { tr {
                th scope="col" { (t.device) } th scope="col" { (t.mirror_what) }
                th scope="col" { (t.mirror_there) } th scope="col" { (t.mirror_here) }
            } }
            tbody { @for difference in all.iter().take(LISTED) { tr {
                th.mono scope="row" { (difference.eui) } td { (difference.what) }
                td { (difference.there) } td { (difference.here) }
            } } }
        } }
    }
}

fn form(view: &View, written: &Written, fault: Option<&Fault>, sight: Option<&MirrorSight>) -> Markup {
    let t = view.t;
    html! {
        form.card.form method="post" action="/mirrors" {
            (parts::wrong(view, fault))
            div.row {
                label for="station" { (t.mirror_station) }
                input #station name="station" required list="stations" placeholder="global" value=(written.station);
                datalist #stations { option value="global" {} option value="china" {} }
                p.help { (t.mirror_station_help) }
            }
            div.pair {
                div.row { label for="access_id" { (t.mirror_access_id) } input.mono #access_id name="access_id" required autocomplete="off" value=(written.access_id); }
                div.row { label for="access_key" { (t.mirror_access_key) } input.mono #access_key name="access_key" type="password" required autocomplete="off" value=(written.access_key); }
            }
            div.row {
                label for="since" { (t.from) }
                input #since name="since" type="date" value=(written.since);
                p.help { (t.mirror_since_help) }
            }
            div.pair {
                div.row { label for="budget" { (t.mirror_budget) } input #budget name="budget" inputmode="numeric" value=(written.budget); p.help { (t.mirror_budget_help) } }
                div.row { label for="pace" { (t.mirror_pace) } input #pace name="pace" inputmode="numeric" placeholder="40" value=(written.pace); p.help { (t.mirror_pace_help) } }
            }
            div.row { label.check { input type="checkbox" name="streams" checked[written.streams]; " " (t.mirror_streams) } p.help { (t.mirror_streams_help) } }
            div.row {
                label for="stream_at" { (t.mirror_stream_at) }
                input #stream_at name="stream_at" placeholder="mqtts://station.example.org:8883" value=(written.stream_at);
                p.help { (t.mirror_stream_at_help) }
            }
            div.row { label.check { input type="checkbox" name="brings_key" checked[written.brings_key]; " " (t.mirror_brings_key) } p.help { (t.mirror_brings_key_help) } }
            @if let Some(sight) = sight { (seen(view, sight)) }
            div.actions {
                button name="do" value="look" { (t.mirror_look) }
                button.primary name="do" value="start" { (t.mirror_start) }
            }
        }
    }
}

fn seen(view: &View, sight: &MirrorSight) -> Markup {
    let t = view.t;
    let hours = duration((sight.hours * 3_600_000.0) as u64);
    let cost = t.mirror_cost.replacen("{}", &view.count(sight.dm), 1).replacen("{}", &view.count(sight.calls), 1);
    html! {
        fieldset {
            legend { (sight.station) " · " (sight.other_org) }
            p.notice role="status" { (cost.replacen("{}", &hours, 1)) }
            @if !sight.groups.is_empty() { p { (t.nav_groups) ": " (sight.groups.join(", ")) } }
            @if sight.gateways > 0 { p { (t.mirror_gateways.replace("{}", &view.count(sight.gateways as u64))) } }
            div.scroll tabindex="0" { table {
                thead { tr { th scope="col" { (t.device) } th scope="col" { (t.name) } th.num scope="col" { (t.series) } } }
                tbody { @for (eui, name, series) in sight.devices.iter().take(LISTED) { tr {
                    th.mono scope="row" { (eui) } td { (name) } td.num { (series) }
                } } }
            } }
            @if sight.devices.len() > LISTED {
                p.muted { (t.mirror_more.replace("{}", &view.count((sight.devices.len() - LISTED) as u64))) }
            }
        }
    }
}

/// A duration for people: `2 h 5 min`.
fn duration(ms: u64) -> String {
    let minutes = ms.div_ceil(60_000);
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_said_in_hours_and_minutes() {
        let said = [0, 1, 60_000, 3_600_000, 7_500_000].map(duration);
        assert_eq!(said, ["0 min", "1 min", "1 min", "1 h", "2 h 5 min"]);
    }
}
