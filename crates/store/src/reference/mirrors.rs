use std::collections::BTreeMap;

use model::{Mirror, MirrorId, OrgId};

use crate::{Error, Kind, registry::MIRRORS_MAX};

/// The mirrors of organizations.
#[derive(Debug, Default)]
pub(super) struct Mirrors(BTreeMap<(OrgId, MirrorId), Mirror>);

impl Mirrors {
    pub(super) fn set(&mut self, mirror: Mirror) -> Result<(), Error> {
        let others = || self.0.values().filter(|other| other.org == mirror.org && other.id != mirror.id);
        if others().any(|other| (&other.station, &other.access_id) == (&mirror.station, &mirror.access_id)) {
            return Err(Error::Conflict(Kind::Mirror));
        }
        if others().count() >= MIRRORS_MAX {
            return Err(Error::Limit { what: "mirrors", max: MIRRORS_MAX as u64 });
        }
        self.0.insert((mirror.org, mirror.id), mirror);
        Ok(())
    }

    pub(super) fn list(&self, org: Option<OrgId>) -> Vec<Mirror> {
        self.0.values().filter(|mirror| org.is_none_or(|org| mirror.org == org)).cloned().collect()
    }

    pub(super) fn remove(&mut self, org: OrgId, id: MirrorId) -> Result<(), Error> {
        self.0.remove(&(org, id)).map(drop).ok_or(Error::NotFound(Kind::Mirror))
    }
}
