//! Every route refuses whoever may not ask; a route without a case here fails.

use model::{DeviceKind, Group, GroupId, KeyLimits, Reading, Scopes};
use store::{Binding, Registry};

use crate::app::{Answer, App, Caller, EUI, ms_ago};

/// What a route is asked, and what it reaches.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    pub(crate) path: &'static str,
    pub(crate) method: &'static str,
    /// Whether it asks about one device, whose EUI then stands in for `EUI`.
    query: &'static str,
    /// The same, the gateway that belongs to it for `GATEWAY`, and the group's uuid for `GROUP`.
    body: &'static str,
    pub(crate) needs: Needs,
    /// What the right key is answered.
    pub(crate) code: &'static str,
}

/// What a key must be for a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Needs {
    Read,
    Write,
    /// To write, and to reach whatever the organization has.
    Everything,
}

use Needs::{Everything, Read, Write};

const fn case(method: &'static str, path: &'static str, needs: Needs) -> Case {
    Case { path, method, query: "", body: "", needs, code: "0" }
}

const fn get(path: &'static str, query: &'static str) -> Case {
    Case { query, ..case("GET", path, Read) }
}

const fn post(path: &'static str, body: &'static str) -> Case {
    Case { body, ..case("POST", path, Read) }
}

const fn change(path: &'static str, needs: Needs, body: &'static str) -> Case {
    Case { body, ..case("POST", path, needs) }
}

const DEVICE: &str = "?device_eui=EUI";
const DEVICES: &str = r#"{"device_euis":["EUI"]}"#;
const LABEL: &str = r#"{"eui":"EUI","code":"3A91F27B"}"#;
const GATEWAY_LABEL: &str = r#"{"eui":"GATEWAY","code":"3A91F27B"}"#;

