use crate::{
    auth::Caller,
    envelope::Answer,
    error::Refusal,
    euis::Euis,
    parameters::Parameters,
    v1::{Watch, page::Page},
};

/// Every label of the organization, gateways and nodes apart; of each a page, if one is asked for.
pub(crate) async fn eui(watch: Watch, caller: Caller, parameters: Parameters) -> Result<Answer, Refusal> {
    let page = Page::find(&parameters)?;
    let mut euis = Euis::list(&caller).await?;
    if let Some(page) = page {
        for of_kind in [&mut euis.gateway, &mut euis.node] {
            *of_kind = page.of(of_kind).to_vec();
        }
    }
    Ok(watch.stop(Answer::of(&euis)?))
}
