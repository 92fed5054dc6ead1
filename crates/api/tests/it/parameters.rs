use axum::{
    body::{Body, Bytes},
    http::Request,
};
use http_body_util::{BodyExt, Full};

use crate::app::{Answer, App, Caller, EUI};

const PATH: &str = "/openapi/view_device_running_status";
const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

async fn with_device(app: &App) -> Caller<'_> {
    let member = app.member().await;
    member.bind(EUI, "S2101").await;
    member
}

#[tokio::test]
async fn a_post_may_bring_its_parameters_in_any_form() {
    let app = App::new();
    let member = with_device(&app).await;
    let json = format!(r#"{{"device_euis":["{EUI}"]}}"#);
    for (path, content_type, body) in [
        (PATH.to_owned(), Some(JSON), json.clone()),
        (PATH.to_owned(), Some("application/json; charset=utf-8"), format!("\n {json}")),
        (PATH.to_owned(), Some(FORM), json.clone()),
        (PATH.to_owned(), None, json.clone()),
        (PATH.to_owned(), Some("Application/X-WWW-form-urlencoded; charset=utf-8"), format!("device_euis={EUI}")),
        (PATH.to_owned(), Some(FORM), format!("device_euis[]={EUI}")),
        (PATH.to_owned(), Some(FORM), format!("device_euis%5B0%5D={EUI}&device_euis%5B1%5D={EUI}")),
        (PATH.to_owned(), None, format!("device_euis={EUI}")),
        (format!("{PATH}?device_euis={EUI}"), None, String::new()),
        (format!("{PATH}?device_euis[0]={EUI}"), Some(JSON), String::new()),
        (format!("{PATH}?device_euis={EUI}"), Some(JSON), r#"{"unknown":{"deep":[null]}}"#.to_owned()),
        (PATH.to_owned(), Some(JSON), format!(r#"{{"device_euis":"{EUI}"}}"#)),
    ] {
        let answer = member.send("POST", &path, content_type, &body).await;
        assert_eq!(answer.data()[0]["device_eui"], EUI, "{path} {content_type:?} {body}");
    }
}

#[tokio::test]
async fn a_get_may_carry_a_label_or_a_body() {
    let app = App::new();
    let member = with_device(&app).await;
    let path = "/openapi/view_latest_telemetry_data";
    for content_type in [JSON, FORM] {
        let answer = member.send("GET", &format!("{path}?device_eui={EUI}"), Some(content_type), "").await;
        assert_eq!(answer.code(), "0", "{content_type}");
    }
    let body = format!(r#"{{"device_eui":"{EUI}","channel_index":1,"measurement_id":4097.0}}"#);
    assert_eq!(member.send("GET", path, Some(JSON), &body).await.code(), "0");
    // Where both say it, the body is heard.
    let answer = member.send("GET", &format!("{path}?device_eui=0000000000000000"), Some(JSON), &body).await;
    assert_eq!(answer.code(), "0");
}

#[tokio::test]
async fn a_body_that_says_nothing_is_a_refusal_with_status_200() {
    let app = App::new();
    let member = with_device(&app).await;
    for body in ["", "{", "[]", "nonsense", "\u{feff}{}", r#"{"device_euis":null}"#, r#"{"device_euis":[[]]}"#] {
        let answer = member.post_json(PATH, body).await;
        assert_eq!(answer.status.as_u16(), 200, "{body}");
        assert!(["11202", "11203"].contains(&answer.code().as_str()), "{body}: {}", answer.body);
    }
}

#[track_caller]
fn check(answer: &Answer, status: u16) {
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, "10000"), "{}", answer.body);
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_refused_by_its_status() {
    let app = App::new();
    let member = with_device(&app).await;
    check(&member.post_json(PATH, &" ".repeat(256 * 1_024 + 1)).await, 413);
    assert_eq!(member.post_json(PATH, &" ".repeat(256 * 1_024)).await.status.as_u16(), 200);
    check(&member.send("POST", PATH, Some("multipart/form-data; boundary=x"), "--x--").await, 415);
    let zipped = Request::post(PATH).header("content-encoding", "gzip").body(Body::from("\u{1f}")).unwrap();
    check(&member.send_request(zipped).await, 415);
    let broken = Request::post(PATH).body(broken()).unwrap();
    check(&member.send_request(broken).await, 400);
}

/// A body whose sender goes away.
fn broken() -> Body {
    let begun = Full::new(Bytes::from_static(b"{")).map_err(|never| match never {});
    Body::new(begun.with_trailers(async { Some(Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))) }))
}
