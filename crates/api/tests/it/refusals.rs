//! Every route refuses whoever may not ask; a route without a case here fails.

use model::{Group, GroupId, KeyLimits, Reading, Scopes};
use store::Registry;

use crate::app::{Answer, App, Caller, EUI, ms_ago};

/// What a route is asked, and what it reaches.
pub(crate) struct Case {
    pub(crate) path: &'static str,
    method: &'static str,
    /// Whether it asks about one device, whose EUI then stands in for `EUI`.
    query: &'static str,
    /// The same, and the group whose uuid stands in for `GROUP`.
    body: &'static str,
    /// Whether it changes something.
    pub(crate) changes: bool,
}

const fn get(path: &'static str, query: &'static str) -> Case {
    Case { path, method: "GET", query, body: "", changes: false }
}

const fn post(path: &'static str, body: &'static str) -> Case {
    Case { path, method: "POST", query: "", body, changes: false }
}

const fn change(path: &'static str, body: &'static str) -> Case {
    Case { path, method: "POST", query: "", body, changes: true }
}

const DEVICE: &str = "?device_eui=EUI";
const DEVICES: &str = r#"{"device_euis":["EUI"]}"#;

/// In an order in which each finds what it needs, from [`prepare`] on.
pub(crate) const CASES: [Case; 29] = [
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
    change("/openapi/create_group", r#"{"name":"North"}"#),
    change("/openapi/update_group", r#"{"group_uuid":"GROUP","name":"South"}"#),
    change("/openapi/move_devices_to_group", r#"{"group_uuid":"GROUP","devices":["EUI"]}"#),
    get("/openapi/device/list_euis", ""),
    get("/openapi/channel/list/{eui}", ""),
    get("/openapi/sensor/measurements", ""),
    get("/1.0/lists/sensor/measure", ""),
    get("/1.0/devices/data/{eui}/latest", ""),
    get("/1.0/devices/data/{eui}/raw", ""),
    get("/1.0/devices/data/{eui}/segment", ""),
    get("/openapi/1.0/lists/sensor/measure", ""),
    get("/openapi/1.0/devices/data/{eui}/latest", ""),
    get("/openapi/1.0/devices/data/{eui}/raw", ""),
    get("/openapi/1.0/devices/data/{eui}/segment", ""),
    change("/openapi/delete_devices", DEVICES),
    change("/openapi/bind_device", r#"{"eui":"EUI","code":"3A91F27B"}"#),
    change("/openapi/delete_devices", DEVICES),
    change("/openapi/device/bind", r#"{"eui":"EUI","code":"3A91F27B"}"#),
    change("/openapi/delete_group", r#"{"group_uuid":"GROUP"}"#),
];

/// Every organization's group in these tests.
pub(crate) const GROUP: u64 = 7;
/// What somebody else's things are called.
const THEIRS: u64 = 0xFF;

/// A device and a group of somebody's.
pub(crate) async fn prepare(app: &App, member: &Caller<'_>, eui: &str, group: u64, name: &str) {
    member.bind_with(eui, "S2101", |binding| binding.code = "3A91F27B".to_owned()).await;
    let group = Group { org: member.org, id: GroupId::from_raw(group), name: name.to_owned() };
    app.store.create_group(group).await.unwrap();
}

impl Case {
    pub(crate) async fn ask(&self, caller: &Caller<'_>, eui: &str) -> Answer {
        self.ask_about(caller, eui, GROUP).await
    }

    pub(crate) async fn ask_about(&self, caller: &Caller<'_>, eui: &str, group: u64) -> Answer {
        let path = format!("{}{}", self.path.replace("{eui}", eui), self.query.replace("EUI", eui));
        let body = self.body.replace("EUI", eui).replace("GROUP", &GroupId::from_raw(group).to_string());
        caller.send(self.method, &path, Some("application/json"), &body).await
    }

    pub(crate) fn names_a_device(&self) -> bool {
        self.path.contains("{eui}") || self.query.contains("EUI") || self.body.contains("EUI")
    }

    pub(crate) fn names_a_group(&self) -> bool {
        self.body.contains("GROUP")
    }

    /// How a device is refused that the caller does not have.
    fn foreign_device(&self) -> &'static str {
        if self.path.contains("bind") { "11330" } else { "11303" }
    }
}

#[test]
fn every_route_has_a_case() {
    for path in api::paths() {
        assert!(CASES.iter().any(|case| case.path == path), "`{path}` has no case: add one to `CASES`");
    }
}

#[tokio::test]
async fn a_good_key_reaches_every_route() {
    let app = App::new();
    let member = app.member().await;
    prepare(&app, &member, EUI, GROUP, "Barn").await;
    for case in CASES {
        assert_eq!(case.ask(&member, EUI).await.code(), "0", "{}", case.path);
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
    for case in CASES.iter().filter(|case| !case.changes) {
        let plain = case.ask(&member, EUI).await;
        let parameters = match case.body {
            "" => case.query.trim_start_matches('?').replace("EUI", EUI),
            _ => format!("device_euis={EUI}"),
        };
        for method in ["GET", "POST"] {
            let path = case.path.replace("{eui}", EUI);
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
    for case in CASES.iter().filter(|case| case.changes) {
        let answer = member.send("GET", case.path, Some("application/json"), &case.body.replace("EUI", EUI)).await;
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
            check(&case, &answer, 401, "11104");
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
        check(&case, &case.ask(&member, EUI).await, 401, "11105");
        assert_eq!(case.ask(&other_key, EUI).await.code(), "0", "{}", case.path);
    }
    let guessed = app.stranger().with_credentials(None, &format!("{}:guess", member.id.unwrap()));
    for case in CASES {
        check(&case, &case.ask(&guessed, EUI).await, 401, "11104");
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
        check(&case, &case.ask(&expired, EUI).await, 401, "11105");
        assert_eq!(case.ask(&good, EUI).await.code(), "0", "{}", case.path);
    }
    let guessed = app.stranger().with_credentials(None, &format!("{}:guess", expired.id.unwrap()));
    for case in CASES {
        check(&case, &case.ask(&guessed, EUI).await, 401, "11104");
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
        let (able, unable) = if case.changes { (&writer, &reader) } else { (&reader, &writer) };
        check(&case, &case.ask(unable, EUI).await, 200, "11201");
        assert_eq!(case.ask(able, EUI).await.code(), "0", "{}", case.path);
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
    let theirs = [THEIR_EUI.to_owned(), "47.11".to_owned(), "Their group".to_owned(), other.org.to_string()];
    let before = [other.get("/openapi/list_devices").await.body, other.get("/openapi/list_groups").await.body];
    for case in CASES {
        if case.names_a_device() {
            let foreign = case.ask(&member, THEIR_EUI).await;
            check(&case, &foreign, 200, case.foreign_device());
            let unknown = case.ask(&member, UNKNOWN_EUI).await;
            assert_eq!(foreign.body.replace(THEIR_EUI, ""), unknown.body.replace(UNKNOWN_EUI, ""));
        }
        if case.names_a_group() {
            let foreign = case.ask_about(&member, EUI, THEIRS).await;
            check(&case, &foreign, 200, "11317");
            let unknown = case.ask_about(&member, EUI, UNKNOWN).await;
            let name = |group| GroupId::from_raw(group).to_string();
            assert_eq!(foreign.body.replace(&name(THEIRS), ""), unknown.body.replace(&name(UNKNOWN), ""));
        }
        let own = case.ask(&member, EUI).await;
        assert_eq!(own.code(), "0", "{}", case.path);
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
    }
    assert!(other.get(&format!("/openapi/view_latest_telemetry_data?device_eui={EUI}")).await.body.contains("47.11"));
}
