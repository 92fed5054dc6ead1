use std::collections::BTreeMap;

use model::{
    CodecVersion, DedupKey, DeviceEui, DeviceId, OrgId, Position, RowFlags, SeriesKey, SourceId, Timestamp, Value,
    Window,
};

use super::{
    Rng,
    values::{Course, frame, stray},
};
use crate::{
    DEDUP_WINDOW_MS, Entry, Message, NewRow, Redecode, Scope, StoredUplink,
    conformance::fixtures::{MINUTE_MS, at, org},
};

const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
/// How many organizations there may be.
pub(super) const ORGANIZATIONS: u64 = 4;
/// How many labels there are, which the organizations share.
pub(super) const LABELS: u64 = 5;

/// What the generator knows of what it has done, so that it can go on sensibly.
#[derive(Debug)]
pub(super) struct World {
    pub(super) rng: Rng,
    pub(super) now: Timestamp,
    /// Every device that was ever bound.
    pub(super) devices: Vec<Device>,
    /// Where the readers of the log are.
    pub(super) cursors: BTreeMap<Option<OrgId>, Position>,
    /// Some positions once given.
    pub(super) positions: Vec<Position>,
    /// How many devices of all take part in most batches.
    busy: usize,
}

/// A device that was once bound.
#[derive(Debug)]
pub(super) struct Device {
    pub(super) org: OrgId,
    pub(super) eui: DeviceEui,
    pub(super) id: DeviceId,
    interval_ms: i64,
    courses: Vec<Course>,
    /// Times at which it has measured something.
    instants: Vec<Timestamp>,
    /// Uplinks that are in the store.
    uplinks: Vec<(Position, StoredUplink)>,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let busy = *rng.pick(&[1, 2, 4, 20]);
        Self { rng, now: at(0), devices: Vec::new(), cursors: BTreeMap::new(), positions: Vec::new(), busy }
    }

    /// Time passes: seconds or minutes as a rule, days sometimes.
    pub(super) fn tick(&mut self) {
        let ms = match self.rng.below(100) {
            0 => self.rng.between(0, 40 * DAY_MS),
            1..=4 => self.rng.between(0, 2 * DAY_MS),
            5..=30 => self.rng.between(0, HOUR_MS),
            _ => self.rng.between(0, MINUTE_MS),
        };
        self.now = self.now.plus_ms(ms);
    }

    /// A device that the store has named.
    pub(super) fn meet(&mut self, org: OrgId, eui: DeviceEui, id: DeviceId) {
        if self.devices.iter().any(|device| device.id == id) {
            return;
        }
        let rng = &mut self.rng;
        let courses = (0..rng.between(1, 7)).map(|_| Course::random(rng)).collect();
        let interval_ms = *rng.pick(&[10_000, MINUTE_MS, 5 * MINUTE_MS, HOUR_MS]);
        self.devices.push(Device { org, eui, id, interval_ms, courses, instants: Vec::new(), uplinks: Vec::new() });
    }

    /// An entry was stored, and no duplicate.
    pub(super) fn remember(&mut self, entry: Entry, position: Position) {
        const KEPT: usize = 60;
        keep(&mut self.rng, &mut self.positions, KEPT, position);
        let (org, id) = match &entry {
            Entry::Uplink(uplink) => (uplink.org, uplink.device),
            Entry::Redecode(redecode) => (redecode.org, redecode.device),
            Entry::Message(_) => return,
        };
        let Some(device) = self.devices.iter_mut().find(|device| (device.org, device.id) == (org, id)) else { return };
        for row in entry.rows() {
            keep(&mut self.rng, &mut device.instants, KEPT, row.measured_at);
        }
        if let Entry::Uplink(uplink) = entry {
            keep(&mut self.rng, &mut device.uplinks, KEPT, (position, uplink));
        }
    }

    /// A device was purged.
    pub(super) fn forget(&mut self, org: OrgId, id: DeviceId) {
        for device in self.devices.iter_mut().filter(|device| (device.org, device.id) == (org, id)) {
            device.uplinks.clear();
        }
    }

    /// A device, if there is one yet; as a rule one of the few that are busy.
    pub(super) fn device(&mut self) -> Option<usize> {
        let all = self.devices.len();
        let among = if self.rng.percent(90) { all.min(self.busy) } else { all };
        (all > 0).then(|| self.rng.index(among))
    }

    /// One of the organizations, created or not.
    pub(super) fn org(&mut self) -> OrgId {
        org(1 + self.rng.below(ORGANIZATIONS))
    }

    /// Everybody, or one organization.
    pub(super) fn scope(&mut self) -> Scope {
        if self.rng.percent(40) { Scope::All } else { Scope::Org(self.org()) }
    }

    /// What arrives at once.
    pub(super) fn batch(&mut self) -> Vec<Entry> {
        let mut batch: Vec<Entry> = Vec::new();
        if self.rng.percent(4)
            && let Some(device) = self.device()
        {
            // A device sends for hours, so that there are rows enough to put away.
            for _ in 0..self.rng.between(50, 400) {
                self.now = self.now.plus_ms(self.devices[device].interval_ms);
                batch.push(self.tick_of(device).into());
            }
            return batch;
        }
        let most = if self.rng.percent(10) { 40 } else { 6 };
        for _ in 0..self.rng.between(1, most) {
            self.now = self.now.plus_ms(self.rng.between(0, 2_000));
            let Some(device) = self.device() else { continue };
            let entry = match self.rng.below(100) {
                0..=7 => self.redecode(device).map(Entry::from),
                8..=13 => self.again(device).map(Entry::from),
                14..=17 => Some(self.message(device).into()),
                18..=20 => batch.last().cloned().filter(|entry| matches!(entry, Entry::Uplink(_))),
                21..=45 => Some(self.uplink(device).into()),
                _ => Some(self.tick_of(device).into()),
            };
            batch.extend(entry);
        }
        batch
    }

    /// An uplink as most are: one row, measured a moment ago.
    fn tick_of(&mut self, device: usize) -> StoredUplink {
        let measured_at = self.now.minus_ms(self.rng.between(0, 3_000));
        let row = self.row(device, measured_at);
        self.uplink_of(device, vec![row])
    }

    /// An uplink as they may be.
    fn uplink(&mut self, device: usize) -> StoredUplink {
        let interval_ms = self.devices[device].interval_ms;
        let count = match self.rng.below(10) {
            0 => 0,
            1..=3 => self.rng.between(2, 12),
            _ => 1,
        };
        let mut measured_at = self.measured_at(device);
        let mut rows = Vec::new();
        for _ in 0..count {
            rows.push(self.row(device, measured_at));
            if self.rng.percent(85) {
                measured_at = measured_at.minus_ms(interval_ms);
            }
        }
        self.uplink_of(device, rows)
    }

    fn uplink_of(&mut self, device: usize, rows: Vec<NewRow>) -> StoredUplink {
        let rng = &mut self.rng;
        let Device { org, eui, id, .. } = self.devices[device];
        StoredUplink {
            org,
            device: id,
            eui,
            source: SourceId::from_raw(rng.below(3)),
            dedup: DedupKey(u128::from(rng.bits()) << 64 | u128::from(rng.bits())),
            // Our own clock may step back a little, too.
            received_at: self.now.minus_ms(if rng.percent(3) { rng.between(0, 900) } else { 0 }),
            codec: CodecVersion(1),
            frame: rng.percent(60).then(|| frame(rng)),
            rows,
        }
    }

    /// A time that a device may claim.
    fn measured_at(&mut self, device: usize) -> Timestamp {
        let rng = &mut self.rng;
        let known = &self.devices[device].instants;
        match rng.below(20) {
            0..=3 if !known.is_empty() => *rng.pick(known),
            4..=8 => self.now.minus_ms(rng.between(MINUTE_MS, DAY_MS)),
            9..=11 => self.now.minus_ms(rng.between(DAY_MS, 150 * DAY_MS)),
            12 => self.now.plus_ms(rng.between(0, HOUR_MS)),
            13 => Timestamp::from_millis(rng.between(-DAY_MS, DAY_MS)),
            _ => self.now.minus_ms(rng.between(0, 3_000)),
        }
    }

    fn row(&mut self, device: usize, measured_at: Timestamp) -> NewRow {
        let rng = &mut self.rng;
        let mut readings = Vec::new();
        if !rng.percent(2) {
            for course in &mut self.devices[device].courses {
                if rng.percent(88) {
                    readings.push(course.next(rng));
                }
            }
        }
        if rng.percent(2) {
            readings.push(stray(rng));
        }
        if rng.percent(5) {
            readings.reverse();
        }
        let flags = if rng.percent(80) { RowFlags::NONE } else { RowFlags(rng.below(8) as u8) };
        NewRow { measured_at, flags, readings }
    }

    /// An uplink that was stored comes again, sometimes just when its key is forgotten.
    fn again(&mut self, device: usize) -> Option<StoredUplink> {
        let rng = &mut self.rng;
        let known = &self.devices[device].uplinks;
        let (_, first) = known.get(rng.index(known.len()))?;
        let mut uplink = first.clone();
        let edge = first.received_at.plus_ms(DEDUP_WINDOW_MS - rng.between(0, 1));
        if edge > self.now && rng.percent(25) {
            self.now = edge;
        }
        uplink.received_at = self.now;
        if rng.percent(30) {
            uplink.rows.truncate(1);
            uplink.frame = None;
        }
        Some(uplink)
    }

    fn redecode(&mut self, device: usize) -> Option<Redecode> {
        let known = &self.devices[device].uplinks;
        let (replaces, first) = known.get(self.rng.index(known.len()))?.clone();
        let mut rows = match self.rng.below(10) {
            0 => Vec::new(),
            1..=3 => vec![self.row(device, first.received_at)],
            _ => first.rows,
        };
        for row in &mut rows {
            if self.rng.percent(15) {
                row.measured_at = self.measured_at(device);
            }
            if self.rng.percent(30) {
                row.readings.truncate(1);
            }
            for reading in &mut row.readings {
                if let Value::Number(number) = &mut reading.value {
                    *number += 0.5;
                }
            }
        }
        let StoredUplink { org, device, eui, received_at, .. } = first;
        let codec = CodecVersion(self.rng.between(2, 5) as u16);
        Some(Redecode { org, device, eui, replaces, received_at, codec, rows })
    }

    fn message(&mut self, device: usize) -> Message {
        let payload = (0..self.rng.below(80)).map(|_| self.rng.bits() as u8).collect::<Vec<_>>().into();
        let topic = format!("application/{}/ü", self.rng.below(5)).into();
        let org = self.devices[device].org;
        Message { org, received_at: self.now, topic, payload, retain: self.rng.percent(50), header: Box::default() }
    }

    /// A stretch of time to ask about.
    pub(super) fn window(&mut self, device: Option<usize>) -> Window {
        let known: &[Timestamp] = device.map_or(&[], |device| &self.devices[device].instants);
        let rng = &mut self.rng;
        let instant = |rng: &mut Rng| match rng.below(4) {
            0 => self.now.minus_ms(rng.between(-HOUR_MS, 90 * DAY_MS)),
            1 => self.now.minus_ms(rng.between(-HOUR_MS, DAY_MS)),
            _ if known.is_empty() => self.now,
            _ => rng.pick(known).plus_ms(rng.between(0, 1)),
        };
        match rng.below(10) {
            0..=2 => Window::ALL,
            3 => Window::new(Timestamp::MIN, instant(rng)),
            4 => Window::new(instant(rng), Timestamp::MAX),
            // Not always forwards.
            5 => Window::new(instant(rng), instant(rng)),
            _ => {
                let (a, b) = (instant(rng), instant(rng));
                Window::inclusive(a.min(b), a.max(b))
            }
        }
    }

    /// A time before which things expire.
    pub(super) fn age(&mut self) -> Timestamp {
        let device = self.device();
        let known: &[Timestamp] = device.map_or(&[], |device| &self.devices[device].instants);
        match self.rng.below(4) {
            0 => self.now.minus_ms(self.rng.between(0, 60 * DAY_MS)),
            1 => self.now.minus_ms(self.rng.between(-HOUR_MS, DAY_MS)),
            _ if known.is_empty() => self.now,
            _ => *self.rng.pick(known),
        }
    }

    /// A series that some device may have.
    pub(super) fn series(&mut self) -> SeriesKey {
        Course::random(&mut self.rng).next(&mut Rng::new(0)).series
    }
}

/// Keeps a fair choice of things.
fn keep<T>(rng: &mut Rng, kept: &mut Vec<T>, most: usize, thing: T) {
    if kept.len() < most {
        kept.push(thing);
    } else {
        let at = rng.index(most);
        kept[at] = thing;
    }
}
