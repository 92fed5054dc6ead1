use axum::extract::State;
use model::Device;
use store::{RangeQuery, Select, Series};

use crate::{
    ApiState,
    auth::Caller,
    envelope::Answer,
    error::Refusal,
    json,
    parameters::{Parameters, PathEui},
    v1::{Watch, series, write_measurement, write_series, write_value},
    window::{Asked, MONTH_MS, THREE_MONTHS_MS, limit},
};

/// Most points of a series.
const POINTS_MAX: i64 = 400;
/// About how many bytes a point takes.
const POINT_BYTES: usize = 120;

/// The newest points of a window, so many of each series, newest first.
pub(crate) async fn raw(
    State(api): State<ApiState>,
    watch: Watch,
    caller: Caller,
    PathEui(eui): PathEui,
    parameters: Parameters,
) -> Result<Answer, Refusal> {
    let now = api.now();
    let select = series(&parameters)?;
    let limit = limit(&parameters, POINTS_MAX)?;
    let mut asked = Asked::read(&parameters, now)?;
    if api.settings().strict_windows {
        asked = asked.at_most(MONTH_MS).not_older_than(THREE_MONTHS_MS, now);
    }
    let device = caller.get_device(eui).await?;
    let version = caller.version(&device, asked.is_fixed, &("raw", select, asked, limit, &device.channels)).await?;
    let mut found = Vec::new();
    for known in api.store().latest(device.org, device.id, select).await? {
        let select = Select::one(known.series);
        let query = RangeQuery { device: device.id, select, window: asked.window(), limit };
        found.extend(api.store().range(device.org, query).await?);
    }
    let points = found.iter().map(|series| series.points.len()).sum();
    let bytes = (points + found.len() + 1) * POINT_BYTES;
    let answer = Answer::of_readings(&caller, version, points, bytes, |out| write(out, &device, &found)).await?;
    Ok(watch.stop(answer))
}

/// `[{"channel":"1","channel_name":"…","name":"…","unit":"…","points":[…]}]`
fn write(out: &mut Vec<u8>, device: &Device, found: &[Series]) {
    json::list(out, found, |out, series| {
        out.push(b'{');
        write_series(out, device, series.key);
        out.extend_from_slice(br#","points":"#);
        json::list(out, &series.points, |out, point| {
            out.push(b'{');
            write_measurement(out, series.key.measurement);
            out.extend_from_slice(br#","value":"#);
            write_value(out, &point.value);
            out.extend_from_slice(br#","measurement_id":""#);
            json::whole(out, series.key.measurement.0);
            out.extend_from_slice(br#"","created":""#);
            json::whole(out, point.measured_at.as_millis());
            out.extend_from_slice(br#""}"#);
        });
        out.push(b'}');
    });
}
