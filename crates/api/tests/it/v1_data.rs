//! The API of 2019: what devices measured, every scalar a text.

use model::{Channel, ChannelIndex, Reading, Value};
use serde_json::{Value as Json, json};
use store::Registry;

use crate::app::{Answer, App, Caller, DAY_MS, EUI, HOUR_MS, MINUTE_MS, NOW_MS, ms_ago};

fn path(what: &str) -> String {
    format!("/1.0/devices/data/{}/{what}", EUI.to_lowercase())
}

async fn with_device(app: &App) -> Caller<'_> {
    let member = app.member().await;
    member.bind(EUI, "S2101").await;
    member
}

/// The data of an answer that also says how long it took.
#[track_caller]
fn data(answer: &Answer) -> Json {
    let json = answer.json();
    assert_eq!(json["code"], "0", "{json}");
    assert!(json["time"].as_f64().is_some_and(|seconds| seconds > 0.0), "{json}");
    assert_eq!(answer.header("api-version"), "1");
    json["data"].clone()
}

#[tokio::test]
async fn latest_readings_have_text_for_every_scalar() {
    let app = App::new();
    let member = with_device(&app).await;
    member.uplink(EUI, ms_ago(HOUR_MS), [Reading::new(1, 4097, 20.0), Reading::new(1, 4098, 55.25)]).await;
    let list = r#"[{"id":1}]"#.to_owned().into_boxed_str();
    let events = Reading { value: Value::Json(list), ..Reading::new(2, 5003, 0.0) };
    member.uplink(EUI, ms_ago(0), [Reading::new(1, 4097, -1.5), events]).await;
    let answer = member.get(&path("latest")).await;
    let now = NOW_MS.to_string();
    assert_eq!(
        data(&answer),
        json!([
            {"channel": "1", "points": [
                {"name": "Air Temperature", "unit": "℃", "value": "-1.5", "measurement_id": "4097", "created": now},
                {"name": "Air Humidity", "unit": "% RH", "value": "55.25", "measurement_id": "4098",
                 "created": (NOW_MS - HOUR_MS).to_string()},
            ]},
            {"channel": "2", "points": [
                {"name": model::measurement(model::MeasurementId(5003)).unwrap().name,
                 "unit": model::measurement(model::MeasurementId(5003)).unwrap().unit,
                 "value": [{"id": 1}], "measurement_id": "5003", "created": now},
            ]},
        ])
    );
    assert_eq!(answer.header("api-gateway-mpuo-consume"), "3");
    let one = data(&member.get(&format!("{}?measure_id=4098&channel=1", path("latest"))).await);
    assert_eq!(one[0]["points"].as_array().unwrap().len(), 1);
    let same = data(&member.get(&format!("/openapi{}", path("latest"))).await);
    assert_eq!(same, data(&answer));
}

#[tokio::test]
async fn raw_readings_are_four_hundred_a_series_at_most_and_the_newest() {
    let app = App::new();
    let member = with_device(&app).await;
    let minutes = |minute: i64| (ms_ago(minute * MINUTE_MS), vec![Reading::new(1, 4097, minute as f64)]);
    member.uplinks(EUI, (0..500).map(minutes)).await;
    member.uplinks(EUI, (0..3).map(|hour| (ms_ago(hour * HOUR_MS), vec![Reading::new(1, 4098, 50.0)]))).await;
    let answer = member.get(&path("raw")).await;
    let found = data(&answer);
    let lens: Vec<usize> = found.as_array().unwrap().iter().map(|it| it["points"].as_array().unwrap().len()).collect();
    assert_eq!(lens, [400, 3]);
    assert_eq!(answer.header("api-gateway-mpuo-consume"), "403");
    let first = &found[0];
    assert_eq!((&first["channel"], &first["channel_name"]), (&json!("1"), &json!("Channel 1")));
    assert_eq!((&first["name"], &first["unit"]), (&json!("Air Temperature"), &json!("℃")));
    assert_eq!(first["points"][1]["value"], "1");
    assert_eq!(first["points"][1]["created"], (NOW_MS - MINUTE_MS).to_string());

    let (start, end) = (NOW_MS - 9 * MINUTE_MS, NOW_MS - 7 * MINUTE_MS);
    let some = data(&member.get(&format!("{}?time_start={start}&time_end={end}&measure_id=4097", path("raw"))).await);
    let values: Vec<&Json> = some[0]["points"].as_array().unwrap().iter().map(|point| &point["value"]).collect();
    assert_eq!(values, ["7", "8", "9"]);
    for (limit, len) in [("2", 2), ("0", 1), ("9999", 400)] {
        let found = data(&member.get(&format!("{}?limit={limit}", path("raw"))).await);
        assert_eq!(found[0]["points"].as_array().unwrap().len(), len, "{limit}");
    }
}

