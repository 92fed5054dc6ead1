use insta::assert_snapshot;
use model::{Group, GroupId};
use store::Registry;

use crate::app::{App, Caller};

const PATH: &str = "/openapi/list_groups";

async fn with_groups<'a>(app: &'a App, names: &[(u64, &str)]) -> Caller<'a> {
    let member = app.member().await;
    for (id, name) in names {
        let group = Group { org: member.org, id: GroupId::from_raw(*id), name: (*name).to_owned() };
        app.store.create_group(group).await.unwrap();
    }
    member
}

#[tokio::test]
async fn the_default_group_comes_first_and_the_others_as_they_were_created() {
    let app = App::new();
    let member = with_groups(&app, &[(0x223E_75BC_14B4_111D, "Greenhouse"), (1, "Barn \"B\"")]).await;
    let by_get = member.get(PATH).await.body;
    assert_snapshot!(by_get);
    assert_eq!(member.post_json(PATH, "{}").await.body, by_get);
    let form = "application/x-www-form-urlencoded; charset=utf-8";
    assert_eq!(member.send("POST", PATH, Some(form), "").await.body, by_get);
}

#[tokio::test]
async fn a_filter_keeps_what_it_names() {
    let app = App::new();
    let member = with_groups(&app, &[(10, "Greenhouse"), (11, "Barn")]).await;
    let names = async |body: &str| -> Vec<String> {
        let data = member.post_json(PATH, body).await.data();
        data.as_array().unwrap().iter().map(|group| group["group_name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(r#"{"group_uuids":["000000000000000b"]}"#).await, ["Barn"]);
    assert_eq!(names(r#"{"group_uuids":["","000000000000000A"]}"#).await, ["Default", "Greenhouse"]);
    assert_eq!(names(r#"{"group_uuids":["FFFFFFFFFFFFFFFF"]}"#).await, [""; 0]);
    assert_eq!(names(r#"{"group_uuids":[]}"#).await.len(), 3);
}

#[tokio::test]
async fn groups_of_others_are_not_listed() {
    let app = App::new();
    with_groups(&app, &[(10, "Theirs")]).await;
    let member = with_groups(&app, &[]).await;
    assert_eq!(member.get(PATH).await.body, r#"{"code":"0","data":[{"group_name":"Default","group_uuid":""}]}"#);
}
