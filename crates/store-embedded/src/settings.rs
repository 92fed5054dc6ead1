/// How a store keeps what it is given; the defaults suit everybody from three sensors to a city.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How long the log is kept for readers that were away, in milliseconds.
    pub log_window_ms: i64,
    /// The log is trimmed sooner when it grows beyond this, in bytes.
    pub log_bytes_max: u64,
    /// When rows that are not sealed yet take more memory than this, they are sealed before their
    /// time, in bytes; four times as much, and nothing is taken any more.
    pub open_bytes_max: u64,
    /// Rows are sealed at the latest when they are this old, in milliseconds.
    pub open_age_max_ms: i64,
    /// A checkpoint is made at least this often while something arrives, in milliseconds.
    pub checkpoint_interval_ms: i64,
    /// And sooner when the log has grown by this since the last, in bytes.
    pub checkpoint_bytes: u64,
    /// Whether commits wait for the disk. Only the power-cut test's control turns it off.
    pub durability: Durability,
}

/// Whether an acknowledged entry survives a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Every commit waits until the disk has it.
    Full,
    /// No commit waits for the disk; what a power cut then takes is gone.
    Off,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            log_window_ms: 24 * 3_600_000,
            log_bytes_max: 4 << 30,
            open_bytes_max: 1 << 30,
            open_age_max_ms: 7 * 24 * 3_600_000,
            checkpoint_interval_ms: 5 * 60_000,
            checkpoint_bytes: 64 << 20,
            durability: Durability::Full,
        }
    }
}
