//! `GET /guide/reference`: the public API call by call, each to be tried with a key of one's own.

use axum::extract::State;
use maud::{Markup, html};
use serde_json::Value;

use super::guide;
use crate::{
    PortalState,
    html::frame::{self, Extra},
    view::View,
};

pub(crate) async fn show(State(portal): State<PortalState>, view: View) -> Markup {
    let t = view.t;
    let document = portal.station().api_document();
    let paths = document["paths"].as_object();
    let content = html! {
        div.with-toc {
            (guide::contents(&view, "reference"))
            div.stack {
                div.head { div { h1 { (t.guide_reference) } p { (t.reference_help) } } }
                form.card.inline data-try-key autocomplete="off" {
                    div.row { label for="try-id" { "Access ID" } input #try-id name="id" autocomplete="off" spellcheck="false" maxlength="16"; }
                    div.row.grow { label for="try-key" { "Access Key" } input #try-key name="key" type="password" autocomplete="off" maxlength="128"; }
                    p.small.muted { (t.reference_key_help) }
                    noscript { p.small.muted { (t.reference_needs_script) } }
                }
                @for tag in document["tags"].as_array().into_iter().flatten().filter_map(|tag| tag["name"].as_str()) {
                    section.card {
                        header { h2 { (tag) } }
                        @for (path, methods) in paths.into_iter().flatten() {
                            @for (method, operation) in methods.as_object().into_iter().flatten() {
                                @if operation["tags"][0] == tag && !is_second(methods, method) { (call(&view, path, method, operation)) }
                            }
                        }
                    }
                }
            }
        }
    };
    frame::page_with(&view, t.guide_reference, Extra::Reference, content)
}

/// Whether the same is shown under GET already.
fn is_second(methods: &Value, method: &str) -> bool {
    method == "post" && methods.get("get").is_some()
}

fn call(view: &View, path: &str, method: &str, operation: &Value) -> Markup {
    let (t, id) = (view.t, operation["operationId"].as_str().unwrap_or_default());
    let parameters = parameters(operation);
    let example = &operation["responses"]["200"]["content"]["application/json"]["example"];
    html! {
        details.fold.call id=(id) {
            summary { span.badge { (method.to_uppercase()) } " " code { (path) } " " span.muted { (operation["summary"].as_str().unwrap_or_default()) } }
            @if let Some(description) = operation["description"].as_str() { p.small { (description) } }
            form.stack data-try=(path) data-method=(method) {
                @for parameter in &parameters {
                    @let field = format!("{id}-{}", parameter.name);
                    div.row {
                        label for=(field) { code { (parameter.name) } @if !parameter.is_needed { " " span.muted { (t.optional) } } }
                        input id=(field) name=(parameter.name) value=(parameter.example) data-needed[parameter.is_needed]
                            data-in=(parameter.place) data-list[parameter.is_list] spellcheck="false" autocomplete="off";
                        p.help { (parameter.about) }
                    }
                }
                div.actions { button type="submit" { (t.reference_try) } }
                div.code hidden data-answer { p.small.muted data-answer-head {} pre tabindex="0" { code {} } }
            }
            @if !example.is_null() {
                details.fold { summary { (t.reference_example) } div.code { pre tabindex="0" { code { (pretty(example)) } } } }
            }
        }
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// What a call is sent.
struct Parameter {
    name: String,
    place: &'static str,
    about: String,
    example: String,
    is_needed: bool,
    is_list: bool,
}

/// Those of the path and the query, or of the body.
fn parameters(operation: &Value) -> Vec<Parameter> {
    let text = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    };
    let mut found = Vec::new();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let is_needed = parameter["required"] == true;
        found.push(Parameter {
            name: text(&parameter["name"]),
            place: if parameter["in"] == "path" { "path" } else { "query" },
            about: text(&parameter["description"]),
            // What may be left out narrows the answer: it is for whoever wants that.
            example: if is_needed { text(&parameter["example"]) } else { String::new() },
            is_needed,
            is_list: parameter["schema"]["type"] == "array",
        });
    }
    let body = &operation["requestBody"]["content"]["application/json"];
    for (name, schema) in body["schema"]["properties"].as_object().into_iter().flatten() {
        let needed = body["schema"]["required"].as_array();
        let is_needed = needed.is_some_and(|needed| needed.iter().any(|other| other == name));
        found.push(Parameter {
            name: name.clone(),
            place: "body",
            about: text(&schema["description"]),
            example: if is_needed { text(&body["example"][name]) } else { String::new() },
            is_needed,
            is_list: schema["type"] == "array",
        });
    }
    found
}
