use model::{Position, Timestamp};

/// What is known of some rows without decoding them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// How many rows.
    pub rows: usize,
    /// The earliest `measured_at`.
    pub first_measured_at: Timestamp,
    /// The latest `measured_at`, inclusive.
    pub last_measured_at: Timestamp,
    /// The lowest position of a row; the uplinks that rows replace do not count.
    pub lowest_position: Position,
    /// The highest position of a row, inclusive.
    pub highest_position: Position,
    /// Whether a row replaces an earlier one.
    pub has_replacements: bool,
}
