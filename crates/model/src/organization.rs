use std::{fmt, num::ParseIntError, str::FromStr};

use crate::Timestamp;

/// Names an organization: the owner of devices, access keys and data.
///
/// **Shape**: 12 to 15 decimal digits, always below 2^63, because one client reads it as a signed
/// 64-bit number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OrgId(u64);

impl OrgId {
    const MIN: u64 = 100_000_000_000;
    const MAX: u64 = 999_999_999_999_999;

    /// Takes a number as it is, as read back from where it was kept.
    pub const fn from_raw(id: u64) -> Self {
        Self(id)
    }

    /// Folds any 64 random bits into the 12 to 15 digits that organizations have.
    pub const fn from_random(bits: u64) -> Self {
        Self(Self::MIN + bits % (Self::MAX - Self::MIN + 1))
    }

    /// The number itself.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for OrgId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for OrgId {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.trim().parse().map(Self)
    }
}

/// An owner of devices, access keys and data, walled off from every other one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Its number.
    pub id: OrgId,
    /// What people call it.
    pub name: String,
    /// When it was created.
    pub created_at: Timestamp,
}
