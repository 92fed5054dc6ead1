//! The first five minutes, as somebody has them who reads nothing but the screen.

use std::process::Command;

use serde_json::Value;

use crate::{
    browser::{Driven, chromium},
    support::{Station, UP, json, senstation},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_reaches_a_working_curl_line() {
    let Some(chromium) = chromium() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut command = senstation(folder.path());
    let station = Station::start(folder.path(), command.args(["demo", "--http", "127.0.0.1:0", "--json"]));
    let printed: Value = serde_json::from_str(&station.greeting).unwrap();
    let home = printed["url"].as_str().unwrap();
    let browser = Driven::open(&chromium, home).await;
    browser.resize(1280, 860).await;

    // The link that the terminal shows.
    browser.go(printed["portal"].as_str().unwrap()).await;
    browser.until("document.querySelector('#time_zone').value !== ''").await;
    browser.fill("#email", "ada@example.org").await;
    browser.fill("#name", "Ada").await;
    browser.fill("#password", "correct horse battery").await;
    browser.picture("1-owner", 1280, Some(860)).await;
    browser.click("main button.primary").await;
    browser.until("location.pathname === '/setup'").await;
    browser.picture("2-setup", 1280, Some(860)).await;

    browser.click("a.choice[href='/keys']").await;
    browser.until("location.pathname === '/keys'").await;
    browser.fill("#name", "Dashboard").await;
    browser.click("form.card button.primary").await;
    browser.until_there("#code-curl").await;
    browser.picture("3-key", 1280, Some(860)).await;

    // What the screen says, pasted into a terminal.
    let line = browser.text("#code-curl").await;
    let output = Command::new("sh").args(["-c", &line]).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["code"], "0", "{answer}");
    assert_eq!(answer["data"].as_array().unwrap().len(), 10, "{answer}");

    // The link was good once.
    browser.go(printed["portal"].as_str().unwrap()).await;
    assert_eq!(browser.js("document.querySelector('form[action^=\"/join\"]')").await, Value::Null);
    let complaints = browser.complaints();
    assert!(complaints.iter().all(|complaint| complaint.contains("404")), "{complaints:?}");

    browser.go("/").await;
    browser.until("document.querySelectorAll('.stat').length === 4").await;
    browser.picture("overview", 1280, Some(860)).await;
    let weather = printed["devices"][4]["eui"].as_str().unwrap();
    browser.go(&format!("/devices/{weather}?range=7d&series=1/4097&series=1/4098")).await;
    browser.until("document.querySelector('.chart canvas') !== null").await;
    browser.picture("device", 1280, Some(1000)).await;
    assert_eq!(browser.complaints(), Vec::<String>::new());
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_farmer_sees_the_first_uplink_arrive() {
    let Some(chromium) = chromium() else { return };
    let folder = tempfile::tempdir().unwrap();
    let station = Station::serve(folder.path());
    let home = format!("http://{}", station.address);
    let link = json(folder.path(), &["owner-link"]);
    let join = path_of(link["url"].as_str().unwrap());
    let browser = Driven::open(&chromium, &home).await;
    browser.resize(1280, 860).await;
    browser.go(&join).await;
    browser.until("document.querySelector('#time_zone').value !== ''").await;
    browser.fill("#organization", "Green Valley").await;
    browser.fill("#email", "mei@example.org").await;
    browser.fill("#password", "correct horse battery").await;
    browser.click("main button.primary").await;
    browser.until("location.pathname === '/setup'").await;
    browser.click("form[action='/setup/chirpstack'] button").await;
    browser.until_there("#ingest-token").await;
    browser.until("document.querySelector('[data-await].on') !== null").await;
    browser.picture("4-chirpstack", 1280, Some(860)).await;
    let value = browser.text("#ingest-token").await;
    let token = value.strip_prefix("Bearer ").unwrap();
    let answer = station.uplink(token, UP.as_bytes());
    assert_eq!(answer.status, 200, "{answer:?}");
    // The page goes on by itself.
    browser.until("location.pathname.startsWith('/setup/chirpstack/')").await;
    browser.until_there(".frame").await;
    let shown = browser.text("main").await;
    assert!(shown.contains("Air Temperature") && shown.contains("℃"), "{shown}");
    browser.picture("5-first-uplink", 1280, Some(860)).await;
    assert_eq!(browser.complaints(), Vec::<String>::new());
    browser.close().await;
}

/// The path of an address.
fn path_of(url: &str) -> String {
    let rest = url.split("://").nth(1).unwrap();
    rest[rest.find('/').unwrap()..].to_owned()
}
