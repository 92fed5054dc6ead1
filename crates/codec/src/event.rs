use std::fmt;

use model::{ChannelIndex, MeasurementId};

/// What a frame says that is no reading.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The sensor is broken: it sent its fault value instead of a number.
    SensorFault {
        /// Where the sensor sits.
        channel: ChannelIndex,
        /// What it should have measured.
        measurement: MeasurementId,
    },
    /// There is nothing to measure: no probe is plugged in, or nothing was detected.
    NoValue {
        /// Where the value is missing.
        channel: ChannelIndex,
        /// Which one.
        measurement: MeasurementId,
    },
    /// The sensor was unplugged.
    SensorRemoved {
        /// Where it sat.
        channel: ChannelIndex,
    },
    /// The sensor reports what is wrong with it.
    SensorError {
        /// The device's code; 0 is "nothing".
        code: u8,
        /// Its name.
        name: &'static str,
    },
    /// The device received a downlink.
    DownlinkAck {
        /// The number that the downlink carried.
        command_id: u16,
        /// Whether the device did as told.
        ok: bool,
    },
    /// Versions of a sensor (those of the device itself are statuses).
    SensorVersion {
        /// Where the sensor sits.
        channel: ChannelIndex,
        /// Hardware.
        hardware: Version,
        /// Firmware.
        firmware: Version,
    },
    /// Identity of a sensor.
    SensorEui {
        /// Where the sensor sits.
        channel: ChannelIndex,
        /// Its 64 bits.
        eui: u64,
    },
    /// One half of a sensor's identity; the other one is not in this payload.
    SensorEuiHalf {
        /// Where the sensor sits.
        channel: ChannelIndex,
        /// Whether it is the upper half.
        is_high: bool,
        /// Its 32 bits.
        bits: u32,
    },
    /// Identity of a sensor and what kind it is.
    SensorInfo {
        /// Where the sensor sits.
        channel: ChannelIndex,
        /// A flag of the device, meaning unpublished.
        status: bool,
        /// A number from 0 to 7, meaning unpublished.
        kind: u8,
        /// Its 64 bits.
        eui: u64,
    },
    /// When a sensor was made.
    SensorDate {
        /// Where the sensor sits.
        channel: ChannelIndex,
        /// Such as 2019.
        year: u16,
        /// As sent: normally 1 to 12.
        month: u8,
        /// As sent: normally 1 to 31.
        day: u8,
    },
    /// A count that a sensor keeps about itself.
    SensorCounter {
        /// Where the sensor sits.
        channel: ChannelIndex,
        /// Which count.
        counter: SensorCounter,
        /// As sent; its unit is unpublished.
        raw: u32,
    },
    /// The model that an A1101 runs.
    VisionModel {
        /// Kind of detection.
        detection: u8,
        /// Which model.
        id: u8,
        /// Its version.
        version: u8,
    },
    /// The model that an A1102 runs, such as 60113.
    DetectionModel {
        /// Its number in the public model list.
        id: u32,
    },
    /// How often the device looks up its place.
    GpsInterval {
        /// Minutes.
        interval_min: u16,
    },
    /// How often a data logger compares with its thresholds.
    ThresholdInterval {
        /// As sent; its unit is unpublished.
        raw: u16,
    },
    /// How a data logger is wired.
    DataLogger {
        /// Protocol of the sensor.
        protocol: u8,
        /// Mode of the digital input.
        gpio_mode: u8,
        /// Type of the analog input.
        analog_type: u8,
        /// Interface of the analog input.
        analog_interface: u8,
    },
    /// The flags of a data logger's frame, if any is set.
    LogFlags {
        /// As sent. Probably bit 7 a crossed threshold, bits 6 to 3 frames in all, bits 2 to 0
        /// frames left.
        raw: u8,
    },
    /// The sockets of an S2107, from channel 1 on.
    ChannelStates([ChannelState; 10]),
    /// A tracker asks what time it is.
    TimeSyncRequested,
    /// A tracker cannot locate itself.
    TrackerError {
        /// The device's code.
        code: u32,
        /// Its name.
        name: &'static str,
    },
    /// A tracker is moving.
    Motion {
        /// Which stretch of moving this is, from 1.
        number: u8,
    },
    /// A satellite scan comes in parts.
    GnssShard {
        /// Which scan.
        group: u16,
        /// Which part of it, from 0 or 1 on, as sent.
        index: u8,
        /// How many parts it has.
        count: u8,
    },
}

