use std::{fmt, str::FromStr};

use crate::{Channel, ChannelMap, GroupId, OrgId, Timestamp};

/// The 64-bit identity that a device carries on its label.
///
/// **Shape**: printed as 16 upper-case hex digits, read in any case.
///
/// **Errors**: [`InvalidEui`] for anything but 16 hex digits.
///
/// **Example**
/// ```
/// let eui: model::DeviceEui = "2cf7f12004100005".parse()?;
/// assert_eq!(eui.to_string(), "2CF7F12004100005");
/// # Ok::<(), model::InvalidEui>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeviceEui(u64);

impl DeviceEui {
    /// Takes 64 bits, the first hex digit highest.
    pub const fn from_raw(eui: u64) -> Self {
        Self(eui)
    }

    /// The 64 bits.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for DeviceEui {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016X}", self.0)
    }
}

impl FromStr for DeviceEui {
    type Err = InvalidEui;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // from_str_radix alone would take a sign.
        if text.len() != 16 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(InvalidEui);
        }
        u64::from_str_radix(text, 16).map(Self).map_err(|_| InvalidEui)
    }
}

/// The text is not 16 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidEui;

impl fmt::Display for InvalidEui {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an EUI is 16 hex digits")
    }
}

impl std::error::Error for InvalidEui {}

/// The store's own name of a device; never reused, so that what is kept under it can never become
/// somebody else's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeviceId(pub u64);

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whether a device carries sensors or other devices' messages.
///
/// **Shape**: 1 and 2 on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeviceKind {
    /// Relays other devices.
    Gateway,
    /// Carries sensors.
    Node,
}

/// A place on earth.
///
/// **Units**: degrees, WGS 84.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GeoPoint {
    /// North is positive.
    pub latitude: f64,
    /// East is positive.
    pub longitude: f64,
}

/// Where an antenna was put.
///
/// **Shape**: printed and read as `indoor` and `outdoor`, read in any case.
///
/// **Errors**: [`InvalidAntenna`] for anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Antenna {
    /// Under a roof.
    Indoor,
    /// Under the sky.
    Outdoor,
}

impl fmt::Display for Antenna {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Indoor => "indoor",
            Self::Outdoor => "outdoor",
        })
    }
}

impl FromStr for Antenna {
    type Err = InvalidAntenna;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = [Self::Indoor, Self::Outdoor];
        known.into_iter().find(|known| text.eq_ignore_ascii_case(&known.to_string())).ok_or(InvalidAntenna)
    }
}

/// The text names no place for an antenna.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidAntenna;

impl fmt::Display for InvalidAntenna {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an antenna is `indoor` or `outdoor`")
    }
}

impl std::error::Error for InvalidAntenna {}

/// What people wrote down about a device beside its name and place; nothing, at first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeviceNotes {
    /// Free text.
    pub description: String,
    /// The country it stands in, by ISO 3166-1 alpha-3, such as `DEU`; empty when unknown.
    pub country: String,
    /// Where its antenna is.
    pub antenna: Option<Antenna>,
    /// How high it stands.
    ///
    /// **Units**: metres above the sea.
    pub altitude_m: Option<f64>,
}

/// A device bound to an organization.
#[derive(Debug, Clone, PartialEq)]
pub struct Device {
    /// The store's name of it.
    pub id: DeviceId,
    /// Whose it is.
    pub org: OrgId,
    /// Its label; unique within the organization only.
    pub eui: DeviceEui,
    /// Gateway or node.
    pub kind: DeviceKind,
    /// Its product model, such as `S2101`, which chooses the codec.
    pub model: String,
    /// What people call it.
    pub name: String,
    /// Its group; `None` is the default group.
    pub group: Option<GroupId>,
    /// Where it was put by hand.
    pub place: Option<GeoPoint>,
    /// Frequency plan as free text, such as `EU868`; empty when unknown.
    pub frequency: String,
    /// The code on its label that proves possession; empty when it has none.
    pub code: String,
    /// Channels that somebody described.
    pub channels: Vec<Channel>,
    /// When it was bound.
    pub bound_at: Timestamp,
    /// How often the organization has bound it, this time included; what is derived for a device is
    /// so for one generation of it.
    pub generation: u32,
    /// How often it is to report, if somebody said so; it may do otherwise.
    ///
    /// **Units**: minutes.
    pub report_cycle_min: Option<u16>,
    /// What people wrote down about it.
    pub notes: DeviceNotes,
    /// What its measurements stand for.
    pub channel_map: ChannelMap,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn refuses_what_is_not_16_hex_digits() {
        for text in
            ["", "2CF7F1200410000", "2CF7F120041000055", "2CF7F1200410000G", "+CF7F12004100005", "２CF7F1200410"]
        {
            assert_eq!(text.parse::<DeviceEui>(), Err(InvalidEui), "{text}");
        }
    }

    #[test]
    fn an_antenna_reads_back_and_other_texts_are_refused() {
        for antenna in [Antenna::Indoor, Antenna::Outdoor] {
            assert_eq!(antenna.to_string().to_uppercase().parse(), Ok(antenna));
        }
        assert_eq!("roof".parse::<Antenna>(), Err(InvalidAntenna));
    }

    proptest! {
        #[test]
        fn every_eui_reads_back_in_either_case(raw: u64) {
            let eui = DeviceEui::from_raw(raw);
            prop_assert_eq!(eui.to_string().parse(), Ok(eui));
            prop_assert_eq!(eui.to_string().to_lowercase().parse(), Ok(eui));
        }
    }
}
