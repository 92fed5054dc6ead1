//! Asks a station what clients ask, and looks whether it answers as the contract says: the files
//! below `scenarios/`, one for each path.

mod case;
mod places;
mod shape;

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use base64::{Engine, prelude::BASE64_STANDARD};
use clap::Args;
use client::{Client, Manners, Station as Other};
use serde_json::Value;

use self::{case::Case, places::Places};
use crate::station::Station;

/// Ask a station what clients ask, and compare its answers with the contract
///
/// Without a target, a station of its own is started and everything is asked; of another station
/// only what changes nothing.
#[derive(Debug, Args)]
pub(crate) struct Scenarios {
    /// The address of a station, such as `https://sensecap.seeed.cc`
    #[arg(long, value_name = "URL", requires = "user")]
    target: Option<String>,
    /// Access ID and Access Key
    #[arg(long, value_name = "ID:KEY", requires = "target")]
    user: Option<String>,
    /// Ask a station that is not asked often at most once in so many milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pause_ms: u64,
    /// Only files whose path contains this
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
}

/// Whom to ask, and as whom.
struct Target {
    url: String,
    authorization: String,
    agent: ureq::Agent,
    /// For what is not asked in odd ways.
    client: Client,
}

/// An answer that came.
struct Answer {
    status: u16,
    body: Value,
}

impl Target {
    fn new(url: &str, user: &str, pause_ms: u64) -> anyhow::Result<Self> {
        // What a status means is for the scenario to say.
        let config = ureq::Agent::config_builder().http_status_as_error(false);
        let agent = config.timeout_global(Some(std::time::Duration::from_secs(30))).build().into();
        let authorization = format!("Basic {}", BASE64_STANDARD.encode(user));
        let (id, key) = user.split_once(':').context("a user is `ID:KEY`")?;
        let calls_per_minute = 60_000_u64.checked_div(pause_ms).unwrap_or_default().try_into()?;
        let manners = Manners { calls_per_minute, ..Manners::default() };
        let client = Client::new(&Other::At(url.to_owned()), id, key)?.with_manners(manners);
        Ok(Self { url: url.trim_end_matches('/').to_owned(), authorization, agent, client })
    }

    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> anyhow::Result<Answer> {
        let request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.url));
        let request = request.header("Authorization", &self.authorization);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let mut answer = if body.is_empty() {
            self.agent.run(request.body(())?)?
        } else {
            let configured = self.agent.configure_request(request.body(body.to_owned())?);
            self.agent.run(configured.allow_non_standard_methods(true).build())?
        };
        let text = answer.body_mut().read_to_string()?;
        let body = serde_json::from_str(&text).with_context(|| format!("`{method} {path}` answered `{text}`"))?;
        Ok(Answer { status: answer.status().as_u16(), body })
    }
}

pub(crate) fn run(scenarios: &Scenarios) -> anyhow::Result<()> {
    match (&scenarios.target, &scenarios.user) {
        (Some(url), Some(user)) => ask_all(scenarios, &Target::new(url, user, scenarios.pause_ms)?, false),
        _ => {
            let folder = tempfile::tempdir()?;
            let station = Station::start(folder.path())?;
            let target = Target::new(&format!("http://{}", station.address), &station.user, 0)?;
            places::furnish(&station, &target)?;
            ask_all(scenarios, &target, true)
        }
    }
}

fn ask_all(scenarios: &Scenarios, target: &Target, is_own: bool) -> anyhow::Result<()> {
    let places = Places::find(&target.client).context("the station does not say what it has")?;
    let (mut asked, mut left, mut wrong) = (0, 0, 0);
    let folder = crate::root().join("scenarios");
    for path in files(&folder)? {
        let name = path.strip_prefix(&folder)?.display().to_string();
        if scenarios.only.as_ref().is_some_and(|only| !name.contains(only.as_str())) {
            continue;
        }
        let text = std::fs::read_to_string(&path)?;
        let cases: Vec<Case> = serde_json::from_str(&text).with_context(|| format!("`{name}` is no scenario"))?;
        let before = (asked, left, wrong);
        for case in cases {
            if case.changes && !is_own {
                left += 1;
                continue;
            }
            let Some(case) = case.fill(&places) else {
                left += 1;
                continue;
            };
            pause(scenarios.pause_ms);
            asked += 1;
            if let Some(fault) = case.check(target)? {
                wrong += 1;
                println!("{name}: {}: {fault}", case.name);
            }
        }
        println!("{name}: {} asked, {} left out, {} wrong", asked - before.0, left - before.1, wrong - before.2);
    }
    ensure!(asked > 0, "there is no such scenario");
    println!("{asked} asked, {left} left out, {wrong} wrong");
    if wrong > 0 {
        bail!("{wrong} answers are not what the contract says");
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the other station wants to be left alone for so long")]
fn pause(ms: u64) {
    std::thread::sleep(std::time::Duration::from_millis(ms));
}

/// Every file of a folder and those in it, in order.
fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read `{}`", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
