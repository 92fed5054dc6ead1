use crate::{auth::Caller, envelope::Answer, error::Refusal, euis::Euis};

/// Every label of the organization, gateways and nodes apart.
pub(crate) async fn list_euis(caller: Caller) -> Result<Answer, Refusal> {
    Answer::of(&Euis::list(&caller).await?)
}
