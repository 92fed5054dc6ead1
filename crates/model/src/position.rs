use std::{fmt, num::ParseIntError, str::FromStr};

/// A place in the log: `follow` reads onwards from it.
///
/// It counts entries, is never reused, and says nothing to anybody but the store that gave it.
/// Order is promised per device: of two entries of one device the later has the higher position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Position(u64);

impl Position {
    /// Before everything.
    pub const START: Self = Self(0);

    /// Takes a number as a store made it.
    pub const fn from_raw(position: u64) -> Self {
        Self(position)
    }

    /// The number, for a store to keep.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Position {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}
