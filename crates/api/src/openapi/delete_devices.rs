use crate::{auth::Editor, envelope::Answer, error::Refusal, parameters::Parameters};

/// Unbinds the devices that `device_euis` names: they are hidden and what they send is refused,
/// their history stays.
pub(crate) async fn delete_devices(editor: Editor, parameters: Parameters) -> Result<Answer, Refusal> {
    let euis = parameters.euis(&["device_euis", "device_eui"])?;
    for device in editor.get_devices(&euis).await? {
        match editor.unbind_device(&device).await {
            // Somebody else was quicker.
            Ok(()) | Err(store::Error::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Answer::nothing())
}
