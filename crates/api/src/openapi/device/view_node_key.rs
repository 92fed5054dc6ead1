use serde::Serialize;

use crate::{auth::Editor, envelope::Answer, error::Refusal, parameters::Parameters};

#[derive(Debug, Serialize)]
struct Secrets {
    device_key: String,
    token: String,
}

/// What the device that `node_eui` names proves itself with, and the token that its reports are
/// sent with. Whoever has them can send data, so that reading is not enough to see them.
pub(crate) async fn view_node_key(editor: Editor, parameters: Parameters) -> Result<Answer, Refusal> {
    let device = editor.get_device(parameters.eui("node_eui")?).await?;
    let (device_key, token) = editor.device_secrets(&device);
    Answer::of(&Secrets { device_key, token })
}
