use crate::app::App;

#[tokio::test]
async fn a_station_makes_no_suggestions() {
    let app = App::new();
    let member = app.member().await;
    let body = r#"{"lang":"2","crop":"tomato","location":"Ulm","measurements":[
        {"dev_eui":"2CF7F12004100005","channel_measurement":[{"channel_index":"1","measurement_ids":["4097"]}]}]}"#;
    let answer = member.post_json("/openapi/ai/view_suggestion_by_measurements", body).await;
    assert_eq!(
        answer.body,
        r#"{"code":"11201","msg":"You have no options permission: this station has no suggestions to make"}"#
    );
}
