//! `/retention`: how long the organization and its groups keep history, and what that removes.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use maud::{Markup, html};
use model::{GroupId, Keep, Retention};

use crate::{
    PortalState,
    actor::Actor,
    deeds::{groups, retention},
    fault::Fault,
    fields::Fields,
    guard::see,
    html::{frame, parts},
    retention::Old,
    view::View,
};

/// `GET /retention`
pub(crate) async fn show(State(portal): State<PortalState>, actor: Actor, view: View) -> Result<Markup, Fault> {
    draw(&portal, &actor, &view, None).await
}

/// `POST /retention`: first says what it would remove, and does it when that is confirmed.
pub(crate) async fn save(
    State(portal): State<PortalState>,
    actor: Actor,
    view: View,
    fields: Fields,
) -> Result<Response, Fault> {
    let group = match fields.get("group") {
        "" => None,
        text => Some(groups::id(text)?),
    };
    let wanted = (|| Ok(Retention { readings: keep(&fields, "readings")?, frames: keep(&fields, "frames")? }))();
    let wanted = match wanted {
        Ok(wanted) => wanted,
        Err(fault) => {
            let page = draw(&portal, &actor, &view, Some(&fault)).await?;
            return Ok((fault.status(), page).into_response());
        }
    };
    if !fields.has("confirmed") {
        let old = retention::preview(&portal, &actor, group, wanted).await?;
        if old != Old::default() {
            return Ok(confirm(&view, group, wanted, old).into_response());
        }
    }
    retention::set(&portal, &actor, group, wanted).await?;
    Ok(see("/retention?done=saved"))
}

/// What a field says; nothing where it is empty.
fn keep(fields: &Fields, name: &str) -> Result<Option<Keep>, Fault> {
    let text = fields.get(name).trim();
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| Fault::Invalid(|texts| texts.fault_keep))
}

async fn draw(portal: &PortalState, actor: &Actor, view: &View, fault: Option<&Fault>) -> Result<Markup, Fault> {
    let t = view.t;
    let rules = retention::rules(portal, actor, None).await?;
    let groups = portal.store().list_groups(actor.org).await?;
    let station = portal.station().retention();
    let content = html! {
        (parts::head(t.retention, t.retention_help, parts::nothing()))
        (parts::wrong(view, fault))
        (form(view, "", t.organization, rules.organization, station))
        @for group in &groups {
            @let said = rules.groups.get(&group.id).copied().unwrap_or_default();
            (form(view, &group.id.to_string(), &group.name, said, rules.organization.or(station)))
        }
    };
    Ok(frame::page(view, t.retention, content))
}

/// What is said, and what holds where nothing is.
fn form(view: &View, group: &str, title: &str, said: Retention, else_: Retention) -> Markup {
    let t = view.t;
    let row = |name: &str, label: &str, said: Option<Keep>, else_: Option<Keep>| {
        let id = format!("{name}-{group}");
        html! {
            div.row {
                label for=(id) { (label) }
                input id=(id) name=(name) list="keeps" autocomplete="off" value=[said]
                    placeholder=(words(view, else_.unwrap_or(Keep::Forever)));
            }
        }
    };
    html! {
        form.card.form method="post" action="/retention" {
            header { h2 { (title) } p { (t.retention_form_help) } }
            input type="hidden" name="group" value=(group);
            div.pair {
                (row("readings", t.fact_readings_days, said.readings, else_.readings))
                (row("frames", t.fact_frames_days, said.frames, else_.frames))
            }
            div.actions { button.primary { (t.save) } }
        }
    }
}

fn words(view: &View, keep: Keep) -> String {
    match keep {
        Keep::Forever => view.t.for_ever.to_owned(),
        Keep::Days(days) => view.t.days.replace("{}", &days.to_string()),
    }
}

/// What it would remove, before it does.
fn confirm(view: &View, group: Option<GroupId>, wanted: Retention, old: Old) -> Markup {
    let t = view.t;
    let mut told = t.retention_removes.to_owned();
    for count in [old.rows, old.frames, old.devices] {
        told = told.replacen("{}", &view.count(count), 1);
    }
    let content = html! {
        (parts::head(t.retention, "", parts::nothing()))
        form.card.form method="post" action="/retention" {
            div.notice.error role="alert" { (told) }
            @if let Some(group) = group { input type="hidden" name="group" value=(group); }
            @for (name, keep) in [("readings", wanted.readings), ("frames", wanted.frames)] {
                @if let Some(keep) = keep { input type="hidden" name=(name) value=(keep); }
            }
            input type="hidden" name="confirmed" value="yes";
            div.actions {
                button.danger { (t.retention_confirm) }
                a.button.quiet href="/retention" { (t.cancel) }
            }
        }
    };
    frame::page(view, t.retention, content)
}
