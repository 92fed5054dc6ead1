use crate::app::App;

const PATH: &str = "/refer/def/sensor.json";

#[tokio::test]
async fn names_and_units_are_served_without_a_key() {
    let app = App::new();
    let answer = app.stranger().get(PATH).await;
    assert_eq!(answer.status.as_u16(), 200);
    assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    let definitions = answer.json();
    for language in ["en", "zh-cn"] {
        let names = &definitions[language];
        assert_eq!(names["measurementId"]["4097"], serde_json::json!(["Air Temperature", "℃"]));
        assert_eq!(names["measurementId"].as_object().unwrap().len(), model::measurements().len());
        assert_eq!(names["sensorType"].as_object().unwrap().len(), model::sensor_types().len());
    }
    assert_eq!(definitions["sm"]["1001"], serde_json::json!(["4097", "4098"]));
    assert_eq!(definitions["rg"]["4097"], "-40~90");
}

#[tokio::test]
async fn a_page_elsewhere_may_read_them_and_nobody_may_write_them() {
    let app = App::new();
    assert_eq!(app.stranger().send("OPTIONS", PATH, None, "").await.status.as_u16(), 204);
    assert_eq!(app.stranger().post_json(PATH, "{}").await.status.as_u16(), 405);
}
