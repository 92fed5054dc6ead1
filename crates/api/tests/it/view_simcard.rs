use serde_json::json;

use crate::app::{App, EUI};

#[tokio::test]
async fn a_device_without_a_card_shows_an_empty_one() {
    let app = App::new();
    let member = app.member().await;
    member.bind(EUI, "S2101").await;
    let card = json!({"iccid": "", "msisdn": "", "activateTime": "", "expiryDate": "", "status": 0, "flow": 0,
        "residueFlow": 0});
    assert_eq!(member.get(&format!("/openapi/view_simcard?device_eui={EUI}")).await.data(), card);
    let posted = member.post_json("/openapi/view_simcard", &format!(r#"{{"device_eui":"{EUI}"}}"#)).await;
    assert_eq!(posted.data(), card);
    assert_eq!(member.get("/openapi/view_simcard").await.code(), "11202");
    assert_eq!(member.get("/openapi/view_simcard?device_eui=xyz").await.code(), "11203");
}
