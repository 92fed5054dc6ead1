use crate::{auth::Steward, binding::bind, envelope::Answer, error::Refusal, parameters::Parameters};

/// Binds a device by what is on its label.
pub(crate) async fn bind_device(steward: Steward, parameters: Parameters) -> Result<Answer, Refusal> {
    bind(&steward, &parameters).await?;
    Ok(Answer::nothing())
}
