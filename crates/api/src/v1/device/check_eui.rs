use serde::Serialize;

use crate::{
    auth::Steward,
    binding::{find_provable, label},
    envelope::Answer,
    error::Refusal,
    parameters::Parameters,
    v1::{Watch, shape::flag},
};

#[derive(Debug, Serialize)]
struct Checked {
    check: &'static str,
}

/// Whether the device of the label `eui` could be bound with `code`: 1 or 0. It takes a key that
/// may bind it.
pub(crate) async fn check_eui(watch: Watch, steward: Steward, parameters: Parameters) -> Result<Answer, Refusal> {
    let (eui, code) = label(&parameters)?;
    let check = flag(find_provable(&steward, eui, code).await?.is_some());
    Ok(watch.stop(Answer::of(&Checked { check })?))
}
