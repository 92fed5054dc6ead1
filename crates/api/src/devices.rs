use std::sync::Arc;

use model::{Device, DeviceEui};
use store::DeviceFilter;

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

/// Every device of the caller's organization that a filter means, by ascending EUI.
pub(crate) async fn list_all(
    api: &ApiState,
    caller: &Caller,
    filter: DeviceFilter,
) -> Result<Vec<Arc<Device>>, Refusal> {
    /// How many devices are asked of the store at once.
    const PAGE: usize = 1_000;
    let mut devices: Vec<Arc<Device>> = Vec::new();
    loop {
        let after = devices.last().map(|device| device.eui);
        let page = api.store().list_devices(caller.org, filter, after, PAGE).await?;
        let is_last = page.len() < PAGE;
        devices.extend(page);
        if is_last {
            return Ok(devices);
        }
    }
}

/// A device of the caller's organization.
pub(crate) async fn get(api: &ApiState, caller: &Caller, eui: DeviceEui) -> Result<Arc<Device>, Refusal> {
    api.store().find_device(caller.org, eui).await?.ok_or(Refusal::ForeignDevice(eui))
}
