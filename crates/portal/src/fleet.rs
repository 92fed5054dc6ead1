//! The devices of an organization as lists show them: with what they last said.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use model::{Device, DeviceEui, GeoPoint, GroupId, MeasurementId, OrgId, Timestamp, Value};
use store::{DeviceFilter, Error, LatestReading, Select, Store};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// For how long a list may be shown again; what is changed here shows at once.
const FRESH_MS: i64 = 5_000;
/// How many organizations' lists are kept.
const KEPT_MAX: usize = 64;
/// How many devices are asked of the store at once.
const PAGE: usize = 1_000;

/// Whether a device is heard when it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum State {
    /// Not heard for long, or never.
    Silent,
    /// Should have been heard by now.
    Late,
    /// Heard within three report intervals.
    Online,
}

impl State {
    pub(crate) const ALL: [Self; 3] = [Self::Online, Self::Late, Self::Silent];

    /// Its name in links and answers.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Late => "late",
            Self::Silent => "silent",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// As told by when a device was last heard; without a known interval it has a day.
    pub(crate) fn of(heard: Option<Timestamp>, interval_ms: Option<i64>, now: Timestamp) -> Self {
        let Some(heard) = heard else { return Self::Silent };
        let due_ms = interval_ms.map_or(DAY_MS, |interval| interval.saturating_mul(3));
        let silent_ms = DAY_MS.max(due_ms.saturating_mul(3));
        match now.since_ms(heard) {
            ms if ms <= due_ms => Self::Online,
            ms if ms <= silent_ms => Self::Late,
            _ => Self::Silent,
        }
    }
}

/// A device and what it last said about itself.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) device: Arc<Device>,
    pub(crate) heard: Option<Timestamp>,
    pub(crate) interval_ms: Option<i64>,
    /// In percent.
    pub(crate) battery: Option<f64>,
}

impl Member {
    /// A device with what the store knows of it.
    pub(crate) async fn look_up(store: &dyn Store, device: Arc<Device>) -> Result<Self, Error> {
        let heard = store.last_heard(device.org, device.id).await?;
        let statuses = store.latest(device.org, device.id, Select::Statuses).await?;
        let number = |id: MeasurementId| {
            let status = statuses.iter().find(|status| status.series.measurement == id)?;
            match status.value {
                Value::Number(number) => Some(number),
                _ => None,
            }
        };
        let interval_ms = number(MeasurementId::REPORT_INTERVAL).map(|minutes| (minutes * 60_000.0) as i64);
        let (interval_ms, battery) = (interval_ms.filter(|ms| *ms > 0), number(MeasurementId::BATTERY));
        Ok(Self { device, heard, interval_ms, battery })
    }

    /// Where the device is: where it last found itself, or else where it was put by hand.
    pub(crate) async fn position(&self, store: &dyn Store) -> Result<Option<Position>, Error> {
        let device = &self.device;
        let longitudes = Select::Readings { channel: None, measurement: Some(MeasurementId::LONGITUDE) };
        let latitudes = Select::Readings { channel: None, measurement: Some(MeasurementId::LATITUDE) };
        let longitudes = store.latest(device.org, device.id, longitudes).await?;
        let found = if longitudes.is_empty() {
            None
        } else {
            newest_fix(&longitudes, &store.latest(device.org, device.id, latitudes).await?)
        };
        Ok(found.or_else(|| device.place.map(|place| Position { place, measured_at: None })))
    }

    pub(crate) fn state(&self, now: Timestamp) -> State {
        State::of(self.heard, self.interval_ms, now)
    }

    pub(crate) fn has_low_battery(&self) -> bool {
        self.battery.is_some_and(|percent| percent < 20.0)
    }

    /// What to call it: its name, or its EUI where it has none.
    pub(crate) fn title(&self) -> String {
        title(&self.device)
    }
}

/// Where a device is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Position {
    pub(crate) place: GeoPoint,
    /// When the device found itself there; `None` where somebody put it there by hand.
    pub(crate) measured_at: Option<Timestamp>,
}

/// The newest pair that a device measured at one time, if it is on the globe.
fn newest_fix(longitudes: &[LatestReading], latitudes: &[LatestReading]) -> Option<Position> {
    let pairs = longitudes.iter().filter_map(|east| {
        let is_its_other_half = |north: &&LatestReading| {
            north.series.channel == east.series.channel && north.measured_at == east.measured_at
        };
        let north = latitudes.iter().find(is_its_other_half)?;
        let (&Value::Number(longitude), &Value::Number(latitude)) = (&east.value, &north.value) else { return None };
        let is_on_the_globe = longitude.abs() <= 180.0 && latitude.abs() <= 90.0;
        let place = GeoPoint { latitude, longitude };
        is_on_the_globe.then_some(Position { place, measured_at: Some(east.measured_at) })
    });
    pairs.max_by_key(|position| position.measured_at)
}

/// What to call a device.
pub(crate) fn title(device: &Device) -> String {
    if device.name.is_empty() { device.eui.to_string() } else { device.name.clone() }
}

/// Which devices a list shows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    /// Part of the name, the EUI or the model, in lower case.
    pub(crate) search: String,
    /// Only of this group; `Some(None)` is the default group.
    pub(crate) group: Option<Option<GroupId>>,
    pub(crate) state: Option<State>,
}

impl Wanted {
    fn matches(&self, member: &Member, now: Timestamp) -> bool {
        let device = &member.device;
        self.group.is_none_or(|group| group == device.group)
            && self.state.is_none_or(|state| state == member.state(now))
            && (self.search.is_empty()
                || device.name.to_lowercase().contains(&self.search)
                || device.eui.to_string().to_ascii_lowercase().contains(&self.search)
                || device.model.to_lowercase().contains(&self.search))
    }
}

