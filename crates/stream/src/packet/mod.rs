//! The packets of MQTT 3.1.1 and MQTT 5, as far as a server reads and writes them.
//!
//! Reading is strict where the standards say "malformed", allocates no more than what has arrived,
//! and keeps nothing of what a broker of this kind never uses.

mod connect;
mod properties;
mod read;
mod reason;
mod take;
pub(crate) mod write;

pub use read::Reader;
pub use reason::Reason;

/// Which standard a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// MQTT 3.1.1.
    V3,
    /// MQTT 5.
    V5,
}

/// Why a connection has to end: what came is no packet, or none that may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// What to tell a client of MQTT 5.
    pub reason: Reason,
    /// What to tell the log.
    pub what: &'static str,
}

pub(crate) fn malformed<T>(what: &'static str) -> Result<T, Fault> {
    Err(Fault { reason: Reason::MalformedPacket, what })
}

pub(crate) fn violation<T>(what: &'static str) -> Result<T, Fault> {
    Err(Fault { reason: Reason::ProtocolError, what })
}

/// What a client sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet {
    /// It wants in.
    Connect(Box<Connect>),
    /// It publishes something.
    Publish {
        /// Its number, with QoS 1 and 2.
        id: Option<u16>,
        /// 0, 1 or 2.
        qos: u8,
        /// Whether it names its topic by a number.
        has_alias: bool,
    },
    /// What it got has arrived.
    PublishAcknowledged(u16),
    /// The second step of its own publishing at QoS 2.
    PublishRelease(u16),
    /// A step of receiving at QoS 2, which nothing is ever sent at.
    PublishStep,
    /// It wants messages.
    Subscribe {
        /// Its number.
        id: u16,
        /// The number that it wants to see on the messages.
        number: Option<u32>,
        /// Filters, each with the highest QoS that it wants.
        filters: Vec<(String, u8)>,
    },
    /// It wants some no more.
    Unsubscribe {
        /// Its number.
        id: u16,
        /// The filters.
        filters: Vec<String>,
    },
    /// It wants to know whether we are there.
    Ping,
    /// It goes.
    Disconnect {
        /// How long its session is to be kept, if that has changed.
        expires_after_s: Option<u32>,
    },
    /// It goes on with a way of authentication that there is none of.
    Authenticate,
}

/// How a client wants in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connect {
    /// The standard.
    pub version: Version,
    /// Whether what it asked for earlier is to be forgotten.
    pub is_clean: bool,
    /// After how many seconds without a word it is gone; 0 is never.
    pub keep_alive_s: u16,
    /// What it calls itself; may be empty.
    pub client_id: String,
    /// Who it is.
    pub user: Option<String>,
    /// What proves that.
    pub password: Option<Vec<u8>>,
    /// How long its session is to be kept when it is gone, in seconds; all ones is for ever.
    pub expires_after_s: u32,
    /// How many messages it takes at a time that it has not acknowledged.
    pub receive_max: u16,
    /// The largest packet that it takes, in bytes.
    pub packet_bytes_max: u32,
    /// Whether it wants another way of authentication than a password.
    pub has_method: bool,
}
