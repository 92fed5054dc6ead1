//! Names that would like to be programs stay names.

use serde_json::{Value, json};

use crate::{
    browser::{Driven, chromium},
    walk::{become_owner, demo},
};

/// What somebody might send in the hope that a page runs it, each within the 64 characters of a name.
fn attacks() -> Vec<String> {
    let run = "window.ran=1";
    let tags = [
        "<script>RUN</script>",
        "<img src=x onerror=RUN>",
        "<svg onload=RUN>",
        "<body onload=RUN>",
        "<iframe srcdoc='<script>RUN</script>'>",
        "<a href=javascript:RUN>x</a>",
        "<details open ontoggle=RUN>",
        "<input autofocus onfocus=RUN>",
        "<video><source onerror=RUN>",
        "<math><a xlink:href=javascript:RUN>",
        "<object data=javascript:RUN>",
        "<embed src=javascript:RUN>",
        "<base href=javascript:RUN//>",
        "<form action=javascript:RUN><button>",
        "<meta http-equiv=refresh content=0;url=/x>",
        "<style>@import'/x'</style>",
        "<marquee onstart=RUN>",
        "<template><script>RUN</script>",
        "<noscript><img src=x onerror=RUN>",
        "{{RUN}}",
    ];
    let breaks = ["", "\"", "'", "\">", "'>", "-->", "</title>", "</textarea>", "</script>", "`${"];
    let mut all = Vec::new();
    for break_out in breaks {
        for tag in tags {
            let text = format!("{break_out}{}", tag.replace("RUN", run));
            all.push(text.chars().take(64).collect());
        }
    }
    all
}

/// Sends a request of the page itself, signed in as it is.
async fn call(browser: &Driven, method: &str, path: &str, body: &Value) -> i64 {
    let expression = format!(
        "fetch({path:?}, {{ method: {method:?}, headers: {{ 'content-type': 'application/json' }}, body: {} }}).then((answer) => answer.status)",
        serde_json::to_string(&body.to_string()).unwrap()
    );
    browser.js(&expression).await.as_i64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_attacks_run_nothing() {
    let Some(chromium) = chromium() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (_station, printed) = demo(folder.path(), "1");
    let browser = Driven::open(&chromium, printed["url"].as_str().unwrap()).await;
    browser.resize(1280, 900).await;
    become_owner(&browser, printed["portal"].as_str().unwrap()).await;
    let attacks = attacks();
    assert!(attacks.len() >= 200);
    for (number, attack) in attacks.iter().enumerate() {
        let eui = format!("{:016X}", 0xA77A_C000_0000_0000_u64 + number as u64);
        let new = json!({ "eui": eui, "model": "S2101", "name": attack });
        assert_eq!(call(&browser, "POST", "/api/devices", &new).await, 201, "{attack}");
        let place = json!({ "position": { "latitude": 10.0 + number as f64 / 10.0, "longitude": 20.0 } });
        assert_eq!(call(&browser, "PATCH", &format!("/api/devices/{eui}"), &place).await, 200);
        let name = json!({ "name": attack });
        assert_eq!(call(&browser, "PUT", &format!("/api/devices/{eui}/channels/1"), &name).await, 200);
        if number % 5 == 0 {
            assert_eq!(
                call(
                    &browser,
                    "POST",
                    "/api/groups",
                    &json!({ "name": format!("{number}{attack}").chars().take(64).collect::<String>() })
                )
                .await,
                201
            );
            assert_eq!(call(&browser, "POST", "/api/keys", &json!({ "name": attack, "scopes": ["read"] })).await, 201);
            assert_eq!(
                call(&browser, "POST", "/api/sources", &json!({ "kind": "chirpstack", "name": attack })).await,
                201
            );
            assert_eq!(call(&browser, "POST", "/api/invites", &json!({ "role": "viewer", "note": attack })).await, 201);
        }
    }
    assert_eq!(call(&browser, "PATCH", "/api/organization", &json!({ "name": attacks[1] })).await, 200);
    browser.complaints();

    let mut paths: Vec<String> =
        ["/", "/map", "/groups", "/keys", "/sources", "/people", "/audit", "/account", "/devices/new"]
            .map(str::to_owned)
            .into();
    let mut after = String::new();
    for _ in 0..4 {
        paths.push(format!("/devices?after={after}"));
        after = format!("{:016X}", 0xA77A_C000_0000_0000_u64 + paths.len() as u64 * 50);
    }
    for number in (0..attacks.len()).step_by(10) {
        let device = format!("/devices/{:016X}", 0xA77A_C000_0000_0000_u64 + number as u64);
        paths.extend(["", "/settings", "/frames"].map(|end| format!("{device}{end}")));
        let query: String = attacks[number].bytes().map(|byte| format!("%{byte:02X}")).collect();
        paths.push(format!("/devices?search={query}&group={query}&state={query}&after={query}"));
        paths.push(format!("/?done={query}"));
    }
    for path in &paths {
        browser.go(path).await;
        if path == "/map" {
            browser.until("document.querySelectorAll('.map path.map-device').length >= 200").await;
            browser.js("document.querySelectorAll('.map path.map-device').forEach((e) => { e.dispatchEvent(new Event('focus')); e.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter' })); })").await;
        }
        assert_eq!(browser.js("window.ran").await, Value::Null, "{path}");
        let complaints = browser.complaints();
        // The policy would have to stop something only if something had become a program.
        assert!(complaints.is_empty(), "{path}: {complaints:?}");
    }
    browser.close().await;
}