/// Every device of one organization, by ascending EUI, as it was a moment ago.
#[derive(Debug)]
pub(crate) struct Fleet {
    pub(crate) members: Vec<Member>,
    seen_at: Timestamp,
}

impl Fleet {
    /// The devices that are wanted after one of them, and whether more follow.
    pub(crate) fn page<'a>(
        &'a self,
        wanted: &'a Wanted,
        after: Option<DeviceEui>,
        limit: usize,
        now: Timestamp,
    ) -> (Vec<&'a Member>, bool) {
        let mut found = self
            .members
            .iter()
            .filter(|member| after.is_none_or(|after| member.device.eui > after) && wanted.matches(member, now));
        let page: Vec<_> = found.by_ref().take(limit).collect();
        (page, found.next().is_some())
    }

    pub(crate) fn count(&self, wanted: &Wanted, now: Timestamp) -> usize {
        self.members.iter().filter(|member| wanted.matches(member, now)).count()
    }
}

/// The lists of organizations that somebody looked at lately.
#[derive(Debug, Default)]
pub(crate) struct Fleets(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    fleets: HashMap<OrgId, Arc<Fleet>>,
    /// How often anything was forgotten: what was read before that may be out of date.
    epoch: u64,
}

impl Fleets {
    /// The devices of an organization.
    pub(crate) async fn get(&self, store: &dyn Store, org: OrgId, now: Timestamp) -> Result<Arc<Fleet>, Error> {
        let begun = {
            let kept = self.lock();
            if let Some(fleet) = kept.fleets.get(&org)
                && now.since_ms(fleet.seen_at).abs() < FRESH_MS
            {
                return Ok(Arc::clone(fleet));
            }
            kept.epoch
        };
        let mut members = Vec::new();
        let mut after = None;
        loop {
            let page = store.list_devices(org, DeviceFilter::default(), after, PAGE).await?;
            let is_last = page.len() < PAGE;
            after = page.last().map(|device| device.eui);
            for device in page {
                members.push(Member::look_up(store, device).await?);
            }
            if is_last {
                break;
            }
        }
        let fleet = Arc::new(Fleet { members, seen_at: now });
        let mut kept = self.lock();
        if kept.fleets.len() >= KEPT_MAX {
            kept.fleets.retain(|_, fleet| now.since_ms(fleet.seen_at).abs() < FRESH_MS);
        }
        if kept.epoch == begun && kept.fleets.len() < KEPT_MAX {
            kept.fleets.insert(org, Arc::clone(&fleet));
        }
        Ok(fleet)
    }

    /// Looks anew the next time.
    pub(crate) fn forget(&self, org: OrgId) {
        let mut kept = self.lock();
        kept.fleets.remove(&org);
        kept.epoch += 1;
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The device of an EUI, if it is the organization's.
pub(crate) async fn find(store: &dyn Store, org: OrgId, eui: DeviceEui) -> Result<Option<Member>, Error> {
    match store.find_device(org, eui).await? {
        Some(device) => Member::look_up(store, device).await.map(Some),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fix_is_a_pair_of_one_time_on_the_globe_and_the_newest_counts() {
        let reading = |channel: u16, measurement, ms, value| LatestReading {
            series: model::SeriesKey { channel: model::ChannelIndex(channel), measurement },
            measured_at: Timestamp::from_millis(ms),
            received_at: Timestamp::from_millis(ms),
            value: Value::Number(value),
        };
        let (east, north) = (MeasurementId::LONGITUDE, MeasurementId::LATITUDE);
        let fix = |longitudes: &[LatestReading], latitudes: &[LatestReading]| {
            newest_fix(longitudes, latitudes).map(|found| (found.place.longitude, found.place.latitude))
        };
        assert_eq!(fix(&[reading(1, east, 5, 8.5)], &[reading(1, north, 5, 47.4)]), Some((8.5, 47.4)));
        assert_eq!(fix(&[reading(1, east, 5, 8.5)], &[reading(1, north, 6, 47.4)]), None);
        assert_eq!(fix(&[reading(1, east, 5, 8.5)], &[reading(2, north, 5, 47.4)]), None);
        assert_eq!(fix(&[reading(1, east, 5, 181.0)], &[reading(1, north, 5, 47.4)]), None);
        assert_eq!(fix(&[reading(1, east, 5, f64::NAN)], &[reading(1, north, 5, 47.4)]), None);
        let two = fix(
            &[reading(1, east, 5, 8.5), reading(2, east, 9, 9.5)],
            &[reading(1, north, 5, 47.4), reading(2, north, 9, 48.4)],
        );
        assert_eq!(two, Some((9.5, 48.4)));
    }

    #[track_caller]
    fn check(heard_ms_ago: Option<i64>, interval_min: Option<i64>, expected: State) {
        let now = Timestamp::from_millis(100 * DAY_MS);
        let heard = heard_ms_ago.map(|ms| now.minus_ms(ms));
        assert_eq!(State::of(heard, interval_min.map(|minutes| minutes * 60_000), now), expected);
    }

    #[test]
    fn a_device_is_online_for_three_intervals_and_then_late_for_a_day() {
        check(None, Some(5), State::Silent);
        check(Some(15 * 60_000), Some(5), State::Online);
        check(Some(15 * 60_000 + 1), Some(5), State::Late);
        check(Some(DAY_MS), Some(5), State::Late);
        check(Some(DAY_MS + 1), Some(5), State::Silent);
        check(Some(DAY_MS), None, State::Online);
        check(Some(3 * DAY_MS), None, State::Late);
        check(Some(3 * DAY_MS + 1), None, State::Silent);
        check(Some(-5), None, State::Online);
    }
}
