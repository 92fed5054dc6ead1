//! What clients send otherwise than the documents say, and are answered all the same.

use model::{Group, GroupId, Reading};
use serde_json::Value as Json;
use store::Registry;

use crate::app::{App, Caller, EUI, MINUTE_MS, NOW_MS, ms_ago};

const JSON: Option<&str> = Some("application/json");
const UTF8: Option<&str> = Some("application/json; charset=utf-8");
const FORM: Option<&str> = Some("application/x-www-form-urlencoded");
const UTF8_FORM: Option<&str> = Some("application/x-www-form-urlencoded; charset=utf-8");
const OTHER: &str = "2CF7F12004100006";
const BARN: &str = "000000000000000A";

/// A call as the documents have it, and others that are to be answered the same.
struct Row {
    why: &'static str,
    documented: Sent,
    tolerated: &'static [Sent],
}

/// Method, path with query, label of the body, body.
type Sent = (&'static str, &'static str, Option<&'static str>, &'static str);

const BOTH: &str = r#"{"device_euis":["2CF7F12004100005","2CF7F12004100006"]}"#;

const ROWS: &[Row] = &[
    Row {
        why: "JSON is JSON under every label, and under none",
        documented: ("POST", "/openapi/view_devices", JSON, BOTH),
        tolerated: &[
            ("POST", "/openapi/view_devices", UTF8, BOTH),
            ("POST", "/openapi/view_devices", FORM, BOTH),
            ("POST", "/openapi/view_devices", UTF8_FORM, BOTH),
            ("POST", "/openapi/view_devices", Some("text/plain"), BOTH),
            ("POST", "/openapi/view_devices", None, BOTH),
            (
                "POST",
                "/openapi/view_devices",
                FORM,
                " \r\n\t{ \"device_euis\" : [ \"2CF7F12004100005\" ,\"2CF7F12004100006\" ] } ",
            ),
        ],
    },
    Row {
        why: "a list is written in four ways, in a form and in a query",
        documented: ("POST", "/openapi/list_device_channels", JSON, BOTH),
        tolerated: &[
            (
                "POST",
                "/openapi/list_device_channels",
                FORM,
                "device_euis=2CF7F12004100005&device_euis=2CF7F12004100006",
            ),
            (
                "POST",
                "/openapi/list_device_channels",
                FORM,
                "device_euis[]=2CF7F12004100005&device_euis[]=2CF7F12004100006",
            ),
            (
                "POST",
                "/openapi/list_device_channels",
                UTF8_FORM,
                "device_euis[0]=2CF7F12004100005&device_euis[1]=2CF7F12004100006",
            ),
            (
                "POST",
                "/openapi/list_device_channels",
                FORM,
                "device_euis%5B0%5D=2CF7F12004100005&device_euis%5B1%5D=2CF7F12004100006",
            ),
            (
                "POST",
                "/openapi/list_device_channels?device_euis=2CF7F12004100005&device_euis=2CF7F12004100006",
                None,
                "",
            ),
            (
                "GET",
                "/openapi/list_device_channels?device_euis[]=2CF7F12004100005&device_euis[]=2CF7F12004100006",
                None,
                "",
            ),
            ("GET", "/openapi/list_device_channels", JSON, BOTH),
        ],
    },
    Row {
        why: "what is one thing may stand alone where a list is expected",
        documented: ("POST", "/openapi/view_devices", JSON, r#"{"device_euis":["2CF7F12004100005"]}"#),
        tolerated: &[
            ("POST", "/openapi/view_devices", JSON, r#"{"device_euis":"2CF7F12004100005"}"#),
            ("GET", "/openapi/view_devices?device_euis=2CF7F12004100005", None, ""),
        ],
    },
    Row {
        why: "a GET may have a label, or a body",
        documented: ("GET", "/openapi/view_latest_telemetry_data?device_eui=2CF7F12004100005", None, ""),
        tolerated: &[
            ("GET", "/openapi/view_latest_telemetry_data?device_eui=2CF7F12004100005", JSON, ""),
            ("GET", "/openapi/view_latest_telemetry_data?device_eui=2CF7F12004100005", FORM, ""),
            ("GET", "/openapi/view_latest_telemetry_data", JSON, r#"{"device_eui":"2CF7F12004100005"}"#),
            ("POST", "/openapi/view_latest_telemetry_data", FORM, "device_eui=2CF7F12004100005"),
            ("POST", "/openapi/view_latest_telemetry_data?device_eui=2CF7F12004100005", JSON, "{}"),
            ("POST", "/openapi/view_latest_telemetry_data?device_eui=2CF7F12004100005", None, ""),
        ],
    },
    Row {
        why: "EUIs come in any case, with blanks around them",
        documented: ("GET", "/openapi/view_latest_telemetry_data?device_eui=2CF7F12004100005", None, ""),
        tolerated: &[
            ("GET", "/openapi/view_latest_telemetry_data?device_eui=2cf7f12004100005", None, ""),
            ("GET", "/openapi/view_latest_telemetry_data?device_eui=%202cF7f12004100005+", None, ""),
        ],
    },
    Row {
        why: "numbers come as numbers with and without a fraction, and as texts",
        documented: (
            "GET",
            "/openapi/list_telemetry_data?device_eui=2CF7F12004100005&channel_index=1&measurement_id=4097&limit=2",
            None,
            "",
        ),
        tolerated: &[
            (
                "GET",
                "/openapi/list_telemetry_data?device_eui=2CF7F12004100005&channel_index=1.0&measurement_id=4097.0&limit=2.0",
                None,
                "",
            ),
            (
                "POST",
                "/openapi/list_telemetry_data",
                JSON,
                r#"{"device_eui":"2CF7F12004100005","channel_index":1.0,"measurement_id":"4097","limit":2}"#,
            ),
            (
                "POST",
                "/openapi/list_telemetry_data",
                JSON,
                r#"{"device_eui":"2CF7F12004100005","channel_index":"1","measurement_id":4097.0,"limit":"2.0"}"#,
            ),
        ],
    },
    Row {
        why: "times are milliseconds, with and without a fraction",
        documented: (
            "GET",
            "/openapi/list_telemetry_data?device_eui=2CF7F12004100005&time_start=1783684740000&time_end=1783684800000",
            None,
            "",
        ),
        tolerated: &[
            (
                "GET",
                "/openapi/list_telemetry_data?device_eui=2CF7F12004100005&time_start=1783684740000.0&time_end=1.7836848e12",
                None,
                "",
            ),
            (
                "POST",
                "/openapi/list_telemetry_data",
                JSON,
                r#"{"device_eui":"2CF7F12004100005","time_start":"1783684740000","time_end":1783684800000.5}"#,
            ),
        ],
    },
    Row {
        why: "a type of device is a number or a text",
        documented: ("GET", "/openapi/list_devices?device_type=2", None, ""),
        tolerated: &[
            ("GET", "/openapi/list_devices", None, ""),
            ("GET", "/openapi/list_devices?device_type=", None, ""),
            ("GET", "/openapi/list_devices?device_type=2.0", None, ""),
            ("POST", "/openapi/list_devices", JSON, r#"{"device_type":2}"#),
            ("POST", "/openapi/list_devices", JSON, r#"{"device_type":"2"}"#),
            ("POST", "/openapi/list_devices", JSON, r#"{"device_type":null}"#),
        ],
    },
    Row {
        why: "an empty text is absent",
        documented: ("GET", "/openapi/list_telemetry_data?device_eui=2CF7F12004100005", None, ""),
        tolerated: &[
            (
                "GET",
                "/openapi/list_telemetry_data?device_eui=2CF7F12004100005&channel_index=&measurement_id=&limit=&time_start=&time_end=",
                None,
                "",
            ),
            (
                "POST",
                "/openapi/list_telemetry_data",
                JSON,
                r#"{"device_eui":"2CF7F12004100005","channel_index":"","measurement_id":" ","limit":null}"#,
            ),
        ],
    },
    Row {
        why: "an empty group is the default one",
        documented: ("GET", "/openapi/list_devices?group_uuid=", None, ""),
        tolerated: &[
            ("GET", "/openapi/list_devices?group_uuid", None, ""),
            ("POST", "/openapi/list_devices", JSON, r#"{"group_uuid":""}"#),
            ("POST", "/openapi/list_devices", FORM, "group_uuid="),
        ],
    },
    Row {
        why: "parameters that nobody knows are passed over",
        documented: ("GET", "/openapi/aggregate_chart_points?device_eui=2CF7F12004100005", None, ""),
        tolerated: &[
            (
                "GET",
                "/openapi/aggregate_chart_points?device_eui=2CF7F12004100005&limit=1&order=desc&record_limit=x&order[by]=time",
                None,
                "",
            ),
            (
                "POST",
                "/openapi/aggregate_chart_points",
                JSON,
                r#"{"device_eui":"2CF7F12004100005","limit":{"a":[1]},"order":[[]],"x":true}"#,
            ),
        ],
    },
    Row {
        why: "a path may end in a space",
        documented: ("GET", "/openapi/view_organization", None, ""),
        tolerated: &[
            ("GET", "/openapi/view_organization%20", FORM, ""),
            ("POST", "/openapi/view_organization%20", FORM, ""),
            ("POST", "/openapi/view_organization", UTF8_FORM, ""),
        ],
    },
    Row {
        why: "groups are listed by GET and POST, with and without a filter",
        documented: ("GET", "/openapi/list_groups", None, ""),
        tolerated: &[
            ("POST", "/openapi/list_groups", UTF8_FORM, ""),
            ("POST", "/openapi/list_groups", JSON, "{}"),
            ("POST", "/openapi/list_groups", JSON, r#"{"group_uuids":[]}"#),
            ("POST", "/openapi/list_groups", JSON, r#"{"group_uuids":["","000000000000000a"]}"#),
            ("POST", "/openapi/list_groups", UTF8_FORM, "group_uuids[0]=&group_uuids[1]=000000000000000A"),
        ],
    },
    Row {
        why: "the API of 2019 takes JSON under the form's label, and in a GET",
        documented: ("GET", "/1.0/devices/data/2CF7F12004100005/latest?measure_id=4097&channel=1", None, ""),
        tolerated: &[
            ("GET", "/1.0/devices/data/2cf7f12004100005/latest", FORM, r#"{"measure_id":"4097","channel":"1"}"#),
            ("POST", "/1.0/devices/data/2CF7F12004100005/latest", FORM, r#"{"measure_id":4097.0,"channel":1}"#),
            ("GET", "/openapi/1.0/devices/data/2CF7F12004100005/latest%20?measure_id=4097&channel=1", None, ""),
        ],
    },
];

/// Changes, each with what the group or the device is afterwards that shows it was done.
const CHANGES: &[(&str, &[Sent])] = &[
    (
        "a group is made by a form as by JSON",
        &[
            ("POST", "/openapi/create_group", JSON, r#"{"name":"NAME"}"#),
            ("POST", "/openapi/create_group", FORM, r#"{"name":"NAME"}"#),
            ("POST", "/openapi/create_group", UTF8_FORM, "name=NAME"),
            ("POST", "/openapi/create_group?name=NAME", None, ""),
        ],
    ),
    (
        "a group is renamed by a form as by JSON",
        &[
            ("POST", "/openapi/update_group", JSON, r#"{"group_uuid":"000000000000000A","name":"NAME"}"#),
            ("POST", "/openapi/update_group", UTF8_FORM, "group_uuid=000000000000000a&name=NAME"),
            ("POST", "/openapi/update_group?group_uuid=000000000000000A", UTF8_FORM, "name=NAME"),
        ],
    ),
];

async fn scene(app: &App) -> Caller<'_> {
    let member = app.member().await;
    member.bind(EUI, "S2101").await;
    member.bind(OTHER, "S2101").await;
    let id = GroupId::from_raw(10);
    app.store.create_group(Group { org: member.org, id, name: "Barn".to_owned() }).await.unwrap();
    app.store.move_devices_to_group(member.org, &[OTHER.parse().unwrap()], Some(id)).await.unwrap();
    for minute in 0..5 {
        let readings = [Reading::new(1, 4097, 20.0 + minute as f64), Reading::new(2, 4098, 50.0)];
        member.uplink(EUI, ms_ago(minute * MINUTE_MS), readings).await;
    }
    member
}

async fn data(member: &Caller<'_>, (method, path, label, body): Sent) -> Json {
    let answer = member.send(method, path, label, body).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (200, "0"), "{method} {path} {label:?} {body}");
    answer.data()
}

#[tokio::test]
async fn what_is_tolerated_is_answered_as_what_is_documented() {
    assert_eq!(NOW_MS, 1_783_684_800_000, "times in the rows are of this day");
    let app = App::new();
    let member = scene(&app).await;
    for Row { why, documented, tolerated } in ROWS {
        let expected = data(&member, *documented).await;
        assert!(!matches!(expected.to_string().as_str(), "[]" | "{}"), "{why}: there is something to see");
        for sent in *tolerated {
            assert_eq!(data(&member, *sent).await, expected, "{why}: {sent:?}");
        }
    }
}

#[tokio::test]
async fn changes_are_tolerated_in_the_same_ways() {
    let app = App::new();
    let member = scene(&app).await;
    for (row, (why, tolerated)) in CHANGES.iter().enumerate() {
        for (number, (method, path, label, body)) in tolerated.iter().enumerate() {
            let name = format!("Name{row}{number}");
            let answer = member.send(method, &path.replace("NAME", &name), *label, &body.replace("NAME", &name)).await;
            assert_eq!(answer.code(), "0", "{why}: {path} {body}");
            assert!(member.get("/openapi/list_groups").await.body.contains(&name), "{why}: {path} {body}");
        }
    }
}

#[tokio::test]
async fn a_group_is_deleted_by_query_or_body_alone_or_in_a_list() {
    let app = App::new();
    let member = scene(&app).await;
    for (path, label, body) in [
        ("/openapi/delete_group?group_uuid=ID", None, ""),
        ("/openapi/delete_group?group_uuid=ID", JSON, "{}"),
        ("/openapi/delete_group", JSON, r#"{"group_uuid":"ID"}"#),
        ("/openapi/delete_group", JSON, r#"{"group_uuids":["ID"]}"#),
        ("/openapi/delete_group", UTF8_FORM, "group_uuids[0]=ID"),
        ("/openapi/delete_group", FORM, "group_uuid=ID"),
    ] {
        let made = member.post_json("/openapi/create_group", r#"{"name":"Shed"}"#).await.data();
        let id = made["group_uuid"].as_str().unwrap();
        let answer = member.send("POST", &path.replace("ID", id), label, &body.replace("ID", id)).await;
        assert_eq!(answer.body, r#"{"code":"0","data":{}}"#, "{path} {body}");
        assert!(!member.get("/openapi/list_groups").await.body.contains(id), "{path} {body}");
    }
}

#[tokio::test]
async fn devices_are_moved_and_deleted_under_either_name() {
    let app = App::new();
    let member = scene(&app).await;
    let in_barn = async || {
        let listed = member.get(&format!("/openapi/list_devices?group_uuid={BARN}")).await;
        listed.body.contains(EUI)
    };
    for (label, body, expected) in [
        (JSON, r#"{"group_uuid":"000000000000000A","devices":["2CF7F12004100005"]}"#, true),
        (JSON, r#"{"group_uuid":"","devices":["2CF7F12004100005"]}"#, false),
        (UTF8_FORM, "group_uuid=000000000000000A&devices[0]=2CF7F12004100005", true),
        (UTF8_FORM, "group_uuid=&devices[]=2cf7f12004100005", false),
        (FORM, "group_uuid=000000000000000A&device_euis=2CF7F12004100005", true),
    ] {
        let answer = member.send("POST", "/openapi/move_devices_to_group", label, body).await;
        assert_eq!(answer.body, r#"{"code":"0","data":{}}"#, "{body}");
        assert_eq!(in_barn().await, expected, "{body}");
    }
    for (label, body) in [
        (JSON, r#"{"device_euis":["2CF7F12004100005"]}"#),
        (JSON, r#"{"device_euis":"2CF7F12004100005"}"#),
        (JSON, r#"{"device_eui":"2CF7F12004100005"}"#),
        (UTF8_FORM, "device_euis[0]=2CF7F12004100005"),
        (FORM, "device_eui=2cf7f12004100005"),
    ] {
        let answer = member.send("POST", "/openapi/delete_devices", label, body).await;
        assert_eq!(answer.body, r#"{"code":"0","data":{}}"#, "{body}");
        assert_eq!(member.get(&format!("/openapi/channel/list/{EUI}")).await.code(), "11303", "{body}");
        member.bind(EUI, "S2101").await;
    }
}

#[tokio::test]
async fn the_header_api_version_is_heard_by_nobody() {
    let app = App::new();
    let member = scene(&app).await;
    let plain = member.get("/openapi/list_devices").await.body;
    for version in ["1", "2", "1.5", "99", "x"] {
        let request = axum::http::Request::get("/openapi/list_devices").header("API-VERSION", version);
        let answer = member.send_request(request.body(axum::body::Body::empty()).unwrap()).await;
        assert_eq!((answer.body.as_str(), answer.header("api-version")), (plain.as_str(), "2"), "{version}");
    }
}
