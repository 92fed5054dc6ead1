use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use model::{Day, DedupKey, DeviceId, OrgId, Position, Reading, Row, SeriesKey, Timestamp, Value, Window};

use super::{Reference, lock};
use crate::{
    Appended, Entry, Error, ExpireKind, Followed, FrameQuery, LatestReading, LogEntry, NewRow, Point, RangeQuery,
    Revision, RowQuery, Scope, Segment, SegmentQuery, SegmentSeries, Select, Series, StoredFrame, StoredUplink,
    Telemetry, USAGE_DAYS, telemetry::DEDUP_WINDOW_MS,
};

/// Everything ever appended, in order, and what retention has done to it since.
#[derive(Debug, Default)]
pub(super) struct Log {
    entries: BTreeMap<Position, Entry>,
    rows: BTreeMap<(OrgId, DeviceId), Vec<Row>>,
    frames: BTreeMap<Position, (OrgId, DeviceId, StoredFrame)>,
    um: BTreeMap<OrgId, u64>,
    um_by_day: BTreeMap<(OrgId, Day), u64>,
    /// Counts what may have changed an answer.
    changes: u64,
    heard: BTreeMap<(OrgId, DeviceId), Timestamp>,
    /// Where the newest uplink of each key stands, and when it was received.
    keys: BTreeMap<(OrgId, DeviceId, DedupKey), (Position, Timestamp)>,
    /// The latest decoding of each uplink that was decoded again.
    decodings: BTreeMap<(OrgId, DeviceId, Position), Position>,
    last: Position,
    /// Entries up to here were trimmed.
    oldest: Position,
}

impl Log {
    fn first_of_duplicate(&self, uplink: &StoredUplink) -> Option<Position> {
        let (position, received_at) = self.keys.get(&(uplink.org, uplink.device, uplink.dedup))?;
        (uplink.received_at.since_ms(*received_at) < DEDUP_WINDOW_MS).then_some(*position)
    }

    fn append(&mut self, entry: Entry, position: Position) {
        self.last = self.last.max(position);
        self.changes += 1;
        let (org, um) = (entry.org(), entry.um());
        *self.um.entry(org).or_default() += um;
        if um > 0 {
            *self.um_by_day.entry((org, Day::of(entry.received_at()))).or_default() += um;
            let days = self.um_by_day.range((org, Day::of(Timestamp::MIN))..=(org, Day::of(Timestamp::MAX)));
            if let Some((oldest, _)) = days.rev().nth(USAGE_DAYS) {
                let oldest = *oldest;
                self.um_by_day.remove(&oldest);
            }
        }
        match &entry {
            Entry::Uplink(uplink) => {
                let name = (uplink.org, uplink.device);
                let heard = self.heard.entry(name).or_insert(uplink.received_at);
                *heard = (*heard).max(uplink.received_at);
                self.keys.insert((uplink.org, uplink.device, uplink.dedup), (position, uplink.received_at));
                if let Some(frame) = &uplink.frame {
                    let stored = StoredFrame { position, received_at: uplink.received_at, frame: frame.clone() };
                    self.frames.insert(position, (uplink.org, uplink.device, stored));
                }
                let template = Row {
                    measured_at: uplink.received_at,
                    received_at: uplink.received_at,
                    position,
                    replaces: None,
                    codec: uplink.codec,
                    flags: Default::default(),
                    readings: Vec::new(),
                };
                self.rows.entry(name).or_default().extend(stamped(&uplink.rows, &template));
            }
            Entry::Redecode(redecode) => {
                self.decodings.insert((redecode.org, redecode.device, redecode.replaces), position);
                let template = Row {
                    measured_at: redecode.received_at,
                    received_at: redecode.received_at,
                    position,
                    replaces: Some(redecode.replaces),
                    codec: redecode.codec,
                    flags: Default::default(),
                    readings: Vec::new(),
                };
                let name = (redecode.org, redecode.device);
                self.rows.entry(name).or_default().extend(stamped(&redecode.rows, &template));
            }
            Entry::Message(_) => {}
        }
        self.entries.insert(position, entry);
    }

