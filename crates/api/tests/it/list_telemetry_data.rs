use std::collections::BTreeSet;

use api::Settings;
use insta::assert_snapshot;
use model::Reading;

use crate::app::{App, Caller, DAY_MS, EUI, HOUR_MS, MINUTE_MS, NOW_MS, ms_ago};

const PATH: &str = "/openapi/list_telemetry_data";

/// Channel, measurement and time of each point, in the order of the answer.
async fn points(caller: &Caller<'_>, query: &str) -> Vec<(u64, String, String)> {
    let data = caller.get(&format!("{PATH}?device_eui={EUI}{query}")).await.data();
    let list = data["list"].as_array().unwrap();
    let [heads, series] = &list[..] else { panic!("two parallel arrays: {data}") };
    let (heads, series) = (heads.as_array().unwrap(), series.as_array().unwrap());
    assert_eq!(heads.len(), series.len());
    let mut points = Vec::new();
    for (head, series) in heads.iter().zip(series) {
        for point in series.as_array().unwrap() {
            let (channel, measurement) = (head[0].as_u64().unwrap(), head[1].as_str().unwrap());
            points.push((channel, measurement.to_owned(), point[1].as_str().unwrap().to_owned()));
        }
    }
    points
}

#[tokio::test]
async fn answers_two_parallel_arrays_newest_first() {
    let app = App::new();
    let member = app.member().await;
    member.bind(EUI, "S2104").await;
    for (minutes, value) in [(30, 25.0), (20, 25.1), (10, 25.25)] {
        let readings = [Reading::new(1, 4102, value), Reading::new(2, 4103, 40.0), Reading::status(3000, 90.0)];
        member.uplink(EUI, ms_ago(minutes * MINUTE_MS), readings).await;
    }
    let answer = member.get(&format!("{PATH}?device_eui={EUI}&limit=5")).await;
    assert_snapshot!(answer.body);
    assert_eq!(answer.header("api-gateway-mpuo-consume"), "5");
    let one = member.get(&format!("{PATH}?device_eui={EUI}&measurement_id=4103&limit=1")).await;
    assert_eq!(one.body, r#"{"code":"0","data":{"list":[[[2,"4103"]],[[[40,"2026-07-10T11:50:00.000Z"]]]]}}"#);
}

#[tokio::test]
async fn nothing_found_is_two_empty_arrays() {
    let app = App::new();
    let member = app.member().await;
    member.bind(EUI, "S2101").await;
    let answer = member.get(&format!("{PATH}?device_eui={EUI}")).await;
    assert_eq!(answer.body, r#"{"code":"0","data":{"list":[[],[]]}}"#);
}

#[tokio::test]
async fn windows_include_both_ends_and_default_to_a_day() {
    let app = App::new();
    let member = app.member().await;
    member.bind(EUI, "S2101").await;
    for ms in [0, 1, HOUR_MS, DAY_MS, DAY_MS + 1, 500 * DAY_MS] {
        member.uplink(EUI, ms_ago(ms), [Reading::new(1, 4097, 1.0)]).await;
    }
    let count = async |query: &str| points(&member, query).await.len();
    assert_eq!(count("").await, 4);
    assert_eq!(count("&time_start=0").await, 6);
    assert_eq!(count(&format!("&time_end={}", NOW_MS - 1)).await, 4, "a day up to `time_end`");
    assert_eq!(count(&format!("&time_start={0}&time_end={0}.0", NOW_MS - HOUR_MS)).await, 1);
    assert_eq!(count(&format!("&time_start={}", NOW_MS - 1)).await, 2);
    assert_eq!(count("&time_start=-1e30&time_end=1e30").await, 6);
    assert_eq!(count("&time_start=&time_end=").await, 4);
    let refused = member.get(&format!("{PATH}?device_eui={EUI}&time_start=2&time_end=1")).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (200, "11202"));
}

#[tokio::test]
async fn strict_windows_clip_and_never_refuse() {
    let app = App::with(Settings { strict_windows: true, ..Settings::default() });
    let member = app.member().await;
    member.bind(EUI, "S2101").await;
    for days in [1, 31, 32, 60, 92, 93] {
        member.uplink(EUI, ms_ago(days * DAY_MS), [Reading::new(1, 4097, 1.0)]).await;
    }
    let count = async |end_days_ago: i64| {
        points(&member, &format!("&time_start=0&time_end={}", NOW_MS - end_days_ago * DAY_MS)).await.len()
    };
    assert_eq!(count(0).await, 2, "one month");
    assert_eq!(count(61).await, 1, "no older than three months");
    assert_eq!(count(93).await, 0);
    assert_eq!(count(400).await, 0);
}

#[tokio::test]
async fn limits_beyond_a_thousand_are_a_thousand() {
    let app = App::new();
    let member = app.member().await;
    member.bind(EUI, "S2101").await;
    let readings = || vec![Reading::new(1, 4097, 1.0), Reading::new(1, 4098, 2.0), Reading::new(1, 4100, 3.0)];
    member.uplinks(EUI, (0..400).map(|minute| (ms_ago(minute * MINUTE_MS), readings()))).await;
    for (query, count) in [
        ("", 1_000),
        ("&limit=10000", 1_000),
        ("&limit=5000.0", 1_000),
        ("&limit=999", 999),
        ("&limit=1", 1),
        ("&limit=0", 1),
        ("&limit=-5", 1),
        ("&limit=", 1_000),
        ("&measurement_id=4098", 400),
    ] {
        assert_eq!(points(&member, query).await.len(), count, "{query}");
    }
}

/// Walks backwards as clients do: on from the latest of the series' oldest times, until a page is
/// not full. Gives what each page held.
async fn walk(caller: &Caller<'_>, query: &str, pages_max: usize) -> Vec<Vec<(u64, String, String)>> {
    let mut pages = Vec::new();
    let mut time_end = NOW_MS;
    while pages.len() < pages_max {
        let page = points(caller, &format!("&time_start=0&time_end={time_end}{query}")).await;
        let mut oldest: Vec<&(u64, String, String)> = Vec::new();
        for point in &page {
            match oldest.last_mut() {
                Some(last) if (last.0, &last.1) == (point.0, &point.1) => *last = point,
                _ => oldest.push(point),
            }
        }
        let latest = oldest.iter().map(|point| &point.2).max().map(|iso| parse_ms(iso));
        let full = page.len() == 1_000;
        pages.push(page);
        match latest {
            Some(latest) if full => time_end = latest,
            _ => break,
        }
    }
    pages
}

fn parse_ms(iso: &str) -> i64 {
    iso.parse::<jiff::Timestamp>().unwrap().as_millisecond()
}

const S2120: [u32; 10] = [4097, 4098, 4099, 4101, 4104, 4105, 4113, 4190, 4191, 4213];
/// Ninety days of an uplink every five minutes.
const TICKS: i64 = 90 * 24 * 12;

/// Every seventh uplink lacks one measurement, so that pages end in the middle of uplinks.
fn weather(tick: i64) -> Vec<Reading> {
    let absent = (tick % 7 == 3).then(|| S2120[(tick % 10) as usize]);
    let measured = S2120.iter().filter(|id| Some(**id) != absent);
    measured.map(|id| Reading::new(1, *id, (tick % 400) as f64 / 10.0)).collect()
}

#[tokio::test]
async fn paging_backwards_reaches_the_last_point_without_a_gap() {
    let app = App::new();
    let member = app.member().await;
    member.bind(EUI, "S2120").await;
    let time = |tick: i64| ms_ago(tick * 5 * MINUTE_MS);
    let ticks: Vec<i64> = (0..TICKS).rev().collect();
    for some in ticks.chunks(1_000) {
        member.uplinks(EUI, some.iter().map(|tick| (time(*tick), weather(*tick)))).await;
    }
    app.store.maintain(ms_ago(0)).await.unwrap();

    let pages = walk(&member, "", 300).await;
    let (mut seen, mut repeated) = (BTreeSet::new(), 0);
    for (number, page) in pages.iter().enumerate() {
        assert_eq!(page.len() == 1_000, number + 1 < pages.len(), "only the last page is not full");
        let before = seen.len();
        seen.extend(page.iter().cloned());
        let repeats = page.len() - (seen.len() - before);
        assert!(repeats <= 2 * S2120.len(), "{repeats} repeats on page {number}");
        repeated += repeats;
    }
    let sent = ticks.iter().flat_map(|tick| {
        let time = time(*tick).to_string();
        weather(*tick).into_iter().map(move |reading| (1, reading.series.measurement.to_string(), time.clone()))
    });
    assert_eq!(seen, sent.collect());
    assert!(repeated > 0, "no page ended within an uplink");
}

#[tokio::test]
async fn a_rare_series_stalls_a_walk_over_all_but_not_one_over_a_single_measurement() {
    let app = App::new();
    let member = app.member().await;
    member.bind(EUI, "S2120").await;
    let rows = (0..1_500).rev().map(|tick| {
        let rare = (tick == 0).then(|| Reading::new(1, 4113, 1.0));
        let readings: Vec<Reading> = [Reading::new(1, 4097, 1.0)].into_iter().chain(rare).collect();
        (ms_ago(tick * 5 * MINUTE_MS), readings)
    });
    member.uplinks(EUI, rows).await;
    let stalled = walk(&member, "", 3).await;
    assert_eq!(stalled[0], stalled[2]);
    let walked = walk(&member, "&measurement_id=4097", 3).await;
    let seen: BTreeSet<_> = walked.iter().flatten().collect();
    assert_eq!((walked.len(), seen.len()), (2, 1_500));
}
