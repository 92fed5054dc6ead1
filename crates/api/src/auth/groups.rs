//! Groups are reached from here alone: only a key knows whose they are.

use model::{Group, GroupId};

use super::{Caller, Steward};
use crate::error::Refusal;

/// A group that the key reaches; `None` is the default one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FoundGroup(Option<GroupId>);

impl FoundGroup {
    pub(crate) const fn id(self) -> Option<GroupId> {
        self.0
    }
}

impl Caller {
    /// Whether the key reaches the devices of a group; `None` is the default one.
    pub(super) fn reaches(&self, group: Option<GroupId>) -> bool {
        self.reaches_everything() || group.is_some_and(|group| self.key.limits.groups.contains(&group))
    }

    /// Whether the key reaches whatever the organization has, the default group included.
    pub(crate) fn reaches_everything(&self) -> bool {
        self.key.limits.groups.is_empty()
    }

    /// The groups that the key reaches, but for the default one, in the order they were created.
    pub(crate) async fn list_groups(&self) -> Result<Vec<Group>, Refusal> {
        let mut groups = self.api.store().list_groups(self.key.org).await?;
        groups.retain(|group| self.reaches(Some(group.id)));
        Ok(groups)
    }

    /// The group that a text names, if the key reaches it; the empty one names the default group.
    pub(crate) async fn find_group(&self, uuid: &str) -> Result<FoundGroup, Refusal> {
        let uuid = uuid.trim();
        if uuid.is_empty() && self.reaches(None) {
            return Ok(FoundGroup(None));
        }
        let id: GroupId = uuid.parse().map_err(|_| Refusal::no_such_group(uuid))?;
        let is_known = self.list_groups().await?.iter().any(|group| group.id == id);
        if is_known { Ok(FoundGroup(Some(id))) } else { Err(Refusal::no_such_group(uuid)) }
    }
}

impl Steward {
    /// Makes a group.
    pub(crate) async fn create_group(&self, id: GroupId, name: &str) -> Result<(), store::Error> {
        self.api.store().create_group(Group { org: self.key.org, id, name: name.to_owned() }).await
    }

    /// Gives a group another name.
    pub(crate) async fn rename_group(&self, id: GroupId, name: &str) -> Result<(), store::Error> {
        self.api.store().rename_group(self.key.org, id, name).await
    }

    /// Deletes a group; its devices move to the default one.
    pub(crate) async fn delete_group(&self, id: GroupId) -> Result<(), store::Error> {
        self.api.store().delete_group(self.key.org, id).await
    }
}
