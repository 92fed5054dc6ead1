use axum::extract::State;
use model::Device;
use store::{SegmentQuery, SegmentSeries};

use crate::{
    ApiState,
    auth::Caller,
    envelope::Answer,
    error::Refusal,
    json,
    parameters::{Parameters, PathEui},
    v1::{Watch, series, write_number, write_series},
    window::{Asked, YEAR_MS, bucket_ms, to_millionths},
};

/// Most buckets of a series.
const BUCKETS_MAX: i64 = 400;
/// About how many bytes a bucket takes.
const BUCKET_BYTES: usize = 60;
const SEGMENT_MIN_DEFAULT: i64 = 60;

/// Average and peak over buckets of time, oldest first.
pub(crate) async fn segment(
    State(api): State<ApiState>,
    watch: Watch,
    caller: Caller,
    PathEui(eui): PathEui,
    parameters: Parameters,
) -> Result<Answer, Refusal> {
    let select = series(&parameters)?;
    let segment_min = parameters.whole::<i64>("segment")?.unwrap_or(SEGMENT_MIN_DEFAULT);
    if segment_min < 1 {
        return Err(Refusal::Parameters("`segment` is to be at least 1 minute".into()));
    }
    let mut asked = Asked::read(&parameters, api.now())?;
    if api.settings().strict_windows {
        asked = asked.at_most(YEAR_MS);
    }
    let device = caller.get_device(eui).await?;
    let query = SegmentQuery {
        device: device.id,
        select,
        window: asked.window(),
        width_ms: bucket_ms(asked, segment_min, BUCKETS_MAX),
        limit: BUCKETS_MAX as usize,
    };
    let version = caller.version(&device, asked.is_fixed, &("segment", query, &device.channels)).await?;
    let found = api.store().segments(device.org, query).await?;
    let buckets = found.iter().map(|series| series.segments.len()).sum();
    let bytes = (buckets + 2 * found.len() + 1) * BUCKET_BYTES;
    let answer = Answer::of_readings(&caller, version, buckets, bytes, |out| write(out, &device, &found)).await?;
    Ok(watch.stop(answer))
}

/// `[{"channel":"1","channel_name":"…","name":"…","unit":"…","list":[{"created":"…","avg":"…","peak":"…"}]}]`,
/// where `created` counts seconds.
fn write(out: &mut Vec<u8>, device: &Device, found: &[SegmentSeries]) {
    json::list(out, found, |out, series| {
        out.push(b'{');
        write_series(out, device, series.key);
        out.extend_from_slice(br#","list":"#);
        json::list(out, &series.segments, |out, segment| {
            out.extend_from_slice(br#"{"created":""#);
            json::whole(out, segment.start.as_millis().div_euclid(1_000));
            out.extend_from_slice(br#"","avg":"#);
            write_number(out, to_millionths(segment.average()));
            out.extend_from_slice(br#","peak":"#);
            write_number(out, segment.max);
            out.push(b'}');
        });
        out.push(b'}');
    });
}
