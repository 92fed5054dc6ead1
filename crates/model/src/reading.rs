use crate::{ChannelIndex, MeasurementId, Position, Timestamp, Value};

/// Names the readings of one measurement on one channel of one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeriesKey {
    /// The channel.
    pub channel: ChannelIndex,
    /// The measurement, or a status where its id is below 4000.
    pub measurement: MeasurementId,
}

impl SeriesKey {
    /// The series of a status, which always belongs to the device itself.
    pub const fn status(status: MeasurementId) -> Self {
        Self { channel: ChannelIndex::DEVICE, measurement: status }
    }
}

/// One value of one measurement from one channel; its time is its row's.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Which series it belongs to.
    pub series: SeriesKey,
    /// Its value, in the measurement's unit.
    pub value: Value,
}

impl Reading {
    /// A reading of a channel.
    pub fn new(channel: u16, measurement: u32, value: impl Into<Value>) -> Self {
        let series = SeriesKey { channel: ChannelIndex(channel), measurement: MeasurementId(measurement) };
        Self { series, value: value.into() }
    }

    /// A status of the device itself.
    pub fn status(status: u32, value: impl Into<Value>) -> Self {
        Self { series: SeriesKey::status(MeasurementId(status)), value: value.into() }
    }
}

/// Which rule turned the payload into readings; a corrected codec has a higher number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct CodecVersion(pub u16);

/// What happened to a row on its way in.
///
/// **Shape**: bit 0 clamped, bit 1 simulated, bit 2 late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct RowFlags(pub u8);

impl RowFlags {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// The device's time was nonsense and replaced by ours.
    pub const CLAMPED: Self = Self(1);
    /// Made by a simulator.
    pub const SIMULATED: Self = Self(2);
    /// Measured well before it was received.
    pub const LATE: Self = Self(4);

    /// These flags and those.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` is set.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// What one device measured at one time: an uplink after decoding, or one record of it.
///
/// Every uplink leaves at least one row; one that carried no readings leaves an empty row, so that
/// its frame can be found again.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The device's time.
    pub measured_at: Timestamp,
    /// Ours.
    pub received_at: Timestamp,
    /// Where its uplink stands in the log; rows of one uplink share it.
    pub position: Position,
    /// The uplink it is a new decoding of, if it is one.
    pub replaces: Option<Position>,
    /// The codec that made it.
    pub codec: CodecVersion,
    /// What happened to it.
    pub flags: RowFlags,
    /// The readings, each series at most once; the last wins.
    pub readings: Vec<Reading>,
}

impl Row {
    /// The uplink that the readings come from, in their first or a later decoding.
    pub fn origin(&self) -> Position {
        self.replaces.unwrap_or(self.position)
    }
}
