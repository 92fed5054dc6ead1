//! Test data that is short to write and short to read.
//!
//! Times are whole minutes after [`at`]`(0)`; answers are printed, one line a series or row, so
//! that an expectation is a line too: `1/4097 10m=21.5 9m=21.4`.

use std::{
    fmt::Write as _,
    ops::Range,
    pin::pin,
    sync::atomic::{AtomicU64, Ordering},
    task::Poll,
};

use model::{
    CodecVersion, DedupKey, DeviceEui, DeviceId, DeviceKind, Frame, OrgId, Organization, Position, Reading, Reception,
    Row, RowFlags, SeriesKey, SourceId, Timestamp, Value, Window,
};

use crate::{
    Appended, Binding, Entry, FrameQuery, Message, NewRow, RangeQuery, Redecode, RowQuery, SegmentQuery, Select, Store,
    StoredFrame, StoredUplink,
};

/// A minute in ms.
pub const MINUTE_MS: i64 = 60_000;
/// A day in minutes.
pub const DAY: i64 = 24 * 60;

/// So many minutes after 2026-07-10T00:00:00.000Z.
pub const fn at(minute: i64) -> Timestamp {
    Timestamp::from_millis(1_783_641_600_000 + minute * MINUTE_MS)
}

/// From the first minute up to, but not including, the second.
pub fn minutes(range: Range<i64>) -> Window {
    Window::new(at(range.start), at(range.end))
}

/// One of a few organizations.
pub fn org(number: u64) -> OrgId {
    OrgId::from_random(number)
}

/// That organization, as it is created.
pub fn organization(number: u64) -> Organization {
    Organization { id: org(number), name: format!("organization {number}"), created_at: at(0) }
}

/// One of a few labels.
pub fn eui(number: u64) -> DeviceEui {
    DeviceEui::from_raw(0x2CF7_F120_0410_0000 + number)
}

/// What a device is bound with.
pub fn binding(org: OrgId, eui: DeviceEui) -> Binding {
    Binding {
        org,
        eui,
        kind: DeviceKind::Node,
        model: "S2101".to_owned(),
        name: format!("device {eui}"),
        group: None,
        place: None,
        frequency: String::new(),
        code: String::new(),
        bound_at: at(0),
    }
}

/// A row measured at a minute.
pub fn row(minute: i64, readings: impl Into<Vec<Reading>>) -> NewRow {
    NewRow { measured_at: at(minute), flags: RowFlags::NONE, readings: readings.into() }
}

/// A frame with everything that a frame may have.
pub fn frame(payload: &[u8]) -> Frame {
    Frame {
        f_port: 2,
        f_cnt: Some(7),
        payload: payload.into(),
        frequency_hz: 868_100_000,
        data_rate: Some(5),
        receptions: vec![
            Reception { gateway: "eui-a84041ffff1f8020".into(), rssi_dbm: -97, snr_db: 7.25 },
            Reception { gateway: "roof".into(), rssi_dbm: -120, snr_db: -13.5 },
        ],
        fault: None,
    }
}

/// A message in an organization's private space.
pub fn message(org: OrgId, minute: i64, topic: &str) -> Message {
    Message {
        org,
        received_at: at(minute),
        topic: topic.into(),
        payload: [1, 2, 3].into(),
        retain: true,
        header: [4].into(),
    }
}

/// A device in a store, and short words for what is asked about it.
pub struct Probe<'a> {
    /// Where it is.
    pub store: &'a dyn Store,
    /// Whose it is.
    pub org: OrgId,
    /// The store's name of it.
    pub device: DeviceId,
    /// Its label.
    pub eui: DeviceEui,
    uplinks: AtomicU64,
}

impl<'a> Probe<'a> {
    /// Device 1 of organization 1.
    pub async fn bind(store: &'a dyn Store) -> Self {
        Self::bind_in(store, 1, 1).await
    }

