use crate::Timestamp;

/// A stretch of time, start inclusive, end exclusive.
///
/// The public contract has inclusive ends: [`Window::inclusive`] is for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// First instant inside.
    pub start: Timestamp,
    /// First instant after.
    pub end: Timestamp,
}

impl Window {
    /// Everything.
    pub const ALL: Self = Self { start: Timestamp::MIN, end: Timestamp::MAX };

    /// From `start` up to, but not including, `end`.
    pub const fn new(start: Timestamp, end: Timestamp) -> Self {
        Self { start, end }
    }

    /// From `start` to `last`, both included.
    pub const fn inclusive(start: Timestamp, last: Timestamp) -> Self {
        Self { start, end: Timestamp::from_millis(last.as_millis().saturating_add(1)) }
    }

    /// Whether an instant is inside.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.start <= at && at < self.end
    }

    /// Whether nothing can be inside.
    pub fn is_empty(&self) -> bool {
        self.start >= self.end
    }
}
