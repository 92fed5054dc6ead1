use axum::extract::State;
use model::{MeasurementId, Timestamp};
use serde::Serialize;

use crate::{ApiState, auth::Caller, envelope::Answer, error::Refusal, parameters::Parameters, statuses::Statuses};

#[derive(Debug, Serialize)]
struct RunningStatus {
    device_eui: String,
    /// 1970 if nothing ever came.
    latest_message_time: String,
    online_status: u8,
    battery_status: u8,
    battery_digit: u8,
    report_frequency: i64,
    expired_time: String,
    be_quota: u8,
}

const BATTERY_LOW_BELOW_PERCENT: u8 = 20;
/// What a device shows that has never said anything about its battery: no alarm.
const BATTERY_UNKNOWN_PERCENT: u8 = 100;
const INTERVAL_UNKNOWN: i64 = -1;
const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// How the devices that `device_euis` names are doing.
pub(crate) async fn view_device_running_status(
    State(api): State<ApiState>,
    caller: Caller,
    parameters: Parameters,
) -> Result<Answer, Refusal> {
    let now = api.now();
    let mut shown = Vec::new();
    for device in caller.get_devices(&parameters.device_euis()?).await? {
        let statuses = Statuses::get(&api, &device).await?;
        let heard = api.store().last_heard(device.org, device.id).await?;
        let interval_min = interval_min(&statuses);
        // A cast of a float stops at the ends of the integer.
        let battery = statuses.find_number(MeasurementId::BATTERY).map(|percent| percent.clamp(0.0, 100.0) as u8);
        let battery = battery.unwrap_or(BATTERY_UNKNOWN_PERCENT);
        shown.push(RunningStatus {
            device_eui: device.eui.to_string(),
            latest_message_time: heard.unwrap_or(Timestamp::EPOCH).to_string(),
            online_status: is_online(heard, interval_min, now).into(),
            battery_status: (battery >= BATTERY_LOW_BELOW_PERCENT).into(),
            battery_digit: battery,
            report_frequency: interval_min.unwrap_or(INTERVAL_UNKNOWN),
            expired_time: Timestamp::EPOCH.to_string(),
            be_quota: 0,
        });
    }
    Answer::of(&shown)
}

fn interval_min(statuses: &Statuses) -> Option<i64> {
    statuses.find_number(MeasurementId::REPORT_INTERVAL).map(|minutes| minutes as i64).filter(|minutes| *minutes > 0)
}

/// Whether a device was heard within three of its intervals, or within a day if it never said
/// what its interval is.
fn is_online(heard: Option<Timestamp>, interval_min: Option<i64>, now: Timestamp) -> bool {
    let patience_ms = interval_min.map_or(DAY_MS, |minutes| minutes.saturating_mul(3 * MINUTE_MS));
    heard.is_some_and(|heard| now.since_ms(heard) <= patience_ms)
}
