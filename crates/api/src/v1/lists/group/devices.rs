use axum::extract::State;
use model::DeviceKind;
use serde::Serialize;
use store::DeviceFilter;

use crate::{
    ApiState,
    auth::Caller,
    envelope::Answer,
    error::Refusal,
    groups::reached_groups,
    running::Running,
    statuses::Statuses,
    v1::{
        Watch,
        shape::{flag, place},
    },
};

#[derive(Debug, Serialize)]
struct Grouped {
    node: Vec<Group>,
}

#[derive(Debug, Serialize)]
struct Group {
    group_name: String,
    group_unique_name: String,
    devices: Vec<Device>,
}

#[derive(Debug, Serialize)]
struct Device {
    dev_eui: String,
    dev_name: String,
    lon: String,
    lat: String,
    online_status: &'static str,
    battery_status: &'static str,
}

/// The nodes of every group, the default one first.
pub(crate) async fn devices(State(api): State<ApiState>, watch: Watch, caller: Caller) -> Result<Answer, Refusal> {
    let mut node = Vec::new();
    for (id, group_name) in reached_groups(&caller).await? {
        let filter = DeviceFilter { kind: Some(DeviceKind::Node), group: Some(id) };
        let mut devices = Vec::new();
        for device in caller.list_devices(filter).await? {
            let running = Running::get(&api, &device, &Statuses::get(&api, &device).await?).await?;
            let [lat, lon] = place(&device);
            devices.push(Device {
                dev_eui: device.eui.to_string(),
                dev_name: device.name.clone(),
                lon,
                lat,
                online_status: flag(running.is_online),
                battery_status: flag(running.is_battery_good),
            });
        }
        let group_unique_name = id.map(|id| id.to_string()).unwrap_or_default();
        node.push(Group { group_name, group_unique_name, devices });
    }
    Ok(watch.stop(Answer::of(&Grouped { node })?))
}
