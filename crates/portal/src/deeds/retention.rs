//! How long the organization and its groups keep history.

use model::{GroupId, Keep, Retention, RetentionRules};

use crate::{
    PortalState,
    actor::Actor,
    fault::Fault,
    retention::{self, Deed, Old},
};

/// So many days, 0 for ever.
pub(crate) fn keep(days: u32) -> Result<Keep, Fault> {
    Keep::days(days).map_err(|_| Fault::Invalid(|texts| texts.fault_keep))
}

/// What the organization and its groups say.
pub(crate) async fn rules(
    portal: &PortalState,
    actor: &Actor,
    group: Option<GroupId>,
) -> Result<RetentionRules, Fault> {
    if group.is_some() {
        let groups = portal.store().list_groups(actor.org).await?;
        groups.iter().find(|known| Some(known.id) == group).ok_or(Fault::NotFound)?;
    }
    Ok(portal.store().get_retention(actor.org).await?)
}

/// What would be removed if the organization, or a group, said this.
pub(crate) async fn preview(
    portal: &PortalState,
    actor: &Actor,
    group: Option<GroupId>,
    retention: Retention,
) -> Result<Old, Fault> {
    let mut rules = rules(portal, actor, group).await?;
    match group {
        None => rules.organization = retention,
        Some(id) => drop(rules.groups.insert(id, retention)),
    }
    let station = portal.station().retention();
    let (store, now) = (portal.store(), portal.now());
    Ok(retention::apply(store, actor.org, &rules, station, group, now, Deed::Count).await?)
}

/// Says how long the organization, or a group, keeps history.
pub(crate) async fn set(
    portal: &PortalState,
    actor: &Actor,
    group: Option<GroupId>,
    retention: Retention,
) -> Result<(), Fault> {
    portal.store().set_retention(actor.org, group, retention).await?;
    let told = |keep: Option<Keep>| match keep {
        None => "as others say".to_owned(),
        Some(Keep::Forever) => "for ever".to_owned(),
        Some(Keep::Days(days)) => format!("{days} days"),
    };
    let detail = format!("readings {}, frames {}", told(retention.readings), told(retention.frames));
    match group {
        None => actor.record(portal, "organization.retention", actor.org, detail).await?,
        Some(id) => actor.record(portal, "group.retention", id, detail).await?,
    }
    Ok(())
}
