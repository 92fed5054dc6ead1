use model::{Group, GroupId};
use store::Registry;

use crate::app::{App, Caller, EUI};

const PATH: &str = "/openapi/move_devices_to_group";
const OTHER_EUI: &str = "2CF7F12004100006";
const BARN: &str = "000000000000000A";

async fn with_devices(app: &App) -> Caller<'_> {
    let member = app.member().await;
    let group = Group { org: member.org, id: GroupId::from_raw(10), name: "Barn".to_owned() };
    app.store.create_group(group).await.unwrap();
    member.bind(EUI, "S2101").await;
    member.bind(OTHER_EUI, "S2101").await;
    member
}

async fn in_barn(member: &Caller<'_>) -> Vec<String> {
    let listed = member.get(&format!("/openapi/list_devices?group_uuid={BARN}")).await.data();
    listed.as_array().unwrap().iter().map(|device| device["device_eui"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn devices_move_into_a_group_and_back_to_the_default_one() {
    let app = App::new();
    let member = with_devices(&app).await;
    let there = format!(r#"{{"group_uuid":"{BARN}","devices":["{EUI}","2cf7f12004100006"]}}"#);
    assert_eq!(member.post_json(PATH, &there).await.body, r#"{"code":"0","data":{}}"#);
    assert_eq!(in_barn(&member).await, [EUI, OTHER_EUI]);
    let back = member.send("POST", PATH, None, &format!("group_uuid=&devices[]={EUI}")).await;
    assert_eq!(back.code(), "0");
    assert_eq!(in_barn(&member).await, [OTHER_EUI]);
}

#[tokio::test]
async fn all_move_or_none() {
    let app = App::new();
    let member = with_devices(&app).await;
    let with_unknown = format!(r#"{{"group_uuid":"{BARN}","devices":["{EUI}","2CF7F12004100009"]}}"#);
    assert_eq!(member.post_json(PATH, &with_unknown).await.code(), "11303");
    assert_eq!(in_barn(&member).await, [""; 0]);
}

#[tokio::test]
async fn what_is_incomplete_is_refused() {
    let app = App::new();
    let member = with_devices(&app).await;
    let many: Vec<String> = (0..51).map(|number| format!("{number:016X}")).collect();
    for (body, code) in [
        (format!(r#"{{"devices":["{EUI}"]}}"#), "11202"),
        (format!(r#"{{"group_uuid":"{BARN}"}}"#), "11202"),
        (format!(r#"{{"group_uuid":"{BARN}","devices":[]}}"#), "11202"),
        (format!(r#"{{"group_uuid":"{BARN}","devices":["x"]}}"#), "11203"),
        (format!(r#"{{"group_uuid":"{BARN}","devices":{many:?}}}"#), "11202"),
        (format!(r#"{{"group_uuid":"FF","devices":["{EUI}"]}}"#), "11317"),
    ] {
        assert_eq!(member.post_json(PATH, &body).await.code(), code, "{body}");
    }
    assert_eq!(in_barn(&member).await, [""; 0]);
}
