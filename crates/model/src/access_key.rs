use std::{fmt, str::FromStr};

use crate::{Allowance, GroupId, OrgId, Rate, Timestamp};

/// The public half of an access key: the user name of Basic authentication.
///
/// **Shape**: 16 characters of `[0-9A-Z]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccessId([u8; Self::BYTES]);

impl AccessId {
    const BYTES: usize = 16;
    const ALPHABET: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

    /// Folds 16 random bytes into the alphabet.
    pub fn from_random(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes.map(|byte| Self::ALPHABET[usize::from(byte) % Self::ALPHABET.len()]))
    }

    /// The characters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for AccessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for AccessId {
    type Err = InvalidAccessId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes: [u8; Self::BYTES] = text.as_bytes().try_into().map_err(|_| InvalidAccessId)?;
        if bytes.iter().all(|byte| Self::ALPHABET.contains(byte)) { Ok(Self(bytes)) } else { Err(InvalidAccessId) }
    }
}

/// The text is not 16 characters of `[0-9A-Z]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidAccessId;

impl fmt::Display for InvalidAccessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an access id is 16 characters of `0-9` and `A-Z`")
    }
}

impl std::error::Error for InvalidAccessId {}

/// SHA-256 of a secret (an access key or a source's token); the secret itself is never kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecretHash(pub [u8; 32]);

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(…)")
    }
}

/// What an access key may do.
///
/// **Shape**: kept as text, `read+write+manage` in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scopes {
    /// Read devices and data.
    pub read: bool,
    /// Change groups and devices, send data.
    pub write: bool,
    /// Administer the organization.
    pub manage: bool,
}

impl Scopes {
    /// What a key gets that was made without saying more.
    pub const READ_WRITE: Self = Self { read: true, write: true, manage: false };
}

/// What narrows an access key beyond its scopes; nothing does by default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyLimits {
    /// From when on it is refused; `None` is never.
    pub expires_at: Option<Timestamp>,
    /// Browser origins that it may be used from, such as `https://dashboard.example.org`; any
    /// where the list is empty.
    pub origins: Vec<String>,
    /// Groups whose devices it reaches; every device where the list is empty.
    pub groups: Vec<GroupId>,
    /// How fast it may call.
    pub rate: Option<Rate>,
    /// How many data it may read, in the contract's unit `dm`.
    pub dm: Option<Allowance>,
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [(self.read, "read"), (self.write, "write"), (self.manage, "manage")];
        let mut first = true;
        for (_, name) in names.into_iter().filter(|(has, _)| *has) {
            if !first {
                f.write_str("+")?;
            }
            first = false;
            f.write_str(name)?;
        }
        Ok(())
    }
}

impl FromStr for Scopes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut scopes = Self { read: false, write: false, manage: false };
        for name in text.split('+').filter(|name| !name.is_empty()) {
            match name {
                "read" => scopes.read = true,
                "write" => scopes.write = true,
                "manage" => scopes.manage = true,
                other => return Err(format!("`{other}` is no scope: use `read`, `write`, `manage`")),
            }
        }
        Ok(scopes)
    }
}

/// A credential of an organization. The key itself was shown once and is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// The public half.
    pub id: AccessId,
    /// Whose it is.
    pub org: OrgId,
    /// SHA-256 of the secret half, as its upper-case hex text.
    pub secret: SecretHash,
    /// What people call it; may be empty.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, to within a second or so.
    pub last_used_at: Option<Timestamp>,
    /// What narrows it.
    pub limits: KeyLimits,
    /// SHA-256 of what an app signs in with that is then given the key: the MD5 of a generated
    /// password, as its lower-case hex text. `None` for a key that programs are given directly.
    pub app_password: Option<SecretHash>,
    /// How many calls it has made, to within a second or so.
    pub calls: u64,
    /// How many data it has read over HTTP, in the contract's unit `dm`, to within a second or so.
    pub dm: u64,
}

impl AccessKey {
    /// Whether it is neither revoked nor expired.
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.limits.expires_at.is_none_or(|at| now < at)
    }

    /// A key as it is right after it was made.
    pub fn new(id: AccessId, org: OrgId, secret: SecretHash, name: String, scopes: Scopes, at: Timestamp) -> Self {
        Self {
            id,
            org,
            secret,
            name,
            scopes,
            created_at: at,
            revoked_at: None,
            last_used_at: None,
            limits: KeyLimits::default(),
            app_password: None,
            calls: 0,
            dm: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_access_id_reads_back_and_other_texts_are_refused() {
        let id = AccessId::from_random([255; 16]);
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in ["", "short", "0123456789abcdef", "0123456789ABCDE-", "0123456789ABCDEFG"] {
            assert_eq!(text.parse::<AccessId>(), Err(InvalidAccessId), "{text}");
        }
    }

    #[test]
    fn scopes_read_back() {
        assert_eq!(Scopes::READ_WRITE.to_string(), "read+write");
        assert_eq!("read+write".parse(), Ok(Scopes::READ_WRITE));
        assert_eq!("".parse(), Ok(Scopes { read: false, write: false, manage: false }));
        assert!("root".parse::<Scopes>().is_err());
    }

    #[test]
    fn a_secret_hash_does_not_print_itself() {
        assert_eq!(format!("{:?}", SecretHash([7; 32])), "SecretHash(…)");
    }
}
