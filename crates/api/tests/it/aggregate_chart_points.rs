use api::Settings;
use insta::assert_snapshot;
use model::{Reading, Value};

use crate::app::{App, DAY_MS, EUI, HOUR_MS, MINUTE_MS, NOW_MS, ms_ago};

const PATH: &str = "/openapi/aggregate_chart_points";

#[tokio::test]
async fn averages_by_the_hour_of_the_clock_oldest_first() {
    let app = App::new();
    let member = app.member().await;
    member.bind(EUI, "S2101").await;
    for (minutes, value) in [(90, 20.1), (80, 20.2), (70, 20.4), (30, 21.0), (0, 22.5)] {
        let readings = [
            Reading::new(1, 4097, value),
            Reading::new(1, 5001, Value::Json("[]".into())),
            Reading::new(2, 4098, 50.0),
            Reading::status(3000, 90.0),
        ];
        member.uplink(EUI, ms_ago(minutes * MINUTE_MS), readings).await;
    }
    let answer = member.get(&format!("{PATH}?device_eui={EUI}")).await;
    assert_snapshot!(answer.body);
    assert_eq!(answer.header("api-gateway-mpuo-consume"), "6");
    let with_limit = member.get(&format!("{PATH}?device_eui={EUI}&limit=1&interval=60.0")).await;
    assert_eq!(with_limit.body, answer.body);
    let nothing = member.get(&format!("{PATH}?device_eui={EUI}&measurement_id=5001")).await;
    assert_eq!(nothing.body, r#"{"code":"0","data":[]}"#);
}

#[tokio::test]
async fn a_series_has_250_points_at_most() {
    let app = App::new();
    let member = app.member().await;
    member.bind(EUI, "S2101").await;
    let rows = (0..2_000).map(|hour| (ms_ago(hour * HOUR_MS), vec![Reading::new(1, 4097, 1.0)]));
    member.uplinks(EUI, rows).await;
    let count = async |query: &str| {
        let data = member.get(&format!("{PATH}?device_eui={EUI}{query}")).await.data();
        data[0]["lists"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(count("").await, 25);
    assert_eq!(count(&format!("&time_start={}", NOW_MS - 249 * HOUR_MS)).await, 250);
    for query in ["&interval=1", "&interval=60", ""] {
        let points = count(&format!("&time_start={}{query}", NOW_MS - 2_000 * HOUR_MS)).await;
        assert!((200..=250).contains(&points), "{query}: {points}");
    }
}

#[tokio::test]
async fn strict_windows_end_at_a_year() {
    let app = App::with(Settings { strict_windows: true, ..Settings::default() });
    let member = app.member().await;
    member.bind(EUI, "S2101").await;
    for days in [1, 365, 400] {
        member.uplink(EUI, ms_ago(days * DAY_MS), [Reading::new(1, 4097, 1.0)]).await;
    }
    let data = member.get(&format!("{PATH}?device_eui={EUI}&time_start=0")).await.data();
    assert_eq!(data[0]["lists"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn refuses_what_makes_no_buckets() {
    let app = App::new();
    let member = app.member().await;
    member.bind(EUI, "S2101").await;
    for query in ["interval=0", "interval=-60", "interval=hour", "time_start=2&time_end=1"] {
        assert_eq!(member.get(&format!("{PATH}?device_eui={EUI}&{query}")).await.code(), "11202", "{query}");
    }
}
