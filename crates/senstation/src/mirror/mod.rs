//! History home from another station, newest first, and then whatever comes.
//!
//! A window of a device is fetched series by series, stored as rows, and only then noted as had, so
//! that a mirror that is killed asks again for one window at most, and stores nothing twice.
//! `senstation mirror` runs one by hand; a running station runs those that somebody began in its
//! portal ([`jobs`]).

mod compare;
mod devices;
mod follow;
mod jobs;
mod sight;
mod sink;
mod state;
mod stream;
mod told;

use std::{
    fs::File,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use client::{AsyncClient, Client, Gateway, History, Manners, Point, Station as Other};
use ingest::import::{Origin, Record};
use model::{BrokerUrl, Day, DeviceEui, OrgId, SeriesKey, Timestamp};
use portal::{MirrorDifference, MirrorPhase};
use serde_json::{Value, json};
use store::Registry;

use self::{
    devices::Inventory,
    sink::Sink,
    state::{Copied, State, StateFile, Stretch},
};
use crate::{clock, config::Settings, station};

pub(crate) use jobs::Mirrors;
pub(crate) use sight::look;
pub(crate) use sink::{Batch, count, take};
pub(crate) use told::Told;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Where a window begins to be fetched, and how it may be stretched.
const WIDTH_MS: i64 = 3 * DAY_MS;
const WIDTH_MS_MIN: i64 = HOUR_MS;
const WIDTH_MS_MAX: i64 = 28 * DAY_MS;
/// A page is full with so many points; the width aims below.
const PAGE: usize = 1_000;
/// What may still come in behind the newest, when it is followed.
const OVERLAP_MS: i64 = HOUR_MS;

/// Why a stream is not followed.
pub(crate) const NO_STREAM: &str = "it is not known where this station streams; name `mqtt://HOST:PORT`";

/// What is wanted of a mirror.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) station: Other,
    pub(crate) access_id: String,
    pub(crate) access_key: String,
    pub(crate) org: OrgId,
    pub(crate) since: Timestamp,
    /// Data that may be spent in all.
    pub(crate) budget_dm: Option<u64>,
    pub(crate) calls_per_minute: u32,
    /// What to do once history is there; `None` to end then.
    pub(crate) follow: Option<Follow>,
}

/// How a station is followed.
#[derive(Debug, Clone)]
pub(crate) struct Follow {
    /// How often it is asked for what is new.
    pub(crate) every: Duration,
    /// Where its stream is, if it is followed too.
    pub(crate) stream: Option<BrokerUrl>,
    /// Until when both stations are asked the same, and where this one is asked.
    pub(crate) compare: Option<(Timestamp, Other)>,
}

impl Wanted {
    fn client(&self) -> Result<AsyncClient, client::Error> {
        let manners = Manners { calls_per_minute: self.calls_per_minute, ..Manners::default() };
        let client = Client::new(&self.station, &self.access_id, &self.access_key)?.with_manners(manners);
        Ok(AsyncClient::new(client))
    }

    fn file(&self, data_dir: &Path) -> StateFile {
        StateFile::of(data_dir, self.org, &self.station.to_string(), &self.access_id)
    }

    /// Up to when history is fetched at once; what is younger may not be whole yet.
    fn until(&self) -> Timestamp {
        if self.follow.is_some() { clock::now().minus_ms(OVERLAP_MS) } else { clock::now() }
    }
}

/// How a mirror ended that could have gone on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Everything that was wanted is here.
    Done,
    /// The budget is used up; what was fetched is kept.
    Spent,
}

/// Mirrors by hand: copies, proves, and follows if that is wanted.
pub(crate) async fn run(settings: &Settings, wanted: Wanted, is_dry: bool) -> anyhow::Result<Value> {
    let sight = look(&wanted, &settings.data_dir).await?;
    let mut shown = sight.json(&wanted);
    if is_dry {
        return Ok(shown);
    }
    let told = Told::terminal();
    told.say(format_args!(
        "{} devices, {} gateways, {} groups; about {} dm and {:.1} h to go",
        sight.shown.devices.len(),
        sight.shown.gateways,
        sight.shown.groups.len(),
        sight.shown.dm,
        sight.shown.hours
    ));
    let registry = station::open_registry(&settings.data_dir)?;
    let sink = Arc::new(Sink::open(settings)?);
    let budget = wanted.budget_dm;
    let follows = wanted.follow.is_some();
    let mut mirror = Mirror::begin(wanted, &sight.shown.other_org, &settings.data_dir, Arc::clone(&sink), told)?;
    shown["devices_added"] = mirror.copy(&*registry, &sight.inventory).await?.into();
    let done = mirror.bring_home().await;
    if matches!(done, Ok(Ended::Done)) && follows {
        mirror.follow(&*registry).await?;
    }
    shown["dm_spent"] = mirror.state.dm.into();
    shown["points"] = mirror.state.points.into();
    let differences = mirror.told.read().differences.unwrap_or_default();
    sink.close().await?;
    if done? == Ended::Spent {
        bail!(
            "the budget of {} dm is used up; what was fetched is kept, and a larger `--budget` goes on",
            budget.unwrap_or_default()
        );
    }
    shown["differences"] = differences.iter().map(difference_json).collect();
    Ok(shown)
}

