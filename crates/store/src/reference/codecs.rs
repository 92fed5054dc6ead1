use std::{collections::BTreeMap, sync::Arc};

use model::{CodecVersion, OrgId, UserCodec};

use crate::{Error, Kind, registry::USER_CODECS_MAX};

/// The last version of a codec, and what it is unless it was removed.
type Kept = (CodecVersion, Option<Arc<UserCodec>>);

/// The codecs that organizations wrote, by their model in lower case.
#[derive(Debug, Default)]
pub(super) struct Codecs(BTreeMap<(OrgId, String), Kept>);

impl Codecs {
    pub(super) fn set(&mut self, mut codec: UserCodec) -> Result<CodecVersion, Error> {
        if self.find(codec.org, &codec.model).is_none() && self.list(codec.org).len() >= USER_CODECS_MAX {
            return Err(Error::Limit { what: "codecs", max: USER_CODECS_MAX as u64 });
        }
        let key = (codec.org, codec.model.to_lowercase());
        let before = self.0.get(&key).map_or(0, |(version, _)| version.0);
        let too_often = Error::Limit { what: "versions of a codec", max: u16::MAX.into() };
        codec.version = CodecVersion(before.checked_add(1).ok_or(too_often)?);
        let version = codec.version;
        self.0.insert(key, (version, Some(Arc::new(codec))));
        Ok(version)
    }

    pub(super) fn find(&self, org: OrgId, model: &str) -> Option<Arc<UserCodec>> {
        self.0.get(&(org, model.to_lowercase())).and_then(|(_, codec)| codec.clone())
    }

    pub(super) fn list(&self, org: OrgId) -> Vec<Arc<UserCodec>> {
        self.0.iter().filter(|((owner, _), _)| *owner == org).filter_map(|(_, (_, codec))| codec.clone()).collect()
    }

    pub(super) fn remove(&mut self, org: OrgId, model: &str) -> Result<(), Error> {
        let kept = self.0.get_mut(&(org, model.to_lowercase()));
        kept.and_then(|(_, codec)| codec.take()).map(|_| ()).ok_or(Error::NotFound(Kind::Codec))
    }
}
