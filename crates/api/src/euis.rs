use std::sync::Arc;

use model::{Device, DeviceKind};
use serde::Serialize;
use store::DeviceFilter;

use crate::{auth::Caller, error::Refusal};

/// Labels, gateways and nodes apart.
#[derive(Debug, Serialize)]
pub(crate) struct Euis {
    pub(crate) gateway: Vec<String>,
    pub(crate) node: Vec<String>,
}

impl Euis {
    /// Every label that the key reaches.
    pub(crate) async fn list(caller: &Caller) -> Result<Self, Refusal> {
        let devices = caller.list_devices(DeviceFilter::default()).await?;
        let of = |kind| {
            let meant = devices.iter().filter(|device: &&Arc<Device>| device.kind == kind);
            meant.map(|device| device.eui.to_string()).collect()
        };
        Ok(Self { gateway: of(DeviceKind::Gateway), node: of(DeviceKind::Node) })
    }
}
