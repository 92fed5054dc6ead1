use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{Path, State},
};
use model::{AccessKey, Call, Day, Hint};
use serde::Serialize;
use store::Used;
use utoipa::ToSchema;

use super::{
    Page,
    limits::{AllowanceShape, RateShape},
};
use crate::{
    PortalState,
    actor::Actor,
    deeds::{keys, limits},
    fault::Fault,
    fields::Asked,
    usage::{self, Habit, Limit, Spent, Standing},
};

/// What the organization used, told apart.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Usage)]
pub(crate) struct UsageShape {
    /// The first day, such as `2026-07-10`, in UTC.
    from: String,
    /// The last day, which is today.
    to: String,
    days: Vec<DayUsage>,
    /// By access key, those first that read most.
    keys: Vec<KeyUsage>,
    endpoints: Vec<EndpointUsage>,
    /// The 50 devices that were read most; one without an EUI stands for devices that were not told apart.
    devices: Vec<DeviceUsage>,
    limits: Vec<LimitShape>,
}

/// How much was used.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Used)]
pub(crate) struct UsedShape {
    calls: u64,
    /// How many calls were refused.
    refused: u64,
    /// How many calls were told that nothing has changed, for nothing.
    unchanged: u64,
    /// Data read.
    dm: u64,
}

impl From<Used> for UsedShape {
    fn from(Used { calls, refused, unchanged, dm }: Used) -> Self {
        Self { calls, refused, unchanged, dm }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct DayUsage {
    day: String,
    /// Data uploaded.
    um: u64,
    #[serde(flatten)]
    used: UsedShape,
}

#[derive(Debug, Serialize, ToSchema)]
struct KeyUsage {
    access_id: String,
    name: String,
    /// `refused` (a fifth of its calls or more), `polls` (half of its calls or more change nothing), `pages` (100 data a
    /// call or more), or `plain`.
    habit: &'static str,
    #[serde(flatten)]
    used: UsedShape,
}

#[derive(Debug, Serialize, ToSchema)]
struct EndpointUsage {
    access_id: String,
    endpoint: String,
    #[serde(flatten)]
    used: UsedShape,
}

#[derive(Debug, Serialize, ToSchema)]
struct DeviceUsage {
    eui: Option<String>,
    #[serde(flatten)]
    used: UsedShape,
}

/// How things stand with one limit: a rate, or an allowance of `dm` or `um`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Limit)]
struct LimitShape {
    /// The key that is limited; `null` is the organization.
    access_id: Option<String>,
    rate: Option<RateShape>,
    dm: Option<AllowanceShape>,
    um: Option<AllowanceShape>,
    /// How much of the allowance is used.
    used: Option<u64>,
    resets_at: Option<String>,
    /// When the allowance is used up if things go on as in the last seven days; `null` if not before it resets.
    reached_at: Option<String>,
}

impl LimitShape {
    fn of(Standing { key, limit }: &Standing) -> Self {
        let mut shape = Self {
            access_id: key.map(|id| id.to_string()),
            rate: None,
            dm: None,
            um: None,
            used: None,
            resets_at: None,
            reached_at: None,
        };
        let spent = match limit {
            Limit::Calls(rate) => {
                shape.rate = Some((*rate).into());
                return shape;
            }
            Limit::Dm(allowance, spent) => {
                shape.dm = Some((*allowance).into());
                spent
            }
            Limit::Um(allowance, spent) => {
                shape.um = Some((*allowance).into());
                spent
            }
        };
        let Spent { used, resets_at, reached_at } = spent;
        Self {
            used: Some(*used),
            resets_at: Some(resets_at.to_string()),
            reached_at: reached_at.map(|at| at.to_string()),
            ..shape
        }
    }
}

/// `GET /api/usage`
pub(crate) async fn show(
    State(portal): State<PortalState>,
    actor: Actor,
    Asked(asked): Asked,
) -> Result<Json<UsageShape>, Fault> {
    let days = usage::days(asked.find("days"))?;
    let report = usage::report(portal.store(), actor.org, days, portal.now()).await?;
    let mut by_day: BTreeMap<Day, (Used, u64)> = BTreeMap::new();
    for (day, used) in &report.usage.days {
        by_day.entry(*day).or_default().0 = *used;
    }
    for (day, um) in &report.um {
        by_day.entry(*day).or_default().1 = *um;
    }
    let name = |id| report.keys.iter().find(|key| key.id == id).map(|key| key.name.clone()).unwrap_or_default();
    let mut keys = report.usage.keys.clone();
    keys.sort_by_key(|(id, used)| (std::cmp::Reverse((used.dm, used.calls)), *id));
    Ok(Json(UsageShape {
        from: report.first.to_string(),
        to: report.last.to_string(),
        days: by_day
            .into_iter()
            .map(|(day, (used, um))| DayUsage { day: day.to_string(), um, used: used.into() })
            .collect(),
        keys: keys
            .into_iter()
            .map(|(id, used)| KeyUsage {
                access_id: id.to_string(),
                name: name(id),
                habit: Habit::of(used).as_str(),
                used: used.into(),
            })
            .collect(),
        endpoints: report
            .usage
            .endpoints
            .iter()
            .map(|(id, endpoint, used)| EndpointUsage {
                access_id: id.to_string(),
                endpoint: endpoint.to_string(),
                used: (*used).into(),
            })
            .collect(),
        devices: report
            .usage
            .devices
            .iter()
            .map(|(eui, used)| DeviceUsage { eui: eui.map(|eui| eui.to_string()), used: (*used).into() })
            .collect(),
        limits: report.standings.iter().map(LimitShape::of).collect(),
    }))
}

/// One of the last calls of a key.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Call)]
pub(crate) struct CallShape {
    at: String,
    method: &'static str,
    endpoint: &'static str,
    /// The device that it was about.
    eui: Option<String>,
    status: u16,
    code: &'static str,
    /// What the code means; empty for a success.
    meaning: &'static str,
    dm: u64,
    took_us: u32,
    hints: Vec<HintShape>,
}

/// Something that the caller may not know.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Hint)]
struct HintShape {
    /// `unchanged`, `unknown_parameter`, `window_clipped`, `limit_moved`, `buckets_widened`, `nothing_found`, `page_full`,
    /// `page_uneven`, `limit_reached`.
    kind: &'static str,
    /// The parameter that is not taken, or what was told about the limit.
    detail: Option<String>,
    /// The parameter that may have been meant.
    meant: Option<&'static str>,
}

impl HintShape {
    fn of(hint: &Hint) -> Self {
        let (detail, meant) = match hint {
            Hint::Unknown { name, meant } => (Some(name.to_string()), *meant),
            Hint::Limit(text) => (Some(text.to_string()), None),
            _ => (None, None),
        };
        Self { kind: hint.as_str(), detail, meant }
    }
}

impl CallShape {
    fn of(call: &Call) -> Self {
        Self {
            at: call.at.to_string(),
            method: call.method,
            endpoint: call.endpoint,
            eui: call.device.map(|eui| eui.to_string()),
            status: call.status,
            code: call.code,
            meaning: call.meaning,
            dm: call.dm,
            took_us: call.took_us,
            hints: call.hints.iter().map(HintShape::of).collect(),
        }
    }
}

/// `GET /api/keys/{id}/calls`
pub(crate) async fn calls(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Json<Page<CallShape>>, Fault> {
    let AccessKey { id, .. } = limits::find_key(&portal, &actor, keys::id(&id)?).await?;
    let calls = portal.station().last_calls(actor.org, id);
    Ok(Json(Page::whole(calls.iter().map(CallShape::of).collect())))
}
