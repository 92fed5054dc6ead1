use crate::{auth::Editor, envelope::Answer, error::Refusal, groups::refused, parameters::Parameters};

/// Moves the devices that `devices` names to the group that `group_uuid` does, where the empty
/// text names the default group: all of them or none.
pub(crate) async fn move_devices_to_group(editor: Editor, parameters: Parameters) -> Result<Answer, Refusal> {
    let uuid = parameters.find("group_uuid").ok_or_else(|| Refusal::missing("group_uuid"))?;
    let euis = parameters.euis(&["devices", "device_euis"])?;
    let group = editor.find_group(uuid).await?;
    let devices = editor.get_devices(&euis).await?;
    editor.move_devices(&devices, group).await.map_err(|error| refused(error, uuid))?;
    Ok(Answer::nothing())
}
