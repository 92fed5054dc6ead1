use model::{Device, DeviceKind};
use serde::Serialize;
use store::DeviceFilter;

use crate::{auth::Caller, envelope::Answer, error::Refusal};

#[derive(Debug, Serialize)]
struct Euis {
    gateway: Vec<String>,
    node: Vec<String>,
}

/// Every label of the organization, gateways and nodes apart.
pub(crate) async fn list_euis(caller: Caller) -> Result<Answer, Refusal> {
    let devices = caller.list_devices(DeviceFilter::default()).await?;
    let of = |kind| {
        let meant = devices.iter().filter(|device: &&std::sync::Arc<Device>| device.kind == kind);
        meant.map(|device| device.eui.to_string()).collect()
    };
    Answer::of(&Euis { gateway: of(DeviceKind::Gateway), node: of(DeviceKind::Node) })
}
