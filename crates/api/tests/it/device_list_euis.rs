use model::DeviceKind;

use crate::app::{App, EUI};

#[tokio::test]
async fn gateways_and_nodes_are_listed_apart() {
    let app = App::new();
    let member = app.member().await;
    assert_eq!(member.get("/openapi/device/list_euis").await.body, r#"{"code":"0","data":{"gateway":[],"node":[]}}"#);
    member.bind(EUI, "S2101").await;
    member.bind_with("2CF7F11020000001", "M2", |binding| binding.kind = DeviceKind::Gateway).await;
    assert_eq!(
        member.get("/openapi/device/list_euis").await.body,
        r#"{"code":"0","data":{"gateway":["2CF7F11020000001"],"node":["2CF7F12004100005"]}}"#
    );
}