/// In an order in which each finds what it needs, from [`prepare`] on.
pub(crate) const CASES: &[Case] = &[
    get("/openapi/view_organization", ""),
    get("/openapi/list_groups", ""),
    get("/openapi/list_devices", ""),
    post("/openapi/view_devices", DEVICES),
    post("/openapi/list_device_channels", DEVICES),
    post("/openapi/view_device_running_status", DEVICES),
    get("/openapi/list_measurement_reference", ""),
    get("/openapi/view_latest_telemetry_data", DEVICE),
    get("/openapi/list_telemetry_data", DEVICE),
    get("/openapi/aggregate_chart_points", DEVICE),
    Case { code: "11201", ..post("/openapi/ai/view_suggestion_by_measurements", "{}") },
    change("/openapi/create_group", Everything, r#"{"name":"North"}"#),
    change("/openapi/update_group", Everything, r#"{"group_uuid":"GROUP","name":"South"}"#),
    change("/openapi/move_devices_to_group", Write, r#"{"group_uuid":"GROUP","devices":["EUI"]}"#),
    change("/openapi/update_device_report_cycle", Write, r#"{"device_euis":["EUI"],"report_cycle":15}"#),
    change("/openapi/device/create_development_kit", Everything, r#"{"dev_name":"Kit","sku":"blank_device"}"#),
    Case { query: "?node_eui=EUI", ..case("GET", "/openapi/device/view_node_key", Write) },
    get("/openapi/device/list_euis", ""),
    get("/openapi/device/node/{eui}", ""),
    get("/openapi/channel/list/{eui}", ""),
    get("/openapi/sensor/measurements", ""),
    get("/openapi/view_simcard", DEVICE),
    get("/1.0/lists/devices/eui", ""),
    get("/1.0/lists/gateway", ""),
    get("/1.0/lists/node", ""),
    get("/1.0/lists/sensor/measure", ""),
    get("/1.0/lists/group", ""),
    get("/1.0/lists/group/devices", ""),
    get("/1.0/gateway/{eui}", ""),
    Case { body: r#"{"dev_country":"deu"}"#, ..case("PATCH", "/1.0/gateway/{eui}", Write) },
    get("/1.0/node/{eui}", ""),
    Case { body: r#"{"description":"by the door"}"#, ..case("PATCH", "/1.0/node/{eui}", Write) },
    change("/1.0/device/check_eui", Everything, LABEL),
    change("/1.0/group", Everything, r#"{"name":"East"}"#),
    Case { body: r#"{"eui":"EUI"}"#, ..case("POST", "/1.0/group/{unique_name}/devices", Write) },
    Case { body: r#"{"eui":"EUI"}"#, ..case("PUT", "/1.0/group/{unique_name}/devices", Write) },
    Case { body: r#"{"eui":"EUI"}"#, ..case("PATCH", "/1.0/group/{unique_name}/devices", Write) },
    Case { body: r#"{"eui":"EUI"}"#, ..case("DELETE", "/1.0/group/{unique_name}/devices", Write) },
    Case { body: r#"{"name":"West"}"#, ..case("PATCH", "/1.0/group/{unique_name}", Everything) },
    case("DELETE", "/1.0/group/{unique_name}", Everything),
    get("/1.0/devices/data/{eui}/latest", ""),
    get("/1.0/devices/data/{eui}/raw", ""),
    get("/1.0/devices/data/{eui}/segment", ""),
    case("DELETE", "/1.0/node/{eui}", Write),
    change("/1.0/device/bind", Everything, LABEL),
    case("DELETE", "/1.0/gateway/{eui}", Write),
    change("/1.0/device/bind", Everything, GATEWAY_LABEL),
    get("/openapi/1.0/lists/devices/eui", ""),
    get("/openapi/1.0/lists/gateway", ""),
    get("/openapi/1.0/lists/node", ""),
    get("/openapi/1.0/lists/sensor/measure", ""),
    get("/openapi/1.0/lists/group", ""),
    get("/openapi/1.0/lists/group/devices", ""),
    get("/openapi/1.0/gateway/{eui}", ""),
    Case { body: r#"{"dev_country":"deu"}"#, ..case("PATCH", "/openapi/1.0/gateway/{eui}", Write) },
    get("/openapi/1.0/node/{eui}", ""),
    Case { body: r#"{"description":"by the door"}"#, ..case("PATCH", "/openapi/1.0/node/{eui}", Write) },
    change("/openapi/1.0/device/check_eui", Everything, LABEL),
    change("/openapi/1.0/group", Everything, r#"{"name":"Centre"}"#),
    Case { body: r#"{"eui":"EUI"}"#, ..case("POST", "/openapi/1.0/group/{unique_name}/devices", Write) },
    Case { body: r#"{"eui":"EUI"}"#, ..case("PUT", "/openapi/1.0/group/{unique_name}/devices", Write) },
    Case { body: r#"{"eui":"EUI"}"#, ..case("PATCH", "/openapi/1.0/group/{unique_name}/devices", Write) },
    Case { body: r#"{"eui":"EUI"}"#, ..case("DELETE", "/openapi/1.0/group/{unique_name}/devices", Write) },
    Case { body: r#"{"name":"Middle"}"#, ..case("PATCH", "/openapi/1.0/group/{unique_name}", Everything) },
    case("DELETE", "/openapi/1.0/group/{unique_name}", Everything),
    get("/openapi/1.0/devices/data/{eui}/latest", ""),
    get("/openapi/1.0/devices/data/{eui}/raw", ""),
    get("/openapi/1.0/devices/data/{eui}/segment", ""),
    case("DELETE", "/openapi/1.0/node/{eui}", Write),
    change("/openapi/1.0/device/bind", Everything, LABEL),
    case("DELETE", "/openapi/1.0/gateway/{eui}", Write),
    change("/openapi/1.0/device/bind", Everything, GATEWAY_LABEL),
    change("/openapi/delete_devices", Write, DEVICES),
    change("/openapi/bind_device", Everything, LABEL),
    change("/openapi/delete_devices", Write, DEVICES),
    change("/openapi/device/bind", Everything, LABEL),
    change("/openapi/delete_group", Everything, r#"{"group_uuid":"GROUP"}"#),
];

/// Every organization's group in these tests; for each base of the API of 2019 there is one more,
/// as groups do not come back.
pub(crate) const GROUP: u64 = 7;
/// What somebody else's things are called.
const THEIRS: u64 = 0xFF;

/// The gateway that belongs to a node of these tests.
pub(crate) fn gateway_of(eui: &str) -> String {
    format!("A{}", &eui[1..])
}

/// A text without the EUIs of a node and of its gateway.
pub(crate) fn without(text: &str, eui: &str) -> String {
    text.replace(&eui[1..], "")
}

/// A node, a gateway and groups of somebody's.
pub(crate) async fn prepare(app: &App, member: &Caller<'_>, eui: &str, group: u64, name: &str) {
    let code = |binding: &mut Binding| binding.code = "3A91F27B".to_owned();
    member.bind_with(eui, "S2101", code).await;
    prepare_gateway(member, eui).await;
    for base in 0..=2 {
        let name = if base == 0 { name.to_owned() } else { format!("{name} {base}") };
        let group = Group { org: member.org, id: GroupId::from_raw(group + 0x100 * base), name };
        app.store.create_group(group).await.unwrap();
    }
}

pub(crate) async fn prepare_gateway(member: &Caller<'_>, eui: &str) {
    let gateway = |binding: &mut Binding| {
        (binding.code, binding.kind) = ("3A91F27B".to_owned(), DeviceKind::Gateway);
    };
    member.bind_with(&gateway_of(eui), "SenseCAP M2", gateway).await;
}

impl Case {
    pub(crate) async fn ask(&self, caller: &Caller<'_>, eui: &str) -> Answer {
        self.ask_about(caller, eui, GROUP).await
    }

    pub(crate) async fn ask_about(&self, caller: &Caller<'_>, eui: &str, group: u64) -> Answer {
        let path = format!("{}{}", self.url(eui, group), self.query.replace("EUI", eui));
        let body = self.body.replace("EUI", eui).replace("GATEWAY", &gateway_of(eui));
        let body = body.replace("GROUP", &self.group(group));
        caller.send(self.method, &path, Some("application/json"), &body).await
    }

    /// The path with what stands in it.
    pub(crate) fn url(&self, eui: &str, group: u64) -> String {
        let device = if self.path.contains("/gateway/{eui}") { gateway_of(eui) } else { eui.to_owned() };
        self.path.replace("{eui}", &device).replace("{unique_name}", &self.group(group))
    }

    /// The uuid of the group that it is about.
    pub(crate) fn group(&self, group: u64) -> String {
        let base = match self.path {
            "/1.0/group/{unique_name}" => 0x100,
            "/openapi/1.0/group/{unique_name}" => 0x200,
            _ => 0,
        };
        GroupId::from_raw(group + base).to_string()
    }

    pub(crate) fn names_a_device(&self) -> bool {
        [self.path, self.query, self.body]
            .iter()
            .any(|text| ["{eui}", "EUI", "GATEWAY"].iter().any(|name| text.contains(name)))
    }

    pub(crate) fn names_a_group(&self) -> bool {
        self.body.contains("GROUP") || self.path.contains("{unique_name}")
    }

    /// Whether GET and POST say the same.
    pub(crate) fn is_asked_either_way(&self) -> bool {
        let is_resource = ["/1.0/gateway/{eui}", "/1.0/node/{eui}"].iter().any(|end| self.path.ends_with(end));
        !is_resource && (self.needs == Read || self.method == "GET")
    }

    /// How a device is refused that the caller does not have.
    pub(crate) fn foreign_device(&self) -> &'static str {
        match self.path {
            path if path.ends_with("/check_eui") => "0",
            path if path.contains("bind") => "11330",
            _ => "11303",
        }
    }
}

#[tokio::test]
async fn every_method_of_every_route_has_a_case() {
    let app = App::new();
    for path in api::paths() {
        let url = path.replace("{eui}", EUI).replace("{unique_name}", "1");
        let answer = app.stranger().send("TRACE", &url, None, "").await;
        let methods: Vec<_> = answer.header("allow").split(',').map(str::trim).map(str::to_owned).collect();
        assert!(methods.len() > 1, "`{path}` takes {methods:?}");
        for method in methods.iter().filter(|method| !["HEAD", "OPTIONS"].contains(&method.as_str())) {
            let is_tried = CASES.iter().filter(|case| case.path == path).any(|case| {
                case.method == method || case.is_asked_either_way() && ["GET", "POST"].contains(&method.as_str())
            });
            assert!(is_tried, "`{method} {path}` has no case: add one to `CASES`");
        }
    }
}

#[tokio::test]
async fn a_good_key_reaches_every_route() {
    let app = App::new();
    let member = app.member().await;
    prepare(&app, &member, EUI, GROUP, "Barn").await;
    for case in CASES {
        assert_eq!(case.ask(&member, EUI).await.code(), case.code, "{} {}", case.method, case.path);
    }
}

/// An answer without how long it took.
fn timeless(answer: &Answer) -> serde_json::Value {
    let mut json = answer.json();
    json.as_object_mut().unwrap().remove("time");
    json
}

#[tokio::test]
async fn every_route_is_asked_by_get_or_post_alike() {
    let app = App::new();
    let member = app.member().await;
    prepare(&app, &member, EUI, GROUP, "Barn").await;
    for case in CASES.iter().filter(|case| case.is_asked_either_way()) {
        let plain = case.ask(&member, EUI).await;
        let parameters = match case.body {
            "" => case.query.trim_start_matches('?').replace("EUI", EUI),
            _ => format!("device_euis={EUI}"),
        };
        for method in ["GET", "POST"] {
            let path = case.url(EUI, GROUP);
            let in_query = member.send(method, &format!("{path}?{parameters}"), None, "").await;
            let in_form = member.send(method, &path, None, &parameters).await;
            let [in_query, in_form, plain] = [&in_query, &in_form, &plain].map(timeless);
            assert_eq!([&in_query, &in_form], [&plain; 2], "{method} {}", case.path);
        }
    }
}

#[tokio::test]
async fn what_changes_something_is_not_done_by_a_link() {
    let app = App::new();
    let member = app.member().await;
    prepare(&app, &member, EUI, GROUP, "Barn").await;
    for case in CASES.iter().filter(|case| case.method == "POST" && !case.is_asked_either_way()) {
        let answer =
            member.send("GET", &case.url(EUI, GROUP), Some("application/json"), &case.body.replace("EUI", EUI)).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (405, "10000"), "{}", case.path);
        assert!(answer.header("allow").contains("POST"), "{}", case.path);
    }
    let devices = member.get("/openapi/list_devices").await.body;
    let groups = member.get("/openapi/list_groups").await.body;
    assert!(devices.contains(EUI) && groups.contains("Barn"), "{devices} {groups}");
}

#[track_caller]
pub(crate) fn check(case: &Case, answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{}", case.path);
    assert!(answer.json().get("data").is_none(), "{}", case.path);
    assert_eq!(answer.header("api-gateway-mpuo-consume"), "0", "{}", case.path);
    assert_eq!(answer.headers.contains_key("www-authenticate"), status == 401, "{}", case.path);
}

#[tokio::test]
async fn without_a_good_key_there_is_no_answer() {
    let app = App::new();
    let member = app.member().await;
    prepare(&app, &member, EUI, GROUP, "Barn").await;
    let id = member.id.unwrap();
    let strangers = [
        app.stranger(),
        app.stranger().with_authorization(None, "Bearer 0123".to_owned()),
        app.stranger().with_authorization(None, "Basic ####".to_owned()),
        app.stranger().with_credentials(None, ":"),
        app.stranger().with_credentials(None, &format!("{id}")),
        app.stranger().with_credentials(None, &format!("{id}:")),
        app.stranger().with_credentials(None, &format!("{id}:{:064X}", 0)),
        app.stranger().with_credentials(None, &format!("ZZZZZZZZZZZZZZZZ:{:064X}", 1)),
    ];
    for case in CASES {
        let mut bodies: Vec<String> = Vec::new();
        for stranger in &strangers {
            let answer = case.ask(stranger, EUI).await;
            check(case, &answer, 401, "11104");
            bodies.push(answer.body);
        }
        bodies.dedup();
        assert_eq!(bodies.len(), 1, "the answers tell strangers apart");
    }
}

#[tokio::test]
async fn a_revoked_key_is_told_so() {
    let app = App::new();
    let member = app.member().await;
    prepare(&app, &member, EUI, GROUP, "Barn").await;
    let other_key = member.clone().with_key(Scopes::READ_WRITE).await;
    member.revoke().await;
    for case in CASES {
        check(case, &case.ask(&member, EUI).await, 401, "11105");
        assert_eq!(case.ask(&other_key, EUI).await.code(), case.code, "{}", case.path);
    }
    let guessed = app.stranger().with_credentials(None, &format!("{}:guess", member.id.unwrap()));
    for case in CASES {
        check(case, &case.ask(&guessed, EUI).await, 401, "11104");
    }
}

#[tokio::test]
async fn a_key_that_has_expired_is_refused_as_a_revoked_one() {
    let app = App::new();
    let member = app.member().await;
    prepare(&app, &member, EUI, GROUP, "Barn").await;
    let until = async |ms_left: i64| {
        let limits = KeyLimits { expires_at: Some(ms_ago(-ms_left)), ..KeyLimits::default() };
        member.clone().with_narrow_key(Scopes::READ_WRITE, limits).await
    };
    let (expired, good) = (until(0).await, until(1).await);
    for case in CASES {
        check(case, &case.ask(&expired, EUI).await, 401, "11105");
        assert_eq!(case.ask(&good, EUI).await.code(), case.code, "{}", case.path);
    }
    let guessed = app.stranger().with_credentials(None, &format!("{}:guess", expired.id.unwrap()));
    for case in CASES {
        check(case, &case.ask(&guessed, EUI).await, 401, "11104");
    }
}

#[tokio::test]
async fn a_key_may_do_what_its_scopes_say_and_nothing_else() {
    let app = App::new();
    let member = app.member().await;
    prepare(&app, &member, EUI, GROUP, "Barn").await;
    let writer = member.clone().with_key(Scopes { read: false, write: true, manage: true }).await;
    let reader = member.with_key(crate::app::READ).await;
    for case in CASES {
        let (able, unable) = if case.needs == Read { (&reader, &writer) } else { (&writer, &reader) };
        check(case, &case.ask(unable, EUI).await, 200, "11201");
        assert_eq!(case.ask(able, EUI).await.code(), case.code, "{}", case.path);
    }
}

#[tokio::test]
async fn another_organization_is_as_if_it_did_not_exist() {
    const THEIR_EUI: &str = "2CF7F1200FFFFFFF";
    const UNKNOWN_EUI: &str = "2CF7F12000000000";
    const UNKNOWN: u64 = 0xEE;
    let app = App::new();
    let (member, other) = (app.member().await, app.member().await);
    prepare(&app, &member, EUI, GROUP, "Barn").await;
    prepare(&app, &other, THEIR_EUI, THEIRS, "Their group").await;
    other.uplink(THEIR_EUI, ms_ago(0), [Reading::new(1, 4097, 47.11)]).await;
    let theirs = [THEIR_EUI[1..].to_owned(), "47.11".to_owned(), "Their group".to_owned(), other.org.to_string()];
    let before = [other.get("/openapi/list_devices").await.body, other.get("/openapi/list_groups").await.body];
    for case in CASES {
        if case.names_a_device() {
            let foreign = case.ask(&member, THEIR_EUI).await;
            let unknown = case.ask(&member, UNKNOWN_EUI).await;
            if case.foreign_device() == "0" {
                assert_eq!(foreign.data(), serde_json::json!({ "check": "0" }));
            } else {
                check(case, &foreign, 200, case.foreign_device());
            }
            let [foreign_text, unknown_text] = [&foreign, &unknown].map(|answer| timeless(answer).to_string());
            assert_eq!(without(&foreign_text, THEIR_EUI), without(&unknown_text, UNKNOWN_EUI), "{}", case.path);
        }
        if case.names_a_group() {
            let foreign = case.ask_about(&member, EUI, THEIRS).await;
            check(case, &foreign, 200, "11317");
            let unknown = case.ask_about(&member, EUI, UNKNOWN).await;
            let [foreign, unknown] = [(foreign, THEIRS), (unknown, UNKNOWN)]
                .map(|(answer, group)| answer.body.replace(&case.group(group), ""));
            assert_eq!(foreign, unknown, "{}", case.path);
        }
        let own = case.ask(&member, EUI).await;
        assert_eq!(own.code(), case.code, "{}", case.path);
        for secret in &theirs {
            assert!(!own.body.contains(secret.as_str()), "{} shows `{secret}`", case.path);
        }
    }
    let after = [other.get("/openapi/list_devices").await.body, other.get("/openapi/list_groups").await.body];
    assert_eq!(after, before);
}

#[tokio::test]
async fn the_same_label_in_two_organizations_is_two_devices() {
    let app = App::new();
    let (member, other) = (app.member().await, app.member().await);
    prepare(&app, &member, EUI, GROUP, "Barn").await;
    other.bind(EUI, "S2101").await;
    other.uplink(EUI, ms_ago(0), [Reading::new(1, 4097, 47.11)]).await;
    for case in CASES.iter().filter(|case| case.names_a_device()) {
        let own = case.ask(&member, EUI).await;
        assert_eq!(own.code(), "0", "{}", case.path);
        assert!(!own.body.contains("47.11") && !own.body.contains("4097"), "{}", own.body);
        let theirs = other.org.to_string();
        assert!(!own.body.contains(&theirs), "{} shows {theirs}", case.path);
    }
    assert!(other.get(&format!("/openapi/view_latest_telemetry_data?device_eui={EUI}")).await.body.contains("47.11"));
}
