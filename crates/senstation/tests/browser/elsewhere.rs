//! A page of another origin that reads the public API, as programs built on axios do.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
};

use serde_json::{Value, json};

use crate::{
    browser::{Driven, chromium},
    support::{Station, json as command, senstation},
};

/// What axios does in a browser: an `XMLHttpRequest` with the headers of its defaults, credentials
/// as `Authorization`, and every header that the browser lets it read.
const AXIOS: &str = r"
window.axios = ({ method, url, auth, data }) => new Promise((done) => {
    const request = new XMLHttpRequest();
    request.open(method, url, true);
    request.setRequestHeader('Accept', 'application/json, text/plain, */*');
    if (auth) request.setRequestHeader('Authorization', 'Basic ' + btoa(`${auth.username}:${auth.password}`));
    if (data) request.setRequestHeader('Content-Type', 'application/json');
    request.onerror = () => done({ status: 0 });
    request.onloadend = () => {
        const lines = request.getAllResponseHeaders().trim().split('\r\n');
        const headers = Object.fromEntries(lines.map((line) => line.split(': ')));
        done({ status: request.status, headers, data: request.response && JSON.parse(request.response) });
    };
    request.send(data ? JSON.stringify(data) : null);
});";

/// Serves one empty page at an address of its own.
fn serve_page() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut socket in listener.incoming().map_while(Result::ok) {
            let mut head = BufReader::new(&socket).lines().map_while(Result::ok);
            if head.any(|line| line.is_empty()) {
                let page = "<!doctype html><title>Elsewhere</title><link rel=icon href='data:,'>";
                let _gone = write!(
                    socket,
                    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{page}",
                    page.len()
                );
            }
        }
    });
    origin
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_origin_reads_the_latest_data() {
    let Some(chromium) = chromium() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut demo = senstation(folder.path());
    let station = Station::start(folder.path(), demo.args(["demo", "--days", "2", "--http", "127.0.0.1:0", "--json"]));
    let printed: Value = serde_json::from_str(&station.greeting).unwrap();
    let key = |limits: &[&str]| {
        let create = [&["--data-dir", "demo-data", "key", "create"], limits].concat();
        command(folder.path(), &create)
    };
    let origin = serve_page();
    let (key, elsewhere, here) =
        (key(&[]), key(&["--origin", "https://dashboard.example.org"]), key(&["--origin", &origin]));
    let eui = printed["devices"][0]["eui"].as_str().unwrap();
    let latest = format!("{}/openapi/view_latest_telemetry_data?device_eui={eui}", printed["url"].as_str().unwrap());

    let browser = Driven::open(&chromium, &origin).await;
    browser.go("/").await;
    browser.js(AXIOS).await;
    let call = async |method: &str, key: Option<&Value>, data: Value| {
        let auth = key.map(|key| json!({ "username": key["access_id"], "password": key["access_key"] }));
        let asked = json!({ "method": method, "url": latest, "auth": auth, "data": data });
        browser.js(&format!("axios({asked})")).await
    };

    let answer = call("GET", Some(&key), Value::Null).await;
    assert_eq!((&answer["status"], &answer["data"]["code"]), (&json!(200), &json!("0")), "{answer}");
    assert!(!answer["data"]["data"][0]["points"].as_array().unwrap().is_empty(), "{answer}");
    // What browsers keep from pages unless the station exposes it.
    assert_eq!(answer["headers"]["api-version"], "2", "{answer}");
    let consumed = answer["headers"]["api-gateway-mpuo-consume"].as_str().unwrap();
    assert!(consumed.parse::<u64>().unwrap() > 0, "{answer}");
    assert!(answer["headers"]["api-gateway-excute-second"].is_string(), "{answer}");

    // A body of JSON is asked for leave as well.
    let answer = call("POST", Some(&key), json!({ "device_eui": eui })).await;
    assert_eq!((&answer["status"], &answer["data"]["code"]), (&json!(200), &json!("0")), "{answer}");

    // Refusals can be read too, and a key for one page is none for another.
    for key in [None, Some(json!({ "access_id": "A", "access_key": "B" }))] {
        let answer = call("GET", key.as_ref(), Value::Null).await;
        assert_eq!((&answer["status"], &answer["data"]["code"]), (&json!(401), &json!("11104")), "{answer}");
    }
    assert_eq!(call("GET", Some(&here), Value::Null).await["data"]["code"], "0");
    let answer = call("GET", Some(&elsewhere), Value::Null).await;
    assert_ne!(answer["data"]["code"], "0", "{answer}");
    assert!(answer["data"]["data"].as_array().is_none_or(Vec::is_empty), "{answer}");
    browser.close().await;
}
