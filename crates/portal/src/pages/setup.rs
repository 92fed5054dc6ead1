//! The first steps on a new station.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use maud::{Markup, html};
use model::{Source, SourceKind};

use crate::{
    PortalState,
    actor::Actor,
    deeds::{self, sources},
    fault::Fault,
    fleet,
    guard::see,
    html::{frame, parts},
    pages::{device::frames, paste::what_to_paste},
    secret::Secret,
    view::View,
};

/// `GET /setup`
pub(crate) async fn choose(State(portal): State<PortalState>, actor: Actor, view: View) -> Markup {
    let t = view.t;
    let has_fleet = portal.station().has_simulated_fleet(actor.org);
    let content = html! {
        div.stack {
            (steps(&view, 1))
            div { h1 { (t.setup_title) } p.muted { (t.setup_help) } }
            ul.choices {
                li {
                    @if has_fleet {
                        a.choice href="/" { span.icon.i-measurements {} strong { (t.setup_look) } span { (t.setup_look_help) } }
                    } @else {
                        form method="post" action="/setup/fleet" {
                            button.choice { span.icon.i-measurements {} strong { (t.setup_try) } span { (t.setup_try_help) } }
                        }
                    }
                }
                li {
                    form method="post" action="/setup/chirpstack" {
                        button.choice { span.icon.i-sources {} strong { (t.setup_connect) } span { (t.setup_connect_help) } }
                    }
                }
                li {
                    a.choice href="/sources" { span.icon.i-sources {} strong { (t.setup_other) } span { (t.setup_other_help) } }
                }
                li {
                    a.choice href="/keys" { span.icon.i-keys {} strong { (t.setup_key) } span { (t.setup_key_help) } }
                }
            }
            p.small { a href="/" { (t.setup_skip) } }
        }
    };
    frame::bare(&view, t.setup_title, content)
}

/// `POST /setup/fleet`
pub(crate) async fn start_fleet(State(portal): State<PortalState>, actor: Actor) -> Result<Response, Fault> {
    deeds::fleet::start(&portal, &actor).await?;
    Ok(see("/?done=fleet"))
}

/// `POST /setup/fleet/remove`
pub(crate) async fn remove_fleet(State(portal): State<PortalState>, actor: Actor) -> Result<Response, Fault> {
    deeds::fleet::remove(&portal, &actor).await?;
    Ok(see("/?done=fleet-removed"))
}

/// `POST /setup/chirpstack`
pub(crate) async fn connect(State(portal): State<PortalState>, actor: Actor, view: View) -> Result<Markup, Fault> {
    let (source, secret) = sources::create(&portal, &actor, SourceKind::ChirpStack, "ChirpStack", true).await?;
    Ok(waiting(&view, &source, Some(&secret)))
}

/// `GET /setup/chirpstack/{id}`
pub(crate) async fn watch(
    State(portal): State<PortalState>,
    actor: Actor,
    view: View,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let source = sources::find(&portal, &actor, sources::id(&id)?).await?;
    let member = match portal.live().last_device(source.id) {
        Some(eui) => fleet::find(portal.store(), actor.org, eui).await?,
        None => None,
    };
    let Some(member) = member else { return Ok(waiting(&view, &source, None).into_response()) };
    let t = view.t;
    let frames = frames::newest(&portal, &actor, &member.device, 1).await?;
    let content = html! {
        div.stack {
            (steps(&view, 3))
            section.card {
                header { h1 { (t.setup_received) } (parts::state(&view, &member)) }
                div.notice.ok { strong { (member.title()) } " · " (member.device.model) }
                div.frames { @for frame in &frames { (frames::draw(&view, frame)) } }
                div.actions {
                    a.button.primary href=(format!("/devices/{}", member.device.eui)) { (t.open_device) }
                    a.button.quiet href="/keys" { (t.setup_key) }
                }
            }
        }
    };
    Ok(frame::bare(&view, t.setup_received, content).into_response())
}

fn steps(view: &View, done: usize) -> Markup {
    let t = view.t;
    html! {
        ol.steps {
            @for (at, name) in [t.step_owner, t.step_choose, t.step_done].into_iter().enumerate() {
                li.done[at < done] aria-current=[(at == done).then_some("step")] { (name) }
            }
        }
    }
}

fn waiting(view: &View, source: &Source, secret: Option<&Secret>) -> Markup {
    let t = view.t;
    let again = format!("/setup/chirpstack/{}", source.id);
    let content = html! {
        div.stack {
            (steps(view, 2))
            section.card {
                header { h1 { (t.chirpstack_title) } }
                (what_to_paste(view, source, secret))
                p.waiting role="status" data-live-state data-await=(source.id) data-next=(again) { (t.chirpstack_waiting) }
                p.small { a href=(again) { (t.look_again) } " · " a href="/guide/quick-start" { (t.nav_guide) } }
            }
        }
    };
    frame::bare(view, t.chirpstack_title, content)
}
