use model::{ChannelIndex, DeviceId, Frame, MeasurementId, OrgId, Position, SeriesKey, Timestamp, Value, Window};

use crate::{Error, LogEntry};

/// Which series of a device are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Select {
    /// Readings (never statuses), of one channel or all, of one measurement or all.
    Readings {
        /// The channel, or all.
        channel: Option<ChannelIndex>,
        /// The measurement, or all.
        measurement: Option<MeasurementId>,
    },
    /// Statuses of the device itself.
    Statuses,
}

impl Select {
    /// Every reading.
    pub const READINGS: Self = Self::Readings { channel: None, measurement: None };

    /// Exactly one series of readings.
    pub const fn one(series: SeriesKey) -> Self {
        Self::Readings { channel: Some(series.channel), measurement: Some(series.measurement) }
    }

    /// Whether a series is meant.
    pub fn matches(&self, series: SeriesKey) -> bool {
        match self {
            Self::Readings { channel, measurement } => {
                !series.measurement.is_status()
                    && channel.is_none_or(|channel| channel == series.channel)
                    && measurement.is_none_or(|measurement| measurement == series.measurement)
            }
            Self::Statuses => series.measurement.is_status(),
        }
    }
}

/// The newest reading of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct LatestReading {
    /// Which series.
    pub series: SeriesKey,
    /// The device's time.
    pub measured_at: Timestamp,
    /// Ours.
    pub received_at: Timestamp,
    /// Its value.
    pub value: Value,
}

/// Asks for the newest points of a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RangeQuery {
    /// Whose readings.
    pub device: DeviceId,
    /// Which series.
    pub select: Select,
    /// Measured when.
    pub window: Window,
    /// At most so many points, over all series together: the newest ones. Among points of one
    /// instant, those of the lower series come first.
    pub limit: usize,
}

/// The points of one series, newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Which series.
    pub key: SeriesKey,
    /// At least one point.
    pub points: Vec<Point>,
}

/// One reading of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// The device's time.
    pub measured_at: Timestamp,
    /// Its value.
    pub value: Value,
}

/// Asks for whole rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RowQuery {
    /// Whose rows.
    pub device: DeviceId,
    /// Measured when.
    pub window: Window,
    /// At most so many rows: the newest ones.
    pub limit: usize,
    /// Whether rows that a later decoding of their uplink hides are wanted too.
    pub hidden: bool,
}

/// Asks for averages over buckets of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SegmentQuery {
    /// Whose readings.
    pub device: DeviceId,
    /// Which series; those that are no numbers are left out.
    pub select: Select,
    /// Measured when.
    pub window: Window,
    /// Width of a bucket in ms; buckets are aligned to the epoch.
    pub width_ms: i64,
    /// At most so many buckets a series; a window that may hold more is refused.
    pub limit: usize,
}

impl SegmentQuery {
    /// First instant of the bucket that an instant falls into.
    pub fn bucket(&self, at: Timestamp) -> Timestamp {
        let ms = at.as_millis();
        Timestamp::from_millis(ms.saturating_sub(ms.rem_euclid(self.width_ms)))
    }

    /// Checks that the window holds no more buckets than the limit.
    ///
    /// **Errors**: [`Error::Limit`].
    pub fn check(&self) -> Result<(), Error> {
        let max = self.limit as u64;
        if self.width_ms <= 0 {
            return Err(Error::Limit { what: "buckets", max });
        }
        if self.window.is_empty() {
            return Ok(());
        }
        let last = self.window.end.minus_ms(1).as_millis().div_euclid(self.width_ms);
        let first = self.window.start.as_millis().div_euclid(self.width_ms);
        if last.abs_diff(first) >= max { Err(Error::Limit { what: "buckets", max }) } else { Ok(()) }
    }
}

/// The buckets of one series, oldest first; buckets without a reading are left out.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentSeries {
    /// Which series.
    pub key: SeriesKey,
    /// At least one bucket.
    pub segments: Vec<Segment>,
}

/// One bucket of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Segment {
    /// First instant of the bucket, which may lie before the window.
    pub start: Timestamp,
    /// How many readings.
    pub count: u64,
    /// Their sum, added in the order of time.
    pub sum: f64,
    /// The lowest.
    pub min: f64,
    /// The highest.
    pub max: f64,
}

impl Segment {
    /// The mean.
    pub fn average(&self) -> f64 {
        self.sum / self.count as f64
    }

    /// An empty bucket, to add readings to.
    pub const fn starting(start: Timestamp) -> Self {
        Self { start, count: 0, sum: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY }
    }

    /// Takes in one more reading.
    pub fn add(&mut self, value: f64) {
        self.count += 1;
        self.sum += value;
        // Not `f64::min`, whose care for NaN, which is never stored, costs as much as all the rest.
        self.min = if value < self.min { value } else { self.min };
        self.max = if value > self.max { value } else { self.max };
    }
}

/// Asks for raw frames.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FrameQuery {
    /// Whose frames.
    pub device: DeviceId,
    /// Received (by us) when.
    pub window: Window,
    /// At most so many frames: the newest ones, by position.
    pub limit: usize,
}

/// A raw frame as it was kept.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredFrame {
    /// Where its uplink stands.
    pub position: Position,
    /// When we received it.
    pub received_at: Timestamp,
    /// Its bytes and how they travelled.
    pub frame: Frame,
}

/// Whose entries `follow` reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// One organization's; costs that organization's entries, not everybody's.
    Org(OrgId),
    /// Everybody's.
    All,
}

/// A stretch of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Followed {
    /// The entries, in the order of their positions.
    pub entries: Vec<LogEntry>,
    /// Where to read on from. At the end of the log it is the last position there is, also when
    /// that one belongs to somebody else.
    pub next: Position,
}