    /// A device's rows that no later decoding hides.
    fn visible(&self, org: OrgId, device: DeviceId) -> impl Iterator<Item = &Row> {
        let hidden_by = move |row: &Row| self.decodings.get(&(org, device, row.origin()));
        self.of(org, device).filter(move |row| hidden_by(row).is_none_or(|latest| row.position >= *latest))
    }

    fn of(&self, org: OrgId, device: DeviceId) -> impl Iterator<Item = &Row> {
        self.rows.get(&(org, device)).into_iter().flatten()
    }

    /// What ordinary answers are made of: per series and instant, the reading of the highest
    /// position.
    fn readings(
        &self,
        org: OrgId,
        device: DeviceId,
        select: Select,
        window: Window,
    ) -> BTreeMap<(SeriesKey, Timestamp), (&Row, &Reading)> {
        let mut cells: BTreeMap<_, (&Row, &Reading)> = BTreeMap::new();
        for row in self.visible(org, device).filter(|row| window.contains(row.measured_at)) {
            for reading in row.readings.iter().filter(|reading| select.matches(reading.series)) {
                let cell = cells.entry((reading.series, row.measured_at)).or_insert((row, reading));
                if row.position >= cell.0.position {
                    *cell = (row, reading);
                }
            }
        }
        cells
    }
}

/// New rows with the clock and position of their entry; an empty one where there are none.
fn stamped<'a>(rows: &'a [NewRow], template: &'a Row) -> impl Iterator<Item = Row> + 'a {
    let empty = rows.is_empty().then(|| template.clone());
    let rows = rows.iter().map(|row| {
        let readings: BTreeMap<SeriesKey, &Reading> =
            row.readings.iter().map(|reading| (reading.series, reading)).collect();
        Row {
            measured_at: row.measured_at,
            flags: row.flags,
            readings: readings.into_values().cloned().collect(),
            ..template.clone()
        }
    });
    rows.chain(empty)
}

impl Reference {
    /// Appends an entry at a position that another store has given it, so that the answers of the
    /// two can be compared.
    ///
    /// **Errors**: `Internal` if a panic in another thread left the tables in doubt.
    pub fn append_at(&self, entry: Entry, position: Position) -> Result<(), Error> {
        lock(&self.log)?.append(entry, position);
        Ok(())
    }

    /// Forgets the log up to a position, as a backend does from time to time; nothing else changes.
    ///
    /// **Errors**: `Internal` if a panic in another thread left the tables in doubt.
    pub fn trim(&self, oldest: Position) -> Result<(), Error> {
        let mut log = lock(&self.log)?;
        log.oldest = oldest.max(log.oldest).min(log.last);
        let oldest = log.oldest;
        log.entries.retain(|position, _| *position > oldest);
        Ok(())
    }

    /// Where the uplink stands that this one is a duplicate of, if it is one.
    ///
    /// **Errors**: `Internal` if a panic in another thread left the tables in doubt.
    pub fn find_first(&self, uplink: &StoredUplink) -> Result<Option<Position>, Error> {
        Ok(lock(&self.log)?.first_of_duplicate(uplink))
    }
}

#[async_trait]
impl Telemetry for Reference {
    async fn append(&self, entries: Vec<Entry>) -> Result<Vec<Appended>, Error> {
        entries.iter().try_for_each(Entry::check)?;
        let mut log = lock(&self.log)?;
        let outcomes = entries.into_iter().map(|entry| {
            if let Entry::Uplink(uplink) = &entry
                && let Some(position) = log.first_of_duplicate(uplink)
            {
                return Appended { position, duplicate: true };
            }
            let position = Position::from_raw(log.last.get() + 1);
            log.append(entry, position);
            Appended { position, duplicate: false }
        });
        let outcomes = outcomes.collect();
        self.head.send_replace(log.last);
        Ok(outcomes)
    }

