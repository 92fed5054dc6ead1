//! Lines to paste into a terminal or a program.

use maud::{Markup, html};

use super::parts::code_block;
use crate::{Stream, view::View};

/// Whose key the lines carry; either may be a name to be replaced.
pub(crate) struct Credentials<'a> {
    pub(crate) id: &'a str,
    pub(crate) key: &'a str,
}

impl Credentials<'static> {
    /// For a page that knows no key.
    pub(crate) const PLACEHOLDERS: Self = Self { id: "ACCESS_ID", key: "ACCESS_KEY" };
}

/// Calls that read something, in several languages, and how to read on by MQTT. What is set in comes from us alone: an address
/// of the station, hex digits, and the names of calls.
pub(crate) fn snippets(
    view: &View,
    credentials: &Credentials<'_>,
    call: &str,
    eui: Option<&str>,
    stream: Option<&Stream>,
) -> Markup {
    let Credentials { id, key } = credentials;
    let (url, query) = (&view.url, eui.map(|eui| format!("?device_eui={eui}")).unwrap_or_default());
    let params = eui.map(|eui| format!("\n    params={{\"device_eui\": \"{eui}\"}},")).unwrap_or_default();
    let curl = format!("curl --user {id}:{key} \\\n  '{url}/openapi/{call}{query}'");
    let python = format!(
        "import requests\n\nanswer = requests.get(\n    \"{url}/openapi/{call}\",{params}\n    auth=(\"{id}\", \"{key}\"),\n)\nprint(answer.json()[\"data\"])"
    );
    let script = format!(
        "const answer = await fetch(\"{url}/openapi/{call}{query}\", {{\n  headers: {{ Authorization: \"Basic \" + btoa(\"{id}:{key}\") }},\n}});\nconsole.log((await answer.json()).data);"
    );
    let blocks = [("curl", "curl", curl), ("Python", "python", python), ("JavaScript", "javascript", script)];
    html! {
        @for (at, (name, code, text)) in blocks.into_iter().enumerate() {
            details.fold open[at == 0] { summary { (name) } (code_block(view, &format!("code-{code}"), &text)) }
        }
        @if let Some(stream) = stream {
            details.fold {
            summary { "MQTT" }
            @match stream {
                Stream::Open(line) => (code_block(view, "code-mqtt", line)),
                Stream::OpenHere(line) => {
                    (code_block(view, "code-mqtt", line))
                    p.small.muted { (view.t.mqtt_open_here) }
                }
                Stream::Closed => p.small.muted { (view.t.mqtt_not_open) },
            }
            }
        }
    }
}
