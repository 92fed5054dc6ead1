use axum::extract::State;
use model::Timestamp;
use serde::Serialize;

use crate::{
    ApiState, auth::Caller, envelope::Answer, error::Refusal, parameters::Parameters, running::Running,
    statuses::Statuses,
};

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

const INTERVAL_UNKNOWN: i64 = -1;

/// How the devices that `device_euis` names are doing.
pub(crate) async fn view_device_running_status(
    State(api): State<ApiState>,
    caller: Caller,
    parameters: Parameters,
) -> Result<Answer, Refusal> {
    let mut shown = Vec::new();
    for device in caller.get_devices(&parameters.device_euis()?).await? {
        let running = Running::get(&api, &device, &Statuses::get(&api, &device).await?).await?;
        shown.push(RunningStatus {
            device_eui: device.eui.to_string(),
            latest_message_time: running.heard.unwrap_or(Timestamp::EPOCH).to_string(),
            online_status: running.is_online.into(),
            battery_status: running.is_battery_good.into(),
            battery_digit: running.battery_percent,
            report_frequency: running.interval_min.unwrap_or(INTERVAL_UNKNOWN),
            expired_time: Timestamp::EPOCH.to_string(),
            be_quota: 0,
        });
    }
    Answer::of(&shown)
}
