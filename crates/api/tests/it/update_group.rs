use model::{Group, GroupId};
use store::Registry;

use crate::app::{App, Caller};

const PATH: &str = "/openapi/update_group";

async fn with_groups(app: &App) -> Caller<'_> {
    let member = app.member().await;
    for (id, name) in [(10, "Barn"), (11, "Field")] {
        let group = Group { org: member.org, id: GroupId::from_raw(id), name: name.to_owned() };
        app.store.create_group(group).await.unwrap();
    }
    member
}

#[tokio::test]
async fn a_group_gets_another_name() {
    let app = App::new();
    let member = with_groups(&app).await;
    let answer = member.post_json(PATH, r#"{"group_uuid":"000000000000000a","name":"Shed"}"#).await;
    assert_eq!(answer.body, r#"{"code":"0","data":{}}"#);
    let listed = member.get("/openapi/list_groups").await.body;
    assert!(listed.contains("Shed") && !listed.contains("Barn"), "{listed}");
    assert_eq!(member.post_json(PATH, r#"{"group_uuid":"000000000000000A","name":"Shed"}"#).await.code(), "0");
}

#[tokio::test]
async fn what_cannot_be_renamed_is_refused() {
    let app = App::new();
    let member = with_groups(&app).await;
    for (body, code) in [
        (r#"{"name":"Shed"}"#, "11202"),
        (r#"{"group_uuid":"000000000000000A"}"#, "11202"),
        (r#"{"group_uuid":"","name":"Shed"}"#, "11317"),
        (r#"{"group_uuid":"nonsense","name":"Shed"}"#, "11317"),
        (r#"{"group_uuid":"00000000000000FF","name":"Shed"}"#, "11317"),
        (r#"{"group_uuid":"000000000000000A","name":"Field"}"#, "11327"),
        (r#"{"group_uuid":"000000000000000A","name":"Default"}"#, "11327"),
    ] {
        assert_eq!(member.post_json(PATH, body).await.code(), code, "{body}");
    }
}
