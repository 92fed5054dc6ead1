use insta::assert_snapshot;

use crate::app::App;

#[tokio::test]
async fn lists_every_sensor_type_with_what_it_measures() {
    let app = App::new();
    let answer = app.member().await.get("/openapi/list_measurement_reference").await;
    let data = answer.data();
    let sensors = data.as_array().unwrap();
    assert_eq!(sensors.len(), model::sensor_types().len());
    for sensor in sensors {
        assert!(!sensor["sensor_measurement"].as_array().unwrap().is_empty(), "{sensor}");
    }
    let some: Vec<String> = sensors
        .iter()
        .filter(|sensor| ["1001", "100A", "2040"].contains(&sensor["sensor_type"].as_str().unwrap()))
        .map(ToString::to_string)
        .collect();
    assert_snapshot!(some.join("\n"));
}
