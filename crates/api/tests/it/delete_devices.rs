use model::Reading;

use crate::app::{App, EUI, ms_ago};

const PATH: &str = "/openapi/delete_devices";
const OTHER_EUI: &str = "2CF7F12004100006";

#[tokio::test]
async fn a_deleted_device_is_gone_and_its_history_waits_for_it() {
    let app = App::new();
    let member = app.member().await;
    let code = |binding: &mut store::Binding| binding.code = "3A91F27B".to_owned();
    member.bind_with(EUI, "S2101", code).await;
    member.bind(OTHER_EUI, "S2101").await;
    member.uplink(EUI, ms_ago(0), [Reading::new(1, 4097, 21.5)]).await;
    let answer = member.post_json(PATH, &format!(r#"{{"device_euis":["{EUI}"]}}"#)).await;
    assert_eq!(answer.body, r#"{"code":"0","data":{}}"#);
    let listed = member.get("/openapi/list_devices").await.body;
    assert!(listed.contains(OTHER_EUI) && !listed.contains(EUI), "{listed}");
    let latest = format!("/openapi/view_latest_telemetry_data?device_eui={EUI}");
    assert_eq!(member.get(&latest).await.code(), "11303");

    let again = format!(r#"{{"eui":"{EUI}","code":"3A91F27B"}}"#);
    assert_eq!(member.post_json("/openapi/bind_device", &again).await.code(), "0");
    assert!(member.get(&latest).await.body.contains("21.5"));
}

#[tokio::test]
async fn a_single_text_and_the_singular_name_are_taken_too() {
    let app = App::new();
    let member = app.member().await;
    for body in [format!(r#"{{"device_euis":"{EUI}"}}"#), format!(r#"{{"device_eui":"{EUI}"}}"#)] {
        member.bind(EUI, "S2101").await;
        assert_eq!(member.post_json(PATH, &body).await.code(), "0", "{body}");
    }
}

#[tokio::test]
async fn one_foreign_device_keeps_all_of_them() {
    let app = App::new();
    let member = app.member().await;
    member.bind(EUI, "S2101").await;
    for (euis, code) in [(vec![EUI, OTHER_EUI], "11303"), (vec![EUI, "x"], "11203"), (vec![], "11202")] {
        assert_eq!(member.post_json(PATH, &format!(r#"{{"device_euis":{euis:?}}}"#)).await.code(), code);
    }
    assert!(member.get("/openapi/list_devices").await.body.contains(EUI));
}
