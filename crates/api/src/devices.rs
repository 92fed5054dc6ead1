use std::sync::Arc;

use model::{Device, DeviceEui};

use crate::{ApiState, auth::Caller, error::Refusal, parameters::Parameters};

/// The device that a call is about, of the caller's organization.
pub(crate) async fn get_device(
    api: &ApiState,
    caller: &Caller,
    parameters: &Parameters,
) -> Result<Arc<Device>, Refusal> {
    get(api, caller, parameters.device_eui()?).await
}

/// The devices that a call is about, all of the caller's organization, in the caller's order.
pub(crate) async fn get_devices(
    api: &ApiState,
    caller: &Caller,
    parameters: &Parameters,
) -> Result<Vec<Arc<Device>>, Refusal> {
    get_all(api, caller, &parameters.device_euis()?).await
}

/// The devices of some labels, all of the caller's organization.
pub(crate) async fn get_all(api: &ApiState, caller: &Caller, euis: &[DeviceEui]) -> Result<Vec<Arc<Device>>, Refusal> {
    let mut devices = Vec::with_capacity(euis.len());
    for eui in euis {
        devices.push(get(api, caller, *eui).await?);
    }
    Ok(devices)
}

async fn get(api: &ApiState, caller: &Caller, eui: DeviceEui) -> Result<Arc<Device>, Refusal> {
    api.store().find_device(caller.org, eui).await?.ok_or(Refusal::ForeignDevice(eui))
}
