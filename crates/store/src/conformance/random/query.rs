use model::{Day, DeviceId, OrgId, Timestamp};

use super::world::World;
use crate::{
    Error, FrameQuery, RangeQuery, RowQuery, SegmentQuery, Select, Store,
    conformance::fixtures::{DAY, MINUTE_MS, org},
};

/// Something to ask about readings, but for `follow`.
#[derive(Debug, Clone, Copy)]
pub(super) enum Query {
    Latest(OrgId, DeviceId, Select),
    Range(OrgId, RangeQuery),
    Rows(OrgId, RowQuery),
    Segments(OrgId, SegmentQuery),
    Frames(OrgId, FrameQuery),
    LastHeard(OrgId, DeviceId),
    Um(OrgId),
    Dm(OrgId),
}

impl Query {
    pub(super) fn random(world: &mut World) -> Self {
        let at = world.device();
        let (org, device) = match at {
            Some(at) if !world.rng.percent(3) => (world.devices[at].org, world.devices[at].id),
            // Nobody's device, or somebody else's.
            _ => (world.org(), at.map_or(DeviceId(1 << 40), |at| world.devices[at].id)),
        };
        let (select, window) = (select(world), world.window(at));
        let limit = match world.rng.below(4) {
            0 => world.rng.index(4),
            1 => world.rng.index(50),
            _ => 1 + world.rng.index(2_000),
        };
        match world.rng.below(100) {
            0..=19 => Self::Latest(org, device, select),
            20..=49 => Self::Range(org, RangeQuery { device, select, window, limit }),
            50..=64 => Self::Rows(org, RowQuery { device, window, limit, hidden: world.rng.percent(40) }),
            65..=84 => {
                let widths = [1, 7_777, MINUTE_MS, 15 * MINUTE_MS, 60 * MINUTE_MS, DAY * MINUTE_MS, i64::MAX, 0];
                let width_ms = *world.rng.pick(&widths);
                let limit = if world.rng.percent(80) { 200_000 } else { limit };
                Self::Segments(org, SegmentQuery { device, select, window, width_ms, limit })
            }
            85..=93 => Self::Frames(org, FrameQuery { device, window, limit }),
            94..=95 => Self::LastHeard(org, device),
            96..=97 => Self::Um(org),
            _ => Self::Dm(org),
        }
    }

    /// Everything there is to ask about one device.
    pub(super) fn all_of(org: OrgId, device: DeviceId) -> [Self; 6] {
        let (window, limit) = (model::Window::ALL, 100_000);
        [
            Self::Latest(org, device, Select::READINGS),
            Self::Latest(org, device, Select::Statuses),
            Self::Range(org, RangeQuery { device, select: Select::READINGS, window, limit }),
            Self::Rows(org, RowQuery { device, window, limit, hidden: true }),
            Self::Frames(org, FrameQuery { device, window, limit }),
            Self::LastHeard(org, device),
        ]
    }

    /// Everything there is to ask about an organization.
    pub(super) fn all_about(number: u64) -> [Self; 2] {
        [Self::Um(org(number)), Self::Dm(org(number))]
    }

    /// The answer, printed to the last bit.
    pub(super) async fn ask(self, store: &dyn Store) -> String {
        match self {
            Self::Latest(org, device, select) => print(store.latest(org, device, select).await),
            Self::Range(org, query) => print(store.range(org, query).await),
            Self::Rows(org, query) => print(store.rows(org, query).await),
            Self::Segments(org, query) => {
                let mut series = store.segments(org, query).await;
                // Whether 0 or −0 is the lower one is nobody's promise.
                for segment in series.iter_mut().flatten().flat_map(|series| &mut series.segments) {
                    (segment.min, segment.max) = (segment.min + 0.0, segment.max + 0.0);
                }
                print(series)
            }
            Self::Frames(org, query) => print(store.frames(org, query).await),
            Self::LastHeard(org, device) => print(store.last_heard(org, device).await),
            Self::Um(org) => {
                let days = store.list_um(org, Day::of(Timestamp::MIN), Day::of(Timestamp::MAX)).await;
                print(store.count_um(org).await) + &print(days)
            }
            Self::Dm(org) => print(store.count_dm(org).await),
        }
    }
}

fn select(world: &mut World) -> Select {
    match world.rng.below(10) {
        0..=5 => Select::READINGS,
        6 => Select::Statuses,
        7..=8 => Select::one(world.series()),
        _ => {
            let series = world.series();
            if world.rng.percent(50) {
                Select::Readings { channel: Some(series.channel), measurement: None }
            } else {
                Select::Readings { channel: None, measurement: Some(series.measurement) }
            }
        }
    }
}

/// An answer as text, which tells −0 from 0 and every double from its neighbour.
pub(super) fn print<T: std::fmt::Debug>(answer: Result<T, Error>) -> String {
    match answer {
        Ok(answer) => format!("{answer:?}"),
        // What there is too much of may be called by another name.
        Err(Error::Limit { max, .. }) => format!("more than {max}"),
        Err(error) => format!("refused: {error:?}"),
    }
}
