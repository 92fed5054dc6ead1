use model::{Group, GroupId};
use store::Registry;

use crate::app::{App, Caller, EUI};

const PATH: &str = "/openapi/delete_group";

async fn with_groups(app: &App) -> Caller<'_> {
    let member = app.member().await;
    for id in [10, 11, 12] {
        let group = Group { org: member.org, id: GroupId::from_raw(id), name: format!("group {id}") };
        app.store.create_group(group).await.unwrap();
    }
    member.bind_with(EUI, "S2101", |binding| binding.group = Some(GroupId::from_raw(10))).await;
    member
}

async fn count(member: &Caller<'_>) -> usize {
    member.get("/openapi/list_groups").await.data().as_array().unwrap().len()
}

#[tokio::test]
async fn the_devices_of_a_deleted_group_move_to_the_default_one() {
    let app = App::new();
    let member = with_groups(&app).await;
    let answer = member.send("POST", &format!("{PATH}?group_uuid=000000000000000A"), None, "").await;
    assert_eq!(answer.body, r#"{"code":"0","data":{}}"#);
    assert_eq!(count(&member).await, 3);
    assert!(member.get("/openapi/list_devices?group_uuid=").await.body.contains(EUI));
}

#[tokio::test]
async fn several_groups_go_all_or_none() {
    let app = App::new();
    let member = with_groups(&app).await;
    let with_unknown = r#"{"group_uuids":["000000000000000A","00000000000000FF"]}"#;
    assert_eq!(member.post_json(PATH, with_unknown).await.code(), "11317");
    assert_eq!(count(&member).await, 4);
    let twice = r#"{"group_uuids":["000000000000000A","000000000000000c","000000000000000C"]}"#;
    assert_eq!(member.post_json(PATH, twice).await.code(), "0");
    assert_eq!(count(&member).await, 2);
}

#[tokio::test]
async fn what_is_no_group_is_refused() {
    let app = App::new();
    let member = with_groups(&app).await;
    for (body, code) in [
        ("{}", "11202"),
        (r#"{"group_uuid":""}"#, "11317"),
        (r#"{"group_uuid":"10"}"#, "11317"),
        (r#"{"group_uuid":"nonsense"}"#, "11317"),
    ] {
        assert_eq!(member.post_json(PATH, body).await.code(), code, "{body}");
    }
    assert_eq!(count(&member).await, 4);
}
