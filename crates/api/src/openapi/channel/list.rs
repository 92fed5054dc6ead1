use axum::extract::State;

use crate::{ApiState, auth::Caller, channels::channels, envelope::Answer, error::Refusal, parameters::PathEui};

/// The channels of the device in the path.
pub(crate) async fn list(
    State(api): State<ApiState>,
    caller: Caller,
    PathEui(eui): PathEui,
) -> Result<Answer, Refusal> {
    let device = caller.get_device(eui).await?;
    Answer::of(&channels(&api, &device).await?)
}
