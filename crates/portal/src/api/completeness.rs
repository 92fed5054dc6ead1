use axum::{
    Json,
    extract::{Path, State},
};
use model::{Completeness, Day, DeviceId, Timestamp, Window, completeness};
use serde::Serialize;
use store::FrameQuery;
use utoipa::ToSchema;

use super::devices::find;
use crate::{PortalState, actor::Actor, fault::Fault, fields::Asked};

/// Most days that can be asked for.
const DAYS_MAX: u32 = 92;
/// Days where nobody says.
const DAYS: u32 = 31;
/// Days before the first one that are looked at, to know where the counter stood.
const DAYS_BEFORE: i32 = 2;
/// Most frames of a day; LoRaWAN allows no device as many.
const FRAMES_MAX: usize = 100_000;

/// How much of what a device sent came, by the gaps of its frame counter.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Completeness)]
pub(crate) struct CompletenessShape {
    received: u64,
    missing: u64,
    /// How much came of what was sent, 0 to 100.
    percent: f64,
    /// Ascending; days without any frame are left out.
    days: Vec<DayShape>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CompletenessOfDay)]
pub(crate) struct DayShape {
    /// In UTC, such as `2026-07-10`.
    day: String,
    received: u64,
    /// Counted for the day that the gap showed on; late frames fill it for a day.
    missing: u64,
    percent: f64,
}

/// `GET /api/devices/{eui}/completeness`
pub(crate) async fn get(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(eui): Path<String>,
    Asked(asked): Asked,
) -> Result<Json<CompletenessShape>, Fault> {
    let days = match asked.get("days") {
        "" => DAYS,
        text => text
            .parse()
            .ok()
            .filter(|days| (1..=DAYS_MAX).contains(days))
            .ok_or(Fault::Invalid(|t| t.fault_completeness_days))?,
    };
    let device = find(&portal, &actor, &eui).await?.device.id;
    let days = self::days(&portal, &actor, device, days).await?;
    let received = days.iter().map(|day| day.received).sum();
    let missing = days.iter().map(|day| day.missing).sum();
    let percent = Completeness::percent(received, missing);
    let days = days.into_iter().map(|Completeness { day, received, missing }| DayShape {
        day: day.to_string(),
        received,
        missing,
        percent: Completeness::percent(received, missing),
    });
    Ok(Json(CompletenessShape { received, missing, percent, days: days.collect() }))
}

/// The last so many days of a device, today included, out of its stored frames.
pub(crate) async fn days(
    portal: &PortalState,
    actor: &Actor,
    device: DeviceId,
    days: u32,
) -> Result<Vec<Completeness>, Fault> {
    let today = Day::of(portal.now());
    let first = today.plus(1 - i32::try_from(days.min(DAYS_MAX)).unwrap_or(1));
    let mut day = first.plus(-DAYS_BEFORE);
    let mut heard: Vec<(Timestamp, u32)> = Vec::new();
    while day <= today {
        let window = Window::new(day.start(), day.plus(1).start());
        let frames = portal.store().frames(actor.org, FrameQuery { device, window, limit: FRAMES_MAX }).await?;
        let from = heard.len();
        // Newest first, by position.
        heard.extend(frames.iter().rev().filter_map(|stored| Some((stored.received_at, stored.frame.f_cnt?))));
        heard[from..].sort_by_key(|(at, _)| *at);
        day = day.plus(1);
    }
    let mut counted = completeness(heard);
    counted.retain(|counted| counted.day >= first);
    Ok(counted)
}
