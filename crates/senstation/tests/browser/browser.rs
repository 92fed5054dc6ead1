//! Chromium, driven.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use chromiumoxide::{
    Browser, BrowserConfig, Page,
    cdp::{
        browser_protocol::{
            emulation::SetDeviceMetricsOverrideParams,
            input::InsertTextParams,
            log::EventEntryAdded,
            network::{CookieParam, EventLoadingFailed, EventRequestWillBeSent, EventResponseReceived},
            page::CaptureScreenshotFormat,
        },
        js_protocol::runtime::{EvaluateParams, EventConsoleApiCalled, EventExceptionThrown},
    },
    page::ScreenshotParams,
};
use futures_util::StreamExt;
use serde_json::Value;
use tempfile::TempDir;

/// How long anything may take that a page does; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// A browser with one page, and everything that it complained of.
pub(crate) struct Driven {
    browser: Browser,
    page: Page,
    complaints: Arc<Mutex<Vec<String>>>,
    home: String,
    _profile: TempDir,
}

/// The browser of this machine; without one the test says so and is over.
pub(crate) fn chromium() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found =
        std::env::split_paths(&path).flat_map(|folder| NAMES.map(|name| folder.join(name))).find(|file| file.is_file());
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "there is no Chromium here, and on CI there must be");
        println!("skipped: there is no Chromium on this machine");
    }
    found
}

