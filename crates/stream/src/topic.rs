//! The two roots of OpenStream: what stands under them, and filters over it.

use std::{
    fmt::{self, Display},
    str::FromStr,
};

use model::{ChannelIndex, DeviceEui, MeasurementId, OrgId, SeriesKey};

use crate::{filter::is_filter, packet::Reason};

const READINGS: &str = "device_sensor_data";
const STATUSES: &str = "device_status_event";
/// What stands where the identity of a sensor once stood.
const RESERVED: &str = "vs";

/// Where a reading is published.
///
/// **Shape**: `/device_sensor_data/<org>/<eui>/<channel>/vs/<measurement>`, or
/// `/device_status_event/<org>/<eui>/vs/<status>` for what the device says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Topic {
    /// Whose device.
    pub org: OrgId,
    /// Which device.
    pub eui: DeviceEui,
    /// What it is about.
    pub series: SeriesKey,
}

impl Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { org, eui, series: SeriesKey { channel, measurement } } = self;
        if measurement.is_status() {
            write!(f, "/{STATUSES}/{org}/{eui}/{RESERVED}/{measurement}")
        } else {
            write!(f, "/{READINGS}/{org}/{eui}/{channel}/{RESERVED}/{measurement}")
        }
    }
}

/// The filter of every reading of an organization.
pub fn every_reading(org: OrgId) -> String {
    format!("/{READINGS}/{org}/+/+/+/+")
}

/// Whether a topic or filter stands under one of the two roots.
pub(crate) fn is_of_the_stream(text: &str) -> bool {
    let mut levels = text.split('/');
    levels.next() == Some("") && matches!(levels.next(), Some(READINGS | STATUSES))
}

/// Which topics of one organization somebody asked for. Whose organization that is has been checked,
/// so that a filter never reaches beyond it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// `None` if no topic will ever match.
    meant: Option<Meant>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Meant {
    statuses: bool,
    eui: Option<DeviceEui>,
    channel: Option<ChannelIndex>,
    measurement: Option<MeasurementId>,
}

impl Filter {
    /// The filter that any text is, for somebody of an organization.
    ///
    /// **Errors**: it is no filter, it is a shared one, or it asks for more than the organization's
    /// part of the two roots.
    pub fn parse(text: &str, org: OrgId) -> Result<Self, Reason> {
        if !is_filter(text) {
            return Err(Reason::TopicFilterInvalid);
        }
        let levels: Vec<&str> = text.split('/').collect();
        let own = org.to_string();
        match levels[..] {
            ["$share", ..] => Err(Reason::SharedSubscriptionsNotSupported),
            ["", root @ (READINGS | STATUSES), of, ref levels @ ..] if of == own => {
                Ok(Self { meant: Meant::read(root == STATUSES, levels) })
            }
            _ => Err(Reason::NotAuthorized),
        }
    }

    /// Whether a series of a device is meant.
    pub fn matches(&self, eui: DeviceEui, series: SeriesKey) -> bool {
        self.meant.as_ref().is_some_and(|meant| {
            meant.statuses == series.measurement.is_status()
                && meant.measurement.is_none_or(|measurement| measurement == series.measurement)
                && meant.eui.is_none_or(|meant| meant == eui)
                && meant.channel.is_none_or(|channel| channel == series.channel)
        })
    }
}

impl Meant {
    fn read(statuses: bool, levels: &[&str]) -> Option<Self> {
        let (levels, is_open) = match levels {
            [levels @ .., "#"] => (levels, true),
            levels => (levels, false),
        };
        let expected = if statuses { 3 } else { 4 };
        // An open end stands for any of the rest, and for no rest at all.
        if levels.len() > expected || levels.len() < expected && !is_open {
            return None;
        }
        let mut levels = levels.iter().copied();
        let mut next = || levels.next().filter(|level| *level != "+");
        let eui = exactly::<DeviceEui>(next())?;
        let channel = if statuses { None } else { exactly::<u16>(next())? };
        let is_reserved = next().is_none_or(|level| level == RESERVED);
        let measurement = exactly::<u32>(next())?;
        let (channel, measurement) = (channel.map(ChannelIndex), measurement.map(MeasurementId));
        is_reserved.then_some(Self { statuses, eui, channel, measurement })
    }
}

/// What a level names, if it names anything; `None` if no topic has such a level.
fn exactly<T: FromStr + Display>(level: Option<&str>) -> Option<Option<T>> {
    let Some(level) = level else { return Some(None) };
    let named: T = level.parse().ok()?;
    // Topics are compared as texts: `01` is not `1`.
    (named.to_string() == level).then_some(Some(named))
}
