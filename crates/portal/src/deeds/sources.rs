use model::{SecretHash, Source, SourceId, SourceKind, Timestamp};
use store::{MODEL_RULES_MAX, ModelRule, SourceChange};

use super::{full_name, name};
use crate::{
    PortalState,
    actor::Actor,
    fault::Fault,
    secret::{Secret, random_u64},
};

/// How long the token before the last is good for.
pub(crate) const OVERLAP_MS: i64 = 24 * 3_600_000;

pub(crate) fn id(text: &str) -> Result<SourceId, Fault> {
    text.parse().map_err(|_| Fault::NotFound)
}

/// Creates a source; its token is shown this once.
pub(crate) async fn create(
    portal: &PortalState,
    actor: &Actor,
    kind: SourceKind,
    text: &str,
    auto_add: bool,
) -> Result<(Source, Secret), Fault> {
    if kind == SourceKind::Demo {
        return Err(Fault::Invalid(|texts| texts.fault_source_kind));
    }
    let secret = Secret::token()?;
    let source = Source {
        id: SourceId::from_raw(random_u64()?),
        org: actor.org,
        kind,
        name: name(text)?,
        token: secret.hash,
        auto_add,
        created_at: portal.now(),
        previous: None,
    };
    portal.store().create_source(source.clone()).await?;
    actor.record(portal, "source.create", source.id, format!("{kind} {}", source.name)).await?;
    Ok((source, secret))
}

/// Changes what is given.
pub(crate) async fn update(
    portal: &PortalState,
    actor: &Actor,
    id: SourceId,
    new_name: Option<&str>,
    auto_add: Option<bool>,
) -> Result<(), Fault> {
    let name = new_name.map(name).transpose()?;
    let said =
        [name.as_ref().map(|name| format!("name {name}")), auto_add.map(|auto_add| format!("auto_add {auto_add}"))];
    let said: Vec<_> = said.into_iter().flatten().collect();
    portal.store().update_source(actor.org, id, SourceChange { name, auto_add }).await?;
    actor.record(portal, "source.change", id, said.join(", ")).await?;
    Ok(())
}

/// Gives a source a new token, shown this once; the one before is good for another day.
pub(crate) async fn rotate(
    portal: &PortalState,
    actor: &Actor,
    id: SourceId,
) -> Result<(Source, Secret, Timestamp), Fault> {
    let source = find(portal, actor, id).await?;
    if source.kind == SourceKind::Demo {
        return Err(Fault::Invalid(|texts| texts.fault_source_kind));
    }
    let (secret, until) = (Secret::token()?, portal.now().plus_ms(OVERLAP_MS));
    let token: SecretHash = secret.hash;
    portal.store().rotate_source_token(actor.org, id, token, until).await?;
    actor.record(portal, "source.rotate", id, format!("the token before is good until {until}")).await?;
    Ok((source, secret, until))
}

/// Deletes a source; its token is worth nothing from then on.
pub(crate) async fn delete(portal: &PortalState, actor: &Actor, id: SourceId) -> Result<(), Fault> {
    portal.store().delete_source(actor.org, id).await?;
    actor.record(portal, "source.delete", id, "").await?;
    Ok(())
}

/// A source of the organization.
pub(crate) async fn find(portal: &PortalState, actor: &Actor, id: SourceId) -> Result<Source, Fault> {
    let sources = portal.store().list_sources(actor.org).await?;
    sources.into_iter().find(|source| source.id == id).ok_or(Fault::NotFound)
}

async fn check(portal: &PortalState, actor: &Actor, id: SourceId) -> Result<(), Fault> {
    let sources = portal.store().list_sources(actor.org).await?;
    if sources.iter().any(|source| source.id == id) { Ok(()) } else { Err(Fault::NotFound) }
}

/// Which model devices are that a source names.
pub(crate) async fn rules(portal: &PortalState, actor: &Actor, id: SourceId) -> Result<Vec<ModelRule>, Fault> {
    check(portal, actor, id).await?;
    Ok(portal.store().list_model_rules(actor.org, id).await?)
}

/// Says which model devices are that a source names, in place of what was said before.
pub(crate) async fn set_rules(
    portal: &PortalState,
    actor: &Actor,
    id: SourceId,
    mut rules: Vec<ModelRule>,
) -> Result<(), Fault> {
    check(portal, actor, id).await?;
    if rules.len() > MODEL_RULES_MAX {
        return Err(Fault::Invalid(|texts| texts.fault_rules));
    }
    for rule in &mut rules {
        rule.model = super::devices::model(portal, actor, &rule.model).await?;
        rule.hint = full_name(&rule.hint)?;
    }
    let said: Vec<String> = rules.iter().map(|rule| format!("{} = {}", rule.hint, rule.model)).collect();
    portal.store().set_model_rules(actor.org, id, rules).await?;
    actor.record(portal, "source.rules", id, said.join(", ")).await?;
    Ok(())
}
