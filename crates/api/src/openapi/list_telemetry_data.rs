use axum::extract::State;
use model::{Hint, IsoTimes};
use store::{RangeQuery, Series};

use crate::{
    ApiState,
    auth::Caller,
    call,
    envelope::Answer,
    error::Refusal,
    json,
    parameters::Parameters,
    window::{Asked, MONTH_MS, THREE_MONTHS_MS, limit},
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
    let limit = limit(&parameters, POINTS_MAX)?;
    let mut asked = Asked::read(&parameters, now)?;
    if api.settings().strict_windows {
        asked = asked.at_most(MONTH_MS).not_older_than(THREE_MONTHS_MS, now);
    }
    let device = caller.get_device(parameters.device_eui()?).await?;
    let query = RangeQuery { device: device.id, select, window: asked.window(), limit };
    let version = caller.version(&device, asked.is_fixed, &("list", query)).await?;
    let series = api.store().range(device.org, query).await?;
    let points = series.iter().map(|series| series.points.len()).sum();
    if points == limit {
        hint_at_next_page(&series);
    }
    let bytes = 32 + 16 * series.len() + POINT_BYTES * points;
    Answer::of_readings(&caller, version, points, bytes, |out| write(out, &series)).await
}

/// Notes that there may be more points, and whether the usual way to ask for them leads there: it goes on at the
/// latest of the series' oldest times, which is where it was if a series has nothing older on this page.
fn hint_at_next_page(series: &[Series]) {
    let newest = series.iter().filter_map(|series| series.points.first()).map(|point| point.measured_at).max();
    let oldest = series.iter().filter_map(|series| series.points.last()).map(|point| point.measured_at).max();
    let hint = if series.len() > 1 && newest == oldest { Hint::PageUneven } else { Hint::PageFull };
    call::note(|notes| notes.hints.push(hint));
}

/// `{"list":[[[1,"4097"]],[[[25.1,"2026-08-01T02:44:45.303Z"]]]]}`: heads, then their points.
fn write(out: &mut Vec<u8>, series: &[Series]) {
    let mut times = IsoTimes::new();
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
            json::time(out, &mut times, point.measured_at);
            out.push(b']');
        });
    });
    out.extend_from_slice(b"]}");
}
