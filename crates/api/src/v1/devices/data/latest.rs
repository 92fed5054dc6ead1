use axum::extract::State;
use store::LatestReading;

use crate::{
    ApiState,
    auth::Caller,
    envelope::Answer,
    error::Refusal,
    json,
    parameters::{Parameters, PathEui},
    v1::{Watch, series, write_measurement, write_value},
    window::YEAR_MS,
};

/// About how many bytes a point takes.
const POINT_BYTES: usize = 120;

/// The newest reading of each series of a device, not older than a year.
pub(crate) async fn latest(
    State(api): State<ApiState>,
    watch: Watch,
    caller: Caller,
    PathEui(eui): PathEui,
    parameters: Parameters,
) -> Result<Answer, Refusal> {
    let select = series(&parameters)?;
    let device = caller.get_device(eui).await?;
    let version = caller.version(&device, false, &()).await?;
    let mut latest = api.store().latest(device.org, device.id, select).await?;
    let oldest = api.now().minus_ms(YEAR_MS);
    latest.retain(|reading| reading.measured_at >= oldest);
    let bytes = (latest.len() + 1) * POINT_BYTES;
    let answer = Answer::of_readings(&caller, version, latest.len(), bytes, |out| write(out, &latest)).await?;
    Ok(watch.stop(answer))
}

/// `[{"channel":"1","points":[{"name":"…","unit":"…","value":"26.5","measurement_id":"4097","created":"…"}]}]`
fn write(out: &mut Vec<u8>, latest: &[LatestReading]) {
    let channels = latest.chunk_by(|a, b| a.series.channel == b.series.channel);
    json::list(out, channels, |out, points| {
        out.extend_from_slice(br#"{"channel":""#);
        json::whole(out, points[0].series.channel.0);
        out.extend_from_slice(br#"","points":"#);
        json::list(out, points, |out, point| {
            out.push(b'{');
            write_measurement(out, point.series.measurement);
            out.extend_from_slice(br#","value":"#);
            write_value(out, &point.value);
            out.extend_from_slice(br#","measurement_id":""#);
            json::whole(out, point.series.measurement.0);
            out.extend_from_slice(br#"","created":""#);
            json::whole(out, point.measured_at.as_millis());
            out.extend_from_slice(br#""}"#);
        });
        out.push(b'}');
    });
}
