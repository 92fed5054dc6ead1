use maud::{Markup, PreEscaped, html};

use crate::{
    fault::Fault,
    fleet::{Member, State},
    view::View,
};

/// The heading of a page, with what can be done there.
pub(crate) fn head(title: &str, note: &str, actions: Markup) -> Markup {
    html! {
        div.head {
            div { h1 { (title) } @if !note.is_empty() { p { (note) } } }
            @if !actions.0.is_empty() { div.actions { (actions) } }
        }
    }
}

/// Nothing at all.
pub(crate) const fn nothing() -> Markup {
    PreEscaped(String::new())
}

/// A state as a dot and a word; the page moves it on when the device is heard.
pub(crate) fn state(view: &View, member: &Member) -> Markup {
    let state = member.state(view.now);
    let class = if member.heard.is_none() { "never" } else { state.as_str() };
    let text = if member.heard.is_none() { view.t.state_never } else { state_text(view, state) };
    html! {
        span.state.(class) data-state=(member.device.eui) data-online-text=(view.t.state_online) { (text) }
    }
}

pub(crate) fn state_text(view: &View, state: State) -> &'static str {
    match state {
        State::Online => view.t.state_online,
        State::Late => view.t.state_late,
        State::Silent => view.t.state_silent,
    }
}

/// A battery as a bar and a number.
pub(crate) fn battery(percent: Option<f64>) -> Markup {
    html! {
        @match percent {
            Some(percent) => {
                span.battery { meter min="0" max="100" low="20" optimum="100" value=(percent) { (percent) "%" } (percent) "%" }
            },
            None => "–",
        }
    }
}

/// Text in a box with a button that copies it.
pub(crate) fn copied(view: &View, id: &str, text: &str) -> Markup {
    html! {
        div.copyline {
            code id=(id) { (text) }
            button.small type="button" data-copy=(format!("#{id}")) data-copied=(view.t.copied) { (view.t.copy) }
        }
    }
}

/// Lines of code with a button that copies them.
pub(crate) fn code_block(view: &View, id: &str, text: &str) -> Markup {
    html! {
        div.code {
            pre id=(id) tabindex="0" { code { (text) } }
            button type="button" data-copy=(format!("#{id}")) data-copied=(view.t.copied) { (view.t.copy) }
        }
    }
}

/// What was wrong with a form.
pub(crate) fn wrong(view: &View, fault: Option<&Fault>) -> Markup {
    html! {
        @if let Some(fault) = fault { div.notice.error role="alert" { (fault.text(view.t)) } }
    }
}

/// A choice in a list.
pub(crate) fn option(value: &str, text: &str, is_chosen: bool) -> Markup {
    html! { option value=(value) selected[is_chosen] { (text) } }
}
