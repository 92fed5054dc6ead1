use async_trait::async_trait;
use model::{Day, DeviceId, OrgId, Position, Row, Timestamp};

use crate::{
    Appended, Entry, Error, Followed, FrameQuery, LatestReading, RangeQuery, RowQuery, Scope, SegmentQuery,
    SegmentSeries, Select, Series, StoredFrame,
};

/// How long an uplink's deduplication key is remembered.
pub const DEDUP_WINDOW_MS: i64 = 24 * 3_600_000;

/// The data plane: readings in, readings out.
///
/// Ordinary answers ([`latest`](Telemetry::latest), [`range`](Telemetry::range),
/// [`segments`](Telemetry::segments)) take, of all readings of one series at one instant, the one
/// with the highest position, after leaving out every row of an uplink that a later decoding of
/// that uplink replaces. A device that the organization never had answers as one without data.
#[async_trait]
pub trait Telemetry: Send + Sync {
    /// Appends entries, all or none, and answers when they would survive a power cut.
    ///
    /// An uplink of which the device has one with the same key, stored and received less than
    /// 24 h before it (by `received_at`), is answered with that one's position and changes nothing,
    /// not even how long the key is remembered.
    ///
    /// **Errors**: `Limit` (nothing is appended), `Unavailable` (nothing is promised; the same
    /// call may be made again).
    async fn append(&self, entries: Vec<Entry>) -> Result<Vec<Appended>, Error>;

    /// The newest reading of each series meant, by ascending series.
    async fn latest(&self, org: OrgId, device: DeviceId, select: Select) -> Result<Vec<LatestReading>, Error>;

    /// The newest points of a window, by ascending series, newest first within a series.
    async fn range(&self, org: OrgId, query: RangeQuery) -> Result<Vec<Series>, Error>;

    /// The newest whole rows of a window, newest first by `measured_at` and position, rows of one
    /// uplink and instant in the order they were appended; readings by ascending series.
    async fn rows(&self, org: OrgId, query: RowQuery) -> Result<Vec<Row>, Error>;

    /// The uplinks of a device that were decoded again at or before a position, each with where the
    /// last of these decodings stands, by ascending uplink: with them and with hidden rows answers
    /// can be made as they were then, as far as retention has left them.
    async fn decodings(
        &self,
        org: OrgId,
        device: DeviceId,
        through: Position,
    ) -> Result<Vec<(Position, Position)>, Error>;

    /// Averages over buckets of time, by ascending series.
    ///
    /// **Errors**: `Limit` if the window may hold more buckets than the query allows.
    async fn segments(&self, org: OrgId, query: SegmentQuery) -> Result<Vec<SegmentSeries>, Error>;

    /// The newest raw frames of a window, newest first by position.
    async fn frames(&self, org: OrgId, query: FrameQuery) -> Result<Vec<StoredFrame>, Error>;

    /// The entries after a position, at most `limit` of them.
    ///
    /// **Errors**: `Trimmed` if the log no longer reaches back so far.
    async fn follow(&self, scope: Scope, after: Position, limit: usize) -> Result<Followed, Error>;

    /// The last position that there is.
    async fn head(&self) -> Result<Position, Error>;

    /// Waits until there is something after a position, whoever's it is; what there is by then
    /// `follow` reads.
    async fn wait(&self, after: Position) -> Result<(), Error>;

    /// Removes what a device sent that is older than `before` for good, and says how many rows (by
    /// `measured_at`) or frames (by `received_at`) that were, hidden rows included. The log keeps its
    /// own, shorter, window; counters and keys of duplicates stay, and what a decoding hid stays
    /// hidden when that decoding has expired. Whoever stops waiting leaves the rest as it is.
    async fn expire(&self, org: OrgId, device: DeviceId, before: Timestamp, kind: ExpireKind) -> Result<u64, Error>;

    /// How many rows or frames [`expire`](Telemetry::expire) would remove now.
    async fn count_old(&self, org: OrgId, device: DeviceId, before: Timestamp, kind: ExpireKind) -> Result<u64, Error>;

    /// Erases everything a device ever sent: rows, frames, its entries in the log, the keys of its
    /// uplinks, and when it was heard. Its id stays its id, its `um` stays counted.
    async fn purge(&self, org: OrgId, device: DeviceId) -> Result<(), Error>;

    /// When an uplink of the device was last received, if ever; a new decoding is no sign of life.
    async fn last_heard(&self, org: OrgId, device: DeviceId) -> Result<Option<Timestamp>, Error>;

    /// How many data the organization has uploaded, in the contract's unit `um`.
    async fn count_um(&self, org: OrgId) -> Result<u64, Error>;

    /// The same by the day that uplinks were received on, ascending, from one day to another, both included;
    /// days without any are left out. The newest [`USAGE_DAYS`](crate::USAGE_DAYS) of them are kept.
    async fn list_um(&self, org: OrgId, first: Day, last: Day) -> Result<Vec<(Day, u64)>, Error>;

    /// What changes whenever an answer about the device's rows may: equal revisions mean equal answers to equal
    /// queries. One that is asked for before a query tells whether a later query would be answered as that one was.
    async fn revision(&self, org: OrgId, device: DeviceId) -> Result<Revision, Error>;
}

/// What the rows of a device are at some time, as long as the store is open; nothing else can be read from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Revision(u64, u64);

impl Revision {
    /// One of a pair of counts that never take the same values twice for one device.
    pub const fn from_raw(entries: u64, changes: u64) -> Self {
        Self(entries, changes)
    }
}

/// What a retention applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpireKind {
    /// Rows of readings.
    Rows,
    /// Raw frames.
    Frames,
}
