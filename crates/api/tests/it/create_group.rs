use crate::app::App;

const PATH: &str = "/openapi/create_group";
const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";

#[tokio::test]
async fn a_group_gets_a_uuid_of_its_own_and_is_listed() {
    let app = App::new();
    let member = app.member().await;
    let created = member.post_json(PATH, r#"{"name":" Greenhouse "}"#).await.data();
    let uuid = created["group_uuid"].as_str().unwrap().to_owned();
    assert_eq!(created["group_name"], "Greenhouse");
    assert!(uuid.len() == 16 && uuid.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase()), "{uuid}");
    let second = member.send("POST", PATH, Some(FORM), "name=Barn+%C3%A4").await.data();
    assert_ne!(second["group_uuid"], created["group_uuid"]);
    let listed = member.get("/openapi/list_groups").await.data();
    assert_eq!(listed.as_array().unwrap()[1..], [created, second]);
}

#[tokio::test]
async fn a_name_is_taken_once_in_an_organization() {
    let app = App::new();
    let (member, other) = (app.member().await, app.member().await);
    assert_eq!(member.post_json(PATH, r#"{"name":"Barn"}"#).await.code(), "0");
    for name in ["Barn", "Default"] {
        let answer = member.post_json(PATH, &format!(r#"{{"name":"{name}"}}"#)).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (200, "11327"), "{}", answer.body);
    }
    assert_eq!(other.post_json(PATH, r#"{"name":"Barn"}"#).await.code(), "0");
}

#[tokio::test]
async fn a_name_that_is_none_is_refused() {
    let app = App::new();
    let member = app.member().await;
    let long = format!(r#"{{"name":"{}"}}"#, "é".repeat(65));
    for body in ["{}", r#"{"name":""}"#, r#"{"name":"  "}"#, r#"{"name":"a\nb"}"#, &long] {
        assert_eq!(member.post_json(PATH, body).await.code(), "11202", "{body}");
    }
    assert_eq!(member.post_json(PATH, &long.replacen('é', "", 1)).await.code(), "0");
}

#[tokio::test]
async fn an_organization_has_at_most_fifty_groups() {
    let app = App::new();
    let member = app.member().await;
    for number in 0..50 {
        assert_eq!(member.post_json(PATH, &format!(r#"{{"name":"{number}"}}"#)).await.code(), "0");
    }
    let answer = member.post_json(PATH, r#"{"name":"one more"}"#).await;
    assert_eq!(answer.code(), "11202");
    assert!(answer.body.contains("at most 50 groups"), "{}", answer.body);
}
