//! The frame around every page.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use maud::{DOCTYPE, Markup, html};

use crate::{
    Right, assets,
    fault::Fault,
    text::{Language, Texts},
    view::{Theme, View},
};

/// A section of the portal: its path, icon, name, and what it takes to see it.
type Section = (&'static str, &'static str, fn(&'static Texts) -> &'static str, Right);

const SECTIONS: [Section; 16] = [
    ("/", "overview", |t| t.nav_overview, Right::Read),
    ("/devices", "devices", |t| t.nav_devices, Right::Read),
    ("/map", "map", |t| t.nav_map, Right::Read),
    ("/groups", "groups", |t| t.nav_groups, Right::Read),
    ("/keys", "keys", |t| t.nav_keys, Right::Manage),
    ("/usage", "usage", |t| t.nav_usage, Right::Manage),
    ("/sources", "sources", |t| t.nav_sources, Right::Manage),
    ("/mirrors", "mirrors", |t| t.nav_mirrors, Right::Manage),
    ("/codecs", "codecs", |t| t.nav_codecs, Right::Manage),
    ("/stream", "stream", |t| t.nav_stream, Right::Manage),
    ("/measurements", "measurements", |t| t.nav_measurements, Right::Read),
    ("/export", "export", |t| t.nav_export, Right::Read),
    ("/people", "people", |t| t.nav_people, Right::Manage),
    ("/audit", "audit", |t| t.nav_audit, Right::Manage),
    ("/system", "system", |t| t.nav_system, Right::Operate),
    ("/guide", "guide", |t| t.nav_guide, Right::Read),
];
/// Before which sections there is a gap.
const GAPS: [&str; 2] = ["/keys", "/people"];

/// What a page needs beyond what every page has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extra {
    Nothing,
    Chart,
    Map,
    Reference,
    Stream,
}

/// A page for somebody who is signed in, or one for anybody in the narrower frame.
pub(crate) fn page(view: &View, title: &str, content: Markup) -> Markup {
    page_with(view, title, Extra::Nothing, content)
}

pub(crate) fn page_with(view: &View, title: &str, extra: Extra, content: Markup) -> Markup {
    document(view, title, extra, &content, view.signed_in.is_some())
}

/// A page in the narrow frame, also for somebody who is signed in.
pub(crate) fn bare(view: &View, title: &str, content: Markup) -> Markup {
    document(view, title, Extra::Nothing, &content, false)
}

fn document(view: &View, title: &str, extra: Extra, content: &Markup, is_full: bool) -> Markup {
    let theme = (view.theme != Theme::Auto).then_some(view.theme.as_str());
    let live = view.signed_in.is_some().then_some("/api/events");
    html! {
        (DOCTYPE)
        html lang=(view.language.html_tag()) data-zone=(view.zone_name()) data-theme=[theme] {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Senstation" }
                link rel="icon" href=(assets::url("icon.svg")) type="image/svg+xml";
                (extra_head(extra))
                link rel="stylesheet" href=(assets::url("app.css"));
                script type="module" src=(assets::url("app.js")) {}
            }
            body.app[is_full].bare[!is_full].wide[!is_full && view.signed_in.is_some()] data-live=[live] {
                a.skip href="#main" { (view.t.skip) }
                @if is_full {
                    header.top { (brand()) }
                    details.menu { summary { (view.t.menu) } }
                    nav.nav aria-label=(view.t.sections) { (sections(view)) }
                    (tools(view, true))
                } @else {
                    header { (brand()) (tools(view, false)) }
                }
                main #main {
                    @if let Some(done) = view.done { div.notice.ok role="status" { (done) } }
                    (content)
                }
            }
        }
    }
}

fn extra_head(extra: Extra) -> Markup {
    let of = |css: &str, library: &str, module: &str| {
        html! {
            link rel="stylesheet" href=(assets::url(css));
            script defer src=(assets::url(library)) {}
            script type="module" src=(assets::url(module)) {}
        }
    };
    match extra {
        Extra::Nothing => html! {},
        Extra::Chart => of("vendor/uPlot.min.css", "vendor/uPlot.iife.min.js", "chart.js"),
        Extra::Map => of("vendor/leaflet.css", "vendor/leaflet.js", "map.js"),
        Extra::Reference => html! { script type="module" src=(assets::url("reference.js")) {} },
        Extra::Stream => html! { script type="module" src=(assets::url("stream.js")) {} },
    }
}

fn brand() -> Markup {
    html! { a.brand href="/" { img src=(assets::url("icon.svg")) alt=""; "Senstation" } }
}

fn sections(view: &View) -> Markup {
    let right = view.signed_in.as_ref().map_or(Right::Anyone, |(actor, _)| actor.right);
    html! {
        ul {
            @for (path, icon, name, needed) in SECTIONS {
                @if right >= needed {
                    @if GAPS.contains(&path) { li.nav-break role="presentation" {} }
                    li { a href=(path) aria-current=[current(view, path)] { span.icon.(format!("i-{icon}")) {} (name(view.t)) } }
                }
            }
        }
    }
}

fn current(view: &View, section: &str) -> Option<&'static str> {
    let rest = view.path.strip_prefix(section)?;
    (rest.is_empty() || (section != "/" && rest.starts_with('/'))).then_some("page")
}

fn tools(view: &View, is_full: bool) -> Markup {
    let t = view.t;
    html! {
        div.tools {
            @if is_full && let Some((actor, organization)) = &view.signed_in {
                p.org { (organization) }
                span.live data-live-state { span.live-on { (t.live) } span.live-off { (t.not_live) } }
                @if let Some(person) = actor.person() {
                    a.button.quiet.small href="/account" { @if person.name.is_empty() { (t.account) } @else { (person.name) } }
                }
            }
            form method="post" action="/preferences" {
                input type="hidden" name="next" value=(view.path);
                div.segments role="group" aria-label=(t.language) {
                    @for language in Language::ALL {
                        button name="language" value=(language.tag()) lang=(language.tag())
                            aria-pressed=(if language == view.language { "true" } else { "false" }) { (language.own_name()) }
                    }
                }
            }
            form method="post" action="/preferences" {
                input type="hidden" name="next" value=(view.path);
                div.segments role="group" aria-label=(t.theme) {
                    @for (theme, name) in Theme::ALL.into_iter().zip([t.theme_auto, t.theme_light, t.theme_dark]) {
                        button name="theme" value=(theme.as_str())
                            aria-pressed=(if theme == view.theme { "true" } else { "false" }) { (name) }
                    }
                }
            }
            @if view.signed_in.is_some() {
                form method="post" action="/sign-out" { button.quiet.small { (t.sign_out) } }
            }
        }
    }
}

/// The page that says why something was not done.
pub(crate) fn fault(view: &View, fault: &Fault) -> Response {
    let t = view.t;
    let content = html! {
        section.card.empty {
            h1 { (t.fault_title) }
            p { (fault.text(t)) }
            div.actions { a.button.primary href="/" { (t.to_overview) } }
        }
    };
    let page =
        if view.signed_in.is_some() { page(view, t.fault_title, content) } else { bare(view, t.fault_title, content) };
    refused(fault.status(), fault, page)
}

/// A page that says, on itself, why something was not done.
pub(crate) fn refused(status: StatusCode, fault: &Fault, page: Markup) -> Response {
    let mut response = (status, page).into_response();
    if let Some(seconds) = fault.retry_after_s() {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}
