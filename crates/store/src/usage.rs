use model::{AccessId, Day, DeviceEui, OrgId, Timestamp};

/// How many days usage is kept of an organization: the newest of those that it used anything on, so that a clock
/// that jumps ahead and back forgets nothing.
pub const USAGE_DAYS: usize = 92;
/// Most devices that are told apart on one day of an organization; further ones are one line together.
pub const USAGE_DEVICES_MAX: usize = 1_000;

/// What one access key has used of one endpoint and device since it was last charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charge {
    /// Whose key.
    pub org: OrgId,
    /// The key.
    pub id: AccessId,
    /// The path as the API has it.
    pub endpoint: &'static str,
    /// The device that the calls were about, if it was one.
    pub device: Option<DeviceEui>,
    /// When it was last used; the day of it is the one that is charged.
    pub last_used_at: Timestamp,
    /// How much.
    pub used: Used,
}

/// How much was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Used {
    /// How many calls.
    pub calls: u64,
    /// How many of them were refused.
    pub refused: u64,
    /// How many of them were told that nothing has changed.
    pub unchanged: u64,
    /// How many data were read, in the contract's unit `dm`.
    pub dm: u64,
}

impl Used {
    /// Adds what else was used.
    pub const fn add(&mut self, more: Self) {
        self.calls += more.calls;
        self.refused += more.refused;
        self.unchanged += more.unchanged;
        self.dm += more.dm;
    }
}

/// What an organization used over some days.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Usage {
    /// By day, ascending; days without calls are left out.
    pub days: Vec<(Day, Used)>,
    /// By key, ascending.
    pub keys: Vec<(AccessId, Used)>,
    /// By key and endpoint, ascending.
    pub endpoints: Vec<(AccessId, Box<str>, Used)>,
    /// By device, those first that were read most, of one measure by ascending EUI; `None` stands for those
    /// that are not told apart.
    pub devices: Vec<(Option<DeviceEui>, Used)>,
}

/// What was drawn of an allowance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drawn {
    /// How many data may be spent now.
    pub granted: u64,
    /// How many were drawn in the period, these included.
    pub total: u64,
}
