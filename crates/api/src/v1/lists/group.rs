pub(crate) mod devices;

use axum::extract::State;
use serde::Serialize;
use store::DeviceFilter;

use crate::{
    ApiState, auth::Caller, envelope::Answer, error::Refusal, groups::reached_groups, running::Running,
    statuses::Statuses, v1::Watch,
};

#[derive(Debug, Serialize)]
struct Group {
    name: String,
    group_unique_name: String,
    dev_cnt: String,
    online_cnt: String,
    created: &'static str,
}

/// Nobody noted when a group was made.
const CREATED_UNKNOWN: &str = "0";

/// The default group, then the others, each with how many devices it has and how many of them are
/// online.
pub(crate) async fn group(State(api): State<ApiState>, watch: Watch, caller: Caller) -> Result<Answer, Refusal> {
    let mut groups = Vec::new();
    for (id, name) in reached_groups(&caller).await? {
        let devices = caller.list_devices(DeviceFilter { kind: None, group: Some(id) }).await?;
        let mut online = 0;
        for device in &devices {
            let running = Running::get(&api, device, &Statuses::get(&api, device).await?).await?;
            online += usize::from(running.is_online);
        }
        groups.push(Group {
            name,
            group_unique_name: id.map(|id| id.to_string()).unwrap_or_default(),
            dev_cnt: devices.len().to_string(),
            online_cnt: online.to_string(),
            created: CREATED_UNKNOWN,
        });
    }
    Ok(watch.stop(Answer::of(&groups)?))
}