impl Event {
    pub(crate) fn tracker_error(code: u32) -> Self {
        let name = match code {
            1 => "UTC_TIME_FAILED",
            2 => "ALMANAC_TOO_OLD",
            3 => "DOPPLER_ERROR",
            _ => "UNLISTED",
        };
        Self::TrackerError { code, name }
    }
}

/// Two numbers with a dot between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    /// Before the dot.
    pub major: u8,
    /// After it.
    pub minor: u8,
}

impl Version {
    pub(crate) const fn new(major: u8, minor: u8) -> Self {
        Self { major, minor }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// Which count a sensor keeps about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SensorCounter {
    /// Sensor power.
    Power,
    /// Time since it was switched on.
    PowerOnTime,
}

/// What an S2107 thinks of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelState {
    /// Not used.
    Idle,
    /// Works; the number is as sent.
    Normal(u8),
    /// Does not work.
    Abnormal,
    /// The device has no such socket.
    NotPresent,
}

impl From<u8> for ChannelState {
    fn from(raw: u8) -> Self {
        match raw {
            0x00 => Self::Idle,
            0x02 => Self::Abnormal,
            0xFF => Self::NotPresent,
            other => Self::Normal(other),
        }
    }
}

impl fmt::Display for ChannelState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Idle => f.write_str("idle"),
            Self::Normal(raw) => write!(f, "normal {raw}"),
            Self::Abnormal => f.write_str("abnormal"),
            Self::NotPresent => f.write_str("not present"),
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SensorFault { channel, measurement } => {
                write!(f, "the sensor of channel {channel} has a fault: no value of {measurement}")
            }
            Self::NoValue { channel, measurement } => write!(f, "channel {channel} has no value of {measurement}"),
            Self::SensorRemoved { channel } => write!(f, "the sensor of channel {channel} was removed"),
            Self::SensorError { code, name } => write!(f, "sensor error {code:02X} {name}"),
            Self::DownlinkAck { command_id, ok } => {
                write!(f, "downlink {command_id} {}", if *ok { "done" } else { "failed" })
            }
            Self::SensorVersion { channel, hardware, firmware } => {
                write!(f, "the sensor of channel {channel} has hardware {hardware}, firmware {firmware}")
            }
            Self::SensorEui { channel, eui } => write!(f, "the sensor of channel {channel} is {eui:016X}"),
            Self::SensorEuiHalf { channel, is_high, bits } => {
                let half = if *is_high { "starts" } else { "ends" };
                write!(f, "the identity of the sensor of channel {channel} {half} with {bits:08X}")
            }
            Self::SensorInfo { channel, status, kind, eui } => {
                write!(f, "the sensor of channel {channel} is {eui:016X}, kind {kind}, status {}", u8::from(*status))
            }
            Self::SensorDate { channel, year, month, day } => {
                write!(f, "the sensor of channel {channel} was made on {year:04}-{month:02}-{day:02}")
            }
            Self::SensorCounter { channel, counter, raw } => {
                let counter = match counter {
                    SensorCounter::Power => "power",
                    SensorCounter::PowerOnTime => "power-on time",
                };
                write!(f, "the {counter} counter of channel {channel} is at {raw}")
            }
            Self::VisionModel { detection, id, version } => {
                write!(f, "runs model {id} version {version} for detection {detection}")
            }
            Self::DetectionModel { id } => write!(f, "runs model {id}"),
            Self::GpsInterval { interval_min } => write!(f, "looks up its place every {interval_min} min"),
            Self::ThresholdInterval { raw } => write!(f, "threshold interval {raw}"),
            Self::DataLogger { protocol, gpio_mode, analog_type, analog_interface } => write!(
                f,
                "data logger: protocol {protocol}, gpio mode {gpio_mode}, analog type {analog_type}, analog interface {analog_interface}"
            ),
            Self::TimeSyncRequested => f.write_str("asks for the time"),
            Self::TrackerError { code, name } => write!(f, "tracker error {code} {name}"),
            Self::Motion { number } => write!(f, "motion {number}"),
            Self::GnssShard { group, index, count } => write!(f, "part {index} of {count} of satellite scan {group}"),
            Self::LogFlags { raw } => write!(f, "log flags {raw:02X}"),
            Self::ChannelStates(states) => {
                f.write_str("channels:")?;
                states.iter().zip(1..).try_for_each(|(state, channel)| {
                    write!(f, "{} {channel} {state}", if channel == 1 { "" } else { "," })
                })
            }
        }
    }
}
