use axum::extract::State;
use model::IsoTimes;
use store::{SegmentQuery, SegmentSeries};

use crate::{
    ApiState,
    auth::Caller,
    envelope::Answer,
    error::Refusal,
    json,
    parameters::Parameters,
    window::{Asked, YEAR_MS, bucket_ms, to_millionths},
};

/// Most points of a series.
const POINTS_MAX: i64 = 250;
/// About how many bytes a point takes.
const POINT_BYTES: usize = 84;
const INTERVAL_MIN_DEFAULT: i64 = 60;

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
    let device = caller.get_device(parameters.device_eui()?).await?;
    let query = SegmentQuery {
        device: device.id,
        select,
        window: asked.window(),
        width_ms: bucket_ms(asked, interval_min, POINTS_MAX),
        limit: POINTS_MAX as usize,
    };
    let version = caller.version(&device, asked.is_fixed, &("chart", query)).await?;
    let series = api.store().segments(device.org, query).await?;
    let points = series.iter().map(|series| series.segments.len()).sum();
    let bytes = 32 + 32 * series.len() + POINT_BYTES * points;
    Answer::of_readings(&caller, version, points, bytes, |out| write(out, &series)).await
}

/// `[{"channel":1,"lists":[{"time":"…","measurement_id":"4097","average_value":26.1}]}]`
fn write(out: &mut Vec<u8>, series: &[SegmentSeries]) {
    let mut times = IsoTimes::new();
    json::list(out, series, |out, series| {
        out.extend_from_slice(br#"{"channel":"#);
        json::whole(out, series.key.channel.0);
        out.extend_from_slice(br#","lists":"#);
        json::list(out, &series.segments, |out, segment| {
            out.extend_from_slice(br#"{"time":"#);
            json::time(out, &mut times, segment.start);
            out.extend_from_slice(br#","measurement_id":""#);
            json::whole(out, series.key.measurement.0);
            out.extend_from_slice(br#"","average_value":"#);
            json::number(out, to_millionths(segment.average()));
            out.push(b'}');
        });
        out.push(b'}');
    });
}
