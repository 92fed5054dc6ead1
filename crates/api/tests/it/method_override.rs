use axum::{body::Body, http::Request};

use crate::app::{Answer, App, Caller, EUI};

/// A POST that names another method.
async fn post_as(member: &Caller<'_>, method: &str, path: &str, body: &'static str) -> Answer {
    let request = Request::post(path).header("x-http-method-override", method);
    member.send_request(request.body(Body::from(body)).unwrap()).await
}

#[tokio::test]
async fn a_post_acts_as_the_method_it_names() {
    let app = App::new();
    let member = app.member().await;
    member.bind(EUI, "S2101").await;
    for base in ["/1.0", "/openapi/1.0"] {
        let node = format!("{base}/node/{EUI}");
        assert_eq!(post_as(&member, "PATCH", &node, r#"{"dev_name":"Roof"}"#).await.code(), "0");
        let name = post_as(&member, " get ", &node, "").await.data()["dev_name"].clone();
        assert_eq!(name, "Roof");
    }
    assert_eq!(post_as(&member, "Delete", &format!("/1.0/node/{EUI}%20"), "").await.code(), "0");
    assert_eq!(member.get(&format!("/1.0/node/{EUI}")).await.code(), "11303");
}

#[tokio::test]
async fn a_post_that_names_nothing_is_a_post() {
    let app = App::new();
    let member = app.member().await;
    assert_eq!(post_as(&member, "", "/1.0/group", r#"{"name":"Barn"}"#).await.data()["name"], "Barn");
    member.bind(EUI, "S2101").await;
    let refused = member.post_json(&format!("/1.0/node/{EUI}"), "{}").await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (405, "10000"));
    assert_eq!(refused.header("allow"), "GET,HEAD,PATCH,DELETE,OPTIONS");
}

#[tokio::test]
async fn a_method_that_the_path_does_not_take_is_refused() {
    let app = App::new();
    let member = app.member().await;
    for method in ["PUT", "TRACE", "CONNECT", "BREW"] {
        let answer = post_as(&member, method, &format!("/1.0/node/{EUI}"), "").await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (405, "10000"), "{method}");
    }
    assert_eq!(post_as(&member, "no method", "/1.0/group", r#"{"name":"Barn"}"#).await.code(), "11202");
    assert_eq!(member.get("/1.0/lists/group").await.data().as_array().unwrap().len(), 1, "nothing was made");
}

#[tokio::test]
async fn only_a_post_and_only_in_the_api_of_2019_is_another_method() {
    let app = App::new();
    let member = app.member().await;
    member.bind(EUI, "S2101").await;
    let path = format!("/1.0/node/{EUI}");
    let get = Request::get(&path).header("x-http-method-override", "DELETE").body(Body::empty()).unwrap();
    assert_eq!(member.send_request(get).await.code(), "0");
    assert_eq!(member.get(&path).await.code(), "0", "it is still there");
    let body = r#"{"name":"North"}"#;
    assert_eq!(post_as(&member, "GET", "/openapi/create_group", body).await.data()["group_name"], "North");
}
