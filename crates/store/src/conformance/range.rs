//! The newest points of a window.

use model::{ChannelIndex, MeasurementId, Position, Reading, SeriesKey, Timestamp, Window};

use super::fixtures::{DAY, Probe, at, frame, minutes, row};
use crate::{DeviceFilter, RangeQuery, Scope, Select, Store, StoredUplink};

const NOTHING: [&str; 0] = [];

fn temperature(value: f64) -> [Reading; 1] {
    [Reading::new(1, 4097, value)]
}

pub async fn points_come_newest_first_and_series_ascend(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    for minute in [2, 0, 1] {
        let value = minute as f64;
        let readings =
            [Reading::new(2, 4097, value + 10.0), Reading::new(1, 4098, value), Reading::new(1, 4097, value)];
        probe.append_one(probe.uplink(minute, readings)).await;
    }
    let expected = ["1/4097 2m=2 1m=1 0m=0", "1/4098 2m=2 1m=1 0m=0", "2/4097 2m=12 1m=11 0m=10"];
    assert_eq!(probe.range(Window::ALL, 100).await, expected);
    assert_eq!(probe.range(Window::ALL, 9).await, expected);
}

pub async fn the_limit_takes_the_newest_points_over_all_series(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    for minute in 0..6 {
        let mut readings = vec![Reading::new(1, 4097, minute as f64)];
        if minute % 3 == 0 {
            readings.push(Reading::new(2, 4098, minute as f64));
        }
        probe.append_one(probe.uplink(minute, readings)).await;
    }
    assert_eq!(probe.range(Window::ALL, 2).await, ["1/4097 5m=5 4m=4"], "a sparse series may get nothing");
    assert_eq!(probe.range(Window::ALL, 4).await, ["1/4097 5m=5 4m=4 3m=3", "2/4098 3m=3"]);
    assert_eq!(probe.range(Window::ALL, 0).await, NOTHING);
    assert_eq!(probe.range(minutes(0..3), 2).await, ["1/4097 2m=2 1m=1"]);
}

pub async fn when_the_limit_cuts_an_instant_the_lower_series_come_first(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    for minute in 0..2 {
        let series = [(2, 4097), (1, 4099), (1, 4097), (1, 4098)];
        let readings = series.map(|(channel, measurement)| Reading::new(channel, measurement, minute as f64));
        probe.append_one(probe.uplink(minute, readings)).await;
    }
    assert_eq!(probe.range(Window::ALL, 2).await, ["1/4097 1m=1", "1/4098 1m=1"]);
    assert_eq!(
        probe.range(Window::ALL, 6).await,
        ["1/4097 1m=1 0m=0", "1/4098 1m=1 0m=0", "1/4099 1m=1", "2/4097 1m=1"]
    );
}

pub async fn an_instant_of_several_uplinks_is_cut_by_series_too(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    for (channel, value) in [(3, 3.0), (1, 1.0), (2, 2.0), (1, 9.0)] {
        probe.append_one(probe.uplink(0, [Reading::new(channel, 4097, value)])).await;
    }
    assert_eq!(probe.range(Window::ALL, 2).await, ["1/4097 0m=9", "2/4097 0m=2"]);
}

pub async fn a_window_holds_its_start_and_not_its_end(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    probe.append((0..5).map(|minute| probe.uplink(minute, temperature(minute as f64)))).await;
    assert_eq!(probe.range(minutes(1..3), 100).await, ["1/4097 2m=2 1m=1"]);
    assert_eq!(probe.range(Window::inclusive(at(1), at(3)), 100).await, ["1/4097 3m=3 2m=2 1m=1"]);
    assert_eq!(probe.range(Window::new(at(1).plus_ms(1), at(2).plus_ms(1)), 100).await, ["1/4097 2m=2"]);
    assert_eq!(probe.range(minutes(2..2), 100).await, NOTHING);
    assert_eq!(probe.range(Window::new(at(3), at(1)), 100).await, NOTHING);
    assert_eq!(probe.range(minutes(5..90), 100).await, NOTHING);
    assert_eq!(probe.range(minutes(-90..0), 100).await, NOTHING);
}

pub async fn late_rows_stand_where_they_were_measured(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    probe.append((0..4).map(|minute| probe.uplink(minute * 10, temperature(minute as f64)))).await;
    for (measured, value) in [(15, 4.0), (-40 * DAY, 5.0), (5, 6.0), (25, 7.0)] {
        probe.append_one(probe.late(measured, 40, temperature(value))).await;
    }
    assert_eq!(probe.range(Window::ALL, 100).await, ["1/4097 30m=3 25m=7 20m=2 15m=4 10m=1 5m=6 0m=0 -57600m=5"]);
    assert_eq!(probe.range(minutes(0..21), 2).await, ["1/4097 20m=2 15m=4"]);
}

pub async fn a_replaced_reading_counts_neither_as_point_nor_against_the_limit(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    probe.append((0..3).map(|minute| probe.uplink(minute, temperature(minute as f64)))).await;
    let better = [Reading::new(1, 4097, 9.0), Reading::new(1, 4098, 50.0)];
    probe.append_one(probe.uplink(2, better)).await;
    probe.append_one(probe.uplink(2, temperature(8.0))).await;
    assert_eq!(probe.range(Window::ALL, 3).await, ["1/4097 2m=8 1m=1", "1/4098 2m=50"]);
}

