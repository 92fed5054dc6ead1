use model::{Call, Day, Hint, Reading};
use store::{Registry, Used};

use crate::app::{App, Caller, EUI, MINUTE_MS, ms_ago};

async fn farm(app: &App) -> Caller<'_> {
    let member = app.member().await;
    member.bind(EUI, "S2101").await;
    for minutes in 0..4 {
        let readings = [Reading::new(1, 4097, 1.0), Reading::new(1, 4098, 2.0)];
        member.uplink(EUI, ms_ago(minutes * MINUTE_MS), readings).await;
    }
    member
}

fn last(app: &App, member: &Caller<'_>) -> Call {
    app.api.calls().list(member.org, member.id.unwrap()).swap_remove(0)
}

#[tokio::test]
async fn what_is_used_is_told_apart_by_endpoint_and_device() {
    let app = App::new();
    let member = farm(&app).await;
    let (latest, list) = ("/openapi/view_latest_telemetry_data", "/openapi/list_telemetry_data");
    let tag = member.get(&format!("{latest}?device_eui={EUI}")).await.header("etag").to_owned();
    member.get_unless(&format!("{latest}?device_eui={EUI}"), &tag).await;
    member.get(&format!("{list}?device_eui={EUI}")).await.data();
    assert_eq!(member.get(&format!("{list}?device_eui=2CF7F12004100009")).await.code(), "11303");
    assert_eq!(member.get("/openapi/nowhere").await.code(), "10000");
    app.api.meter().flush(&*app.store).await.unwrap();
    let today = Day::of(ms_ago(0));
    let usage = app.store.list_usage(member.org, today, today, 9).await.unwrap();
    let all = Used { calls: 4, refused: 1, unchanged: 1, dm: 10 };
    assert_eq!((usage.days, usage.keys), (vec![(today, all)], vec![(member.id.unwrap(), all)]));
    let endpoints: Vec<_> = usage.endpoints.iter().map(|(_, endpoint, used)| (&**endpoint, *used)).collect();
    let expected = [
        (list, Used { calls: 2, refused: 1, unchanged: 0, dm: 8 }),
        (latest, Used { calls: 2, refused: 0, unchanged: 1, dm: 2 }),
    ];
    assert_eq!(endpoints, expected);
    let device = Used { calls: 3, refused: 0, unchanged: 1, dm: 10 };
    assert_eq!(usage.devices, [(Some(EUI.parse().unwrap()), device)]);
}

#[tokio::test]
async fn the_last_calls_say_what_the_caller_may_not_know() {
    let app = App::with(api::Settings { strict_windows: true, ..api::Settings::default() });
    let member = farm(&app).await;
    let list = "/openapi/list_telemetry_data";
    let chart = "/openapi/aggregate_chart_points";
    let unknown = |name: &str, meant| Hint::Unknown { name: name.into(), meant };
    let cases = [
        (format!("{list}?device_eui={EUI}"), "0", vec![]),
        (
            format!("{list}?device_eui={EUI}&order=asc&start_time=1"),
            "0",
            vec![unknown("order", None), unknown("start_time", Some("time_start"))],
        ),
        (format!("{list}?device_eui={EUI}&time_start=0"), "0", vec![Hint::Clipped]),
        (format!("{list}?device_eui={EUI}&limit=5000"), "0", vec![Hint::LimitMoved]),
        (format!("{list}?device_eui={EUI}&limit=2"), "0", vec![Hint::PageUneven]),
        (format!("{list}?device_eui={EUI}&limit=4"), "0", vec![Hint::PageFull]),
        (format!("{list}?device_eui={EUI}&time_start=5&time_end=9"), "0", vec![Hint::Clipped, Hint::Empty]),
        (format!("{chart}?device_eui={EUI}&interval=1&limit=9"), "0", vec![Hint::Widened, unknown("limit", None)]),
        (format!("{list}?deviceEui={EUI}&order=asc"), "11202", vec![unknown("deviceEui", Some("device_eui"))]),
    ];
    for (path, code, hints) in cases {
        assert_eq!(member.get(&path).await.code(), code, "{path}");
        assert_eq!(last(&app, &member).hints, hints, "{path}");
    }
    let call = last(&app, &member);
    assert_eq!((call.endpoint, call.method, call.status, call.is_refused()), (list, "GET", 200, true));
    assert_eq!(call.meaning, "a parameter is missing, malformed or out of bounds");
}

#[tokio::test]
async fn the_last_calls_hold_no_secrets() {
    let app = App::new();
    let member = farm(&app).await;
    let secret = "5EC2E700000000000000000000000000000000000000000000000000005EC2E7";
    for path in [
        format!("/openapi/list_telemetry_data?device_eui={secret}&access_key={secret}"),
        format!("/openapi/list_devices?group_uuid={secret}"),
        format!("/openapi/list_devices?token={secret}"),
    ] {
        member.get(&path).await;
    }
    let calls = app.api.calls().list(member.org, member.id.unwrap());
    assert_eq!(calls.len(), 3);
    assert!(!format!("{calls:?}").contains("5EC2E7"), "{calls:?}");
}

#[tokio::test]
async fn calls_without_a_good_key_are_nobodys() {
    let app = App::new();
    let member = farm(&app).await;
    let wrong = format!("{}:wrong", member.id.unwrap());
    assert_eq!(member.clone().with_credentials(None, &wrong).get("/openapi/list_devices").await.code(), "11104");
    assert_eq!(app.api.calls().list(member.org, member.id.unwrap()), []);
}
