//! The newest reading of each series.

use model::{ChannelIndex, MeasurementId, Reading, SeriesKey, Value, Window};

use super::fixtures::{Probe, at, row};
use crate::{LatestReading, Select, Store};

fn temperature(value: f64) -> [Reading; 1] {
    [Reading::new(1, 4097, value)]
}

pub async fn a_device_without_data_answers_nothing(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    assert_eq!(probe.latest(Select::READINGS).await, [""; 0]);
    probe.append_one(probe.uplink_of(0, [])).await;
    assert_eq!(probe.latest(Select::READINGS).await, [""; 0]);
}

pub async fn the_newest_is_so_by_the_devices_clock_not_by_arrival(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    probe.append_one(probe.uplink(10, temperature(1.0))).await;
    probe.append_one(probe.late(5, 11, temperature(2.0))).await;
    assert_eq!(probe.latest(Select::READINGS).await, ["1/4097 10m=1"]);
    probe.append_one(probe.late(12, 9, temperature(3.0))).await;
    let series = SeriesKey { channel: ChannelIndex(1), measurement: MeasurementId(4097) };
    let newest = LatestReading { series, measured_at: at(12), received_at: at(9), value: Value::Number(3.0) };
    assert_eq!(store.latest(probe.org, probe.device, Select::READINGS).await.expect("latest"), [newest]);
}

pub async fn of_one_instant_the_highest_position_wins(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    probe.append([probe.uplink(0, temperature(1.0)), probe.uplink(0, temperature(2.0))]).await;
    assert_eq!(probe.latest(Select::READINGS).await, ["1/4097 0m=2"]);
    probe.append_one(probe.late(0, -3, temperature(3.0))).await;
    assert_eq!(probe.latest(Select::READINGS).await, ["1/4097 0m=3"], "not the latest received");
}

pub async fn inside_an_uplink_the_last_reading_of_an_instant_wins(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    let twice = [Reading::new(1, 4097, 3.0), Reading::new(1, 4098, 50.0), Reading::new(1, 4097, 4.0)];
    probe.append_one(probe.uplink_of(0, [row(0, temperature(9.0)), row(0, twice), row(-1, temperature(8.0))])).await;
    assert_eq!(probe.latest(Select::READINGS).await, ["1/4097 0m=4", "1/4098 0m=50"]);
    assert_eq!(probe.range(Window::ALL, 10).await, ["1/4097 0m=4 -1m=8", "1/4098 0m=50"]);
}

pub async fn every_series_has_its_own_newest_reading(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    let first = [Reading::new(2, 4097, 1.0), Reading::new(1, 4098, 2.0), Reading::new(1, 4097, 3.0)];
    probe.append_one(probe.uplink(0, first)).await;
    probe.append_one(probe.uplink(1, [Reading::new(1, 4098, 4.0)])).await;
    probe.append_one(probe.uplink(2, [Reading::status(3000, 90.0)])).await;
    assert_eq!(probe.latest(Select::READINGS).await, ["1/4097 0m=3", "1/4098 1m=4", "2/4097 0m=1"]);
}

pub async fn selects_statuses_apart_from_readings_and_by_channel_and_measurement(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    let readings = [
        Reading::status(3502, Value::text("1.2")),
        Reading::status(3000, 90.0),
        Reading::new(1, 4097, 1.0),
        Reading::new(2, 4097, 2.0),
        Reading::new(2, 4_000, 3.0),
        Reading::new(0, 4097, 4.0),
    ];
    probe.append_one(probe.uplink(0, readings)).await;
    let some = |channel: Option<u16>, measurement: Option<u32>| Select::Readings {
        channel: channel.map(ChannelIndex),
        measurement: measurement.map(MeasurementId),
    };
    assert_eq!(probe.latest(Select::Statuses).await, ["0/3000 0m=90", "0/3502 0m=1.2"]);
    assert_eq!(probe.latest(Select::READINGS).await, ["0/4097 0m=4", "1/4097 0m=1", "2/4000 0m=3", "2/4097 0m=2"]);
    assert_eq!(probe.latest(some(Some(2), None)).await, ["2/4000 0m=3", "2/4097 0m=2"]);
    assert_eq!(probe.latest(some(None, Some(4097))).await, ["0/4097 0m=4", "1/4097 0m=1", "2/4097 0m=2"]);
    assert_eq!(probe.latest(some(Some(2), Some(4000))).await, ["2/4000 0m=3"]);
    assert_eq!(probe.latest(some(Some(0), Some(3000))).await, [""; 0], "a status is no reading");
    assert_eq!(probe.latest(some(Some(3), None)).await, [""; 0]);
}

pub async fn a_reading_may_change_between_number_text_and_json(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    for (minute, value) in [Value::Number(1.0), Value::text("one"), Value::Json("[1]".into())].into_iter().enumerate() {
        probe.append_one(probe.uplink(minute as i64, [Reading::new(1, 5000, value)])).await;
    }
    let latest = store.latest(probe.org, probe.device, Select::READINGS).await.expect("latest");
    assert_eq!(latest[0].value, Value::Json("[1]".into()));
    assert_eq!(probe.range(Window::ALL, 10).await, ["1/5000 2m=[1] 1m=one 0m=1"]);
}

pub async fn a_long_silent_series_keeps_its_newest_reading(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    probe.append_one(probe.uplink(0, [Reading::new(2, 4098, 50.0), Reading::new(1, 4097, 0.0)])).await;
    for batch in 0..10 {
        probe.append((1..=100).map(|minute| probe.uplink(batch * 100 + minute, temperature(minute as f64)))).await;
    }
    assert_eq!(probe.latest(Select::READINGS).await, ["1/4097 1000m=100", "2/4098 0m=50"]);
}
