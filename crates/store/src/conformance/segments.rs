//! Averages over buckets of time.

use model::{Reading, Timestamp, Value, Window};

use super::fixtures::{DAY, MINUTE_MS, Probe, assert_refused, at, minutes, row};
use crate::{Error, NewRow, SegmentQuery, Select, Store};

const NOTHING: [&str; 0] = [];

fn temperature(value: f64) -> [Reading; 1] {
    [Reading::new(1, 4097, value)]
}

pub async fn a_bucket_has_count_average_and_extremes(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    for (minute, value) in [(0, 1.0), (9, 4.0), (10, 10.0), (31, -5.0), (32, 5.0)] {
        let readings = [Reading::new(1, 4097, value), Reading::new(2, 4098, value * 2.0)];
        probe.append_one(probe.uplink(minute, readings)).await;
    }
    assert_eq!(
        probe.segments(minutes(0..60), 10).await,
        [
            "1/4097 0m:2×2.5(1..4) 10m:1×10(10..10) 30m:2×0(-5..5)",
            "2/4098 0m:2×5(2..8) 10m:1×20(20..20) 30m:2×0(-10..10)"
        ]
    );
    let one = SegmentQuery {
        select: Select::Readings { channel: None, measurement: Some(model::MeasurementId(4098)) },
        ..probe.segment_query(minutes(0..60), 60, 1)
    };
    let series = store.segments(probe.org, one).await.expect("segments");
    assert_eq!(series.iter().map(|series| series.segments[0].sum).collect::<Vec<_>>(), [30.0]);
}

pub async fn buckets_are_aligned_to_the_epoch_and_cut_by_the_window(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    probe.append((0..60).map(|minute| probe.uplink(minute, temperature(minute as f64)))).await;
    // The window starts and ends inside buckets: what is outside does not count.
    assert_eq!(probe.segments(minutes(25..31), 15).await, ["1/4097 15m:5×27(25..29) 30m:1×30(30..30)"]);
    // 2026-07-10 is 20,644 days after the epoch, so weeks start in the middle of it.
    let start = Timestamp::from_millis(at(0).as_millis() - at(0).as_millis().rem_euclid(7 * DAY * MINUTE_MS));
    let query = probe.segment_query(minutes(0..60), 7 * DAY, 10);
    let series = store.segments(probe.org, query).await.expect("segments");
    assert_eq!(series[0].segments.iter().map(|it| (it.start, it.count)).collect::<Vec<_>>(), [(start, 60)]);
    assert!(start < at(0));
}

pub async fn times_before_1970_fall_into_buckets_below_zero(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    for ms in [-10_001, -10_000, -1, 0, 9_999] {
        let row = NewRow { measured_at: Timestamp::from_millis(ms), ..row(0, temperature(ms as f64)) };
        probe.append_one(probe.uplink_of(0, [row])).await;
    }
    let window = Window::new(Timestamp::from_millis(-20_000), Timestamp::from_millis(10_000));
    let query = SegmentQuery { width_ms: 10_000, ..probe.segment_query(window, 1, 3) };
    let series = store.segments(probe.org, query).await.expect("segments");
    let buckets: Vec<_> = series[0].segments.iter().map(|it| (it.start.as_millis(), it.count)).collect();
    assert_eq!(buckets, [(-20_000, 1), (-10_000, 2), (0, 2)]);
}

pub async fn refuses_more_buckets_than_the_limit_and_widths_that_are_none(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    probe.append_one(probe.uplink(0, temperature(1.0))).await;
    let ask = |window, width, limit| store.segments(probe.org, probe.segment_query(window, width, limit));
    assert_eq!(ask(minutes(0..60), 10, 6).await.expect("exactly six").len(), 1);
    assert_refused!(ask(minutes(0..60), 10, 5).await, Error::Limit { max: 5, .. });
    assert_refused!(ask(minutes(5..65), 10, 6).await, Error::Limit { max: 6, .. });
    assert_refused!(ask(Window::ALL, DAY, 100_000).await, Error::Limit { .. });
    assert_refused!(ask(minutes(0..60), 0, 5).await, Error::Limit { .. });
    assert_refused!(ask(minutes(0..60), -10, 5).await, Error::Limit { .. });
    assert_eq!(ask(minutes(60..60), 10, 0).await.expect("nothing to refuse").len(), 0);
}

pub async fn what_is_no_number_is_left_out(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    let text = |channel| Reading::new(channel, 4097, Value::text("7"));
    probe.append_one(probe.uplink(0, [Reading::new(1, 4097, 1.0), Reading::new(2, 4097, 2.0), text(3)])).await;
    probe.append_one(probe.uplink(1, [text(1)])).await;
    probe.append_one(probe.uplink(0, [text(2)])).await;
    // Channel 2 has only a number that a text took the place of, channel 3 only a text.
    assert_eq!(probe.segments(minutes(0..10), 10).await, ["1/4097 0m:1×1(1..1)"]);
}

pub async fn each_instant_counts_once_with_the_reading_of_the_highest_position(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    for (minute, value) in [(0, 1.0), (1, 2.0), (0, 9.0), (2, 4.0)] {
        probe.append_one(probe.late(minute, 5, temperature(value))).await;
    }
    assert_eq!(probe.segments(minutes(0..10), 10).await, ["1/4097 0m:3×5(2..9)"]);
}

pub async fn sums_are_added_in_the_order_of_time(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    // Added in any other order, the small ones are lost or kept differently.
    for (minute, value) in [(3, 1.0), (2, -1e16), (0, 1e16), (1, 3.0), (4, 0.1)] {
        probe.append_one(probe.late(minute, 5, temperature(value))).await;
    }
    let query = probe.segment_query(minutes(0..10), 10, 1);
    let series = store.segments(probe.org, query).await.expect("segments");
    let expected = [1e16, 3.0, -1e16, 1.0, 0.1].into_iter().fold(0.0, |sum, value| sum + value);
    assert_eq!(series[0].segments[0].sum.to_bits(), f64::to_bits(expected));
}

pub async fn many_rows_fill_their_buckets(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    for batch in 0..10 {
        probe.append((batch * 144..batch * 144 + 144).map(|minute| probe.uplink(minute, temperature(1.5)))).await;
    }
    let query = probe.segment_query(minutes(0..DAY), 60, 24);
    let series = store.segments(probe.org, query).await.expect("segments");
    assert_eq!(series[0].segments.iter().map(|it| (it.count, it.sum)).collect::<Vec<_>>(), [(60, 90.0); 24]);
    assert_eq!(probe.segments(minutes(DAY..2 * DAY), 60).await, NOTHING);
}