    async fn latest(&self, org: OrgId, device: DeviceId, select: Select) -> Result<Vec<LatestReading>, Error> {
        let log = lock(&self.log)?;
        let mut latest: BTreeMap<SeriesKey, LatestReading> = BTreeMap::new();
        for ((series, measured_at), (row, reading)) in log.readings(org, device, select, Window::ALL) {
            let value = reading.value.clone();
            latest.insert(series, LatestReading { series, measured_at, received_at: row.received_at, value });
        }
        Ok(latest.into_values().collect())
    }

    async fn range(&self, org: OrgId, query: RangeQuery) -> Result<Vec<Series>, Error> {
        let log = lock(&self.log)?;
        let readings = log.readings(org, query.device, query.select, query.window);
        let mut newest: Vec<_> = readings.into_iter().map(|((key, at), (_, reading))| (at, key, reading)).collect();
        newest.sort_by_key(|(at, key, _)| (std::cmp::Reverse(*at), *key));
        newest.truncate(query.limit);
        let mut series: BTreeMap<SeriesKey, Vec<Point>> = BTreeMap::new();
        for (measured_at, key, reading) in newest {
            series.entry(key).or_default().push(Point { measured_at, value: reading.value.clone() });
        }
        Ok(series.into_iter().map(|(key, points)| Series { key, points }).collect())
    }

    async fn rows(&self, org: OrgId, query: RowQuery) -> Result<Vec<Row>, Error> {
        let log = lock(&self.log)?;
        let inside = |row: &&Row| query.window.contains(row.measured_at);
        let mut rows: Vec<&Row> = if query.hidden {
            log.of(org, query.device).filter(inside).collect()
        } else {
            log.visible(org, query.device).filter(inside).collect()
        };
        rows.sort_by_key(|row| std::cmp::Reverse((row.measured_at, row.position)));
        rows.truncate(query.limit);
        Ok(rows.into_iter().cloned().collect())
    }

    async fn decodings(
        &self,
        org: OrgId,
        device: DeviceId,
        through: Position,
    ) -> Result<Vec<(Position, Position)>, Error> {
        let log = lock(&self.log)?;
        let latest = log.decodings.iter().filter(|((of, which, _), _)| (*of, *which) == (org, device));
        let latest = latest.map(|((.., origin), position)| (*origin, *position));
        let of_rows = log.of(org, device).filter_map(|row| Some((row.replaces?, row.position)));
        let mut decodings = BTreeMap::new();
        for (origin, position) in latest.chain(of_rows).filter(|(_, position)| *position <= through) {
            let last = decodings.entry(origin).or_insert(position);
            *last = position.max(*last);
        }
        Ok(decodings.into_iter().collect())
    }

    async fn segments(&self, org: OrgId, query: SegmentQuery) -> Result<Vec<SegmentSeries>, Error> {
        query.check()?;
        let log = lock(&self.log)?;
        let mut series: BTreeMap<SeriesKey, BTreeMap<Timestamp, Segment>> = BTreeMap::new();
        for ((key, at), (_, reading)) in log.readings(org, query.device, query.select, query.window) {
            let Value::Number(number) = reading.value else { continue };
            let start = query.bucket(at);
            let segments = series.entry(key).or_default();
            segments.entry(start).or_insert(Segment::starting(start)).add(number);
        }
        let series = series.into_iter();
        Ok(series.map(|(key, segments)| SegmentSeries { key, segments: segments.into_values().collect() }).collect())
    }

    async fn frames(&self, org: OrgId, query: FrameQuery) -> Result<Vec<StoredFrame>, Error> {
        let log = lock(&self.log)?;
        let frames = log
            .frames
            .values()
            .rev()
            .filter(|(o, d, frame)| (*o, *d) == (org, query.device) && query.window.contains(frame.received_at));
        Ok(frames.take(query.limit).map(|(_, _, frame)| frame.clone()).collect())
    }

