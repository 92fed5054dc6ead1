//! What a device's readings were before: as of a position, or of what had been received by a time.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use model::{DeviceId, OrgId, Position, Row, SeriesKey, Timestamp, Value, Window};
use store::{Error, LatestReading, RowQuery, Segment, SegmentQuery, SegmentSeries, Select, Store};

use crate::export::AsOf;

/// Rows asked of the store at once.
const ROWS: usize = 4_096;

/// Which rows of one device there were then.
#[derive(Debug)]
pub(crate) struct Then {
    org: OrgId,
    device: DeviceId,
    through: Position,
    received_until: Timestamp,
    decodings: HashMap<Position, Position>,
}

impl Then {
    /// With a time, decodings count as they are at `head`.
    pub(crate) async fn of(
        store: &dyn Store,
        org: OrgId,
        device: DeviceId,
        as_of: Option<AsOf>,
        head: Position,
    ) -> Result<Self, Error> {
        let (through, received_until) = match as_of {
            Some(AsOf::Position(position)) => (position.min(head), Timestamp::MAX),
            Some(AsOf::Received(at)) => (head, at),
            None => (head, Timestamp::MAX),
        };
        let decodings = store.decodings(org, device, through).await?.into_iter().collect();
        Ok(Self { org, device, through, received_until, decodings })
    }

    /// Whether a row had been stored.
    fn is_there(&self, row: &Row) -> bool {
        row.position <= self.through && row.received_at <= self.received_until
    }

    /// Whether it had been, and no later decoding hid it.
    pub(crate) fn is_visible(&self, row: &Row) -> bool {
        self.is_there(row) && self.decodings.get(&row.origin()).is_none_or(|latest| row.position >= *latest)
    }

    /// What was measured in a window, instant by instant, the newest first, until `f` wants no more: rows by descending
    /// position, those of one uplink in their order.
    async fn newest_first(
        &self,
        store: &dyn Store,
        mut window: Window,
        mut f: impl FnMut(&[Row]) -> bool,
    ) -> Result<(), Error> {
        let mut limit = ROWS;
        loop {
            let query = RowQuery { device: self.device, window, limit, hidden: true };
            let mut found = store.rows(self.org, query).await?;
            let is_last = found.len() < limit;
            if !is_last && let Some(oldest) = found.last().map(|row| row.measured_at) {
                // The last instant may have more.
                found.truncate(found.partition_point(|row| row.measured_at > oldest));
                if found.is_empty() {
                    limit *= 4;
                    continue;
                }
                window.end = oldest.plus_ms(1);
            }
            let mut instants = found.chunk_by(|a, b| a.measured_at == b.measured_at);
            if !instants.all(&mut f) || is_last {
                return Ok(());
            }
        }
    }

    /// Of each series the reading of one instant that counted.
    fn readings<'a>(&self, instant: &'a [Row], select: Select) -> BTreeMap<SeriesKey, (&'a Row, &'a Value)> {
        let mut rows: Vec<&Row> = instant.iter().filter(|row| self.is_visible(row)).collect();
        rows.sort_by_key(|row| row.position);
        let readings = rows.into_iter().flat_map(|row| row.readings.iter().map(move |reading| (row, reading)));
        let meant = readings.filter(|(_, reading)| select.matches(reading.series));
        meant.map(|(row, reading)| (reading.series, (row, &reading.value))).collect()
    }

    /// The newest whole rows of a window, as [`store::Telemetry::rows`] gives them.
    pub(crate) async fn rows(&self, store: &dyn Store, query: RowQuery) -> Result<Vec<Row>, Error> {
        let mut rows = Vec::new();
        let is_meant = |row: &&Row| if query.hidden { self.is_there(row) } else { self.is_visible(row) };
        self.newest_first(store, query.window, |instant| {
            rows.extend(instant.iter().filter(is_meant).cloned());
            rows.len() < query.limit
        })
        .await?;
        rows.truncate(query.limit);
        Ok(rows)
    }

    /// The newest reading of each series, by ascending series.
    pub(crate) async fn latest(&self, store: &dyn Store, select: Select) -> Result<Vec<LatestReading>, Error> {
        // The series of then are series still, unless a later decoding has taken one away.
        let head = store.head().await?;
        let known = store.latest(self.org, self.device, select).await?;
        let mut missing: BTreeSet<SeriesKey> = known.iter().map(|reading| reading.series).collect();
        let now = store.decodings(self.org, self.device, head).await?;
        let is_settled = now.len() == self.decodings.len()
            && now.iter().all(|(origin, latest)| self.decodings.get(origin) == Some(latest));
        let mut found: BTreeMap<SeriesKey, LatestReading> = BTreeMap::new();
        self.newest_first(store, Window::ALL, |instant| {
            for (series, (row, value)) in self.readings(instant, select) {
                missing.remove(&series);
                found.entry(series).or_insert_with(|| LatestReading {
                    series,
                    measured_at: row.measured_at,
                    received_at: row.received_at,
                    value: value.clone(),
                });
            }
            !is_settled || !missing.is_empty()
        })
        .await?;
        Ok(found.into_values().collect())
    }

    /// Averages over buckets of time, as [`store::Telemetry::segments`] gives them.
    pub(crate) async fn segments(&self, store: &dyn Store, query: SegmentQuery) -> Result<Vec<SegmentSeries>, Error> {
        query.check()?;
        let mut series: BTreeMap<SeriesKey, BTreeMap<Timestamp, Vec<f64>>> = BTreeMap::new();
        self.newest_first(store, query.window, |instant| {
            for (key, (row, value)) in self.readings(instant, query.select) {
                let Value::Number(number) = value else { continue };
                series.entry(key).or_default().entry(query.bucket(row.measured_at)).or_default().push(*number);
            }
            true
        })
        .await?;
        let of_bucket = |(start, numbers): (Timestamp, Vec<f64>)| {
            let mut segment = Segment::starting(start);
            // In the order of time.
            numbers.into_iter().rev().for_each(|number| segment.add(number));
            segment
        };
        let series = series.into_iter();
        let of_series = |(key, buckets): (SeriesKey, BTreeMap<Timestamp, Vec<f64>>)| SegmentSeries {
            key,
            segments: buckets.into_iter().map(of_bucket).collect(),
        };
        Ok(series.map(of_series).collect())
    }
}
