//! Which call raises which code, and that none raises another.

use std::collections::{BTreeMap, BTreeSet};

use model::{Group, GroupId};
use store::Registry;

use crate::{
    app::{App, Caller, EUI},
    refusals::{gateway_of, prepare_gateway},
};

const OTHER: &str = "2CF7F12004100006";

/// What every call may answer to somebody who may make it.
const COMMON: [&str; 3] = ["0", "10000", "11202"];

/// The codes that the contract lists for a call beyond [`COMMON`], by the path without the base of the
/// API of 2019.
pub(crate) fn listed(path: &str) -> &'static [&'static str] {
    let path = path.trim_start_matches("/openapi").trim_start_matches("/1.0");
    match path {
        "/create_group" => &["11327"],
        "/group" => &["11327"],
        "/update_group" | "/group/{unique_name}" => &["11317", "11327"],
        "/delete_group" | "/list_devices" => &["11317"],
        "/move_devices_to_group" | "/group/{unique_name}/devices" => &["11203", "11303", "11317"],
        "/gateway/{eui}" | "/node/{eui}" => &["11203", "11303", "11317"],
        "/bind_device" | "/device/bind" => &["11203", "11317", "11330", "11334"],
        "/device/check_eui" => &["11203"],
        "/device/create_development_kit" => &["11206"],
        "/ai/view_suggestion_by_measurements" => &["11201"],
        "/view_devices"
        | "/list_device_channels"
        | "/view_device_running_status"
        | "/delete_devices"
        | "/update_device_report_cycle"
        | "/view_latest_telemetry_data"
        | "/list_telemetry_data"
        | "/aggregate_chart_points"
        | "/device/view_node_key"
        | "/device/node/{eui}"
        | "/channel/list/{eui}"
        | "/view_simcard"
        | "/devices/data/{eui}/latest"
        | "/devices/data/{eui}/raw"
        | "/devices/data/{eui}/segment" => &["11203", "11303"],
        _ => &[],
    }
}

/// Whether a call may answer a code to somebody who may make it.
pub(crate) fn may_answer(path: &str, code: &str) -> bool {
    COMMON.contains(&code) || listed(path).contains(&code)
}

/// Every path with what stands in it, and what is asked of it to get each of its codes.
fn provocations(path: &str) -> Vec<(&'static str, String)> {
    let devices = |eui: &str| format!(r#"{{"device_euis":["{eui}"],"report_cycle":5}}"#);
    let device = |eui: &str| format!(r#"{{"device_eui":"{eui}","node_eui":"{eui}"}}"#);
    let label =
        |eui: &str, code: &str, group: &str| format!(r#"{{"eui":"{eui}","code":"{code}","group_uuid":"{group}"}}"#);
    let grouped = |eui: &str, group: &str| {
        format!(
            r#"{{"eui":"{eui}","devices":["{eui}"],"group_uuid":"{group}","name":"Barn","group_unique_name":"{group}"}}"#
        )
    };
    let all = vec![
        ("11203", devices("xyz")),
        ("11203", device("xyz")),
        ("11203", label("xyz", "x", "")),
        ("11203", grouped("xyz", "7")),
        ("11303", devices(OTHER)),
        ("11303", device(OTHER)),
        ("11303", grouped(OTHER, "7")),
        ("11317", grouped(EUI, "EE")),
        ("11317", label(OTHER, "x", "EE")),
        ("11327", grouped(EUI, "8")),
        ("11330", label(OTHER, "x", "")),
        ("11334", label(EUI, "x", "")),
        ("11201", "{}".to_owned()),
    ];
    let listed = listed(path);
    all.into_iter().filter(|(code, _)| listed.contains(code)).collect()
}

async fn scene(app: &App) -> Caller<'_> {
    let member = app.member().await;
    member.bind(EUI, "S2101").await;
    for (id, name) in [(7, "Barn"), (8, "Stable")] {
        let group = Group { org: member.org, id: GroupId::from_raw(id), name: name.to_owned() };
        app.store.create_group(group).await.unwrap();
    }
    member
}

#[tokio::test]
async fn each_call_raises_each_of_its_codes() {
    let app = App::new();
    let member = scene(&app).await;
    prepare_gateway(&member, EUI).await;
    let gateway = gateway_of(EUI);
    for path in api::paths() {
        let mut raised: BTreeMap<String, String> = BTreeMap::new();
        for (_, body) in provocations(path) {
            for (eui, group) in [(EUI, "8"), (gateway.as_str(), "8"), ("xyz", "8"), (OTHER, "8"), (EUI, "EE")] {
                let url = path.replace("{eui}", eui).replace("{unique_name}", group);
                let method =
                    if path.contains("/1.0/gateway/") || path.contains("/1.0/node/") || path.ends_with("{unique_name}")
                    {
                        "PATCH"
                    } else {
                        "POST"
                    };
                let code = member.send(method, &url, Some("application/json"), &body).await.code();
                assert!(may_answer(path, &code), "{path} answers {code} to {body}");
                raised.entry(code).or_insert_with(|| body.clone());
            }
        }
        let raised: BTreeSet<&str> = raised.keys().map(String::as_str).collect();
        // A hundred kits are another test.
        for code in listed(path).iter().filter(|code| **code != "11206") {
            assert!(raised.contains(code), "{path} never answers {code}: {raised:?}");
        }
    }
}

#[test]
fn every_code_of_the_table_is_listed_for_some_call() {
    let of_calls: BTreeSet<&str> = api::paths().flat_map(listed).copied().collect();
    let of_keys_and_apps = ["11104", "11105", "429"];
    for known in api::CODES {
        let is_listed = COMMON.contains(&known.code) || of_calls.contains(known.code);
        assert!(is_listed || of_keys_and_apps.contains(&known.code), "nothing raises {}", known.code);
    }
}