    /// A device of an organization, which is created if need be.
    pub async fn bind_in(store: &'a dyn Store, organization_number: u64, eui_number: u64) -> Self {
        let (org, eui) = (org(organization_number), eui(eui_number));
        if store.get_organization(org).await.is_err() {
            store.create_organization(organization(organization_number)).await.expect("create an organization");
        }
        let device = store.bind_device(binding(org, eui)).await.expect("bind a device").id;
        Self { store, org, device, eui, uplinks: AtomicU64::new(0) }
    }

    /// An uplink of one row, measured and received at a minute.
    pub fn uplink(&self, minute: i64, readings: impl Into<Vec<Reading>>) -> StoredUplink {
        self.uplink_of(minute, [row(minute, readings)])
    }

    /// An uplink of one row that was measured long before it was received.
    pub fn late(&self, measured: i64, received: i64, readings: impl Into<Vec<Reading>>) -> StoredUplink {
        self.uplink_of(received, [row(measured, readings)])
    }

    /// An uplink of several rows, or of none.
    pub fn uplink_of(&self, received: i64, rows: impl Into<Vec<NewRow>>) -> StoredUplink {
        StoredUplink {
            org: self.org,
            device: self.device,
            eui: self.eui,
            source: SourceId::from_raw(0xA1),
            dedup: DedupKey(1 << 100 | u128::from(self.uplinks.fetch_add(1, Ordering::Relaxed))),
            received_at: at(received),
            codec: CodecVersion(1),
            frame: None,
            rows: rows.into(),
        }
    }

    /// Another decoding of an uplink that was received at a minute.
    pub fn redecode(&self, replaces: Position, received: i64, rows: impl Into<Vec<NewRow>>) -> Redecode {
        Redecode {
            org: self.org,
            device: self.device,
            eui: self.eui,
            replaces,
            received_at: at(received),
            codec: CodecVersion(2),
            rows: rows.into(),
        }
    }

    /// Appends entries in one batch.
    pub async fn append<E: Into<Entry>>(&self, entries: impl IntoIterator<Item = E>) -> Vec<Appended> {
        let entries = entries.into_iter().map(Into::into).collect();
        self.store.append(entries).await.expect("append")
    }

    /// Appends an entry that is no duplicate.
    pub async fn append_one(&self, entry: impl Into<Entry>) -> Position {
        let appended = self.append([entry]).await;
        assert!(matches!(appended[..], [Appended { duplicate: false, .. }]), "{appended:?}");
        appended[0].position
    }

    /// The latest readings: `1/4097 10m=21.5`.
    pub async fn latest(&self, select: Select) -> Vec<String> {
        let latest = self.store.latest(self.org, self.device, select).await.expect("ask for the latest readings");
        latest.iter().map(|it| format!("{} {}={}", name(it.series), when(it.measured_at), it.value)).collect()
    }

    /// The newest points of every series of readings, newest first: `1/4097 10m=21.5 9m=21.4`.
    pub async fn range(&self, window: Window, limit: usize) -> Vec<String> {
        self.range_of(Select::READINGS, window, limit).await
    }

    /// The newest points of some series, newest first.
    pub async fn range_of(&self, select: Select, window: Window, limit: usize) -> Vec<String> {
        let query = RangeQuery { device: self.device, select, window, limit };
        let series = self.store.range(self.org, query).await.expect("ask for a range");
        let lines = series.iter().map(|series| {
            let mut line = name(series.key);
            for point in &series.points {
                let _ = write!(line, " {}={}", when(point.measured_at), point.value);
            }
            line
        });
        lines.collect()
    }

    /// The newest rows that count, newest first: `10m 1/4097=21.5 1/4098=50`.
    pub async fn rows(&self, window: Window, limit: usize) -> Vec<String> {
        self.whole_rows(window, limit, false).await.iter().map(line).collect()
    }

    /// The newest rows, those included that a later decoding hides.
    pub async fn all_rows(&self, window: Window) -> Vec<String> {
        self.whole_rows(window, 10_000, true).await.iter().map(line).collect()
    }

