use model::{DeviceEui, SourceId, Timestamp, Uplink};

use crate::{Error, entry::limit};

/// Most uplinks that are kept of one device that nobody has bound.
pub const UNBOUND_UPLINKS_MAX: usize = 1_000;
/// Most of them that are kept of one source.
pub const UNBOUND_SOURCE_UPLINKS_MAX: usize = 10_000;
/// Most devices that nobody has bound that are told apart of one source.
pub const UNBOUND_DEVICES_MAX: usize = 1_000;
/// Most bytes that an uplink of such a device may have, payload and names of gateways together.
pub const UNBOUND_BYTES_MAX: usize = 16 * 1_024;

/// A device that a source brings uplinks of and that nobody in its organization has bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnboundDevice {
    /// Who brings its uplinks.
    pub source: SourceId,
    /// Its label.
    pub eui: DeviceEui,
    /// The product model that its source's words made likely; empty where they made none so.
    pub model: String,
    /// What its source calls it; may be empty.
    pub name: String,
    /// When the first uplink was received.
    pub first_heard_at: Timestamp,
    /// When the last one was.
    pub last_heard_at: Timestamp,
    /// How many of its uplinks are kept.
    pub kept: u64,
    /// How many had to make room for later ones.
    pub dropped: u64,
}

/// An uplink of a device that nobody has bound, as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct UnboundUplink {
    /// Ascends in the order they were kept.
    pub number: u64,
    /// What was received; without hints, which its device has.
    pub uplink: Uplink,
}

impl UnboundUplink {
    /// Checks the limit every backend relies on.
    ///
    /// **Errors**: [`Error::Limit`].
    pub fn check(uplink: &Uplink) -> Result<(), Error> {
        const RECEPTION_BYTES: usize = 8;
        let receptions = uplink.frame.receptions.iter().map(|reception| reception.gateway.len() + RECEPTION_BYTES);
        let bytes = uplink.frame.payload.len() + receptions.sum::<usize>();
        limit(bytes, UNBOUND_BYTES_MAX, "bytes in an uplink of a device that nobody has bound")
    }
}
