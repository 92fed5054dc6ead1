//! What narrows a key holds on every route.

use model::{GroupId, KeyLimits, Reading, Scopes};
use store::Registry;

use crate::{
    app::{App, Caller, EUI, ms_ago},
    refusals::{CASES, GROUP, Needs, check, gateway_of, prepare, prepare_gateway, without},
};

/// A device in the other group of the same organization.
const OTHER_EUI: &str = "2CF7F12004100006";
/// A device of the same organization in its default group.
const LOOSE_EUI: &str = "2CF7F12004100007";
const UNKNOWN_EUI: &str = "2CF7F12000000000";
const OTHER_GROUP: u64 = 8;
const UNKNOWN_GROUP: u64 = 0xEE;

const HERE: &str = "https://dashboard.example.org";
const ELSEWHERE: &str = "https://elsewhere.example.org";

/// Somebody with a device in each of two groups and one in neither.
async fn farm(app: &App) -> Caller<'_> {
    let member = app.member().await;
    prepare(app, &member, EUI, GROUP, "Barn").await;
    prepare(app, &member, OTHER_EUI, OTHER_GROUP, "Stable").await;
    member.bind_with(LOOSE_EUI, "S2101", |binding| binding.code = "3A91F27B".to_owned()).await;
    prepare_gateway(&member, LOOSE_EUI).await;
    for (eui, group) in [(EUI, GROUP), (OTHER_EUI, OTHER_GROUP)] {
        place(app, &member, eui, group).await;
        place(app, &member, &gateway_of(eui), group).await;
    }
    for eui in [OTHER_EUI, LOOSE_EUI] {
        member.uplink(eui, ms_ago(0), [Reading::new(3, 4199, 47.11)]).await;
    }
    member
}

async fn place(app: &App, member: &Caller<'_>, eui: &str, group: u64) {
    let group = Some(GroupId::from_raw(group));
    app.store.move_devices_to_group(member.org, &[eui.parse().unwrap()], group).await.unwrap();
}

async fn with_groups<'a>(member: &Caller<'a>, groups: &[u64]) -> Caller<'a> {
    let groups = groups.iter().copied().map(GroupId::from_raw).collect();
    member.clone().with_narrow_key(Scopes::READ_WRITE, KeyLimits { groups, ..KeyLimits::default() }).await
}

async fn with_origins<'a>(member: &Caller<'a>, origins: &[&str]) -> Caller<'a> {
    let origins = origins.iter().map(|&origin| origin.to_owned()).collect();
    member.clone().with_narrow_key(Scopes::READ_WRITE, KeyLimits { origins, ..KeyLimits::default() }).await
}

/// What an organization has, as a key that reaches all of it sees it.
async fn inventory(member: &Caller<'_>) -> Vec<String> {
    let mut seen = vec![member.get("/openapi/list_groups").await.body];
    for query in ["", "?group_uuid=", "?group_uuid=0000000000000007", "?group_uuid=0000000000000008"] {
        seen.push(member.get(&format!("/openapi/list_devices{query}")).await.body);
    }
    seen
}

#[tokio::test]
async fn a_device_of_another_group_is_as_if_it_did_not_exist() {
    let app = App::new();
    let member = farm(&app).await;
    let narrow = with_groups(&member, &[GROUP]).await;
    let before = inventory(&member).await;
    for case in CASES.iter().filter(|case| case.names_a_device()) {
        let unknown = case.ask(&narrow, UNKNOWN_EUI).await;
        check(case, &unknown, 200, if case.needs == Needs::Everything { "11201" } else { "11303" });
        for eui in [OTHER_EUI, LOOSE_EUI] {
            let foreign = case.ask(&narrow, eui).await;
            assert_eq!(foreign.status, unknown.status, "{} {eui}", case.path);
            assert_eq!(without(&foreign.body, eui), without(&unknown.body, UNKNOWN_EUI), "{} {eui}", case.path);
        }
    }
    assert_eq!(inventory(&member).await, before);
}

