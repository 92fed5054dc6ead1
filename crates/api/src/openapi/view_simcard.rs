use crate::{auth::Caller, envelope::Answer, error::Refusal, parameters::Parameters, sim::Sim};

/// The SIM card of the device that `device_eui` names.
pub(crate) async fn view_simcard(caller: Caller, parameters: Parameters) -> Result<Answer, Refusal> {
    caller.get_device(parameters.device_eui()?).await?;
    Answer::of(&Sim::default())
}
