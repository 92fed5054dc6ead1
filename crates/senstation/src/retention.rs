//! How much a rule about retention would remove, beside a running station or without one.

use model::{GroupId, Keep, OrgId, Retention};
use portal::retention::{Deed, apply};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::Store;

use crate::clock;

/// What is wanted, as commands say it to a running station. Days are as [`Keep::days`] takes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wanted {
    pub(crate) org: String,
    pub(crate) group: Option<String>,
    pub(crate) said: Days,
    /// What holds where nobody says anything.
    pub(crate) station: Days,
}

/// Days of readings and of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Days(Option<u32>, Option<u32>);

impl From<Retention> for Days {
    fn from(said: Retention) -> Self {
        Self(said.readings.map(Keep::as_days), said.frames.map(Keep::as_days))
    }
}

impl Days {
    fn read(self) -> anyhow::Result<Retention> {
        let keep = |days: Option<u32>| days.map(Keep::days).transpose();
        Ok(Retention { readings: keep(self.0)?, frames: keep(self.1)? })
    }
}

/// Counts what would be removed if an organization, or one of its groups, said this.
pub(crate) async fn count(store: &dyn Store, wanted: Wanted) -> anyhow::Result<Value> {
    let org: OrgId = wanted.org.parse()?;
    let group: Option<GroupId> = wanted.group.map(|id| id.parse()).transpose()?;
    let mut rules = store.get_retention(org).await?;
    let said = wanted.said.read()?;
    match group {
        None => rules.organization = said,
        Some(id) => drop(rules.groups.insert(id, said)),
    }
    let old = apply(store, org, &rules, wanted.station.read()?, group, clock::now(), Deed::Count).await?;
    Ok(serde_json::to_value(old)?)
}
