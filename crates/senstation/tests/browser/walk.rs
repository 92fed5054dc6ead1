//! Every page, in both languages, both colours and both widths: nothing fails, nothing is cut off.

use serde_json::Value;

use crate::{
    browser::{Driven, chromium},
    support::{Station, senstation},
};

const WIDTHS: [(i64, i64); 2] = [(360, 780), (1600, 900)];

/// Signs in by the link that a station printed.
pub(crate) async fn become_owner(browser: &Driven, link: &str) {
    browser.go(link).await;
    browser.until("document.querySelector('#time_zone').value !== ''").await;
    browser.fill("#email", "ada@example.org").await;
    browser.fill("#password", "correct horse battery").await;
    browser.click("main button.primary").await;
    browser.until("location.pathname === '/setup'").await;
}

/// A demo station and its first line.
pub(crate) fn demo(folder: &std::path::Path, days: &str) -> (Station, Value) {
    let mut command = senstation(folder);
    let station = Station::start(folder, command.args(["demo", "--days", days, "--http", "127.0.0.1:0", "--json"]));
    let printed = serde_json::from_str(&station.greeting).unwrap();
    (station, printed)
}

/// What has to be there before a page is all there.
fn drawn(path: &str) -> &'static str {
    match path {
        "/map" => {
            "document.querySelectorAll('.map path.map-device').length > 0 && document.querySelector('.map path.map-land') !== null"
        }
        path if path.starts_with("/devices/") && path.matches('/').count() == 2 && path != "/devices/new" => {
            "document.querySelector('.chart canvas') !== null"
        }
        _ => "document.querySelector('main') !== null",
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_whole_in_every_dress() {
    let Some(chromium) = chromium() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (_station, printed) = demo(folder.path(), "30");
    let browser = Driven::open(&chromium, printed["url"].as_str().unwrap()).await;
    browser.resize(1280, 860).await;
    let join = printed["portal"].as_str().unwrap();
    browser.go(join).await;
    assert_eq!(browser.complaints(), Vec::<String>::new(), "before anybody is signed in");
    become_owner(&browser, join).await;
    browser.go("/groups").await;
    browser.fill("#name", "Greenhouses").await;
    browser.click("form.inline button.primary").await;
    browser.until("location.search === '?done=added'").await;
    let device = format!("/devices/{}", printed["devices"][4]["eui"].as_str().unwrap());
    let of_device = ["", "/table", "/frames", "/settings", "/code"].map(|end| format!("{device}{end}"));
    let others = [
        "/",
        "/setup",
        "/devices",
        "/devices?state=silent",
        "/devices/new",
        "/groups",
        "/map",
        "/keys",
        "/usage",
        "/sources",
        "/measurements",
        "/people",
        "/account",
        "/audit",
        "/system",
        "/guide",
        "/guide/access",
        "/guide/reference",
    ];
    let paths: Vec<String> = others.map(str::to_owned).into_iter().chain(of_device).collect();
    assert_eq!(browser.complaints(), Vec::<String>::new());
    for (language, theme) in [("en", "light"), ("zh", "dark"), ("en", "dark"), ("zh", "light")] {
        browser.set_cookie("language", language).await;
        browser.set_cookie("theme", theme).await;
        for (width, height) in WIDTHS {
            for path in &paths {
                browser.resize(width, height).await;
                browser.go(path).await;
                browser.until(drawn(path)).await;
                let dress = format!("{path} {language} {theme} {width}");
                assert_eq!(browser.complaints(), Vec::<String>::new(), "{dress}");
                let wide = browser.js("document.documentElement.scrollWidth").await.as_i64().unwrap();
                assert!(wide <= width, "{dress}: {wide} px");
                let shown = browser
                    .js("[document.documentElement.lang.slice(0, 2), document.documentElement.dataset.theme]")
                    .await;
                assert_eq!(shown, serde_json::json!([language, theme]), "{dress}");
                assert_eq!(browser.js("document.querySelectorAll('h1').length").await, 1, "{dress}");
                let name = path.trim_matches('/').replace(['/', '?', '='], "-");
                browser.picture(&format!("{language}-{theme}-{width}-{name}"), width, None).await;
            }
        }
    }
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_reached_by_keyboard_and_forms_work_without_scripts() {
    let Some(chromium) = chromium() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (_station, printed) = demo(folder.path(), "2");
    let browser = Driven::open(&chromium, printed["url"].as_str().unwrap()).await;
    become_owner(&browser, printed["portal"].as_str().unwrap()).await;
    for path in ["/", "/devices", "/keys", "/people"] {
        browser.go(path).await;
        // Whatever can be clicked can be reached: nothing is clickable but what takes the focus.
        let unreachable = browser
            .js("[...document.querySelectorAll('main a, main button, main input, main select, main summary, main [data-copy]')]
                .filter((e) => e.tabIndex < 0 && !e.classList.contains('visually-hidden')).length")
            .await;
        assert_eq!(unreachable, 0, "{path}");
        // Every field says what it is for.
        let nameless = browser
            .js("[...document.querySelectorAll('main input, main select')]
                .filter((e) => e.type !== 'hidden' && !e.labels?.length && !e.ariaLabel && !e.closest('fieldset') && !e.classList.contains('visually-hidden')).map((e) => e.name)")
            .await;
        assert_eq!(nameless, serde_json::json!([]), "{path}");
    }
    // A form posted as HTML alone does it: no script is asked.
    browser.go("/groups").await;
    browser.js("HTMLFormElement.prototype.submit.call(Object.assign(document.querySelector('form.inline'), {}), document.querySelector('#name').value = 'Barn')").await;
    browser.until("location.search === '?done=added'").await;
    assert!(
        browser.text("main").await.contains("Barn")
            || browser.js("[...document.querySelectorAll('input')].some((e) => e.value === 'Barn')").await == true
    );
    browser.close().await;
}
