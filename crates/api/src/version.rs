//! Versions of answers, so that who has one already is not given it again.

use std::fmt::Debug;

use axum::http::{HeaderMap, HeaderValue, Method, header};
use model::Device;
use sha2::{Digest, Sha256};
use twox_hash::XxHash3_128;

use crate::{auth::Caller, error::Refusal};

/// The versions of an answer that a caller says it has.
#[derive(Debug, Default)]
pub(crate) struct Had(Vec<HeaderValue>);

/// What names the version of an answer, if that is known before the answer is.
///
/// An answer about a window that stays where it is depends on the rows of the device alone, so that their revision
/// names it. One that moves with the clock has to be looked at.
#[derive(Debug)]
pub(crate) struct Version(Option<HeaderValue>);

impl Had {
    /// What `If-None-Match` says. A wildcard says nothing: whoever sends it has not said what it has. Nor does the
    /// field on a POST, where it means something else.
    pub(crate) fn read(method: &Method, headers: &HeaderMap) -> Self {
        if !matches!(*method, Method::GET | Method::HEAD) {
            return Self::default();
        }
        Self(headers.get_all(header::IF_NONE_MATCH).iter().cloned().collect())
    }

    /// Whether the caller says that it has anything.
    pub(crate) const fn is_some(&self) -> bool {
        !self.0.is_empty()
    }

    fn has(&self, tag: &HeaderValue) -> bool {
        let given = self.0.iter().flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
        let mut tags = given.map(|tag| tag.trim_ascii()).map(|tag| tag.strip_prefix(b"W/").unwrap_or(tag));
        tags.any(|given| given == tag.as_bytes())
    }
}

impl Version {
    /// The version of what was answered.
    fn of(self, data: &[u8]) -> HeaderValue {
        self.0.unwrap_or_else(|| quoted(XxHash3_128::oneshot(data)))
    }
}

impl Caller {
    /// What names the version of an answer about a device, as far as that can be told before looking: `asked` is
    /// everything else that the answer depends on.
    ///
    /// **Errors**: the caller has it already; nothing is left of an allowance.
    pub(crate) async fn version(
        &self,
        device: &Device,
        is_fixed: bool,
        asked: &(impl Debug + Sync),
    ) -> Result<Version, Refusal> {
        let mut version = Version(None);
        if is_fixed {
            // Before the rows are read: rows that come meanwhile make the version one that is out of date already.
            let revision = self.api().store().revision(device.org, device.id).await?;
            let mut digest = Sha256::new();
            // Nobody is to learn from a version how many entries the station has.
            digest.update(self.api().nonce());
            digest.update(format!("{:?} {revision:?} {asked:?}", device.id));
            let digest: [u8; 32] = digest.finalize().into();
            let half = digest.first_chunk().copied().unwrap_or_default();
            let tag = quoted(u128::from_be_bytes(half));
            if self.had().has(&tag) {
                return Err(Refusal::Unchanged(tag));
            }
            version = Version(Some(tag));
        }
        if is_fixed || !self.had().is_some() {
            self.spend(0).await?;
        }
        Ok(version)
    }

    /// The version of an answer that is about to be given, and paid for.
    ///
    /// **Errors**: the caller has it already; there are not so many data left of an allowance.
    pub(crate) async fn take(&self, version: Version, data: &[u8], dm: u64) -> Result<HeaderValue, Refusal> {
        let tag = version.of(data);
        if self.had().has(&tag) {
            return Err(Refusal::Unchanged(tag));
        }
        self.spend(dm).await?;
        Ok(tag)
    }
}

fn quoted(hash: u128) -> HeaderValue {
    HeaderValue::try_from(format!("\"{hash:032x}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn had(given: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.extend(HeaderValue::from_bytes(given.as_bytes()).map(|given| (header::IF_NONE_MATCH, given)));
        Had::read(&Method::GET, &headers).has(&quoted(7))
    }

    #[test]
    fn a_version_is_had_if_it_is_named_among_others() {
        let seven = "\"00000000000000000000000000000007\"";
        for given in [seven.to_owned(), format!("W/{seven}"), format!("\"a\", {seven} ,\"b\"")] {
            assert!(had(&given), "{given}");
        }
        for given in ["", "*", ",", "W/", "\"\"", "\"7\"", &seven[1..33], &format!("{seven}x")] {
            assert!(!had(given), "{given}");
        }
        let post = HeaderMap::from_iter([(header::IF_NONE_MATCH, HeaderValue::try_from(seven).unwrap())]);
        assert!(!Had::read(&Method::POST, &post).is_some());
    }

    proptest! {
        #[test]
        fn no_header_is_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut headers = HeaderMap::new();
            headers.extend(HeaderValue::from_bytes(&bytes).map(|given| (header::IF_NONE_MATCH, given)));
            prop_assert!(!Had::read(&Method::GET, &headers).has(&quoted(u128::MAX)));
        }
    }
}
