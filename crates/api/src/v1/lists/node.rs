use axum::extract::State;
use model::DeviceKind;

use crate::{
    ApiState,
    auth::Caller,
    envelope::Answer,
    error::Refusal,
    parameters::Parameters,
    v1::{
        Watch,
        page::{Paged, devices},
        shape::NodeShape,
    },
};

/// A page of the nodes, by ascending EUI.
pub(crate) async fn node(
    State(api): State<ApiState>,
    watch: Watch,
    caller: Caller,
    parameters: Parameters,
) -> Result<Answer, Refusal> {
    let (devices, count) = devices(&caller, &parameters, DeviceKind::Node).await?;
    let mut list = Vec::with_capacity(devices.len());
    for device in &devices {
        list.push(NodeShape::get(&api, &caller, device).await?);
    }
    Ok(watch.stop(Answer::of(&Paged::new(list, count))?))
}
