use std::{fmt, num::ParseIntError, str::FromStr};

use crate::{OrgId, SecretHash, Timestamp};

/// Names a person.
///
/// **Shape**: printed as 16 upper-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PersonId(u64);

impl PersonId {
    /// Takes 64 bits as they are.
    pub const fn from_raw(id: u64) -> Self {
        Self(id)
    }

    /// The 64 bits.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016X}", self.0)
    }
}

impl FromStr for PersonId {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(Self)
    }
}

/// What a person may do in their organization; each role may do what the ones before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Sees everything but secrets, changes nothing.
    Viewer,
    /// Changes devices and groups.
    Manager,
    /// Administers keys, sources and people.
    Owner,
}

impl Role {
    /// Every role, least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Manager, Self::Owner];

    /// Its name in forms and records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Manager => "manager",
            Self::Owner => "owner",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Role {
    type Err = InvalidRole;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(InvalidRole)
    }
}

/// The text names no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidRole;

impl fmt::Display for InvalidRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a role is `viewer`, `manager` or `owner`")
    }
}

impl std::error::Error for InvalidRole {}

/// The address that a person signs in with: one person of a station has it.
///
/// **Shape**: 3 to 254 bytes without blanks and control characters, one `@` inside, kept in lower
/// case.
///
/// **Errors**: [`InvalidEmail`] for anything else.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Email(String);

impl Email {
    const BYTES_MAX: usize = 254;

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for Email {
    type Err = InvalidEmail;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim().to_lowercase();
        let (user, host) = text.split_once('@').ok_or(InvalidEmail)?;
        let is_odd = |c: char| c.is_whitespace() || c.is_control();
        if user.is_empty() || host.is_empty() || host.contains('@') || text.contains(is_odd) {
            return Err(InvalidEmail);
        }
        if text.len() > Self::BYTES_MAX { Err(InvalidEmail) } else { Ok(Self(text)) }
    }
}

/// The text is no e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidEmail;

impl fmt::Display for InvalidEmail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an e-mail address looks like `name@example.org`")
    }
}

impl std::error::Error for InvalidEmail {}

/// A salted hash of a password that says how it was made; it does not print itself.
///
/// **Shape**: text of the PHC string format, `$argon2id$…`.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub String);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// Somebody who signs in to the portal; a member of one organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Its id.
    pub id: PersonId,
    /// Whose member it is.
    pub org: OrgId,
    /// What the person signs in with; unique on the station.
    pub email: Email,
    /// What people call it; may be empty.
    pub name: String,
    /// What it may do in the organization.
    pub role: Role,
    /// Whether it also looks after the station itself.
    pub is_operator: bool,
    /// What is kept of the password.
    pub password: PasswordHash,
    /// The zone that times are shown in, such as `Europe/Zurich`.
    pub time_zone: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Lets whoever has its token become a person. The token was shown once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invite {
    /// SHA-256 of its token.
    pub token: SecretHash,
    /// The organization to join; without one, a new one is founded.
    pub org: Option<OrgId>,
    /// What the person may do then.
    pub role: Role,
    /// Whether the person looks after the station as well.
    pub is_operator: bool,
    /// Whom it is for, as a note.
    pub note: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is worth nothing.
    pub expires_at: Timestamp,
}

/// A person who is signed in on some browser. The cookie's token is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// SHA-256 of the cookie's token.
    pub token: SecretHash,
    /// Who is signed in.
    pub person: PersonId,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used, to within some minutes.
    pub seen_at: Timestamp,
    /// Where from, at first.
    pub address: String,
    /// What the browser calls itself, at first.
    pub agent: String,
}

/// Something that somebody did to an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    /// Whose organization.
    pub org: OrgId,
    /// When.
    pub at: Timestamp,
    /// Who: an e-mail address, an access id, or `command line`.
    pub actor: String,
    /// Where from; empty where there is no address.
    pub address: String,
    /// What was done, such as `device.rename`.
    pub action: String,
    /// What it was done to, such as an EUI.
    pub subject: String,
    /// How, for people.
    pub detail: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_kept_in_lower_case_and_odd_ones_are_refused() {
        assert_eq!(
            " Ada@Example.ORG ".parse::<Email>().map(|email| email.to_string()),
            Ok("ada@example.org".to_owned())
        );
        for text in ["", "@", "a@", "@b", "a b@c", "a@b@c", "a\u{0}@b", &format!("{}@b", "a".repeat(260))] {
            assert_eq!(text.parse::<Email>(), Err(InvalidEmail), "{text}");
        }
    }

    #[test]
    fn roles_read_back_and_are_in_order() {
        for role in Role::ALL {
            assert_eq!(role.to_string().parse(), Ok(role));
        }
        assert!(Role::Viewer < Role::Manager && Role::Manager < Role::Owner);
        assert_eq!("root".parse::<Role>(), Err(InvalidRole));
    }

    #[test]
    fn a_password_hash_does_not_print_itself() {
        assert_eq!(format!("{:?}", PasswordHash("secret".to_owned())), "PasswordHash(…)");
    }
}
