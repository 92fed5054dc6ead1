use model::DeviceKind;
use store::DeviceFilter;

use crate::{auth::Caller, envelope::Answer, error::Refusal, json, parameters::Parameters};

/// The organization's gateways (`device_type` 1) or nodes (2, also when absent), of all groups or
/// of the one that `group_uuid` names, where the empty text names the default group.
///
/// The contract has no pages here: the answer holds every device, at about 110 bytes each.
pub(crate) async fn list_devices(caller: Caller, parameters: Parameters) -> Result<Answer, Refusal> {
    let kind = match parameters.whole::<u8>("device_type")? {
        Some(1) => DeviceKind::Gateway,
        Some(2) | None => DeviceKind::Node,
        Some(_) => return Err(Refusal::Parameters("`device_type` is 1 for gateways or 2 for nodes".into())),
    };
    let group = match parameters.find("group_uuid") {
        Some(uuid) => Some(caller.find_group(uuid).await?.id()),
        None => None,
    };
    let filter = DeviceFilter { kind: Some(kind), group };
    let devices = caller.list_devices(filter).await?;
    Ok(Answer::written(110 * devices.len(), |out| {
        json::list(out, &devices, |out, device| {
            out.extend_from_slice(br#"{"device_eui":"#);
            json::text(out, &device.eui.to_string());
            out.extend_from_slice(br#","device_name":"#);
            json::text(out, &device.name);
            out.extend_from_slice(br#","be_quota":"0","expired_time":""}"#);
        });
    }))
}
