use std::sync::Arc;

use model::{CodecVersion, OrgId, UserCodec};

use super::full_name;
use crate::{PortalState, TriedCodec, actor::Actor, fault::Fault};

/// A codec as it was written: its program, and its table and examples a line each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Draft<'a> {
    pub(crate) model: &'a str,
    pub(crate) source: &'a str,
    pub(crate) table: &'a str,
    pub(crate) examples: &'a str,
}

impl Draft<'_> {
    fn read(&self, portal: &PortalState, org: OrgId) -> Result<UserCodec, Fault> {
        let say = |what: &str, line: model::InvalidCodecLine| Fault::Wrong(format!("{what}, {line}"));
        Ok(UserCodec {
            org,
            model: self.model.trim().to_owned(),
            version: CodecVersion::default(),
            source: self.source.replace("\r\n", "\n"),
            table: self.table.parse().map_err(|line| say("table", line))?,
            examples: self.examples.parse().map_err(|line| say("examples", line))?,
            changed_at: portal.now(),
        })
    }
}

pub(crate) async fn list(portal: &PortalState, actor: &Actor) -> Result<Vec<Arc<UserCodec>>, Fault> {
    Ok(portal.store().list_user_codecs(actor.org).await?)
}

pub(crate) async fn find(portal: &PortalState, actor: &Actor, model: &str) -> Result<Arc<UserCodec>, Fault> {
    portal.store().find_user_codec(actor.org, model).await?.ok_or(Fault::NotFound)
}

/// Keeps a codec of a model that has none yet, if all its examples fit.
pub(crate) async fn create(portal: &PortalState, actor: &Actor, draft: Draft<'_>) -> Result<Arc<UserCodec>, Fault> {
    let model = full_name(draft.model)?;
    if portal.store().find_user_codec(actor.org, &model).await?.is_some() {
        return Err(Fault::Conflict(|texts| texts.fault_exists));
    }
    keep(portal, actor, draft, "codec.create").await
}

/// Changes a codec that there is, if all its examples fit; its model stays.
pub(crate) async fn change(
    portal: &PortalState,
    actor: &Actor,
    model: &str,
    draft: Draft<'_>,
) -> Result<Arc<UserCodec>, Fault> {
    let known = find(portal, actor, model).await?;
    keep(portal, actor, Draft { model: &known.model, ..draft }, "codec.change").await
}

async fn keep(
    portal: &PortalState,
    actor: &Actor,
    draft: Draft<'_>,
    deed: &'static str,
) -> Result<Arc<UserCodec>, Fault> {
    let codec = draft.read(portal, actor.org)?;
    portal.station().check_codec(&codec).await.map_err(Fault::Wrong)?;
    let model = codec.model.clone();
    let CodecVersion(version) = portal.store().set_user_codec(codec).await?;
    actor.record(portal, deed, &model, format!("version {version}")).await?;
    find(portal, actor, &model).await
}

/// Removes a codec.
pub(crate) async fn remove(portal: &PortalState, actor: &Actor, model: &str) -> Result<(), Fault> {
    portal.store().remove_user_codec(actor.org, model).await?;
    actor.record(portal, "codec.remove", model, "").await?;
    Ok(())
}

/// What a codec makes of a payload, whether it is kept or not.
pub(crate) async fn attempt(
    portal: &PortalState,
    actor: &Actor,
    draft: Draft<'_>,
    f_port: u8,
    payload: Vec<u8>,
) -> Result<TriedCodec, Fault> {
    let codec = draft.read(portal, actor.org)?;
    portal.station().try_codec(&codec, f_port, payload).await.map_err(Fault::Wrong)
}

/// The models that a device may have: what is built in, and the organization's own.
pub(crate) async fn models(portal: &PortalState, actor: &Actor) -> Result<Vec<String>, Fault> {
    let built_in = portal.station().models().into_iter().map(str::to_owned);
    let own = list(portal, actor).await?;
    Ok(built_in.chain(own.iter().map(|codec| codec.model.clone())).collect())
}

/// Bytes written as hex digits; blanks do not matter.
pub(crate) fn bytes(hex: &str) -> Result<Vec<u8>, Fault> {
    let digits: Option<Vec<u32>> = hex.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16)).collect();
    let digits = digits.filter(|digits| !digits.is_empty() && digits.len().is_multiple_of(2));
    let digits = digits.ok_or(Fault::Invalid(|texts| texts.fault_hex))?;
    Ok(digits.chunks_exact(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect())
}