impl Driven {
    /// Opens a browser for a station at an address such as `http://127.0.0.1:8080`.
    pub(crate) async fn open(chromium: &Path, home: &str) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let config = BrowserConfig::builder()
            .chrome_executable(chromium)
            .no_sandbox()
            .user_data_dir(profile.path())
            .launch_timeout(PATIENCE)
            .request_timeout(PATIENCE)
            .viewport(None)
            // Nothing but this machine can be reached: what a page needs, the station brings.
            .arg(("host-resolver-rules", "MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"))
            .args(["disable-gpu", "disable-quic", "no-first-run", "disable-background-networking"])
            .args(["disable-component-update", "disable-sync", "hide-scrollbars"])
            .build()
            .unwrap();
        let (browser, mut handler) = Browser::launch(config).await.unwrap();
        tokio::spawn(async move { while handler.next().await.is_some() {} });
        let page = browser.new_page("about:blank").await.unwrap();
        page.enable_log().await.unwrap();
        page.enable_runtime().await.unwrap();
        let complaints = Arc::default();
        listen(&page, &complaints, home).await;
        Self { browser, page, complaints, home: home.to_owned(), _profile: profile }
    }

    /// Goes to a path, and waits until the page is there.
    pub(crate) async fn go(&self, path: &str) {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.home) };
        self.page.goto(url).await.unwrap();
        self.until("true").await;
    }

    /// Waits until an expression is true on a page that is whole; one that is left meanwhile is waited for.
    pub(crate) async fn until(&self, expression: &str) {
        let watch = format!(
            "new Promise((done) => {{
                const look = () => document.readyState === 'complete' && ({expression}) ? done(true) : requestAnimationFrame(look);
                look();
            }})"
        );
        let waiting = async {
            loop {
                // Fails while one page gives way to the next.
                if self.try_js(&watch).await.is_ok_and(|value| value == true) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(waited.is_ok(), "never: {expression}\n{}", self.text("body").await);
    }

    /// Waits until a page is whole and has an element: one that is still being read has not.
    pub(crate) async fn until_there(&self, selector: &str) {
        self.until(&format!("document.querySelector({selector:?}) !== null")).await;
    }

    /// What an expression is on the page.
    pub(crate) async fn js(&self, expression: &str) -> Value {
        self.try_js(expression).await.unwrap_or_else(|error| panic!("{expression}: {error}"))
    }

    async fn try_js(&self, expression: &str) -> Result<Value, String> {
        let asked = EvaluateParams::builder().expression(expression).await_promise(true).return_by_value(true);
        let answer = self.page.execute(asked.build()?).await.map_err(|error| error.to_string())?;
        match &answer.result.exception_details {
            Some(exception) => Err(format!("{exception:?}")),
            None => Ok(answer.result.result.value.clone().unwrap_or_default()),
        }
    }

    /// The text of an element.
    pub(crate) async fn text(&self, selector: &str) -> String {
        let text = self.js(&format!("document.querySelector({selector:?})?.innerText ?? ''")).await;
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Fills a field in as somebody who types does.
    pub(crate) async fn fill(&self, selector: &str, text: &str) {
        self.until_there(selector).await;
        self.js(&format!("document.querySelector({selector:?}).select()")).await;
        self.page.execute(InsertTextParams::new(text)).await.unwrap();
    }

    /// Clicks on what is first.
    pub(crate) async fn click(&self, selector: &str) {
        self.until_there(selector).await;
        self.js(&format!("document.querySelector({selector:?}).click()")).await;
    }

    pub(crate) async fn set_cookie(&self, name: &str, value: &str) {
        let cookie = CookieParam::builder().name(name).value(value).url(self.home.clone()).build().unwrap();
        self.page.set_cookie(cookie).await.unwrap();
    }

    /// Makes the window so wide.
    pub(crate) async fn resize(&self, width: i64, height: i64) {
        let metrics = SetDeviceMetricsOverrideParams::new(width, height, 1.0, false);
        self.page.execute(metrics).await.unwrap();
    }

    /// Leaves a picture of the page, if somebody wants pictures; as high as it is, within reason.
    pub(crate) async fn picture(&self, name: &str, width: i64, height: Option<i64>) {
        let Some(folder) = std::env::var_os("SENSTATION_SCREENSHOTS").map(PathBuf::from) else { return };
        std::fs::create_dir_all(&folder).unwrap();
        let whole = self.js("document.documentElement.scrollHeight").await.as_i64().unwrap().clamp(400, 3_000);
        self.resize(width, height.unwrap_or(whole)).await;
        self.js("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))").await;
        let params = ScreenshotParams::builder().format(CaptureScreenshotFormat::Png).build();
        let png = self.page.screenshot(params).await.unwrap();
        std::fs::write(folder.join(format!("{name}.png")), png).unwrap();
    }

    /// Everything that the browser complained of since it was last asked.
    pub(crate) fn complaints(&self) -> Vec<String> {
        std::mem::take(&mut *self.complaints.lock().unwrap())
    }

    pub(crate) async fn close(mut self) {
        self.browser.close().await.unwrap();
        self.browser.wait().await.unwrap();
    }
}

async fn listen(page: &Page, complaints: &Arc<Mutex<Vec<String>>>, home: &str) {
    macro_rules! collect {
        ($event:ty, $complaint:expr) => {{
            let (mut events, complaints) = (page.event_listener::<$event>().await.unwrap(), Arc::clone(complaints));
            let complaint: Box<dyn Fn(&$event) -> Option<String> + Send> = Box::new($complaint);
            tokio::spawn(async move {
                while let Some(event) = events.next().await {
                    complaints.lock().unwrap().extend(complaint(&event));
                }
            });
        }};
    }
    collect!(EventExceptionThrown, |event| Some(format!("exception: {:?}", event.exception_details)));
    collect!(EventConsoleApiCalled, |event| {
        let kind = format!("{:?}", event.r#type);
        matches!(kind.as_str(), "Error" | "Warning" | "Assert").then(|| format!("console: {:?}", event.args))
    });
    collect!(EventEntryAdded, |event| {
        let level = format!("{:?}", event.entry.level);
        matches!(level.as_str(), "Error" | "Warning")
            .then(|| format!("log: {} {:?}", event.entry.text, event.entry.url))
    });
    // A stream of events is cut off when its page is left.
    collect!(EventLoadingFailed, |event| {
        (event.canceled != Some(true) && !event.error_text.contains("ERR_ABORTED"))
            .then(|| format!("not loaded: {} {:?}", event.error_text, event.r#type))
    });
    collect!(EventResponseReceived, |event| {
        (event.response.status >= 400).then(|| format!("{}: {}", event.response.status, event.response.url))
    });
    let home = home.to_owned();
    collect!(EventRequestWillBeSent, move |event: &EventRequestWillBeSent| {
        let url = &event.request.url;
        let is_ours = url.starts_with(&home) || url.starts_with("data:") || url.starts_with("about:");
        (!is_ours).then(|| format!("asked of elsewhere: {url}"))
    });
}
