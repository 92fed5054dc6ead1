//! Both stations are asked the same, and what they answer differently is told.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use client::{AsyncClient, Client, SeriesAsked};
use model::{DeviceEui, SeriesKey, Timestamp};
use portal::MirrorDifference;

/// Of what is older than this nothing is on its way any more, as a rule.
const SETTLED_MS: i64 = 3_600_000;
/// How much of history is compared at a time.
const WINDOW_MS: i64 = 3_600_000;
const BUCKET_MIN: u32 = 15;
/// How often a question is asked again before a different answer counts: what is new is here a moment
/// later.
const TRIES: u32 = 10;

/// Two stations that should answer the same.
pub(super) struct Comparison {
    there: AsyncClient,
    here: AsyncClient,
    next: usize,
    /// Devices that answered differently, and how often in a row.
    doubted: BTreeMap<DeviceEui, u32>,
    known: BTreeSet<(DeviceEui, String)>,
}

/// What one look at a device gave.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Looked {
    pub(super) questions: u64,
    pub(super) dm: u64,
    /// What has been different for long enough, and was not told before.
    pub(super) differences: Vec<MirrorDifference>,
}

impl Comparison {
    pub(super) fn new(there: AsyncClient, here: AsyncClient) -> Self {
        Self { there, here, next: 0, doubted: BTreeMap::new(), known: BTreeSet::new() }
    }

    /// Asks both about the next device, and about those that answered differently before.
    pub(super) async fn look(&mut self, devices: &[DeviceEui], now: Timestamp) -> anyhow::Result<Looked> {
        let mut looked = Looked::default();
        let Some(next) = devices.get(self.next % devices.len().max(1)).copied() else { return Ok(looked) };
        self.next = self.next.wrapping_add(1);
        let mut asked: BTreeSet<_> = self.doubted.keys().copied().collect();
        asked.insert(next);
        for eui in asked {
            let (there, dm) = answers(&self.there, eui, now).await.context("the other station")?;
            let (here, _) = answers(&self.here, eui, now).await.context("this station, asked with the same key")?;
            looked.questions += 3;
            looked.dm += dm;
            let differences = differences(eui, &there, &here);
            if differences.is_empty() {
                self.doubted.remove(&eui);
                self.known.retain(|(known, _)| *known != eui);
                continue;
            }
            let tries = self.doubted.entry(eui).or_default();
            *tries += 1;
            if *tries >= TRIES {
                self.doubted.remove(&eui);
                let fresh = differences.into_iter().filter(|one| self.known.insert((eui, one.what.clone())));
                looked.differences.extend(fresh);
            }
        }
        Ok(looked)
    }
}

/// What a station answers about a device, by question.
type Answers = BTreeMap<String, String>;

async fn answers(client: &AsyncClient, eui: DeviceEui, now: Timestamp) -> Result<(Answers, u64), client::Error> {
    client.call(move |client| ask(client, eui, now)).await
}

fn ask(client: &Client, eui: DeviceEui, now: Timestamp) -> Result<(Answers, u64), client::Error> {
    let mut answers = Answers::new();
    let latest = client.view_latest_telemetry_data(eui, None, None)?;
    let mut dm = latest.gateway.dm.unwrap_or_default();
    for channel in latest.data {
        for point in channel.points {
            let series = SeriesKey { channel: channel.channel_index, measurement: point.measurement };
            answers.insert(format!("latest {}", name(series)), format!("{} at {}", point.value, point.time));
        }
    }
    // The same window however often it is asked for within the hour.
    let end = Timestamp::from_millis((now.as_millis() - SETTLED_MS).div_euclid(WINDOW_MS) * WINDOW_MS);
    let asked = SeriesAsked { device: eui, channel: None, measurement: None, start: end.minus_ms(WINDOW_MS), end };
    let listed = client.list_telemetry_data(asked)?;
    dm += listed.gateway.dm.unwrap_or_default();
    for series in listed.data {
        let points: String = series.points.iter().map(|point| format!("{} at {}\n", point.value, point.time)).collect();
        answers.insert(format!("history {} from {}", name(series.key), asked.start), points);
    }
    let averages = client.aggregate_chart_points(asked, BUCKET_MIN)?;
    dm += averages.gateway.dm.unwrap_or_default();
    for series in averages.data {
        let points: String = series.points.iter().map(|(at, value)| format!("{value} at {at}\n")).collect();
        answers.insert(format!("averages {} from {}", name(series.key), asked.start), points);
    }
    Ok((answers, dm))
}

fn name(series: SeriesKey) -> String {
    format!("{}/{}", series.channel, series.measurement)
}

fn differences(eui: DeviceEui, there: &Answers, here: &Answers) -> Vec<MirrorDifference> {
    let questions: BTreeSet<&String> = there.keys().chain(here.keys()).collect();
    let of = |question: &String| {
        let (there, here) = (there.get(question), here.get(question));
        // Where they part, not all that they say.
        let apart = |mine: Option<&String>, other: Option<&String>| {
            let Some(mine) = mine else { return "–".to_owned() };
            let mut other = other.map(|other| other.lines()).into_iter().flatten();
            mine.lines().find(|line| other.next() != Some(line)).unwrap_or("no more").to_owned()
        };
        (there != here).then(|| MirrorDifference {
            eui: eui.to_string(),
            what: question.clone(),
            there: apart(there, here),
            here: apart(here, there),
        })
    };
    questions.into_iter().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(answers: &[(&str, &str)]) -> Answers {
        answers.iter().map(|(question, answer)| ((*question).to_owned(), (*answer).to_owned())).collect()
    }

    #[test]
    fn answers_that_part_are_told_where_they_do() {
        let eui = "2CF7F12000000001".parse().unwrap();
        let (same, there) =
            (("latest 1/4097", "5 at noon"), said(&[("latest 1/4097", "5 at noon"), ("h", "1\n2\n3\n")]));
        assert_eq!(differences(eui, &there, &there), []);
        let told = |here: &[(&str, &str)]| {
            let all = differences(eui, &there, &said(here));
            all.into_iter().map(|one| (one.what, one.there, one.here)).collect::<Vec<_>>()
        };
        let of = |what: &str, there: &str, here: &str| vec![(what.to_owned(), there.to_owned(), here.to_owned())];
        assert_eq!(told(&[same, ("h", "1\n4\n3\n")]), of("h", "2", "4"));
        assert_eq!(told(&[same, ("h", "1\n2\n")]), of("h", "3", "no more"));
        assert_eq!(told(&[same]), of("h", "1", "–"));
        assert_eq!(told(&[same, ("h", "1\n2\n3\n"), ("more", "9")]), of("more", "–", "9"));
    }
}
