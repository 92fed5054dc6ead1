//! History home from another station, newest first, and then whatever comes.
//!
//! A window of a device is fetched series by series, stored as rows, and only then noted as had, so
//! that a mirror that is killed asks again for one window at most, and stores nothing twice.

mod devices;
mod sink;
mod state;

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use client::{AsyncClient, Client, Gateway, History, Manners, Point, Station as Other};
use ingest::import::{Origin, Record};
use model::{Day, OrgId, SeriesKey, Timestamp};
use serde_json::{Value, json};
use tokio::time::sleep;

use self::{
    devices::Inventory,
    sink::Sink,
    state::{Copied, State, StateFile, Stretch},
};
use crate::{clock, config::Settings, output::remark, progress::Shown, station};

pub(crate) use sink::{Batch, count, take};

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
    pub(crate) is_dry: bool,
    /// How often to ask for what is new, once history is there; `None` to end then.
    pub(crate) follow: Option<Duration>,
}

/// Copies, proves, and follows if that is wanted.
pub(crate) async fn run(settings: &Settings, wanted: Wanted) -> anyhow::Result<Value> {
    let manners = Manners { calls_per_minute: wanted.calls_per_minute, ..Manners::default() };
    let client = Client::new(&wanted.station, &wanted.access_id, &wanted.access_key)?.with_manners(manners);
    let client = AsyncClient::new(client);
    let there = wanted.station.to_string();
    let other_org = client.call(|client| client.view_organization()).await;
    let other_org = other_org.with_context(|| format!("`{there}`"))?.data;
    let inventory = Inventory::ask(&client).await.with_context(|| format!("`{there}`"))?;
    let (groups, nodes, gateways) = inventory.counts();
    let file = StateFile::of(&settings.data_dir, &there, &wanted.access_id);
    let state = file.load(&there, &wanted.org.to_string())?;
    let devices = inventory.copied();
    let now = clock::now();
    let until = if wanted.follow.is_some() { now.minus_ms(OVERLAP_MS) } else { now };
    let estimate = estimate(&devices, &inventory.intervals, &state, &wanted, until);
    let mut shown = json!({
        "station": there,
        "other_org_id": other_org,
        "org_id": wanted.org.to_string(),
        "groups": groups,
        "devices": nodes,
        "gateways": gateways,
        "series": devices.iter().map(|device| device.series.len()).sum::<usize>(),
        "since": wanted.since.to_string(),
        "estimate": { "dm": estimate.dm, "calls": estimate.calls, "hours": estimate.hours },
        "dm_spent": state.dm,
    });
    if wanted.is_dry {
        return Ok(shown);
    }
    remark(format_args!(
        "{nodes} devices, {gateways} gateways, {groups} groups; about {} dm and {:.1} h to go",
        estimate.dm, estimate.hours
    ));
    let registry = station::open_registry(&settings.data_dir)?;
    shown["devices_added"] = inventory.copy(&*registry, wanted.org, now).await?.into();
    drop(registry);
    let sink = Sink::open(settings)?;
    let mut mirror = Mirror { client, sink, file, state, wanted, devices };
    let done = mirror.history(until).await;
    let proof = match &done {
        Ok(()) => mirror.prove().await,
        Err(_) => Ok(Vec::new()),
    };
    if done.is_ok() && proof.is_ok() && mirror.wanted.follow.is_some() {
        mirror.follow().await?;
    }
    shown["dm_spent"] = mirror.state.dm.into();
    shown["points"] = mirror.state.points.into();
    mirror.sink.close().await?;
    done?;
    let differences = proof?;
    shown["differences"] = differences.into();
    Ok(shown)
}

/// What a mirror will cost, about.
struct Estimate {
    dm: u64,
    calls: u64,
    hours: f64,
}

fn estimate(
    devices: &[Copied],
    intervals: &BTreeMap<model::DeviceEui, i64>,
    state: &State,
    wanted: &Wanted,
    until: Timestamp,
) -> Estimate {
    /// Of a device whose interval its station does not know.
    const INTERVAL_MIN: i64 = 60;
    let (mut dm, mut calls) = (0, 0);
    let span = (wanted.since.as_millis(), until.as_millis());
    for device in devices {
        let known = state.devices.get(&device.eui.to_string());
        let minutes = intervals.get(&device.eui).copied().filter(|minutes| *minutes > 0).unwrap_or(INTERVAL_MIN);
        for series in &device.series {
            let missing = known.map_or_else(|| vec![span], |known| known.missing(*series, span));
            let ms: i64 = missing.iter().map(|(from, to)| to - from).sum();
            let points = u64::try_from(ms / 60_000 / minutes).unwrap_or_default();
            dm += points;
            calls += (points / 900).max(u64::try_from(ms / WIDTH_MS_MAX).unwrap_or_default()) + 1;
        }
    }
    let hours =
        if wanted.calls_per_minute == 0 { 0.0 } else { calls as f64 / f64::from(wanted.calls_per_minute) / 60.0 };
    Estimate { dm, calls, hours }
}

