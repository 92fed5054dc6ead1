//! Whole rows.

use model::{CodecVersion, Reading, Row, RowFlags, Value, Window};

use super::fixtures::{DAY, Probe, at, minutes, row, same_values};
use crate::{NewRow, Store, StoredUplink};

const NOTHING: [&str; 0] = [];

fn temperature(value: f64) -> [Reading; 1] {
    [Reading::new(1, 4097, value)]
}

pub async fn a_row_has_both_clocks_position_codec_and_flags(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    let flags = RowFlags::LATE.with(RowFlags::SIMULATED);
    let readings = vec![Reading::new(1, 4097, 21.5), Reading::new(1, 4098, Value::text("x"))];
    let new = NewRow { flags, ..row(3, readings.clone()) };
    let uplink = StoredUplink { codec: CodecVersion(65_535), ..probe.uplink_of(9, [new]) };
    let position = probe.append_one(uplink).await;
    let expected = Row {
        measured_at: at(3),
        received_at: at(9),
        position,
        replaces: None,
        codec: CodecVersion(65_535),
        flags,
        readings,
    };
    assert_eq!(probe.whole_rows(Window::ALL, 10, false).await, [expected]);
}

pub async fn every_value_reads_back_to_the_last_bit(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    let numbers = [
        0.0,
        -0.0,
        0.1,
        -21.45,
        1e-7,
        1.0 / 3.0,
        f64::MIN_POSITIVE,
        f64::from_bits(1),
        f64::MAX,
        f64::MIN,
        9_007_199_254_740_991.0,
        9_007_199_254_740_993.0,
        -9_223_372_036_854_775_808.0,
        18_446_744_073_709_551_615.0,
        123_456.789_012_345,
        1e22,
        1e-300,
    ];
    let texts = ["", "1.2", "Grüße, 世界 \u{1F321}\u{0}\n", "NaN"].map(Value::text);
    let lists = ["[]", "[[\"c8:7b:23:00:00:01\",-67]]", "{\"a\":1e400}"].map(|json| Value::Json(json.into()));
    let values: Vec<Value> = numbers.into_iter().map(Value::Number).chain(texts).chain(lists).collect();
    // Once each value in a series of its own, once all of them in one series.
    let apart = values.iter().enumerate().map(|(at, value)| Reading::new(2, 5_000 + at as u32, value.clone()));
    probe.append_one(probe.uplink(-1, apart.collect::<Vec<_>>())).await;
    let series =
        values.iter().enumerate().map(|(at, value)| probe.uplink(at as i64, [Reading::new(1, 5_000, value.clone())]));
    probe.append(series).await;

    let mut rows = probe.whole_rows(minutes(-1..1_000), 1_000, false).await;
    rows.reverse();
    let read: Vec<Value> = rows.iter().skip(1).map(|row| row.readings[0].value.clone()).collect();
    assert!(same_values(&read, &values), "{read:?}");
    let read: Vec<Value> = rows[0].readings.iter().map(|reading| reading.value.clone()).collect();
    assert!(same_values(&read, &values), "{read:?}");
}

pub async fn readings_of_a_row_ascend_and_of_one_series_the_last_stays(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    let readings = [
        Reading::new(2, 4097, 1.0),
        Reading::new(1, 4098, 2.0),
        Reading::status(3000, 3.0),
        Reading::new(1, 4097, 4.0),
        Reading::new(2, 4097, 5.0),
    ];
    probe.append_one(probe.uplink(0, readings)).await;
    assert_eq!(probe.rows(Window::ALL, 10).await, ["0m 0/3000=3 1/4097=4 1/4098=2 2/4097=5"]);
}

pub async fn an_uplink_without_rows_leaves_an_empty_one_at_the_time_it_was_received(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    let position = probe.append_one(probe.uplink_of(5, [])).await;
    probe.append_one(probe.uplink(6, [])).await;
    assert_eq!(probe.rows(Window::ALL, 10).await, ["6m", "5m"]);
    let row = &probe.whole_rows(minutes(5..6), 1, false).await[0];
    assert_eq!((row.position, row.received_at, row.flags), (position, at(5), RowFlags::NONE));
}

pub async fn rows_come_newest_first_by_time_and_position(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    for (minute, value) in [(2, 1.0), (0, 2.0), (1, 3.0), (1, 4.0), (0, 5.0), (-400 * DAY, 6.0)] {
        probe.append_one(probe.late(minute, 10, temperature(value))).await;
    }
    let expected = ["2m 1/4097=1", "1m 1/4097=4", "1m 1/4097=3", "0m 1/4097=5", "0m 1/4097=2", "-576000m 1/4097=6"];
    assert_eq!(probe.rows(Window::ALL, 10).await, expected);
    assert_eq!(probe.rows(Window::ALL, 2).await, expected[..2]);
    assert_eq!(probe.rows(minutes(0..2), 3).await, expected[1..4]);
    assert_eq!(probe.rows(minutes(0..2), 0).await, NOTHING);
    assert_eq!(probe.rows(minutes(2..2), 9).await, NOTHING);
}

pub async fn rows_of_one_uplink_and_instant_keep_their_order(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    let rows =
        [(0, 1.0), (1, 2.0), (0, 3.0), (1, 4.0), (0, 5.0)].map(|(minute, value)| row(minute, temperature(value)));
    probe.append_one(probe.uplink_of(3, rows)).await;
    let expected = ["1m 1/4097=2", "1m 1/4097=4", "0m 1/4097=1", "0m 1/4097=3", "0m 1/4097=5"];
    assert_eq!(probe.rows(Window::ALL, 10).await, expected);
    assert_eq!(probe.rows(Window::ALL, 4).await, expected[..4]);
    assert_eq!(probe.latest(crate::Select::READINGS).await, ["1/4097 1m=4"]);
}
