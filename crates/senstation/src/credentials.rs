//! Secrets: made by the operating system's generator, shown once, kept as their hash.

use std::fmt::Write;

use anyhow::Context;
use model::{AccessId, OrgId, SecretHash, SourceId};
use sha2::{Digest, Sha256};

/// A secret and what is kept of it.
pub(crate) struct Secret {
    pub(crate) text: String,
    pub(crate) hash: SecretHash,
}

impl Secret {
    /// An Access Key: 64 upper-case hex digits.
    pub(crate) fn access_key() -> anyhow::Result<Self> {
        Ok(Self::of(hex(&random::<32>()?)))
    }

    /// A source's token: 64 lower-case hex digits.
    pub(crate) fn token() -> anyhow::Result<Self> {
        Ok(Self::of(hex(&random::<32>()?).to_ascii_lowercase()))
    }

    pub(crate) fn of(text: String) -> Self {
        let hash = SecretHash(Sha256::digest(&text).into());
        Self { text, hash }
    }
}

pub(crate) fn access_id() -> anyhow::Result<AccessId> {
    Ok(AccessId::from_random(random()?))
}

pub(crate) fn org_id() -> anyhow::Result<OrgId> {
    Ok(OrgId::from_random(u64::from_be_bytes(random()?)))
}

pub(crate) fn source_id() -> anyhow::Result<SourceId> {
    Ok(SourceId::from_raw(u64::from_be_bytes(random()?)))
}

pub(crate) fn random<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).context("the operating system gives no random numbers")?;
    Ok(bytes)
}

/// Upper-case hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a string does not fail.
        let _written = write!(text, "{byte:02X}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_have_the_shape_that_clients_expect_and_differ() {
        let (one, other) = (Secret::access_key().unwrap(), Secret::access_key().unwrap());
        assert!(one.text.len() == 64 && one.text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F')));
        assert_ne!(one.text, other.text);
        assert_eq!(one.hash, Secret::of(one.text.clone()).hash);
        assert_eq!(Secret::token().unwrap().text.len(), 64);
        assert_eq!(access_id().unwrap().to_string().len(), 16);
        assert!((12..=15).contains(&org_id().unwrap().to_string().len()));
    }
}
