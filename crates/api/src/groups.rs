use model::{Device, GroupId};
use store::{Error, GROUPS_MAX, Kind};

use crate::{auth::Caller, error::Refusal, parameters::Parameters};

/// What the default group is called.
const DEFAULT_NAME: &str = "Default";
/// Most characters of a group's name.
const NAME_CHARS_MAX: usize = 64;

/// The group that a text names, which is not the default one: that can be neither renamed nor
/// deleted.
pub(crate) async fn get_own_group(caller: &Caller, uuid: &str) -> Result<GroupId, Refusal> {
    caller.find_group(uuid).await?.id().ok_or_else(|| Refusal::no_such_group(uuid))
}

/// The groups that the key reaches with their names: the default one, `None`, first.
pub(crate) async fn reached_groups(caller: &Caller) -> Result<Vec<(Option<GroupId>, String)>, Refusal> {
    let default = caller.reaches_everything().then(|| (None, DEFAULT_NAME.to_owned()));
    let others = caller.list_groups().await?.into_iter().map(|group| (Some(group.id), group.name));
    Ok(default.into_iter().chain(others).collect())
}

/// What the group of a device is called.
pub(crate) async fn group_name_of(caller: &Caller, device: &Device) -> Result<String, Refusal> {
    let groups = reached_groups(caller).await?;
    Ok(groups.into_iter().find(|(id, _)| *id == device.group).map(|(_, name)| name).unwrap_or_default())
}

/// The name that a call gives a group.
pub(crate) fn group_name(parameters: &Parameters) -> Result<&str, Refusal> {
    let name = parameters.find_filled("name").ok_or_else(|| Refusal::missing("name"))?;
    if name.chars().count() > NAME_CHARS_MAX || name.contains(char::is_control) {
        let advice = format!("`name` is to be at most {NAME_CHARS_MAX} characters on one line");
        return Err(Refusal::Parameters(advice.into()));
    }
    if name == DEFAULT_NAME { Err(Refusal::GroupExists(name.to_owned())) } else { Ok(name) }
}

/// What the caller is told when the store refuses a change of groups.
pub(crate) fn refused(error: Error, named: &str) -> Refusal {
    match error {
        Error::Conflict(Kind::Group) => Refusal::GroupExists(Refusal::shown(named)),
        Error::NotFound(Kind::Group) => Refusal::no_such_group(named),
        Error::Limit { .. } => Refusal::Parameters(format!("an organization has at most {GROUPS_MAX} groups").into()),
        other => other.into(),
    }
}
