use crate::app::App;

#[tokio::test]
async fn names_the_organization_of_the_key_under_both_names() {
    let app = App::new();
    let member = app.member().await;
    let by_get = member.get("/openapi/view_organization").await;
    assert_eq!(by_get.body, r#"{"code":"0","data":{"org_id":"919136109886","orgId":"919136109886"}}"#);
    let by_post = member.post_json("/openapi/view_organization", "").await;
    assert_eq!(by_post.body, by_get.body);
}
