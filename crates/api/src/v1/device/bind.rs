use crate::{auth::Steward, binding, envelope::Answer, error::Refusal, parameters::Parameters, v1::Watch};

/// Binds a device by what is on its label.
pub(crate) async fn bind(watch: Watch, steward: Steward, parameters: Parameters) -> Result<Answer, Refusal> {
    binding::bind(&steward, &parameters).await?;
    Ok(watch.stop(Answer::nothing()))
}
