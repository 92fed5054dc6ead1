use axum::extract::State;
use store::{RangeQuery, Series};

use crate::{
    ApiState,
    auth::Caller,
    envelope::Answer,
    error::Refusal,
    json,
    parameters::Parameters,
    window::{Asked, MONTH_MS, THREE_MONTHS_MS},
};

/// Most points of an answer, over all series together.
const POINTS_MAX: i64 = 1_000;
/// About how many bytes a point takes.
const POINT_BYTES: usize = 36;

/// The newest points of a window, over all series together, newest first within each.
pub(crate) async fn list_telemetry_data(
    State(api): State<ApiState>,
    caller: Caller,
    parameters: Parameters,
) -> Result<Answer, Refusal> {
    let now = api.now();
    let select = parameters.series()?;
    let limit = parameters.whole::<i64>("limit")?.unwrap_or(POINTS_MAX).clamp(1, POINTS_MAX);
    let mut asked = Asked::read(&parameters, now)?;
    if api.settings().strict_windows {
        asked = asked.at_most(MONTH_MS).not_older_than(THREE_MONTHS_MS, now);
    }
    let device = caller.get_device(parameters.device_eui()?).await?;
    let query = RangeQuery { device: device.id, select, window: asked.window(), limit: limit as usize };
    let series = api.store().range(device.org, query).await?;
    let points = series.iter().map(|series| series.points.len()).sum();
    let bytes = 32 + 16 * series.len() + POINT_BYTES * points;
    Ok(Answer::of_readings(&caller, points, bytes, |out| write(out, &series)))
}

/// `{"list":[[[1,"4097"]],[[[25.1,"2026-08-01T02:44:45.303Z"]]]]}`: heads, then their points.
fn write(out: &mut Vec<u8>, series: &[Series]) {
    out.extend_from_slice(br#"{"list":["#);
    json::list(out, series, |out, series| {
        out.push(b'[');
        json::whole(out, series.key.channel.0);
        out.extend_from_slice(br#",""#);
        json::whole(out, series.key.measurement.0);
        out.extend_from_slice(br#""]"#);
    });
    out.push(b',');
    json::list(out, series, |out, series| {
        json::list(out, &series.points, |out, point| {
            out.push(b'[');
            json::value(out, &point.value);
            out.push(b',');
            json::time(out, point.measured_at);
            out.push(b']');
        });
    });
    out.extend_from_slice(b"]}");
}