#[tokio::test]
async fn one_device_of_another_group_among_several_stops_the_call() {
    let app = App::new();
    let member = farm(&app).await;
    let narrow = with_groups(&member, &[GROUP]).await;
    let before = inventory(&member).await;
    let both = format!(r#"["{EUI}","{OTHER_EUI}"]"#);
    for path in ["view_devices", "list_device_channels", "view_device_running_status", "delete_devices"] {
        let answer = narrow.post_json(&format!("/openapi/{path}"), &format!(r#"{{"device_euis":{both}}}"#)).await;
        assert_eq!(answer.code(), "11303", "{path}");
    }
    let body = format!(r#"{{"group_uuid":"{}","devices":{both}}}"#, GroupId::from_raw(GROUP));
    assert_eq!(narrow.post_json("/openapi/move_devices_to_group", &body).await.code(), "11303");
    assert_eq!(inventory(&member).await, before);
}

#[tokio::test]
async fn a_key_of_a_group_does_there_what_any_key_does() {
    let app = App::new();
    let member = farm(&app).await;
    let narrow = with_groups(&member, &[GROUP]).await;
    let hidden = [&OTHER_EUI[1..], &LOOSE_EUI[1..], "47.11", "4199", "Stable", "Default"];
    let is_bound = async |eui: &str| app.store.find_device(member.org, eui.parse().unwrap()).await.unwrap().is_some();
    for case in CASES {
        if !is_bound(EUI).await {
            prepare_again(&app, &member).await;
        }
        if !is_bound(&gateway_of(EUI)).await {
            prepare_gateway(&member, EUI).await;
            place(&app, &member, &gateway_of(EUI), GROUP).await;
        }
        let answer = case.ask(&narrow, EUI).await;
        let expected = if case.needs == Needs::Everything { "11201" } else { case.code };
        assert_eq!(answer.code(), expected, "{}: {}", case.path, answer.body);
        // The catalogue names what the other devices measure too.
        for secret in hidden.iter().filter(|_| !case.path.contains("measure")) {
            assert!(!answer.body.contains(secret), "{} shows `{secret}`: {}", case.path, answer.body);
        }
    }
}

async fn prepare_again(app: &App, member: &Caller<'_>) {
    member.bind(EUI, "S2101").await;
    place(app, member, EUI, GROUP).await;
}

#[tokio::test]
async fn lists_leave_out_what_the_key_does_not_reach() {
    let app = App::new();
    let member = farm(&app).await;
    let euis = |answer: serde_json::Value| -> Vec<String> {
        let devices = answer.as_array().unwrap().iter();
        devices.map(|device| device["device_eui"].as_str().unwrap().to_owned()).collect()
    };
    for (groups, devices, names) in [
        (
            &[][..],
            &[EUI, OTHER_EUI, LOOSE_EUI][..],
            &["Default", "Barn", "Barn 1", "Barn 2", "Stable", "Stable 1", "Stable 2"][..],
        ),
        (&[GROUP], &[EUI], &["Barn"]),
        (&[OTHER_GROUP, GROUP], &[EUI, OTHER_EUI], &["Barn", "Stable"]),
        (&[UNKNOWN_GROUP], &[], &[]),
    ] {
        let key = with_groups(&member, groups).await;
        assert_eq!(euis(key.get("/openapi/list_devices").await.data()), devices, "{groups:?}");
        assert_eq!(key.get("/openapi/device/list_euis").await.data()["node"], serde_json::json!(devices), "{groups:?}");
        let listed = key.get("/openapi/list_groups").await.data();
        let listed: Vec<&str> = listed.as_array().unwrap().iter().map(|g| g["group_name"].as_str().unwrap()).collect();
        assert_eq!(listed, names, "{groups:?}");
    }
    let narrow = with_groups(&member, &[GROUP]).await;
    let of_group = async |uuid: &str| narrow.get(&format!("/openapi/list_devices?group_uuid={uuid}")).await;
    assert_eq!(euis(of_group(&GroupId::from_raw(GROUP).to_string()).await.data()), [EUI]);
    for uuid in ["", &GroupId::from_raw(OTHER_GROUP).to_string(), &GroupId::from_raw(UNKNOWN_GROUP).to_string()] {
        assert_eq!(of_group(uuid).await.code(), "11317", "`{uuid}`");
    }
    let named = narrow.get("/openapi/list_groups?group_uuids=0000000000000008&group_uuids=").await;
    assert_eq!(named.data(), serde_json::json!([]));
}

#[tokio::test]
async fn a_list_of_many_pages_leaves_out_what_lies_between() {
    let app = App::new();
    let member = farm(&app).await;
    let eui = |number: u64| format!("{:016X}", 0x2CF7_F120_0500_0000 + number);
    for number in 0..1_050 {
        let group = if number % 100 == 99 { GROUP } else { OTHER_GROUP };
        member.bind_with(&eui(number), "S2101", |binding| binding.group = Some(GroupId::from_raw(group))).await;
    }
    let narrow = with_groups(&member, &[GROUP]).await;
    let expected: Vec<String> = [EUI.to_owned()].into_iter().chain((0..10).map(|at| eui(100 * at + 99))).collect();
    assert_eq!(narrow.get("/openapi/device/list_euis").await.data()["node"], serde_json::json!(expected));
    assert_eq!(member.get("/openapi/device/list_euis").await.data()["node"].as_array().map(Vec::len), Some(1_053));
}

#[tokio::test]
async fn devices_move_between_the_groups_of_a_key_and_nowhere_else() {
    let app = App::new();
    let member = farm(&app).await;
    let narrow = with_groups(&member, &[GROUP, OTHER_GROUP]).await;
    let moved = async |key: &Caller<'_>, group: &str| {
        let body = format!(r#"{{"group_uuid":"{group}","devices":["{EUI}"]}}"#);
        key.post_json("/openapi/move_devices_to_group", &body).await.code()
    };
    let (barn, stable) = (GroupId::from_raw(GROUP).to_string(), GroupId::from_raw(OTHER_GROUP).to_string());
    assert_eq!(moved(&narrow, &stable).await, "0");
    assert_eq!(moved(&narrow, "").await, "11317", "the default group");
    let of_barn = with_groups(&member, &[GROUP]).await;
    assert_eq!(moved(&of_barn, &barn).await, "11303", "it is in the other group now");
    assert_eq!(moved(&narrow, &barn).await, "0");
    assert_eq!(moved(&of_barn, &stable).await, "11317");
    assert_eq!(moved(&of_barn, &barn).await, "0");
}

#[tokio::test]
async fn a_key_follows_what_happens_to_its_groups() {
    let app = App::new();
    let member = farm(&app).await;
    let narrow = with_groups(&member, &[GROUP]).await;
    let nodes = async || narrow.get("/openapi/device/list_euis").await.data()["node"].clone();
    place(&app, &member, OTHER_EUI, GROUP).await;
    assert_eq!(nodes().await, serde_json::json!([EUI, OTHER_EUI]));
    app.store.delete_group(member.org, GroupId::from_raw(GROUP)).await.unwrap();
    assert_eq!(nodes().await, serde_json::json!([]), "a key of a group that is gone reaches nothing");
}

#[tokio::test]
async fn a_key_of_an_origin_is_refused_elsewhere() {
    let app = App::new();
    let member = farm(&app).await;
    let key = with_origins(&member, &["https://other.example.org", HERE]).await;
    let (here, elsewhere) = (key.clone().on_page_of(HERE), key.clone().on_page_of(ELSEWHERE));
    for case in CASES {
        for caller in [&key, &elsewhere] {
            let answer = case.ask(caller, EUI).await;
            check(case, &answer, 200, "11201");
            assert!(answer.body.contains("You have no options permission: the key may not be used from this origin"));
            assert_eq!(answer.header("access-control-allow-origin"), "*", "a page may read why");
            assert_eq!(answer.header("vary"), "Origin");
        }
        let answer = case.ask(&here, EUI).await;
        assert_eq!(answer.code(), case.code, "{}", case.path);
        assert_eq!(answer.header("access-control-allow-origin"), HERE, "{}", case.path);
        assert_eq!(answer.header("vary"), "Origin", "{}", case.path);
    }
}

#[tokio::test]
async fn refusals_and_padded_paths_name_the_origin_too() {
    let app = App::new();
    let member = farm(&app).await;
    let here = with_origins(&member, &[HERE]).await.on_page_of(HERE);
    let reader = KeyLimits { origins: vec![HERE.to_owned()], ..KeyLimits::default() };
    let reader = member.clone().with_narrow_key(crate::app::READ, reader).await.on_page_of(HERE);
    for (answer, code) in [
        (here.get(&format!("/openapi/view_latest_telemetry_data?device_eui={UNKNOWN_EUI}")).await, "11303"),
        (here.get("/openapi/view_latest_telemetry_data").await, "11202"),
        (reader.post_json("/openapi/create_group", r#"{"name":"North"}"#).await, "11201"),
        (here.get("/openapi/list_devices%20").await, "0"),
    ] {
        assert_eq!(answer.code(), code);
        assert_eq!((answer.header("access-control-allow-origin"), answer.header("vary")), (HERE, "Origin"), "{code}");
    }
}

#[tokio::test]
async fn a_key_without_origins_and_a_preflight_ask_nothing_about_them() {
    let app = App::new();
    let member = farm(&app).await;
    let of_group = with_groups(&member, &[GROUP]).await;
    let of_origin = with_origins(&member, &[HERE]).await;
    for caller in [&member, &member.clone().on_page_of(ELSEWHERE), &of_group.on_page_of(ELSEWHERE)] {
        let answer = caller.get("/openapi/list_devices").await;
        assert_eq!((answer.code().as_str(), answer.header("access-control-allow-origin")), ("0", "*"));
        assert_eq!(answer.header("vary"), "");
    }
    for caller in [app.stranger().on_page_of(ELSEWHERE), of_origin.on_page_of(ELSEWHERE)] {
        let answer = caller.send("OPTIONS", "/openapi/list_devices", None, "").await;
        assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (204, "*"));
        assert_eq!(answer.header("vary"), "");
    }
}

#[tokio::test]
async fn the_wrong_secret_learns_nothing_about_origins() {
    let app = App::new();
    let member = farm(&app).await;
    let key = with_origins(&member, &[HERE]).await;
    let guessed = app.stranger().with_credentials(None, &format!("{}:guess", key.id.unwrap()));
    for caller in [guessed.clone(), guessed.clone().on_page_of(HERE), guessed.on_page_of(ELSEWHERE)] {
        let answer = caller.get("/openapi/list_devices").await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (401, "11104"));
        assert_eq!((answer.header("access-control-allow-origin"), answer.header("vary")), ("*", ""));
    }
}