#[tokio::test]
async fn a_segment_has_average_and_peak_and_is_named_by_its_first_second() {
    let app = App::new();
    let member = with_device(&app).await;
    let channel = Channel {
        index: ChannelIndex(1),
        name: "North".to_owned(),
        sensor_type: None,
        sensor_id: String::new(),
        measurements: Vec::new(),
        created_at: ms_ago(0),
    };
    app.store.describe_channel(member.org, EUI.parse().unwrap(), channel).await.unwrap();
    for (minute, value) in [(90, 1.0), (80, 4.0), (30, 7.25)] {
        member.uplink(EUI, ms_ago(minute * MINUTE_MS), [Reading::new(1, 4097, value)]).await;
    }
    let answer = member.get(&format!("{}?segment=60", path("segment"))).await;
    let hour = |hours: i64| ((NOW_MS - hours * HOUR_MS) / 1_000).to_string();
    assert_eq!(
        data(&answer),
        json!([{"channel": "1", "channel_name": "North", "name": "Air Temperature", "unit": "℃", "list": [
            {"created": hour(2), "avg": "2.5", "peak": "4"},
            {"created": hour(1), "avg": "7.25", "peak": "7.25"},
        ]}])
    );
    assert_eq!(answer.header("api-gateway-mpuo-consume"), "2");
    let years = format!("{}?segment=1&time_start={}", path("segment"), NOW_MS - 900 * DAY_MS);
    assert_eq!(data(&member.get(&years).await)[0]["list"].as_array().unwrap().len(), 1, "wider, not refused");
    assert_eq!(member.get(&format!("{}?segment=0", path("segment"))).await.code(), "11202");
}

#[tokio::test]
async fn a_device_without_readings_answers_an_empty_list() {
    let app = App::new();
    let member = with_device(&app).await;
    for what in ["latest", "raw", "segment"] {
        assert_eq!(data(&member.get(&path(what)).await), json!([]), "{what}");
    }
}

#[tokio::test]
async fn what_is_no_label_and_what_is_no_path_is_refused() {
    let app = App::new();
    let member = with_device(&app).await;
    for what in ["latest", "raw", "segment"] {
        assert_eq!(member.get(&format!("/1.0/devices/data/xyz/{what}")).await.code(), "11203", "{what}");
        let turned = format!("{}?time_start=2&time_end=1", path(what));
        assert_eq!(member.get(&turned).await.code(), if what == "latest" { "0" } else { "11202" }, "{what}");
    }
    assert_eq!(app.stranger().get("/1.0/devices/data/xyz/raw").await.code(), "11104", "the key comes first");
    for unknown in ["/1.0/devices/data/%FF/raw", "/1.0/lists/nothing", "/1.0/devices/data", "/openapi/1.0/nothing"] {
        let answer = member.get(unknown).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (404, "10000"), "{unknown}");
    }
    let spaced = member.get(&format!("{}%20", path("latest"))).await;
    assert_eq!(spaced.code(), "0", "{}", spaced.body);
}

#[tokio::test]
async fn sensor_types_are_listed_under_their_older_names() {
    let app = App::new();
    let member = app.member().await;
    let listed = data(&member.get("/1.0/lists/sensor/measure").await);
    assert_eq!(member.get("/openapi/sensor/measurements").await.data(), listed);
    let sensors = listed.as_array().unwrap();
    assert_eq!(sensors.len(), model::sensor_types().len());
    let air = sensors.iter().find(|sensor| sensor["sensor_id"] == "1001").unwrap();
    assert_eq!(
        air["sensor_measure"][0],
        json!({"measure_id": "4097", "measure_name": "Air Temperature", "measure_unit": "℃"})
    );
}