pub async fn selects_one_series_or_the_statuses(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    for minute in 0..3 {
        let value = minute as f64;
        let readings = [Reading::new(1, 4097, value), Reading::new(1, 4098, value), Reading::status(3000, value)];
        probe.append_one(probe.uplink(minute, readings)).await;
    }
    let humidity = SeriesKey { channel: ChannelIndex(1), measurement: MeasurementId(4098) };
    assert_eq!(probe.range_of(Select::one(humidity), Window::ALL, 2).await, ["1/4098 2m=2 1m=1"]);
    assert_eq!(probe.range_of(Select::Statuses, minutes(0..2), 9).await, ["0/3000 1m=1 0m=0"]);
    let unknown = SeriesKey { channel: ChannelIndex(9), measurement: MeasurementId(4098) };
    assert_eq!(probe.range_of(Select::one(unknown), Window::ALL, 2).await, NOTHING);
}

pub async fn times_before_1970_and_far_ahead_are_times_like_others(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    let years = [-62_167_219_200_000, -1, 0, 1, 4_102_444_800_000, 253_402_300_799_999].map(Timestamp::from_millis);
    for (value, measured_at) in years.into_iter().enumerate() {
        let row = crate::NewRow { measured_at, ..row(0, temperature(value as f64)) };
        probe.append_one(probe.uplink_of(0, [row])).await;
    }
    let points = async |window| {
        let query = RangeQuery { device: probe.device, select: Select::READINGS, window, limit: 10 };
        let series = store.range(probe.org, query).await.expect("range");
        series.iter().flat_map(|series| &series.points).map(|point| point.measured_at).collect::<Vec<_>>()
    };
    let mut newest_first = years;
    newest_first.reverse();
    assert_eq!(points(Window::ALL).await, newest_first);
    assert_eq!(points(Window::new(years[1], years[3])).await, [years[2], years[1]]);
    assert_eq!(points(Window::new(Timestamp::MIN, years[1])).await, [years[0]]);
}

pub async fn a_limit_may_be_as_large_as_a_number_can_be(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    let uplink = StoredUplink { frame: Some(frame(&[1])), ..probe.uplink(0, temperature(1.0)) };
    probe.append_one(uplink).await;
    assert_eq!(probe.range(Window::ALL, usize::MAX).await, ["1/4097 0m=1"]);
    assert_eq!(probe.rows(Window::ALL, usize::MAX).await, ["0m 1/4097=1"]);
    assert_eq!(probe.frames(Window::ALL, usize::MAX).await.len(), 1);
    let segments = store.segments(probe.org, probe.segment_query(Window::ALL, 60, usize::MAX)).await;
    assert_eq!(segments.expect("segments").len(), 1);
    assert_eq!(store.follow(Scope::All, Position::START, usize::MAX).await.expect("follow").entries.len(), 1);
    let devices = store.list_devices(probe.org, DeviceFilter::default(), None, usize::MAX).await;
    assert_eq!(devices.expect("list devices").len(), 1);
    assert_eq!(store.list_organizations(None, usize::MAX).await.expect("list organizations").len(), 1);
}

pub async fn pages_backwards_reach_every_point_once(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    for batch in 0..13 {
        let uplinks = (batch * 100..batch * 100 + 100).map(|minute| {
            // Every seventh comes late, by up to the length of the whole history.
            let measured = if minute % 7 == 0 { 1_299 - minute } else { minute };
            let flat = [Reading::new(1, 4097, minute as f64), Reading::new(1, 4098, 50.5)];
            probe.late(measured, minute, flat)
        });
        probe.append(uplinks).await;
    }
    let whole = probe.range(Window::ALL, 100_000).await;
    let mut pages = vec![String::new(); 2];
    let mut end = Timestamp::MAX;
    loop {
        let window = Window::new(Timestamp::MIN, end);
        let query = RangeQuery { device: probe.device, select: Select::READINGS, window, limit: 2 * 60 };
        let series = store.range(probe.org, query).await.expect("range");
        if series.is_empty() {
            break;
        }
        for (page, series) in pages.iter_mut().zip(&series) {
            for point in &series.points {
                page.push_str(&format!(" {}={}", point.measured_at, point.value));
            }
            end = series.points.last().map_or(Timestamp::MIN, |oldest| oldest.measured_at);
        }
    }
    let mut measured: Vec<_> = (0..1_300).map(|minute| if minute % 7 == 0 { 1_299 - minute } else { minute }).collect();
    measured.sort_unstable();
    measured.dedup();
    for (page, whole) in pages.iter().zip(&whole) {
        assert_eq!(page.split(' ').count() - 1, measured.len());
        assert_eq!(whole.split(' ').count() - 1, measured.len());
        let times = page.split(' ').skip(1).filter_map(|point| point.split('=').next());
        assert!(times.eq(measured.iter().rev().map(|minute| at(*minute).to_string())));
    }
}
