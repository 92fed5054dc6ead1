mod devices;
mod groups;
mod origin;

use std::{ops::Deref, sync::Arc};

use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, header, request::Parts},
};
use base64::{
    Engine,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use model::{AccessId, AccessKey, OrgLimits, SecretHash};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{ApiState, call, error::Refusal, limits::Limits, version::Had};

/// An access key that may read: who asks.
///
/// What an organization has is reached through its methods, which leave out what the key does not
/// reach; nothing else knows whose the key is.
#[derive(Debug)]
pub(crate) struct Caller {
    key: Arc<AccessKey>,
    limits: Arc<OrgLimits>,
    had: Had,
    api: ApiState,
}

/// An access key that may write: who changes devices.
#[derive(Debug)]
pub(crate) struct Editor(Caller);

/// An access key that may write and reaches whatever the organization has: who changes what it has.
#[derive(Debug)]
pub(crate) struct Steward(Editor);

impl Caller {
    /// Takes data out of what the key and its organization may read; with 0, finds out whether anything is left.
    pub(crate) async fn spend(&self, dm: u64) -> Result<(), Refusal> {
        Limits::spend(&self.api, &self.key, &self.limits, dm).await
    }

    /// What the caller says that it has.
    pub(crate) const fn had(&self) -> &Had {
        &self.had
    }

    pub(crate) const fn api(&self) -> &ApiState {
        &self.api
    }

    /// Whose key it is, to be shown.
    pub(crate) fn org_text(&self) -> String {
        self.key.org.to_string()
    }

    /// Whether the key may change something too.
    pub(crate) fn may_write(&self) -> bool {
        self.key.scopes.write
    }

    /// Whose key the credentials of a request are, whatever it may do.
    async fn find(parts: &Parts, api: &ApiState) -> Result<Self, Refusal> {
        let credentials = parts.headers.get(header::AUTHORIZATION).and_then(Credentials::read);
        let Credentials { id, secret } = credentials.ok_or(Refusal::WrongKey)?;
        let key = api.store().find_access_key(id).await?;
        // An unknown id costs the same work as a wrong secret.
        let kept = key.as_ref().map_or(SecretHash([0; 32]), |key| key.secret);
        let matches = bool::from(kept.0.ct_eq(&secret.0));
        let key = key.filter(|_| matches).ok_or(Refusal::WrongKey)?;
        if !key.is_good(api.now()) {
            return Err(Refusal::RevokedKey);
        }
        call::note(|notes| notes.key = Some(Arc::clone(&key)));
        origin::check(&key.limits.origins, &parts.headers)?;
        let limits = api.store().get_limits(key.org).await?;
        api.limits().admit(&key, &limits, api.now())?;
        let had = Had::read(&parts.method, &parts.headers);
        Ok(Self { key, limits, had, api: api.clone() })
    }
}

impl FromRequestParts<ApiState> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, api: &ApiState) -> Result<Self, Refusal> {
        let caller = Self::find(parts, api).await?;
        if caller.key.scopes.read { Ok(caller) } else { Err(Refusal::MissingScope("read")) }
    }
}

impl FromRequestParts<ApiState> for Editor {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, api: &ApiState) -> Result<Self, Refusal> {
        let caller = Caller::find(parts, api).await?;
        if caller.key.scopes.write { Ok(Self(caller)) } else { Err(Refusal::MissingScope("write")) }
    }
}

impl FromRequestParts<ApiState> for Steward {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, api: &ApiState) -> Result<Self, Refusal> {
        let editor = Editor::from_request_parts(parts, api).await?;
        if editor.reaches_everything() { Ok(Self(editor)) } else { Err(Refusal::NarrowKey) }
    }
}

impl Deref for Editor {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.0
    }
}

impl Deref for Steward {
    type Target = Editor;

    fn deref(&self) -> &Editor {
        &self.0
    }
}

/// What an `Authorization` header of the scheme Basic carries.
struct Credentials {
    id: AccessId,
    secret: SecretHash,
}

impl Credentials {
    /// Most bytes that user and password may have together; ours have 81.
    const BYTES_MAX: usize = 384;

    fn read(header: &HeaderValue) -> Option<Self> {
        let (scheme, encoded) = header.as_bytes().split_at_checked("Basic ".len())?;
        if !scheme.eq_ignore_ascii_case(b"Basic ") {
            return None;
        }
        let mut buffer = [0; Self::BYTES_MAX];
        let bytes = BASE64.decode_slice(encoded.trim_ascii(), &mut buffer).ok()?;
        let colon = buffer[..bytes].iter().position(|byte| *byte == b':')?;
        let id = std::str::from_utf8(&buffer[..colon]).ok()?.parse().ok()?;
        let secret = SecretHash(Sha256::digest(&buffer[colon + 1..bytes]).into());
        Some(Self { id, secret })
    }
}

/// The usual alphabet; some clients leave the padding out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Option<Credentials> {
        Credentials::read(&HeaderValue::from_bytes(text.as_bytes()).ok()?)
    }

    #[test]
    fn reads_the_scheme_in_any_case_and_with_or_without_padding() {
        for text in [
            "Basic QUJDREVGR0hJSktMTU5PUDp4eQ==",
            "basic QUJDREVGR0hJSktMTU5PUDp4eQ",
            "BASIC  QUJDREVGR0hJSktMTU5PUDp4eQ== ",
        ] {
            let credentials = read(text).unwrap();
            assert_eq!(credentials.id.as_str(), "ABCDEFGHIJKLMNOP", "{text}");
            assert_eq!(credentials.secret, SecretHash(Sha256::digest(b"xy").into()), "{text}");
        }
    }

    #[test]
    fn what_is_not_basic_is_no_credentials() {
        for text in [
            "",
            "Basic",
            "Basic ",
            "Bearer QUJDREVGR0hJSktMTU5PUDp4eQ==",
            "Basic QUJD",
            "Basic é",
            "Basic ====",
            "Basic YTpi",
        ] {
            assert!(read(text).is_none(), "{text}");
        }
        assert!(read(&format!("Basic {}", "QUFB".repeat(4_000))).is_none());
    }

    proptest! {
        #[test]
        fn no_header_is_too_strange_to_be_refused(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let header = HeaderValue::from_bytes(&[b"Basic ", &bytes[..]].concat());
            let _ = header.map(|header| Credentials::read(&header).is_some());
        }
    }
}
