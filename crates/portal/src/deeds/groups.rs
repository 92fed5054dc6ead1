use model::{Group, GroupId};

use super::full_name;
use crate::{PortalState, actor::Actor, fault::Fault, secret::random_u64};

pub(crate) fn id(text: &str) -> Result<GroupId, Fault> {
    text.parse().map_err(|_| Fault::NotFound)
}

fn taken(error: store::Error) -> Fault {
    match error {
        store::Error::Conflict(_) => Fault::Conflict(|texts| texts.fault_group_exists),
        other => other.into(),
    }
}

/// Creates a group.
pub(crate) async fn create(portal: &PortalState, actor: &Actor, name: &str) -> Result<Group, Fault> {
    let group = Group { org: actor.org, id: GroupId::from_raw(random_u64()?), name: full_name(name)? };
    portal.store().create_group(group.clone()).await.map_err(taken)?;
    actor.record(portal, "group.create", group.id, &group.name).await?;
    Ok(group)
}

/// Renames a group.
pub(crate) async fn rename(portal: &PortalState, actor: &Actor, id: GroupId, name: &str) -> Result<(), Fault> {
    let name = full_name(name)?;
    portal.store().rename_group(actor.org, id, &name).await.map_err(taken)?;
    actor.record(portal, "group.rename", id, name).await?;
    Ok(())
}

/// Deletes a group; its devices move to the default group.
pub(crate) async fn delete(portal: &PortalState, actor: &Actor, id: GroupId) -> Result<(), Fault> {
    portal.store().delete_group(actor.org, id).await?;
    portal.fleets().forget(actor.org);
    actor.record(portal, "group.delete", id, "").await?;
    Ok(())
}
