use insta::assert_snapshot;
use model::{DeviceKind, Group, GroupId};
use store::Registry;

use crate::app::App;

const PATH: &str = "/openapi/list_devices";
const GATEWAY: &str = "2CF7F11000000001";
const GROUPED: &str = "2CF7F12000000002";
const LOOSE: &str = "2CF7F12000000003";

#[tokio::test]
async fn lists_by_kind_and_group() {
    let app = App::new();
    let member = app.member().await;
    let group = GroupId::from_raw(0x223E_75BC_14B4_111D);
    app.store.create_group(Group { org: member.org, id: group, name: "Barn".to_owned() }).await.unwrap();
    member.bind_with(GATEWAY, "M2", |binding| binding.kind = DeviceKind::Gateway).await;
    member.bind_with(LOOSE, "S2101", |binding| binding.name = "Feld \"Süd\"".to_owned()).await;
    member.bind_with(GROUPED, "S2101", |binding| binding.group = Some(group)).await;
    let euis = async |query: &str| -> Vec<String> {
        let data = member.get(&format!("{PATH}{query}")).await.data();
        data.as_array().unwrap().iter().map(|device| device["device_eui"].as_str().unwrap().to_owned()).collect()
    };
    assert_snapshot!(member.get(PATH).await.body);
    for nodes in ["", "?device_type=2", "?device_type=2.0", "?device_type="] {
        assert_eq!(euis(nodes).await, [GROUPED, LOOSE], "{nodes}");
    }
    assert_eq!(euis("?device_type=1").await, [GATEWAY]);
    assert_eq!(euis("?group_uuid=").await, [LOOSE]);
    assert_eq!(euis("?group_uuid=223e75bc14b4111d").await, [GROUPED]);
    assert_eq!(euis("?group_uuid=223E75BC14B4111D&device_type=1").await, [""; 0]);
}

#[tokio::test]
async fn lists_every_device_however_many_there_are() {
    let app = App::new();
    let member = app.member().await;
    assert_eq!(member.get(PATH).await.body, r#"{"code":"0","data":[]}"#);
    for number in 0..1_001_u64 {
        member.bind(&format!("{number:016X}"), "S2101").await;
    }
    let data = member.get(PATH).await.data();
    let euis: Vec<&str> =
        data.as_array().unwrap().iter().map(|device| device["device_eui"].as_str().unwrap()).collect();
    assert_eq!(euis.len(), 1_001);
    assert!(euis.is_sorted());
}

#[tokio::test]
async fn refuses_what_it_does_not_have() {
    let app = App::new();
    let (member, other) = (app.member().await, app.member().await);
    let group = GroupId::from_raw(7);
    app.store.create_group(Group { org: other.org, id: group, name: "Theirs".to_owned() }).await.unwrap();
    for (query, code) in [
        ("device_type=3", "11202"),
        ("device_type=node", "11202"),
        ("group_uuid=0000000000000007", "11317"),
        ("group_uuid=FFFFFFFFFFFFFFFF", "11317"),
        ("group_uuid=Barn", "11317"),
    ] {
        assert_eq!(member.get(&format!("{PATH}?{query}")).await.code(), code, "{query}");
    }
}
