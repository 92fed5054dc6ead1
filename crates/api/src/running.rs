use model::{Device, MeasurementId, Timestamp};

use crate::{ApiState, error::Refusal, statuses::Statuses};

const BATTERY_LOW_BELOW_PERCENT: u8 = 20;
/// What a device shows that has never said anything about its battery: no alarm.
const BATTERY_UNKNOWN_PERCENT: u8 = 100;
const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// How a device is doing.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) heard: Option<Timestamp>,
    pub(crate) interval_min: Option<i64>,
    pub(crate) battery_percent: u8,
    pub(crate) is_online: bool,
    pub(crate) is_battery_good: bool,
}

impl Running {
    pub(crate) async fn get(api: &ApiState, device: &Device, statuses: &Statuses) -> Result<Self, Refusal> {
        let heard = api.store().last_heard(device.org, device.id).await?;
        let minutes = statuses.find_number(MeasurementId::REPORT_INTERVAL).map(|minutes| minutes as i64);
        let interval_min = minutes.filter(|minutes| *minutes > 0);
        // A cast of a float stops at the ends of the integer.
        let battery = statuses.find_number(MeasurementId::BATTERY).map(|percent| percent.clamp(0.0, 100.0) as u8);
        let battery_percent = battery.unwrap_or(BATTERY_UNKNOWN_PERCENT);
        Ok(Self {
            heard,
            interval_min,
            battery_percent,
            is_online: is_online(heard, interval_min, api.now()),
            is_battery_good: battery_percent >= BATTERY_LOW_BELOW_PERCENT,
        })
    }
}

/// Whether a device was heard within three of its intervals, or within a day if it never said
/// what its interval is.
fn is_online(heard: Option<Timestamp>, interval_min: Option<i64>, now: Timestamp) -> bool {
    let patience_ms = interval_min.map_or(DAY_MS, |minutes| minutes.saturating_mul(3 * MINUTE_MS));
    heard.is_some_and(|heard| now.since_ms(heard) <= patience_ms)
}