    /// The newest rows as they are.
    pub async fn whole_rows(&self, window: Window, limit: usize, hidden: bool) -> Vec<Row> {
        let query = RowQuery { device: self.device, window, limit, hidden };
        self.store.rows(self.org, query).await.expect("ask for rows")
    }

    /// Averages over buckets of so many minutes: `1/4097 0m:2×21.5(21..22)`.
    pub async fn segments(&self, window: Window, width_minutes: i64) -> Vec<String> {
        let query = self.segment_query(window, width_minutes, 100_000);
        let series = self.store.segments(self.org, query).await.expect("ask for segments");
        let lines = series.iter().map(|series| {
            let mut line = name(series.key);
            for it in &series.segments {
                let _ = write!(line, " {}:{}×{}({}..{})", when(it.start), it.count, it.average(), it.min, it.max);
            }
            line
        });
        lines.collect()
    }

    /// Asks for averages of every series of readings.
    pub fn segment_query(&self, window: Window, width_minutes: i64, limit: usize) -> SegmentQuery {
        let width_ms = width_minutes * MINUTE_MS;
        SegmentQuery { device: self.device, select: Select::READINGS, window, width_ms, limit }
    }

    /// The newest frames, newest first.
    pub async fn frames(&self, window: Window, limit: usize) -> Vec<StoredFrame> {
        let query = FrameQuery { device: self.device, window, limit };
        self.store.frames(self.org, query).await.expect("ask for frames")
    }
}

/// Runs two futures at the same time, on whatever runtime the caller has.
pub async fn join<A, B>(first: impl Future<Output = A>, second: impl Future<Output = B>) -> (A, B) {
    let (mut first, mut second) = (pin!(first), pin!(second));
    let (mut a, mut b) = (None, None);
    std::future::poll_fn(|cx| {
        if a.is_none()
            && let Poll::Ready(ready) = first.as_mut().poll(cx)
        {
            a = Some(ready);
        }
        if b.is_none()
            && let Poll::Ready(ready) = second.as_mut().poll(cx)
        {
            b = Some(ready);
        }
        match (a.take(), b.take()) {
            (Some(a), Some(b)) => Poll::Ready((a, b)),
            (one, other) => {
                (a, b) = (one, other);
                Poll::Pending
            }
        }
    })
    .await
}

/// Polls a future once and drops it, as a caller does that goes away.
pub async fn abandon(future: impl Future) {
    let mut future = pin!(future);
    std::future::poll_fn(|cx| {
        let _ = future.as_mut().poll(cx);
        Poll::Ready(())
    })
    .await;
}

/// `1/4097`.
fn name(series: SeriesKey) -> String {
    format!("{}/{}", series.channel, series.measurement)
}

/// `10m`, or `10m+5` with so many ms.
fn when(time: Timestamp) -> String {
    let ms = time.since_ms(at(0));
    match ms.rem_euclid(MINUTE_MS) {
        0 => format!("{}m", ms / MINUTE_MS),
        rest => format!("{}m+{rest}", ms.div_euclid(MINUTE_MS)),
    }
}

fn line(row: &Row) -> String {
    let mut line = when(row.measured_at);
    for reading in &row.readings {
        let _ = write!(line, " {}={}", name(reading.series), reading.value);
    }
    line
}

/// Whether two values are the same to the last bit.
pub fn same_values(some: &[Value], others: &[Value]) -> bool {
    some.len() == others.len() && some.iter().zip(others).all(|(a, b)| a.same(b))
}

/// Asserts that a call was refused in one way.
macro_rules! assert_refused {
    ($call:expr, $($refusal:tt)+) => {
        match $call {
            Err($($refusal)+) => {}
            other => panic!("expected {}, got {other:?}", stringify!($($refusal)+)),
        }
    };
}
pub(super) use assert_refused;