struct Mirror {
    client: AsyncClient,
    sink: Sink,
    file: StateFile,
    state: State,
    wanted: Wanted,
    devices: Vec<Copied>,
}

impl Mirror {
    /// Fetches what is missing up to a time, newest first over all devices.
    async fn history(&mut self, until: Timestamp) -> anyhow::Result<()> {
        let span = (self.wanted.since.as_millis(), until.as_millis());
        let mut widths: Vec<i64> = vec![WIDTH_MS; self.devices.len()];
        let (mut shown, begun) = (Shown::new("history"), Instant::now());
        let total = self.missing_ms(span);
        loop {
            let newest = (0..self.devices.len()).filter_map(|at| Some((self.newest(at, span)?, at))).max();
            let Some((end, at)) = newest else { break };
            if self.wanted.budget_dm.is_some_and(|budget| self.state.dm >= budget) {
                bail!(
                    "the budget of {} dm is used up; what was fetched is kept, and a larger `--budget` goes on",
                    self.wanted.budget_dm.unwrap_or_default()
                );
            }
            let window = (end.saturating_sub(widths[at]).max(span.0), end);
            let (fullest, _) = self.window(at, window, end).await?;
            if fullest >= PAGE {
                widths[at] = (widths[at] / 2).max(WIDTH_MS_MIN);
            } else if fullest < PAGE * 9 / 20 {
                widths[at] = (widths[at] * 2).min(WIDTH_MS_MAX);
            }
            let left = self.missing_ms(span);
            shown.show(total.saturating_sub(left), total);
        }
        drop(shown);
        remark(format_args!(
            "history is here: {} readings, {} dm, {:.0} s",
            self.state.points,
            self.state.dm,
            begun.elapsed().as_secs_f64()
        ));
        Ok(())
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
        Ok((fullest, new))
    }

    async fn fetch(
        &self,
        eui: model::DeviceEui,
        series: SeriesKey,
        (from, to): Stretch,
    ) -> anyhow::Result<(Vec<Point>, u64)> {
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
    async fn prove(&self) -> anyhow::Result<Vec<Value>> {
        let mut differences = Vec::new();
        for (eui, known) in &self.state.devices {
            let eui = eui.parse().map_err(|error: model::InvalidEui| anyhow::anyhow!(error))?;
            let here = self.sink.count(self.wanted.org, eui, self.wanted.since.as_millis()).await?;
            for (day, there) in &known.days {
                let here = here.get(day).copied().unwrap_or_default();
                // What came here by another way counts as well.
                if here < *there && Day::from_raw(i64::from(*day)) > Day::of(self.wanted.since) {
                    let day = Day::from_raw(i64::from(*day)).to_string();
                    differences
                        .push(json!({ "device_eui": eui.to_string(), "day": day, "there": there, "here": here }));
                }
            }
        }
        Ok(differences)
    }

    /// Asks again and again for what is new.
    async fn follow(&mut self) -> anyhow::Result<()> {
        let Some(period) = self.wanted.follow else { return Ok(()) };
        remark(format_args!("following, every {} s; Ctrl-C ends it", period.as_secs()));
        let mut heard: BTreeMap<String, Timestamp> = BTreeMap::new();
        loop {
            sleep(period).await;
            match self.poll(&mut heard).await {
                Ok(0) => {}
                Ok(new) => remark(format_args!("{new} new readings")),
                // The next time may be better: what is missing is known.
                Err(error) => remark(format_args!("not this time: {error:#}")),
            }
        }
    }

    /// Fetches what devices have sent that were heard since they were asked last.
    async fn poll(&mut self, heard: &mut BTreeMap<String, Timestamp>) -> anyhow::Result<u64> {
        let euis: Vec<_> = self.devices.iter().map(|device| device.eui).collect();
        let statuses = self.client.call(move |client| client.view_device_running_status(&euis)).await?.data;
        let (now, mut new) = (clock::now(), 0);
        for status in statuses {
            let eui = status.device_eui.to_string();
            let Some(at) = status.latest_message_time else { continue };
            if heard.get(&eui) == Some(&at) {
                continue;
            }
            let Some(index) = self.devices.iter().position(|device| device.eui == status.device_eui) else { continue };
            // What is still on its way may be older than what is here: the last hour is asked for again.
            let window = (self.wanted.since.as_millis(), now.as_millis() - 1);
            new += self.window(index, window, now.as_millis() - OVERLAP_MS).await?.1;
            heard.insert(eui, at);
        }
        Ok(new)
    }
}
