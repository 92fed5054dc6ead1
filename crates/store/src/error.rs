use model::Position;
use thiserror::Error;

/// Why a store refused, by what the caller does next.
#[derive(Debug, Error)]
pub enum Error {
    /// There is no such thing in this organization; ask for another.
    #[error("no such {0}")]
    NotFound(Kind),
    /// It exists already; choose another name or take the one there is.
    #[error("the {0} exists already")]
    Conflict(Kind),
    /// The request is larger than the contract allows; ask for less.
    #[error("more than {max} {what}")]
    Limit {
        /// What there is too much of, in the plural.
        what: &'static str,
        /// How much is allowed.
        max: u64,
    },
    /// The log no longer reaches back to that position; read on from `oldest`, and know that
    /// what lies between is only to be had as history.
    #[error("the log starts after position {oldest}")]
    Trimmed {
        /// The first position that `follow` still accepts as `after`.
        oldest: Position,
    },
    /// Nothing can be written just now (disk full, stopping); the same call may succeed later.
    #[error("the store takes no writes just now: {0}")]
    Unavailable(String),
    /// It would leave an organization without an owner; name another owner first.
    #[error("an organization keeps at least one owner")]
    LastOwner,
    /// The store itself failed; the cause belongs into the log.
    #[error("the store failed")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// Wraps what a backend's own library reported.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }
}

/// What was not found, or found already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An organization.
    Organization,
    /// An access key.
    AccessKey,
    /// A group of devices.
    Group,
    /// A device.
    Device,
    /// A source.
    Source,
    /// An uplink.
    Uplink,
    /// A person.
    Person,
    /// An invite.
    Invite,
    /// A session.
    Session,
    /// A codec that a user wrote.
    Codec,
    /// A mirror of another station.
    Mirror,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Organization => "organization",
            Self::AccessKey => "access key",
            Self::Group => "group",
            Self::Device => "device",
            Self::Source => "source",
            Self::Uplink => "uplink",
            Self::Person => "person",
            Self::Invite => "invite",
            Self::Session => "session",
            Self::Codec => "codec",
            Self::Mirror => "mirror",
        })
    }
}