fn difference_json(difference: &MirrorDifference) -> Value {
    let MirrorDifference { eui, what, there, here } = difference;
    json!({ "device_eui": eui, "day": what, "there": there, "here": here })
}

/// A mirror at work.
struct Mirror {
    client: AsyncClient,
    sink: Arc<Sink>,
    file: StateFile,
    state: State,
    wanted: Wanted,
    devices: Vec<Copied>,
    told: Told,
    /// Keeps other mirrors of the account away.
    _lock: File,
}

impl Mirror {
    fn begin(wanted: Wanted, other_org: &str, data_dir: &Path, sink: Arc<Sink>, told: Told) -> anyhow::Result<Self> {
        let file = wanted.file(data_dir);
        let lock = file.lock()?;
        let mut state = file.load()?;
        if !state.other_org.is_empty() && state.other_org != other_org {
            bail!(
                "this key is of organization {other_org} there, and was of {} before; nothing was fetched: remove \
                 `{file}` to mirror that one as well",
                state.other_org
            );
        }
        other_org.clone_into(&mut state.other_org);
        told.note(|progress| (progress.points, progress.dm) = (state.points, state.dm));
        Ok(Self { client: wanted.client()?, sink, file, state, wanted, devices: Vec::new(), told, _lock: lock })
    }

    /// Adds what the organization does not have of what the other station has.
    async fn copy(&mut self, registry: &dyn Registry, inventory: &Inventory) -> Result<u64, store::Error> {
        self.devices = inventory.copied();
        inventory.copy(registry, self.wanted.org, clock::now()).await
    }

    /// Fetches what is missing, and counts it.
    async fn bring_home(&mut self) -> anyhow::Result<Ended> {
        self.told.note(|progress| progress.phase = MirrorPhase::History);
        let ended = self.history(self.wanted.until()).await?;
        if ended == Ended::Spent {
            self.told.note(|progress| progress.phase = MirrorPhase::Spent);
            return Ok(ended);
        }
        self.told.note(|progress| progress.phase = MirrorPhase::Counting);
        let differences = self.prove().await?;
        self.told.note(|progress| progress.differences = Some(differences));
        Ok(Ended::Done)
    }

    fn is_spent(&self) -> bool {
        self.wanted.budget_dm.is_some_and(|budget| self.state.dm >= budget)
    }

    /// Fetches what is missing up to a time, newest first over all devices.
    async fn history(&mut self, until: Timestamp) -> anyhow::Result<Ended> {
        let span = (self.wanted.since.as_millis(), until.as_millis());
        let mut widths: Vec<i64> = vec![WIDTH_MS; self.devices.len()];
        let (mut shown, begun) = (self.told.shown("history"), Instant::now());
        let total = self.missing_ms(span);
        let all = self.all_ms(span);
        let days = u64::try_from((span.1 - span.0) / DAY_MS).unwrap_or_default() + 1;
        self.told.note(|progress| progress.device_days = days * self.devices.len() as u64);
        loop {
            let left = self.missing_ms(span);
            self.told.note(|progress| {
                (progress.done, progress.total) = (all.saturating_sub(left), all);
                progress.left_ms = time_left(begun.elapsed(), total.saturating_sub(left), left);
            });
            if let Some(shown) = &mut shown {
                shown.show(total.saturating_sub(left), total);
            }
            let newest = (0..self.devices.len()).filter_map(|at| Some((self.newest(at, span)?, at))).max();
            let Some((end, at)) = newest else { break };
            if self.is_spent() {
                return Ok(Ended::Spent);
            }
            let window = (end.saturating_sub(widths[at]).max(span.0), end);
            let (fullest, _) = self.window(at, window, end).await?;
            if fullest >= PAGE {
                widths[at] = (widths[at] / 2).max(WIDTH_MS_MIN);
            } else if fullest < PAGE * 9 / 20 {
                widths[at] = (widths[at] * 2).min(WIDTH_MS_MAX);
            }
        }
        drop(shown);
        self.told.note(|progress| progress.left_ms = None);
        self.told.say(format_args!(
            "history is here: {} readings, {} dm, {:.0} s",
            self.state.points,
            self.state.dm,
            begun.elapsed().as_secs_f64()
        ));
        Ok(Ended::Done)
    }

