use axum::extract::State;
use store::{SegmentQuery, SegmentSeries};

use crate::{
    ApiState,
    auth::Caller,
    devices::get_device,
    envelope::Answer,
    error::Refusal,
    json,
    parameters::Parameters,
    window::{Asked, YEAR_MS},
};

/// Most points of a series.
const POINTS_MAX: i64 = 250;
/// About how many bytes a point takes.
const POINT_BYTES: usize = 84;
const MINUTE_MS: i64 = 60_000;
const INTERVAL_MIN_DEFAULT: i64 = 60;
/// A wider bucket would not fit between the years 0 and 9999.
const INTERVAL_MIN_MAX: i64 = 10_000 * 366 * 24 * 60;

/// Averages over buckets of time, oldest first; readings that are no numbers are left out.
///
/// A `limit`, which one client sends in place of `interval`, is ignored as on the real stations.
pub(crate) async fn aggregate_chart_points(
    State(api): State<ApiState>,
    caller: Caller,
    parameters: Parameters,
) -> Result<Answer, Refusal> {
    let select = parameters.series()?;
    let interval_min = parameters.whole::<i64>("interval")?.unwrap_or(INTERVAL_MIN_DEFAULT);
    if interval_min < 1 {
        return Err(Refusal::Parameters("`interval` is to be at least 1 minute".into()));
    }
    let mut asked = Asked::read(&parameters, api.now())?;
    if api.settings().strict_windows {
        asked = asked.at_most(YEAR_MS);
    }
    let device = get_device(&api, &caller, &parameters).await?;
    let query = SegmentQuery {
        device: device.id,
        select,
        window: asked.window(),
        width_ms: width_ms(asked, interval_min),
        limit: POINTS_MAX as usize,
    };
    let series = api.store().segments(device.org, query).await?;
    let points = series.iter().map(|series| series.segments.len()).sum();
    let bytes = 32 + 32 * series.len() + POINT_BYTES * points;
    Ok(Answer::of_readings(&caller, points, bytes, |out| write(out, &series)))
}

/// How wide buckets are: as asked, unless that makes too many of them; whole minutes always.
fn width_ms(asked: Asked, interval_min: i64) -> i64 {
    let (start, end) = (asked.start.as_millis(), asked.end.as_millis());
    let width = interval_min.min(INTERVAL_MIN_MAX) * MINUTE_MS;
    if end.div_euclid(width) - start.div_euclid(width) < POINTS_MAX {
        return width;
    }
    // A window that is 249 buckets long touches at most 250, wherever it starts.
    let minutes = (end - start) / MINUTE_MS / (POINTS_MAX - 1) + 1;
    minutes * MINUTE_MS
}

/// `[{"channel":1,"lists":[{"time":"…","measurement_id":"4097","average_value":26.1}]}]`
fn write(out: &mut Vec<u8>, series: &[SegmentSeries]) {
    json::list(out, series, |out, series| {
        out.extend_from_slice(br#"{"channel":"#);
        json::whole(out, series.key.channel.0);
        out.extend_from_slice(br#","lists":"#);
        json::list(out, &series.segments, |out, segment| {
            out.extend_from_slice(br#"{"time":"#);
            json::time(out, segment.start);
            out.extend_from_slice(br#","measurement_id":""#);
            json::whole(out, series.key.measurement.0);
            out.extend_from_slice(br#"","average_value":"#);
            json::number(out, to_millionths(segment.average()));
            out.push(b'}');
        });
        out.push(b'}');
    });
}

/// Takes the noise of adding off an average: six decimals are what the finest measurements have.
fn to_millionths(average: f64) -> f64 {
    // Beyond it a double has no six decimals left to round.
    const ABS_MAX: f64 = 1e9;
    if average.abs() < ABS_MAX { (average * 1e6).round() / 1e6 } else { average }
}

#[cfg(test)]
mod tests {
    use model::Timestamp;
    use proptest::prelude::*;

    use super::*;

    fn asked(start: i64, end: i64) -> Asked {
        Asked { start: Timestamp::from_millis(start), end: Timestamp::from_millis(end) }
    }

    #[test]
    fn buckets_are_as_wide_as_asked_until_there_are_too_many() {
        let hour = 60 * MINUTE_MS;
        assert_eq!(width_ms(asked(0, 24 * hour), 60), hour);
        assert_eq!(width_ms(asked(0, 250 * hour - 1), 60), hour);
        assert_eq!(width_ms(asked(0, 250 * hour), 60), 61 * MINUTE_MS);
        assert_eq!(width_ms(asked(0, 365 * 24 * hour), 1), 2111 * MINUTE_MS);
    }

    #[test]
    fn averages_lose_the_noise_of_adding() {
        assert_eq!(to_millionths((0.1 + 0.2) / 2.0), 0.15);
        assert_eq!(to_millionths(113.943_251_4), 113.943_251);
        assert_eq!(to_millionths(1.234e12), 1.234e12);
        assert!(to_millionths(f64::NAN).is_nan());
    }

    proptest! {
        #[test]
        fn no_window_makes_more_than_250_buckets(
            start in -62_167_219_200_000_i64..=253_402_300_799_999,
            length in prop_oneof![0_i64..=100_000_000, 0_i64..=300_000_000_000_000],
            interval in prop_oneof![1_i64..=2_000, 1_i64..=i64::MAX],
        ) {
            let asked = asked(start, start + length);
            let width_ms = width_ms(asked, interval);
            prop_assert_eq!(width_ms % MINUTE_MS, 0);
            let query = SegmentQuery {
                device: model::DeviceId(1),
                select: store::Select::READINGS,
                window: asked.window(),
                width_ms,
                limit: POINTS_MAX as usize,
            };
            prop_assert!(query.check().is_ok());
        }
    }
}
