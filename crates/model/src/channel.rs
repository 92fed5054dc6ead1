use std::fmt;

use crate::{MeasurementId, Timestamp};

/// The socket of a device where a sensor sits.
///
/// **Shape**: 1-based on the wire; 0 is the device itself and carries its statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelIndex(pub u16);

impl ChannelIndex {
    /// The device itself: battery, versions, intervals.
    pub const DEVICE: Self = Self(0);
}

impl fmt::Display for ChannelIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What an operator said about a channel. Channels nobody described still appear, as soon as a
/// reading for them does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Which socket.
    pub index: ChannelIndex,
    /// What people call it; empty when nobody named it.
    pub name: String,
    /// Sensor type such as `1001`, when it is not to be inferred from the measurements.
    pub sensor_type: Option<String>,
    /// Identity of the sensor itself, when known.
    pub sensor_id: String,
    /// Measurements declared beforehand, so that the channel shows before its first reading.
    pub measurements: Vec<MeasurementId>,
    /// When it was described.
    pub created_at: Timestamp,
}
