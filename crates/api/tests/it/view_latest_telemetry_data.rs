use insta::assert_snapshot;
use model::{Reading, Timestamp, Value};

use crate::app::{App, DAY_MS, EUI, MINUTE_MS, ms_ago};

const PATH: &str = "/openapi/view_latest_telemetry_data";

#[tokio::test]
async fn answers_the_newest_reading_of_each_series() {
    let app = App::new();
    let member = app.member().await;
    member.bind(EUI, "S2101").await;
    member.uplink(EUI, ms_ago(10 * MINUTE_MS), [Reading::new(1, 4097, 20.0), Reading::new(1, 4098, 30.0)]).await;
    let at = Timestamp::from_millis(1_783_651_184_319);
    member.uplink(EUI, at, [Reading::new(1, 4097, 26.52), Reading::status(3000, 80.0)]).await;
    member.uplink(EUI, ms_ago(MINUTE_MS), [Reading::new(1, 4097, 21.4), Reading::new(1, 4098, 31.0)]).await;
    let answer = member.get(&format!("{PATH}?device_eui={EUI}")).await;
    assert_snapshot!(answer.body);
    assert_eq!(answer.header("api-gateway-mpuo-consume"), "2");
}

#[tokio::test]
async fn channels_and_measurements_ascend_and_can_be_chosen() {
    let app = App::new();
    let member = app.member().await;
    member.bind(EUI, "T1000-A").await;
    let position = [
        Reading::new(10, 4198, 22.577_41),
        Reading::new(10, 4197, 113.943_25),
        Reading::new(2, 4199, 50.0),
        Reading::new(32, 4097, -1.0),
    ];
    member.uplink(EUI, ms_ago(0), position).await;
    let series = async |query: &str| -> Vec<String> {
        let data = member.get(&format!("{PATH}?device_eui={EUI}{query}")).await.data();
        let channels = data.as_array().unwrap().iter();
        let series = channels.flat_map(|channel| {
            let points = channel["points"].as_array().unwrap().iter();
            points.map(|point| format!("{}/{}", channel["channel_index"], point["measurement_id"].as_str().unwrap()))
        });
        series.collect()
    };
    assert_eq!(series("").await, ["2/4199", "10/4197", "10/4198", "32/4097"]);
    assert_eq!(series("&channel_index=10").await, ["10/4197", "10/4198"]);
    assert_eq!(series("&measurement_id=4198.0").await, ["10/4198"]);
    assert_eq!(series("&channel_index=10&measurement_id=4199").await, [""; 0]);
    assert_eq!(series("&channel_index=&measurement_id=").await.len(), 4);
}

#[tokio::test]
async fn lists_are_served_as_lists_and_text_as_text() {
    let app = App::new();
    let member = app.member().await;
    member.bind(EUI, "T1000-A").await;
    let readings = [
        Reading::new(1, 5001, Value::Json(r#"[{"mac":"AA:BB:CC:DD:EE:FF","rssi":-70}]"#.into())),
        Reading::new(1, 5003, Value::Json(r#"[{"id":1,"eventName":"SOS"}]"#.into())),
        Reading::new(1, 9001, Value::text("say \"hi\"")),
    ];
    member.uplink(EUI, ms_ago(0), readings).await;
    assert_snapshot!(member.get(&format!("{PATH}?device_eui={EUI}")).await.body);
}

#[tokio::test]
async fn looks_back_one_year() {
    let app = App::new();
    let member = app.member().await;
    member.bind(EUI, "S2101").await;
    let empty = member.get(&format!("{PATH}?device_eui={EUI}")).await;
    assert_eq!(empty.body, r#"{"code":"0","data":[]}"#);
    member.uplink(EUI, ms_ago(366 * DAY_MS + 1), [Reading::new(1, 4097, 1.0)]).await;
    let too_old = member.get(&format!("{PATH}?device_eui={EUI}")).await;
    assert_eq!(too_old.body, r#"{"code":"0","data":[]}"#);
    member.uplink(EUI, ms_ago(366 * DAY_MS), [Reading::new(1, 4097, 1.0)]).await;
    assert_eq!(member.get(&format!("{PATH}?device_eui={EUI}")).await.data().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn takes_an_eui_in_any_case_and_answers_nothing_of_other_parameters() {
    let app = App::new();
    let member = app.member().await;
    member.bind(EUI, "S2101").await;
    let answer = member.get(&format!("{PATH}?order=asc&device_eui={}&record_limit=5", EUI.to_lowercase())).await;
    assert_eq!(answer.code(), "0");
}

#[tokio::test]
async fn refuses_what_cannot_be_answered() {
    let app = App::new();
    let member = app.member().await;
    let other = app.member().await;
    member.bind(EUI, "S2101").await;
    for (caller, query, code) in [
        (&member, "", "11202"),
        (&member, "?device_eui=", "11202"),
        (&member, "?device_eui=2CF7F1200410000", "11203"),
        (&member, "?device_eui=2CF7F1200410000G", "11203"),
        (&member, "?device_eui=2CF7F12004100006", "11303"),
        (&other, "?device_eui=2CF7F12004100005", "11303"),
        (&member, "?device_eui=2CF7F12004100005&channel_index=one", "11202"),
        (&member, "?device_eui=2CF7F12004100005&channel_index=-1", "11202"),
        (&member, "?device_eui=2CF7F12004100005&measurement_id=4097.5", "11202"),
    ] {
        let answer = caller.get(&format!("{PATH}{query}")).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (200, code), "{query}");
        assert_eq!(answer.header("api-gateway-mpuo-consume"), "0", "{query}");
    }
}

#[tokio::test]
async fn a_foreign_device_is_refused_as_one_that_does_not_exist() {
    let app = App::new();
    let (member, other) = (app.member().await, app.member().await);
    other.bind(EUI, "S2101").await;
    let foreign = member.get(&format!("{PATH}?device_eui={EUI}")).await;
    let unknown = member.get(&format!("{PATH}?device_eui=2CF7F12004100006")).await;
    assert_eq!(foreign.body.replace(EUI, ""), unknown.body.replace("2CF7F12004100006", ""));
}
