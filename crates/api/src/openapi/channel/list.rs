use axum::extract::State;

use crate::{
    ApiState, auth::Caller, channels::channels, devices, envelope::Answer, error::Refusal, parameters::PathEui,
};

/// The channels of the device in the path.
pub(crate) async fn list(
    State(api): State<ApiState>,
    caller: Caller,
    PathEui(eui): PathEui,
) -> Result<Answer, Refusal> {
    let device = devices::get(&api, &caller, eui).await?;
    Answer::of(&channels(&api, &device).await?)
}
