use serde::Serialize;

use crate::{auth::Caller, envelope::Answer, error::Refusal};

/// The organization of the key. Clients read it under either name.
#[derive(Debug, Serialize)]
struct Organization<'a> {
    org_id: &'a str,
    #[serde(rename = "orgId")]
    org_id_too: &'a str,
}

pub(crate) async fn view_organization(caller: Caller) -> Result<Answer, Refusal> {
    let org_id = &caller.org_text();
    Answer::of(&Organization { org_id, org_id_too: org_id })
}
