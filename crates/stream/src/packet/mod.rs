//! The packets of MQTT 3.1.1 and MQTT 5, as far as a server reads and writes them.
//!
//! Reading is strict where the standards say "malformed", and allocates no more than what has arrived.

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
    Publish(Box<Publish>),
    /// What it got at QoS 1 has arrived.
    PublishAcknowledged(u16),
    /// What it got at QoS 2 has arrived, or is not taken.
    PublishReceived {
        /// The number of the message.
        id: u16,
        /// Whether it will not be heard of again.
        is_refused: bool,
    },
    /// The second step of its own publishing at QoS 2.
    PublishRelease(u16),
    /// The last step of receiving at QoS 2.
    PublishComplete(u16),
    /// It wants messages.
    Subscribe {
        /// Its number.
        id: u16,
        /// The number that it wants to see on the messages.
        number: Option<u32>,
        /// Filters, each with how it is meant.
        filters: Vec<(String, Wish)>,
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
        /// Whether its will is to be published all the same.
        with_will: bool,
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
    /// How many topics it lets be named by a number.
    pub aliases_max: u16,
    /// What is to be published when it is gone without a word.
    pub will: Option<Will>,
}

/// Something that a client publishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publish {
    /// Its number, with QoS 1 and 2.
    pub id: Option<u16>,
    /// 0, 1 or 2.
    pub qos: u8,
    /// Whether late subscribers get it too.
    pub retain: bool,
    /// Whether it may have come before.
    pub is_again: bool,
    /// Its topic; may be empty where there is an alias.
    pub topic: String,
    /// A number for the topic from here on, or instead of it.
    pub alias: Option<u16>,
    /// What is passed on.
    pub content: Content,
}

/// What of a message is passed on to those who get it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Content {
    /// After how many seconds it is not worth passing on any more.
    pub expires_after_s: Option<u32>,
    /// Other properties of MQTT 5, as they came.
    pub properties: Vec<u8>,
    /// The body.
    pub payload: Vec<u8>,
}

/// What is to be published when a client is gone without a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Will {
    /// Its topic.
    pub topic: String,
    /// 0, 1 or 2.
    pub qos: u8,
    /// Whether late subscribers get it too.
    pub retain: bool,
    /// How many seconds the client may be gone before.
    pub delay_s: u32,
    /// What is passed on.
    pub content: Content,
}

/// How a filter is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wish {
    /// The highest QoS that is wanted.
    pub qos: u8,
    /// Whether one's own messages are left out.
    pub no_local: bool,
    /// Whether messages say that they are retained when they are new, too.
    pub retain_as_published: bool,
    /// 0: what is retained comes; 1: if the subscription is new; 2: never.
    pub retain_handling: u8,
}
