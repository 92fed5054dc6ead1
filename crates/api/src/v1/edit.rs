//! What gateways and nodes have in common when they are found, changed and deleted.

use std::sync::Arc;

use model::{Device, DeviceEui, DeviceKind};
use store::DeviceChange;

use crate::{
    auth::{Caller, Editor},
    error::Refusal,
    groups::refused,
    parameters::Parameters,
};

/// Most characters of a description.
const DESCRIPTION_CHARS_MAX: usize = 1_000;

/// A device of a kind; one of the other kind is not there.
pub(super) async fn get_device(caller: &Caller, eui: DeviceEui, kind: DeviceKind) -> Result<Arc<Device>, Refusal> {
    let device = caller.get_device(eui).await?;
    if device.kind == kind { Ok(device) } else { Err(Refusal::ForeignDevice(eui)) }
}

/// Reads what any device can be changed in: `dev_name`, `description` and `group_unique_name`.
pub(super) async fn read_change(editor: &Editor, parameters: &Parameters) -> Result<DeviceChange, Refusal> {
    let description = parameters.find_filled("description");
    let is_control = |char: char| char.is_control() && char != '\n';
    if description.is_some_and(|text| text.chars().count() > DESCRIPTION_CHARS_MAX || text.contains(is_control)) {
        let advice = format!("`description` is to be at most {DESCRIPTION_CHARS_MAX} characters");
        return Err(Refusal::Parameters(advice.into()));
    }
    let group = match parameters.find("group_unique_name") {
        Some(uuid) => Some(editor.find_group(uuid).await?.id()),
        None => None,
    };
    Ok(DeviceChange {
        name: parameters.device_name("dev_name")?.map(str::to_owned),
        description: description.map(str::to_owned),
        group,
        ..DeviceChange::default()
    })
}

/// Changes a device: all that was asked or nothing.
pub(super) async fn change(
    editor: &Editor,
    device: &Device,
    change: DeviceChange,
    parameters: &Parameters,
) -> Result<(), Refusal> {
    if change == DeviceChange::default() {
        return Err(Refusal::Parameters("say what to change".into()));
    }
    let group = parameters.find("group_unique_name").unwrap_or_default();
    match editor.update_device(device, change).await {
        // Somebody else unbound it just now.
        Err(store::Error::NotFound(store::Kind::Device)) => Err(Refusal::ForeignDevice(device.eui)),
        changed => changed.map_err(|error| refused(error, group)),
    }
}

/// Unbinds a device: it is hidden and what it sends is refused, its history stays.
pub(super) async fn remove(editor: &Editor, device: &Device) -> Result<(), Refusal> {
    match editor.unbind_device(device).await {
        // Somebody else was quicker.
        Ok(()) | Err(store::Error::NotFound(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
