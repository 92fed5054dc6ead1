use std::{fmt, num::ParseIntError, str::FromStr};

use crate::{OrgId, SecretHash, Timestamp};

/// Names a source.
///
/// **Shape**: printed as 16 upper-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(u64);

impl SourceId {
    /// Devices that report for themselves: no source that anybody made has this id.
    pub const DEVICES: Self = Self(0);

    /// What was brought in as history, out of a file or from another station, and not heard from a
    /// device: it is kept like everything else, and told to nobody as news.
    pub const HISTORY: Self = Self(u64::MAX);

    /// Takes 64 bits as they are.
    pub const fn from_raw(id: u64) -> Self {
        Self(id)
    }

    /// The 64 bits.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016X}", self.0)
    }
}

impl FromStr for SourceId {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(Self)
    }
}

/// What kind of system a source is; each that posts has its own path under `/ingest/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SourceKind {
    /// ChirpStack's HTTP integration, version 4 or 3.
    ChirpStack,
    /// A webhook of The Things Stack.
    Tts,
    /// The HTTP integration of Helium's first Console.
    Helium,
    /// A rule of AWS `IoT` Core for `LoRaWAN`.
    Aws,
    /// Anything that can post JSON or CSV.
    Http,
    /// Whoever publishes in the organization's private space of the station's own broker.
    Mqtt,
    /// The simulator behind `senstation demo`.
    Demo,
}

impl SourceKind {
    /// Every kind, in the order help texts list them.
    pub const ALL: [Self; 7] =
        [Self::ChirpStack, Self::Tts, Self::Helium, Self::Aws, Self::Http, Self::Mqtt, Self::Demo];

    /// Its name in commands, paths and records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ChirpStack => "chirpstack",
            Self::Tts => "tts",
            Self::Helium => "helium",
            Self::Aws => "aws",
            Self::Http => "http",
            Self::Mqtt => "mqtt",
            Self::Demo => "demo",
        }
    }

    /// The path that it posts to; `None` for those that do not post.
    pub const fn path(self) -> Option<&'static str> {
        match self {
            Self::ChirpStack => Some("/ingest/chirpstack"),
            Self::Tts => Some("/ingest/tts"),
            Self::Helium => Some("/ingest/helium"),
            Self::Aws => Some("/ingest/aws"),
            Self::Http => Some("/ingest/http"),
            Self::Mqtt | Self::Demo => None,
        }
    }
}

impl fmt::Display for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for SourceKind {
    type Err = InvalidSourceKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(InvalidSourceKind)
    }
}

/// The text names no kind of source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidSourceKind;

impl fmt::Display for InvalidSourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a source is of kind `chirpstack`, `tts`, `helium`, `aws`, `http` or `mqtt`")
    }
}

impl std::error::Error for InvalidSourceKind {}

/// An outside system that brings uplinks into one organization. Its token was shown once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its id.
    pub id: SourceId,
    /// The organization that everything it brings belongs to.
    pub org: OrgId,
    /// What kind of system it is.
    pub kind: SourceKind,
    /// What people call it; may be empty.
    pub name: String,
    /// SHA-256 of its token.
    pub token: SecretHash,
    /// Whether devices it names, and nobody bound, are bound by themselves.
    pub auto_add: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// The token it had before, which is good for a while yet.
    pub previous: Option<PreviousToken>,
}

/// A token that another one is taking the place of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PreviousToken {
    /// SHA-256 of it.
    pub token: SecretHash,
    /// From when on it is worth nothing.
    pub until: Timestamp,
}

impl Source {
    /// Whether a token, by its hash, is this source's at some time.
    pub fn has_token(&self, token: SecretHash, at: Timestamp) -> bool {
        self.token == token || self.previous.is_some_and(|previous| previous.token == token && at < previous.until)
    }
}

/// How a source has been doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceHealth {
    /// Which source.
    pub id: SourceId,
    /// How many messages it has brought that were taken.
    pub messages: u64,
    /// When the last of them came.
    pub last_message_at: Option<Timestamp>,
    /// When one was last refused.
    pub last_error_at: Option<Timestamp>,
    /// Why it was; empty where none was.
    pub last_error: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_reads_back_and_its_path_ends_in_its_name() {
        for kind in SourceKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert!(kind.path().is_none_or(|path| path.strip_prefix("/ingest/") == Some(kind.as_str())), "{kind}");
        }
        let refused = "carrier-pigeon".parse::<SourceKind>().unwrap_err().to_string();
        for kind in SourceKind::ALL.iter().filter(|kind| **kind != SourceKind::Demo) {
            assert!(refused.contains(&format!("`{kind}`")), "{kind}");
        }
    }
}
