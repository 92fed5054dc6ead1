//! The OpenAPI document says what there is, and its examples are what is really answered.

use std::collections::BTreeMap;

use model::{Channel, ChannelIndex, DeviceKind, GeoPoint, Group, GroupId, Reading};
use serde_json::{Map, Value, json};
use store::Registry;

use crate::app::{App, Caller, EUI, HOUR_MS, MINUTE_MS, ms_ago};

const GATEWAY: &str = "2CF7F1C044000012";
/// Was bound once, so that its code is known.
const UNBOUND: &str = "2CF7F12004100099";
const GROUP: u64 = 0x223E_75BC_14B4_111D;
/// Writes the examples anew instead of comparing them.
const WRITE: &str = "SENSTATION_WRITE_EXAMPLES";

/// The organization of the examples: a gateway, a node with a few readings, a group.
async fn farm(app: &App) -> Caller<'_> {
    let member = app.member().await;
    let group = GroupId::from_raw(GROUP);
    app.store.create_group(Group { org: member.org, id: group, name: "Field".to_owned() }).await.unwrap();
    let place = Some(GeoPoint { latitude: 47.4, longitude: 8.5 });
    member
        .bind_with(GATEWAY, "", |binding| {
            (binding.kind, binding.name) = (DeviceKind::Gateway, "Barn roof".to_owned());
        })
        .await;
    member
        .bind_with(EUI, "S2101", |binding| {
            (binding.name, binding.group, binding.place) = ("North field".to_owned(), Some(group), place);
        })
        .await;
    member.bind_with(UNBOUND, "S2120", |binding| binding.code = "0123456789ABCDEF".to_owned()).await;
    app.store.unbind_device(member.org, UNBOUND.parse().unwrap()).await.unwrap();
    let channel = Channel {
        index: ChannelIndex(1),
        name: "Mast".to_owned(),
        sensor_type: None,
        sensor_id: String::new(),
        measurements: Vec::new(),
        created_at: ms_ago(24 * HOUR_MS),
    };
    app.store.describe_channel(member.org, EUI.parse().unwrap(), channel).await.unwrap();
    for (ms, celsius) in [(HOUR_MS, 24.8), (30 * MINUTE_MS, 25.1), (MINUTE_MS, 25.6)] {
        let status = [Reading::new(0, 3000, 97.0), Reading::new(0, 3900, 30.0)];
        let readings = [Reading::new(1, 4097, celsius), Reading::new(1, 4098, 61.0)];
        member.uplink(EUI, ms_ago(ms), status.into_iter().chain(readings).collect::<Vec<_>>()).await;
    }
    member
}

fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths.iter().flat_map(|(path, methods)| {
        methods.as_object().unwrap().iter().map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}

/// Sends the example of an operation.
async fn send(caller: &Caller<'_>, path: &str, method: &str, operation: &Value) -> (u16, Value) {
    let (mut path, mut query) = (path.to_owned(), form_urlencoded::Serializer::new(String::new()));
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let (name, example) = (parameter["name"].as_str().unwrap(), &parameter["example"]);
        let texts: Vec<String> = match example {
            Value::Null => continue,
            Value::Array(items) => items.iter().map(|item| item.as_str().unwrap().to_owned()).collect(),
            Value::String(text) => vec![text.clone()],
            other => vec![other.to_string()],
        };
        if parameter["in"] == "path" {
            path = path.replace(&format!("{{{name}}}"), &texts[0]);
        } else {
            query.extend_pairs(texts.iter().map(|text| (name, text)));
        }
    }
    let query = query.finish();
    let path = if query.is_empty() { path } else { format!("{path}?{query}") };
    let example = &operation["requestBody"]["content"]["application/json"]["example"];
    let body = if example.is_null() { String::new() } else { example.to_string() };
    let answer = caller.send(&method.to_uppercase(), &path, Some("application/json"), &body).await;
    let mut value: Value =
        serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{method} {path}: {error}"));
    if let Some(seconds) = value.get_mut("time") {
        *seconds = json!(0.001);
    }
    (answer.status.as_u16(), value)
}

/// What is different each time.
fn is_made_up(path: &str) -> bool {
    ["create_group", "/1.0/group", "create_development_kit", "view_node_key"].iter().any(|end| path.ends_with(end))
}

#[test]
fn every_path_is_documented_and_nothing_else() {
    let document = api::document();
    let documented: Vec<&str> = document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    let mut answered: Vec<&str> = api::paths().filter(|path| !path.starts_with("/openapi/1.0/")).collect();
    answered.push("/refer/def/sensor.json");
    answered.sort_unstable();
    answered.dedup();
    assert_eq!(documented, answered);
}

#[tokio::test]
async fn every_operation_answers_in_its_shape_and_its_example_is_what_it_answers() {
    let document = api::document();
    let mut examples = BTreeMap::new();
    for (path, method, operation) in operations(&document) {
        let app = App::new();
        let member = farm(&app).await;
        let (status, answer) = send(&member, path, method, operation).await;
        let what = format!("{} {path}", method.to_uppercase());
        assert_eq!(status, 200, "{what}: {answer}");
        let media = &operation["responses"]["200"]["content"]["application/json"];
        let mut schema = media["schema"].clone();
        schema["components"] = document["components"].clone();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let faults: Vec<_> = validator.iter_errors(&answer).map(|fault| fault.to_string()).collect();
        assert_eq!(faults, [""; 0], "{what}: {answer}");
        // By POST a call that reads answers as by GET, and a long answer is no example.
        let is_second = method == "post" && document["paths"][path].get("get").is_some();
        if answer.to_string().len() < 2_000 && !is_second && !is_made_up(path) {
            assert!(std::env::var_os(WRITE).is_some() || media["example"] == answer, "{what}: answered {answer}");
            examples.insert(what, answer);
        }
    }
    if std::env::var_os(WRITE).is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/document/examples.json");
        std::fs::write(path, format!("{}\n", serde_json::to_string_pretty(&examples).unwrap())).unwrap();
    }
    let kept: Map<String, Value> = serde_json::from_str(include_str!("../../src/document/examples.json")).unwrap();
    let keys: Vec<_> = kept.keys().collect();
    assert!(std::env::var_os(WRITE).is_some() || keys == examples.keys().collect::<Vec<_>>(), "examples of nothing");
}

#[tokio::test]
async fn the_document_is_served_to_everybody() {
    let app = App::new();
    let answer = app.stranger().get("/openapi/openapi.json").await;
    assert_eq!((answer.status.as_u16(), &answer.headers["access-control-allow-origin"]), (200, &"*".parse().unwrap()));
    let served: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(served, api::document());
    insta::assert_json_snapshot!("openapi", served);
}
