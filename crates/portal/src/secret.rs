//! Secrets: made by the operating system's generator, shown once, kept as their hash.

use std::fmt::Write;

use model::SecretHash;
use sha2::{Digest, Sha256};
use store::Error;

/// A secret and what is kept of it.
#[derive(Clone)]
pub struct Secret {
    /// What is shown once.
    pub text: String,
    /// What is kept.
    pub hash: SecretHash,
}

impl Secret {
    /// 64 upper-case hex digits, as an Access Key is written.
    ///
    /// **Errors**: the operating system gives no random numbers.
    pub fn access_key() -> Result<Self, Error> {
        Ok(Self::of(hex(&random::<32>()?)))
    }

    /// 64 lower-case hex digits, for a token.
    ///
    /// **Errors**: the operating system gives no random numbers.
    pub fn token() -> Result<Self, Error> {
        Ok(Self::of(hex(&random::<32>()?).to_ascii_lowercase()))
    }

    /// A secret that somebody else made.
    pub fn of(text: String) -> Self {
        let hash = hash(&text);
        Self { text, hash }
    }
}

/// SHA-256 of a secret's text.
pub(crate) fn hash(secret: &str) -> SecretHash {
    SecretHash(Sha256::digest(secret).into())
}

/// Random bytes of the operating system's generator.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Error::internal(format!("no random numbers: {error}")))?;
    Ok(bytes)
}

pub(crate) fn random_u64() -> Result<u64, Error> {
    Ok(u64::from_be_bytes(random()?))
}

/// Upper-case hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a string does not fail.
        let _written = write!(text, "{byte:02X}");
        text
    })
}

/// Bytes of hex digits in either case.
pub(crate) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; N];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(bytes)
}