    fn all_ms(&self, (from, to): Stretch) -> u64 {
        let series: usize = self.devices.iter().map(|device| device.series.len()).sum();
        u64::try_from(to - from + 1).unwrap_or_default() * series as u64
    }

    fn missing_ms(&self, span: Stretch) -> u64 {
        let of = |device: &Copied| -> i64 {
            let known = self.state.devices.get(&device.eui.to_string());
            let missing = |series: &SeriesKey| known.map_or_else(|| vec![span], |known| known.missing(*series, span));
            device.series.iter().flat_map(missing).map(|(from, to)| to - from + 1).sum()
        };
        self.devices.iter().map(of).sum::<i64>().try_into().unwrap_or_default()
    }

    /// Where the newest end of what is missing of a device lies.
    fn newest(&self, at: usize, span: Stretch) -> Option<i64> {
        let device = &self.devices[at];
        let known = self.state.devices.get(&device.eui.to_string());
        let missing = |series: &SeriesKey| known.map_or_else(|| vec![span], |known| known.missing(*series, span));
        device.series.iter().filter_map(|series| missing(series).first().map(|(_, end)| *end)).max()
    }

    /// Fetches what is missing of a device in a window, stores it, and notes that it is had up to
    /// `through`. Gives how many points the fullest series had, and how many are new here.
    async fn window(&mut self, at: usize, window: Stretch, through: i64) -> anyhow::Result<(usize, u64)> {
        let Copied { eui, series } = self.devices[at].clone();
        let known = self.state.devices.get(&eui.to_string()).cloned().unwrap_or_default();
        let (mut records, mut covered, mut fullest) = (Vec::new(), Vec::new(), 0);
        for series in series {
            let mut count = 0;
            for stretch in known.missing(series, window) {
                let (points, dm) = self.fetch(eui, series, stretch).await?;
                count += points.len();
                self.state.dm += dm;
                records.extend(points.into_iter().map(|point| Record {
                    line: 0,
                    eui,
                    series,
                    measured_at: point.time,
                    value: point.value,
                    origin: Origin::default(),
                }));
                covered.push((series, stretch));
            }
            fullest = fullest.max(count);
        }
        // So that readings of one time become one row.
        records.sort_by_key(|record| (record.measured_at, record.series));
        let new = self.sink.take(self.wanted.org, &records).await?;
        // What is asked for once more is counted then.
        records.retain(|record| record.measured_at.as_millis() <= through);
        let device = self.state.devices.entry(eui.to_string()).or_default();
        for record in &records {
            *device.days.entry(Day::of(record.measured_at).get()).or_default() += 1;
        }
        for (series, (from, to)) in covered {
            if from <= through {
                device.cover(series, (from, to.min(through)));
            }
        }
        self.state.points += records.len() as u64;
        self.file.save(&self.state)?;
        self.told.note(|progress| (progress.points, progress.dm) = (self.state.points, self.state.dm));
        Ok((fullest, new))
    }

    async fn fetch(&self, eui: DeviceEui, series: SeriesKey, (from, to): Stretch) -> anyhow::Result<(Vec<Point>, u64)> {
        let history = History::of(eui, series, Timestamp::from_millis(from), Timestamp::from_millis(to));
        let fetch = move |client: &Client| {
            let (mut history, mut all, mut spent) = (history, Vec::new(), 0);
            while let Some((points, Gateway { dm, .. })) = history.next(client)? {
                spent += dm.unwrap_or(points.len() as u64);
                all.extend(points);
            }
            Ok((all, spent))
        };
        self.client.call(fetch).await.with_context(|| format!("`{}`, device `{eui}`", self.wanted.station))
    }

    /// Holds what the station has against what the other one gave, device by device and day by day.
    async fn prove(&self) -> anyhow::Result<Vec<MirrorDifference>> {
        let mut differences = Vec::new();
        for (eui, known) in &self.state.devices {
            let of = eui.parse().map_err(|error: model::InvalidEui| anyhow::anyhow!(error))?;
            let here = self.sink.count(self.wanted.org, of, self.wanted.since.as_millis()).await?;
            for (day, there) in &known.days {
                let here = here.get(day).copied().unwrap_or_default();
                // What came here by another way counts as well.
                if here < *there && Day::from_raw(i64::from(*day)) > Day::of(self.wanted.since) {
                    differences.push(MirrorDifference {
                        eui: eui.clone(),
                        what: Day::from_raw(i64::from(*day)).to_string(),
                        there: there.to_string(),
                        here: here.to_string(),
                    });
                }
            }
        }
        Ok(differences)
    }
}

/// How long the rest will take at the pace so far, in milliseconds.
fn time_left(taken: Duration, done: u64, left: u64) -> Option<u64> {
    let share = left as f64 / (done > 0).then_some(done)? as f64;
    Some((taken.as_millis() as f64 * share) as u64)
}
