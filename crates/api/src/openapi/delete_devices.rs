use axum::extract::State;

use crate::{ApiState, auth::Editor, devices::get_all, envelope::Answer, error::Refusal, parameters::Parameters};

/// Unbinds the devices that `device_euis` names: they are hidden and what they send is refused,
/// their history stays.
pub(crate) async fn delete_devices(
    State(api): State<ApiState>,
    Editor(caller): Editor,
    parameters: Parameters,
) -> Result<Answer, Refusal> {
    let euis = parameters.euis(&["device_euis", "device_eui"])?;
    get_all(&api, &caller, &euis).await?;
    for eui in euis {
        match api.store().unbind_device(caller.org, eui).await {
            // Somebody else was quicker.
            Ok(()) | Err(store::Error::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Answer::nothing())
}