    async fn follow(&self, scope: Scope, after: Position, limit: usize) -> Result<Followed, Error> {
        let log = lock(&self.log)?;
        if after < log.oldest {
            return Err(Error::Trimmed { oldest: log.oldest });
        }
        let meant =
            log.entries.range((std::ops::Bound::Excluded(after), std::ops::Bound::Unbounded)).filter(|(_, entry)| {
                match scope {
                    Scope::Org(org) => entry.org() == org,
                    Scope::All => true,
                }
            });
        let entries: Vec<_> =
            meant.take(limit).map(|(position, entry)| LogEntry { position: *position, entry: entry.clone() }).collect();
        let next = match entries.last() {
            _ if entries.len() < limit => log.last.max(after),
            Some(last) => last.position,
            None => after,
        };
        Ok(Followed { entries, next })
    }

    async fn head(&self) -> Result<Position, Error> {
        Ok(lock(&self.log)?.last)
    }

    async fn wait(&self, after: Position) -> Result<(), Error> {
        // The sender lives as long as the store.
        self.head.subscribe().wait_for(|head| *head > after).await.map(drop).map_err(Error::internal)
    }

    async fn expire(&self, org: OrgId, device: DeviceId, before: Timestamp, kind: ExpireKind) -> Result<u64, Error> {
        let old = self.count_old(org, device, before, kind).await?;
        let mut log = lock(&self.log)?;
        log.changes += 1;
        match kind {
            ExpireKind::Rows => {
                let rows = log.rows.entry((org, device)).or_default();
                rows.retain(|row| row.measured_at >= before);
            }
            ExpireKind::Frames => {
                log.frames.retain(|_, (o, d, frame)| (*o, *d) != (org, device) || frame.received_at >= before);
            }
        }
        Ok(old)
    }

    async fn count_old(&self, org: OrgId, device: DeviceId, before: Timestamp, kind: ExpireKind) -> Result<u64, Error> {
        let log = lock(&self.log)?;
        let old = match kind {
            ExpireKind::Rows => {
                let rows = log.rows.get(&(org, device)).into_iter().flatten();
                rows.filter(|row| row.measured_at < before).count()
            }
            ExpireKind::Frames => {
                let frames = log.frames.values().filter(|(o, d, _)| (*o, *d) == (org, device));
                frames.filter(|(.., frame)| frame.received_at < before).count()
            }
        };
        Ok(old as u64)
    }

    async fn purge(&self, org: OrgId, device: DeviceId) -> Result<(), Error> {
        let mut log = lock(&self.log)?;
        let gone: BTreeSet<Position> = log
            .entries
            .iter()
            .filter(|(_, entry)| match entry {
                Entry::Uplink(uplink) => (uplink.org, uplink.device) == (org, device),
                Entry::Redecode(redecode) => (redecode.org, redecode.device) == (org, device),
                Entry::Message(_) => false,
            })
            .map(|(position, _)| *position)
            .collect();
        log.changes += 1;
        log.entries.retain(|position, _| !gone.contains(position));
        log.rows.remove(&(org, device));
        log.keys.retain(|(o, d, _), _| (*o, *d) != (org, device));
        log.frames.retain(|_, (o, d, _)| (*o, *d) != (org, device));
        log.heard.remove(&(org, device));
        Ok(())
    }

    async fn last_heard(&self, org: OrgId, device: DeviceId) -> Result<Option<Timestamp>, Error> {
        Ok(lock(&self.log)?.heard.get(&(org, device)).copied())
    }

    async fn count_um(&self, org: OrgId) -> Result<u64, Error> {
        Ok(lock(&self.log)?.um.get(&org).copied().unwrap_or_default())
    }

    async fn list_um(&self, org: OrgId, first: Day, last: Day) -> Result<Vec<(Day, u64)>, Error> {
        if first > last {
            return Ok(Vec::new());
        }
        let log = lock(&self.log)?;
        Ok(log.um_by_day.range((org, first)..=(org, last)).map(|((_, day), um)| (*day, *um)).collect())
    }

    async fn revision(&self, _: OrgId, _: DeviceId) -> Result<Revision, Error> {
        Ok(Revision::from_raw(0, lock(&self.log)?.changes))
    }
}
