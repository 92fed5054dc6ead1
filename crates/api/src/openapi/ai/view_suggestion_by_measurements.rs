use crate::{auth::Caller, error::Refusal};

/// A station has nobody to ask what to do in the field.
pub(crate) async fn view_suggestion_by_measurements(_: Caller) -> Refusal {
    Refusal::NoSuggestions
}
