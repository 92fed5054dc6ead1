use crate::{OrgId, Position, Timestamp};

/// A client of an organization's stream, or of its private space, that may go away and come back: what
/// it asked for, and how far it has read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamSession {
    /// Whose stream.
    pub org: OrgId,
    /// Whether it reads the private space and not the stream.
    pub is_private: bool,
    /// What the reader calls itself; unique within the organization.
    pub client_id: String,
    /// What it asked for, by ascending filter, each filter at most once.
    pub subscriptions: Vec<Subscription>,
    /// Everything up to here has been read, and said to have been.
    pub position: Position,
    /// When it was last connected.
    pub seen_at: Timestamp,
    /// How long after that it is worth keeping, in seconds.
    pub expires_after_s: u32,
    /// What is on its way to it and from it, as the broker writes that.
    pub state: Vec<u8>,
}

impl StreamSession {
    /// Whether it has been away for too long.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        now.since_ms(self.seen_at) >= i64::from(self.expires_after_s) * 1_000
    }
}

/// One thing that a reader of a stream asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Which topics, as the reader wrote it.
    pub filter: String,
    /// The highest QoS that messages are sent at: 0 at most once, 1 until the reader says that they
    /// arrived, 2 exactly once.
    pub qos: u8,
    /// Whether the reader's own messages are left out.
    pub no_local: bool,
    /// Whether messages say that they are retained when they are new, too.
    pub retain_as_published: bool,
    /// A number that the reader wants to see on what this brings, if it gave one.
    pub number: Option<u32>,
    /// Only what was stored after this is meant.
    pub since: Position,
}
