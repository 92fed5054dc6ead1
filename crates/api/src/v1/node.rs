use axum::extract::State;
use model::{Device, DeviceKind::Node, measurement, sensor_type};
use serde::Serialize;

use super::{
    Watch,
    edit::{self, get_device, read_change},
    shape::NodeShape,
};
use crate::{
    ApiState,
    auth::{Caller, Editor},
    channels::{Channel, channels},
    envelope::Answer,
    error::Refusal,
    parameters::{Parameters, PathEui},
};

#[derive(Debug, Serialize)]
struct Detail {
    #[serde(flatten)]
    node: NodeShape,
    sensors: Vec<Sensor>,
}

#[derive(Debug, Serialize)]
struct Sensor {
    sensor_eui: String,
    sensor_name: String,
    sensor_channel: String,
    sensor_measure: Vec<Measure>,
}

#[derive(Debug, Serialize)]
struct Measure {
    id: String,
    name: &'static str,
}

/// The node in the path and what sits on its channels.
pub(crate) async fn get(
    State(api): State<ApiState>,
    watch: Watch,
    caller: Caller,
    PathEui(eui): PathEui,
) -> Result<Answer, Refusal> {
    let node = get_device(&caller, eui, Node).await?;
    let detail = Detail { node: NodeShape::get(&api, &caller, &node).await?, sensors: sensors(&api, &node).await? };
    Ok(watch.stop(Answer::of(&detail)?))
}

/// Changes what the call names: `dev_name`, `group_unique_name`, `description`.
pub(crate) async fn change(
    watch: Watch,
    editor: Editor,
    PathEui(eui): PathEui,
    parameters: Parameters,
) -> Result<Answer, Refusal> {
    let node = get_device(&editor, eui, Node).await?;
    let change = read_change(&editor, &parameters).await?;
    edit::change(&editor, &node, change, &parameters).await?;
    Ok(watch.stop(Answer::empty_text()))
}

/// Unbinds the node.
pub(crate) async fn remove(watch: Watch, editor: Editor, PathEui(eui): PathEui) -> Result<Answer, Refusal> {
    edit::remove(&editor, &*get_device(&editor, eui, Node).await?).await?;
    Ok(watch.stop(Answer::empty_text()))
}

async fn sensors(api: &ApiState, node: &Device) -> Result<Vec<Sensor>, Refusal> {
    let sensor = |channel: Channel| Sensor {
        sensor_name: sensor_type(&channel.sensor_type).map_or(channel.channel_name, |known| known.name.to_owned()),
        sensor_eui: channel.sensor_id,
        sensor_channel: channel.channel_index.to_string(),
        sensor_measure: channel
            .measurement_ids
            .into_iter()
            .map(|id| Measure { name: id.parse().ok().and_then(measurement).map_or("", |known| known.name), id })
            .collect(),
    };
    Ok(channels(api, node).await?.into_iter().map(sensor).collect())
}
