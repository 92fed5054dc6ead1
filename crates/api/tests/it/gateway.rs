use std::time::{Duration, Instant};

use api::{Begun, Settings};
use axum::{
    body::Body,
    http::{Request, StatusCode},
};

use crate::{
    app::{Answer, App, EUI},
    refusals::{CASES, GROUP},
};

/// What every answer below `/openapi` carries.
#[track_caller]
fn check_headers(answer: &Answer) {
    let seconds = answer.header("api-gateway-excute-second");
    let (whole, fraction) = seconds.split_once('.').unwrap_or_default();
    assert!(!whole.is_empty() && fraction.len() >= 3, "`{seconds}`");
    assert!(seconds.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'), "`{seconds}`");
    assert!(answer.header("api-gateway-mpuo-consume").parse::<u64>().is_ok());
    assert!(["1", "1.5", "2"].contains(&answer.header("api-version")));
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(
        answer.header("access-control-expose-headers"),
        "api-gateway-excute-second, api-gateway-mpuo-consume, API-VERSION, ETag"
    );
}

#[track_caller]
fn check_envelope(answer: &Answer, status: StatusCode, code: &str) {
    assert_eq!((answer.status, answer.code().as_str()), (status, code), "{}", answer.body);
    assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
    check_headers(answer);
}

#[tokio::test]
async fn every_answer_carries_envelope_and_headers() {
    let app = App::new();
    let member = app.member().await;
    let stranger = app.stranger();
    for case in CASES {
        check_envelope(&case.ask(&stranger, EUI).await, StatusCode::UNAUTHORIZED, "11104");
    }
    check_envelope(&member.get("/openapi/view_organization").await, StatusCode::OK, "0");
    check_envelope(&member.get("/openapi/view_latest_telemetry_data").await, StatusCode::OK, "11202");
    for path in [
        "/openapi",
        "/openapi/",
        "/openapi/nothing",
        "/openapi/nothing/here",
        "/openapi/list_devices/x",
        "/1.0",
        "/1.0/",
        "/portalapi",
        "/portalapi/",
    ] {
        check_envelope(&member.get(path).await, StatusCode::NOT_FOUND, "10000");
        check_envelope(&stranger.post_json(path, "{}").await, StatusCode::NOT_FOUND, "10000");
    }
}

#[tokio::test]
async fn an_answer_names_the_version_that_its_path_belongs_to() {
    let app = App::new();
    for (path, version) in [
        ("/openapi/view_organization", "2"),
        ("/openapi/nothing", "2"),
        ("/openapi/device/list_euis", "1.5"),
        ("/openapi/channel/list/2CF7F12004100005", "1.5"),
        ("/openapi/sensor/measurements", "1.5"),
        ("/openapi/view_simcard", "1.5"),
        ("/openapi/device/view_node_key", "2"),
        ("/openapi/device/create_development_kit", "2"),
        ("/openapi/1.0/lists/sensor/measure", "1"),
        ("/1.0/lists/sensor/measure", "1"),
        ("/1.0/nothing", "1"),
    ] {
        assert_eq!(app.stranger().get(path).await.header("api-version"), version, "{path}");
    }
}

#[tokio::test]
async fn the_watch_starts_with_the_head_of_the_request() {
    let app = App::new();
    let begun = Instant::now().checked_sub(Duration::from_secs(7)).unwrap();
    let request = Request::get("/openapi/view_organization").extension(Begun(begun)).body(Body::empty()).unwrap();
    let answer = app.stranger().send_request(request).await;
    check_headers(&answer);
    assert!(answer.header("api-gateway-excute-second").parse::<f64>().unwrap() >= 7.0);
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_one() {
    let app = App::new();
    for case in CASES {
        let answer = app.stranger().send("TRACE", &case.url(EUI, GROUP), None, "").await;
        check_envelope(&answer, StatusCode::METHOD_NOT_ALLOWED, "10000");
        let allowed = match case.path.trim_start_matches("/openapi") {
            "/1.0/gateway/{eui}" | "/1.0/node/{eui}" => "GET,HEAD,PATCH,DELETE,OPTIONS",
            "/1.0/group/{unique_name}" => "PATCH,DELETE,OPTIONS",
            "/1.0/group/{unique_name}/devices" => "POST,OPTIONS,PUT,PATCH,DELETE",
            _ if case.is_asked_either_way() => "GET,HEAD,POST,OPTIONS",
            _ => "POST,OPTIONS",
        };
        assert_eq!(answer.header("allow"), allowed, "{}", case.path);
    }
}

#[tokio::test]
async fn a_browser_may_ask_without_credentials_what_it_may_send() {
    let app = App::new();
    let paths = api::paths().chain(["/openapi/nothing", "/openapi/view_organization%20"]);
    for path in paths {
        let request = Request::builder()
            .method("OPTIONS")
            .uri(path.replace("{eui}", EUI).replace("{unique_name}", "1"))
            .header("origin", "https://farm.example")
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,content-type");
        let answer = app.stranger().send_request(request.body(Body::empty()).unwrap()).await;
        assert_eq!((answer.status, answer.body.as_str()), (StatusCode::NO_CONTENT, ""), "{path}");
        check_headers(&answer);
        assert_eq!(answer.header("access-control-allow-methods"), "GET, POST, PATCH, PUT, DELETE");
        assert_eq!(
            answer.header("access-control-allow-headers"),
            "Authorization, Content-Type, API-VERSION, X-HTTP-Method-Override, If-None-Match"
        );
        assert_eq!(answer.header("allow"), "", "{path}: the methods stand in one header");
    }
}

#[tokio::test]
async fn a_space_at_the_end_of_a_path_is_dropped() {
    let app = App::new();
    let member = app.member().await;
    let plain = member.get("/openapi/view_organization").await;
    for path in ["/openapi/view_organization%20", "/openapi/view_organization%20%20?x=1"] {
        let answer = member.get(path).await;
        check_envelope(&answer, StatusCode::OK, "0");
        assert_eq!(answer.body, plain.body);
    }
    member.bind(EUI, "S2101").await;
    let answer = member.post_json("/openapi/view_devices%20", &format!(r#"{{"device_euis":["{EUI}"]}}"#)).await;
    check_envelope(&answer, StatusCode::OK, "0");
    check_envelope(&member.get("/openapi/nothing%20").await, StatusCode::NOT_FOUND, "10000");
    check_envelope(&member.get("/openapi/%20").await, StatusCode::NOT_FOUND, "10000");
    check_envelope(
        &app.stranger().send("DELETE", "/openapi/list_devices%20", None, "").await,
        StatusCode::METHOD_NOT_ALLOWED,
        "10000",
    );
}

#[tokio::test]
async fn a_bad_key_is_challenged() {
    let app = App::with(Settings { realm: "North farm".to_owned(), ..Settings::default() });
    let answer = app.stranger().get("/openapi/view_organization").await;
    check_envelope(&answer, StatusCode::UNAUTHORIZED, "11104");
    assert_eq!(answer.header("www-authenticate"), r#"Basic realm="North farm", charset="UTF-8""#);
}

#[tokio::test]
async fn a_setting_answers_a_bad_key_with_status_200() {
    let app = App::with(Settings { unauthorized_status_200: true, ..Settings::default() });
    let answer = app.stranger().get("/openapi/view_organization").await;
    check_envelope(&answer, StatusCode::OK, "11104");
    assert_eq!(answer.header("www-authenticate"), "");
    let member = app.member().await;
    member.revoke().await;
    check_envelope(&member.get("/openapi/view_organization").await, StatusCode::OK, "11105");
}

#[tokio::test]
async fn whoever_counts_calls_finds_endpoint_and_code() {
    let app = App::new();
    let member = app.member().await;
    let answered = |answer: Answer| answer.answered.map(|answered| (answered.endpoint, answered.code)).unwrap();
    assert_eq!(answered(member.get("/openapi/view_organization").await), ("/openapi/view_organization", "0"));
    assert_eq!(answered(app.stranger().get("/openapi/list_devices").await), ("/openapi/list_devices", "11104"));
    let wrong_method = member.send("DELETE", "/openapi/list_devices", None, "").await;
    assert_eq!(answered(wrong_method), ("/openapi/list_devices", "10000"));
    assert_eq!(answered(member.get("/openapi/secret-path").await), ("other", "10000"));
}

#[tokio::test]
async fn a_head_request_has_headers_only() {
    let app = App::new();
    let answer = app.member().await.send("HEAD", "/openapi/view_organization", None, "").await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, ""));
    check_headers(&answer);
}
