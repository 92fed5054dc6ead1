use std::{fmt, num::ParseIntError, str::FromStr};

use crate::OrgId;

/// Names a group of devices within an organization.
///
/// **Shape**: printed as 16 upper-case hex digits, `223E75BC14B4111D`. The default group has no
/// id; on the wire it is the empty text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupId(u64);

impl GroupId {
    /// Takes 64 bits as they are.
    pub const fn from_raw(id: u64) -> Self {
        Self(id)
    }

    /// The 64 bits.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016X}", self.0)
    }
}

impl FromStr for GroupId {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(Self)
    }
}

/// A named set of devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Whose it is.
    pub org: OrgId,
    /// Its id.
    pub id: GroupId,
    /// What people call it; unique within the organization.
    pub name: String,
}
