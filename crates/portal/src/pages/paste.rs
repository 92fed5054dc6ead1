//! What to enter where, so that a source brings something.

use maud::{Markup, html};
use model::{Source, SourceKind};

use crate::{html::parts, secret::Secret, text::Texts, view::View};

/// How a kind of source is set up: where to go, and what is to be known about its devices.
fn words(t: &Texts, kind: SourceKind) -> (&str, &str) {
    match kind {
        SourceKind::ChirpStack => (t.chirpstack_help, t.chirpstack_profile),
        SourceKind::Tts => (t.tts_help, t.tts_devices),
        SourceKind::Helium => (t.helium_help, t.helium_devices),
        SourceKind::Aws => (t.aws_help, t.aws_devices),
        SourceKind::Http => (t.http_help, t.http_devices),
        SourceKind::Mqtt | SourceKind::Demo => (t.mqtt_help, t.mqtt_devices),
    }
}

/// What to enter in the system that a source is; its token only while it is shown.
pub(crate) fn what_to_paste(view: &View, source: &Source, secret: Option<&Secret>) -> Markup {
    let t = view.t;
    let (help, devices) = words(t, source.kind);
    let url = source.kind.path().map(|path| format!("{}{path}", view.url));
    html! {
        p { (help) }
        dl.facts {
            @if let Some(url) = &url {
                @if source.kind != SourceKind::Http { dt { (t.chirpstack_encoding) } dd { "JSON" } }
                dt { (t.chirpstack_url) } dd { (parts::copied(view, "ingest-url", url)) }
                @if let Some(secret) = secret {
                    dt { (t.chirpstack_header) } dd { (parts::copied(view, "ingest-header", "Authorization")) }
                    dt { (t.chirpstack_value) } dd { (parts::copied(view, "ingest-token", &format!("Bearer {}", secret.text))) }
                }
            } @else {
                dt { (t.source_user) } dd { (parts::copied(view, "ingest-user", &source.id.to_string())) }
                @if let Some(secret) = secret {
                    dt { (t.source_password) } dd { (parts::copied(view, "ingest-token", &secret.text)) }
                }
            }
        }
        @if let (SourceKind::Http, Some(url), Some(secret)) = (source.kind, &url, secret) {
            (parts::code_block(view, "ingest-curl", &curl(url, &secret.text)))
        }
        @if secret.is_some() { div.notice.warn { strong { (t.shown_once_token) } } }
        p.small.muted { (devices) " " a href="/guide/sources" { (t.guide_sources) } }
    }
}

/// A reading to try a source of readings with.
fn curl(url: &str, token: &str) -> String {
    format!(
        "curl -H 'Authorization: Bearer {token}' \\\n  -d '{{\"device\":\"2CF7F12004100005\",\"measurement\":4097,\"value\":21.4}}' \\\n  {url}"
    )
}
