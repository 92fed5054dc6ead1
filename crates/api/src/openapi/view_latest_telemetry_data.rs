use axum::extract::State;
use model::IsoTimes;
use store::LatestReading;

use crate::{ApiState, auth::Caller, envelope::Answer, error::Refusal, json, parameters::Parameters, window::YEAR_MS};

/// About how many bytes a point takes.
const POINT_BYTES: usize = 90;

/// The newest reading of each series of a device, not older than a year: channels ascending,
/// measurements ascending within a channel.
pub(crate) async fn view_latest_telemetry_data(
    State(api): State<ApiState>,
    caller: Caller,
    parameters: Parameters,
) -> Result<Answer, Refusal> {
    let select = parameters.series()?;
    let device = caller.get_device(parameters.device_eui()?).await?;
    // What is left out depends on the clock.
    let version = caller.version(&device, false, &()).await?;
    let mut latest = api.store().latest(device.org, device.id, select).await?;
    let oldest = api.now().minus_ms(YEAR_MS);
    latest.retain(|reading| reading.measured_at >= oldest);
    let bytes = (latest.len() + 1) * POINT_BYTES;
    Answer::of_readings(&caller, version, latest.len(), bytes, |out| write(out, &latest)).await
}

/// `[{"channel_index":1,"points":[{"measurement_value":26.52,"measurement_id":"4097","time":"…"}]}]`
fn write(out: &mut Vec<u8>, latest: &[LatestReading]) {
    let mut times = IsoTimes::new();
    let channels = latest.chunk_by(|a, b| a.series.channel == b.series.channel);
    json::list(out, channels, |out, points| {
        out.extend_from_slice(br#"{"channel_index":"#);
        json::whole(out, points[0].series.channel.0);
        out.extend_from_slice(br#","points":"#);
        json::list(out, points, |out, point| {
            out.extend_from_slice(br#"{"measurement_value":"#);
            json::value(out, &point.value);
            out.extend_from_slice(br#","measurement_id":""#);
            json::whole(out, point.series.measurement.0);
            out.extend_from_slice(br#"","time":"#);
            json::time(out, &mut times, point.measured_at);
            out.push(b'}');
        });
        out.push(b'}');
    });
}
