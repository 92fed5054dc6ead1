use std::{fmt, num::ParseIntError, str::FromStr};

use crate::{BrokerUrl, OrgId, Timestamp};

/// Names a mirror.
///
/// **Shape**: printed as 16 upper-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MirrorId(u64);

impl MirrorId {
    /// Takes 64 bits as they are.
    pub const fn from_raw(id: u64) -> Self {
        Self(id)
    }
}

impl fmt::Display for MirrorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016X}", self.0)
    }
}

impl FromStr for MirrorId {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(Self)
    }
}

/// Another station, whose history an organization brings home, and which it follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    /// Whose.
    pub org: OrgId,
    /// Which.
    pub id: MirrorId,
    /// `china`, `global`, or the address of a station.
    pub station: String,
    /// The public half of an access key there.
    pub access_id: String,
    /// Its secret half, [sealed](crate::StationKey::seal).
    pub access_key: Vec<u8>,
    /// From when on.
    pub since: Timestamp,
    /// Data (dm) that may be spent in all; `None` for as many as it takes.
    pub budget_dm: Option<u64>,
    /// Calls a minute; 0 for as many as it takes.
    pub calls_per_minute: u32,
    /// Whether it is followed by its stream too, and not by asking alone.
    pub streams: bool,
    /// Where that stream is, if not where it usually is beside the API.
    pub stream_at: Option<BrokerUrl>,
    /// Whether it rests.
    pub is_paused: bool,
    /// Until when both stations are asked the same, to see where they differ.
    pub compare_until: Option<Timestamp>,
    /// When somebody began it.
    pub created_at: Timestamp,
}

impl Mirror {
    /// What the secret half of the key is sealed for.
    pub fn sealed_for(org: OrgId, id: MirrorId) -> String {
        format!("mirror-key|{org}|{id}")
    }
}
