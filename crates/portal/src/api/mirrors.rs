//! `/api/mirrors`: other stations, whose history is brought home and which are followed.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use model::{Mirror, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Body, Page, created};
use crate::{
    MirrorDifference, MirrorPhase, MirrorProgress, MirrorSight, PortalState,
    actor::Actor,
    deeds::mirrors::{self, Change, New},
    fault::Fault,
};

/// A station that is mirrored.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Mirror)]
pub(crate) struct MirrorShape {
    id: String,
    /// `china`, `global`, or the address of a station.
    station: String,
    access_id: String,
    /// From when on.
    since: String,
    /// Data (dm) that may be spent in all; null for as many as it takes.
    budget_dm: Option<u64>,
    calls_per_minute: u32,
    /// Whether it is followed by its stream too.
    streams: bool,
    /// Where that is, if not where it usually is beside the API.
    stream_at: Option<String>,
    is_paused: bool,
    /// Until when both stations are asked the same.
    compare_until: Option<String>,
    created_at: String,
    progress: ProgressShape,
}

/// How a mirror is doing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MirrorProgress)]
struct ProgressShape {
    /// `resting`, `looking`, `history`, `counting`, `asking`, `streaming`, `spent` or `waiting`.
    phase: &'static str,
    /// How much of history is here, from 0 to 1.
    done: f64,
    /// How many days of devices all of it is.
    device_days: u64,
    /// How long the rest will take at this pace.
    left_seconds: Option<u64>,
    readings: u64,
    dm_spent: u64,
    /// Readings that came since it follows.
    news: u64,
    news_at: Option<String>,
    trouble: Option<String>,
    /// Days of devices of which fewer readings are here than there; null until they were counted.
    differences: Option<Vec<DifferenceShape>>,
    /// How many questions both stations were asked.
    compared: u64,
    /// Those that they answer differently.
    disagreements: Vec<DifferenceShape>,
}

/// Where two stations differ.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MirrorDifference)]
struct DifferenceShape {
    device_eui: String,
    /// The day, or what was asked.
    what: String,
    there: String,
    here: String,
}

impl From<MirrorDifference> for DifferenceShape {
    fn from(MirrorDifference { eui, what, there, here }: MirrorDifference) -> Self {
        Self { device_eui: eui, what, there, here }
    }
}

impl MirrorShape {
    fn of(portal: &PortalState, mirror: Mirror) -> Self {
        let progress = portal.station().mirror_progress(mirror.org, mirror.id);
        Self {
            id: mirror.id.to_string(),
            station: mirror.station,
            access_id: mirror.access_id,
            since: mirror.since.to_string(),
            budget_dm: mirror.budget_dm,
            calls_per_minute: mirror.calls_per_minute,
            streams: mirror.streams,
            stream_at: mirror.stream_at.map(|at| at.to_string()),
            is_paused: mirror.is_paused,
            compare_until: mirror.compare_until.map(|at| at.to_string()),
            created_at: mirror.created_at.to_string(),
            progress: ProgressShape::of(progress),
        }
    }
}

impl ProgressShape {
    fn of(progress: MirrorProgress) -> Self {
        let all = |differences: Vec<MirrorDifference>| differences.into_iter().map(Into::into).collect();
        Self {
            phase: match progress.phase {
                MirrorPhase::Resting => "resting",
                MirrorPhase::Looking => "looking",
                MirrorPhase::History => "history",
                MirrorPhase::Counting => "counting",
                MirrorPhase::Asking => "asking",
                MirrorPhase::Streaming => "streaming",
                MirrorPhase::Spent => "spent",
                MirrorPhase::Waiting => "waiting",
            },
            done: progress.share(),
            device_days: progress.device_days,
            left_seconds: progress.left_ms.map(|ms| ms / 1_000),
            readings: progress.points,
            dm_spent: progress.dm,
            news: progress.news,
            news_at: progress.news_at.map(|at| at.to_string()),
            trouble: progress.trouble,
            differences: progress.differences.map(all),
            compared: progress.compared,
            disagreements: all(progress.disagreements),
        }
    }
}

