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
        shape::DeviceShape,
    },
};

/// A page of the gateways, by ascending EUI.
pub(crate) async fn gateway(
    State(api): State<ApiState>,
    watch: Watch,
    caller: Caller,
    parameters: Parameters,
) -> Result<Answer, Refusal> {
    let (devices, count) = devices(&caller, &parameters, DeviceKind::Gateway).await?;
    let mut list = Vec::with_capacity(devices.len());
    for device in &devices {
        list.push(DeviceShape::get(&api, &caller, device).await?.0);
    }
    Ok(watch.stop(Answer::of(&Paged::new(list, count))?))
}
