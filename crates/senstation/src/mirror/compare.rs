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
/// How often a different answer has to come in a row before it counts: what is new is here a moment later.
const TRIES_LATEST: u32 = 10;
/// The same for what is settled, and may only be late.
const TRIES_SETTLED: u32 = 2;

/// Two stations that should answer the same.
pub(super) struct Comparison {
    there: AsyncClient,
    here: AsyncClient,
    next: usize,
    /// What was answered differently, and how often in a row.
    doubts: BTreeMap<(DeviceEui, String), u32>,
}

const LATEST: &str = "latest ";
/// Stands for so many tries that it was told.
const TOLD: u32 = u32::MAX;

const fn is_told(tries: u32) -> bool {
    tries == TOLD
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
        Self { there, here, next: 0, doubts: BTreeMap::new() }
    }

    /// Asks both about the next device, and about those that answered differently before.
    pub(super) async fn look(&mut self, devices: &[DeviceEui], now: Timestamp) -> anyhow::Result<Looked> {
        let mut looked = Looked::default();
        let Some(next) = devices.get(self.next % devices.len().max(1)).copied() else { return Ok(looked) };
        self.next = self.next.wrapping_add(1);
        let mut asked: BTreeSet<_> =
            self.doubts.iter().filter(|(_, tries)| !is_told(**tries)).map(|((eui, _), _)| *eui).collect();
        asked.insert(next);
        for eui in asked {
            let (there, dm) = answers(&self.there, eui, now).await.context("the other station")?;
            let (here, _) = answers(&self.here, eui, now).await.context("this station, asked with the same key")?;
            looked.questions += 3;
            looked.dm += dm;
            let differences = differences(eui, &there, &here);
            self.doubts.retain(|(of, what), _| *of != eui || differences.iter().any(|one| one.what == *what));
            for difference in differences {
                let enough = if difference.what.starts_with(LATEST) { TRIES_LATEST } else { TRIES_SETTLED };
                let tries = self.doubts.entry((eui, difference.what.clone())).or_default();
                if !is_told(*tries) {
                    *tries += 1;
                    if *tries >= enough {
                        *tries = TOLD;
                        looked.differences.push(difference);
                    }
                }
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
            answers.insert(format!("{LATEST}{}", name(series)), format!("{} at {}", point.value, point.time));
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

    /// A station that answers each call with what stands here for its name.
    fn station(answers: [(&'static str, String); 3]) -> AsyncClient {
        use std::io::{BufRead, BufReader, Write};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                let mut socket = socket.unwrap();
                let lines: Vec<String> =
                    BufReader::new(&socket).lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
                let (_, data) = answers.iter().find(|(name, _)| lines[0].contains(name)).unwrap();
                let body = format!(r#"{{"code":"0","data":{data}}}"#);
                let head = format!(
                    "HTTP/1.1 200 OK\r\nAPI-Gateway-Mpuo-Consume: 2\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    body.len()
                );
                socket.write_all(format!("{head}{body}").as_bytes()).unwrap();
            }
        });
        let manners = client::Manners { calls_per_minute: 0, ..client::Manners::default() };
        AsyncClient::new(Client::new(&url.parse().unwrap(), "A", "K").unwrap().with_manners(manners))
    }

    fn answering(latest: f64, listed: f64) -> AsyncClient {
        station([
            (
                "view_latest",
                format!(
                    r#"[{{"channel_index":1,"points":[{{"measurement_value":{latest},"measurement_id":"4097","time":"2026-07-01T00:00:00.000Z"}}]}}]"#
                ),
            ),
            ("list_telemetry", format!(r#"{{"list":[[[1,"4097"]],[[[{listed},"2026-07-01T00:00:00.000Z"]]]]}}"#)),
            ("aggregate", "[]".to_owned()),
        ])
    }

    #[tokio::test]
    async fn what_stays_different_is_told_once() {
        let devices = ["2CF7F12000000001".parse().unwrap()];
        let now = Timestamp::from_millis(1_783_000_000_000);
        let mut same = Comparison::new(answering(1.5, 2.5), answering(1.5, 2.5));
        let looked = same.look(&devices, now).await.unwrap();
        assert_eq!((looked.questions, looked.dm, looked.differences), (3, 6, vec![]));
        let mut other = Comparison::new(answering(1.5, 2.5), answering(1.0, 2.0));
        let mut told = Vec::new();
        for round in 1..=12 {
            for one in other.look(&devices, now).await.unwrap().differences {
                told.push((round, one.what.split(' ').next().unwrap().to_owned(), one.there));
            }
        }
        let of =
            |round, what: &str, there: &str| (round, what.to_owned(), format!("{there} at 2026-07-01T00:00:00.000Z"));
        assert_eq!(told, [of(2, "history", "2.5"), of(10, "latest", "1.5")]);
        assert_eq!(other.look(&[], now).await.unwrap(), Looked::default(), "nobody to ask about");
    }
}
