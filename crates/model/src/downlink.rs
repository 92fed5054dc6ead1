use crate::{DeviceEui, OrgId, SourceId};

/// Where a network server takes messages to a device, as it said with the device's uplinks. Nothing is sent there yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Downlink {
    /// Whose source it is.
    pub org: OrgId,
    /// Who said so.
    pub source: SourceId,
    /// The device that can be reached.
    pub eui: DeviceEui,
    /// Addresses and key as JSON, sealed for [`Downlink::sealed_for`].
    pub sealed: Vec<u8>,
}

impl Downlink {
    /// What addresses and key are sealed for, so that they are good for nothing in another place.
    pub fn sealed_for(org: OrgId, source: SourceId, eui: DeviceEui) -> String {
        format!("downlink of {org} {source} {eui}")
    }
}
