use crate::{
    auth::Editor,
    envelope::Answer,
    error::Refusal,
    groups::refused,
    parameters::{Parameters, PathGroup},
    v1::Watch,
};

/// Moves the device that `eui` names into the group in the path.
pub(crate) async fn devices(
    watch: Watch,
    editor: Editor,
    PathGroup(uuid): PathGroup,
    parameters: Parameters,
) -> Result<Answer, Refusal> {
    let euis = parameters.euis(&["eui"])?;
    let group = editor.find_group(&uuid).await?;
    let devices = editor.get_devices(&euis).await?;
    editor.move_devices(&devices, group).await.map_err(|error| refused(error, &uuid))?;
    Ok(watch.stop(Answer::empty_text()))
}