/// A station to mirror.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewMirror {
    /// `china`, `global`, or the address of a station such as `https://station.example.org`.
    station: String,
    access_id: String,
    /// Kept sealed, and never answered.
    access_key: String,
    /// Milliseconds since 1970; 90 days ago where nothing is said.
    since: Option<i64>,
    /// Data (dm) that may be spent in all; as many as it takes where nothing is said.
    budget_dm: Option<u64>,
    /// 1 to 6000; 40 where nothing is said.
    calls_per_minute: Option<u32>,
    #[serde(default)]
    streams: bool,
    /// `mqtt://HOST:PORT` or `mqtts://HOST:PORT`, if not where it usually is beside the API.
    #[serde(default)]
    stream_at: String,
    /// Whether the key is to be good here too, for reading.
    #[serde(default)]
    brings_key: bool,
}

impl NewMirror {
    fn as_new(&self) -> New<'_> {
        New {
            station: self.station.trim(),
            access_id: self.access_id.trim(),
            access_key: self.access_key.trim(),
            since: self.since.map(Timestamp::from_millis),
            budget_dm: self.budget_dm,
            calls_per_minute: self.calls_per_minute,
            streams: self.streams,
            stream_at: self.stream_at.trim(),
            brings_key: self.brings_key,
        }
    }
}

/// What is to be different; what is left out stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct MirrorChange {
    is_paused: Option<bool>,
    /// 0 for as many as it takes.
    budget_dm: Option<u64>,
    calls_per_minute: Option<u32>,
    streams: Option<bool>,
    /// Empty for where it usually is.
    stream_at: Option<String>,
    /// For how many hours from now on both stations are asked the same, at most 744; 0 for no longer.
    compare_hours: Option<u32>,
}

/// What another station has, and what it costs to bring home.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MirrorEstimate {
    /// Where it is asked.
    station: String,
    org_id: String,
    groups: Vec<String>,
    devices: Vec<SeenDevice>,
    gateways: usize,
    /// Data (dm) of the history that is not here yet, about.
    dm: u64,
    calls: u64,
    hours: f64,
}

/// A device of another station.
#[derive(Debug, Serialize, ToSchema)]
struct SeenDevice {
    device_eui: String,
    name: String,
    series: usize,
}

/// `GET /api/mirrors`
pub(crate) async fn list(State(portal): State<PortalState>, actor: Actor) -> Result<Json<Page<MirrorShape>>, Fault> {
    let all = mirrors::list(&portal, &actor).await?;
    Ok(Json(Page::whole(all.into_iter().map(|mirror| MirrorShape::of(&portal, mirror)).collect())))
}

/// `POST /api/mirrors`
pub(crate) async fn create(
    State(portal): State<PortalState>,
    actor: Actor,
    Body(new): Body<NewMirror>,
) -> Result<Response, Fault> {
    let mirror = mirrors::create(&portal, &actor, &new.as_new()).await?;
    Ok(created(&format!("/api/mirrors/{}", mirror.id), MirrorShape::of(&portal, mirror)))
}

/// `POST /api/mirror-estimates`
pub(crate) async fn look(
    State(portal): State<PortalState>,
    actor: Actor,
    Body(new): Body<NewMirror>,
) -> Result<Json<MirrorEstimate>, Fault> {
    let sight = mirrors::look(&portal, &actor, &new.as_new()).await?;
    let MirrorSight { station, other_org, groups, devices, gateways, dm, calls, hours } = sight;
    let seen = devices.into_iter().map(|(device_eui, name, series)| SeenDevice { device_eui, name, series });
    let devices = seen.collect();
    Ok(Json(MirrorEstimate { station, org_id: other_org, groups, devices, gateways, dm, calls, hours }))
}

/// `GET /api/mirrors/{id}`
pub(crate) async fn get(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Json<MirrorShape>, Fault> {
    let mirror = mirrors::find(&portal, &actor, &id).await?;
    Ok(Json(MirrorShape::of(&portal, mirror)))
}

/// `PATCH /api/mirrors/{id}`
pub(crate) async fn change(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(id): Path<String>,
    Body(change): Body<MirrorChange>,
) -> Result<Json<MirrorShape>, Fault> {
    let MirrorChange { is_paused, budget_dm, calls_per_minute, streams, stream_at, compare_hours } = change;
    let budget_dm = budget_dm.map(|dm| (dm > 0).then_some(dm));
    let change = Change { is_paused, budget_dm, calls_per_minute, streams, stream_at, compare_hours };
    let mirror = mirrors::change(&portal, &actor, &id, change).await?;
    Ok(Json(MirrorShape::of(&portal, mirror)))
}

/// `DELETE /api/mirrors/{id}`
pub(crate) async fn remove(
    State(portal): State<PortalState>,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<StatusCode, Fault> {
    mirrors::remove(&portal, &actor, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
