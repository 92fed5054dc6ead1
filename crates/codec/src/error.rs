use std::fmt;

/// Why a payload, or the rest of it, cannot be decoded.
///
/// **Shape**: `at` counts bytes from the start of the payload.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There are no bytes.
    #[error("the payload is empty; a device that has nothing to say needs no decoding")]
    Empty,
    /// There are more bytes than LoRaWAN carries.
    #[error("the payload has `{have}` bytes, more than the `{max}` of a LoRaWAN message; send one message at a time")]
    Long {
        /// Bytes in the payload.
        have: usize,
        /// Bytes that are allowed.
        max: usize,
    },
    /// The payload ends within a frame.
    #[error("the frame at byte `{at}` needs `{need}` bytes and has `{have}`; send the payload whole")]
    Short {
        /// Where the frame starts.
        at: usize,
        /// Bytes of the whole frame.
        need: usize,
        /// Bytes that are there.
        have: usize,
    },
    /// The bytes are not those that the device sent.
    #[error("the checksum at byte `{at}` is `{stated:04X}` and should be `{computed:04X}`; send the payload unchanged")]
    Checksum {
        /// Where the checksum stands.
        at: usize,
        /// What the payload says.
        stated: u16,
        /// What its bytes give.
        computed: u16,
    },
    /// The model's tables do not have it.
    #[error("the {what} at byte `{at}` is unknown; check the model of the device")]
    Unknown {
        /// What is unknown.
        what: UnknownId,
        /// Where it stands.
        at: usize,
    },
    /// A codec that a user wrote decodes nothing.
    #[error(transparent)]
    Script(#[from] crate::script::Error),
}

/// What a codec does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnknownId {
    /// The kind of a seven-byte record.
    Data(u16),
    /// The kind of a frame.
    Frame(u8),
    /// A channel that the model does not have.
    Channel(u8),
    /// A length that a frame cannot have.
    Length(u8),
    /// The kind of a value.
    Type(u8),
}

impl fmt::Display for UnknownId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data(id) => write!(f, "data id `{id:04X}`"),
            Self::Frame(id) => write!(f, "frame id `{id:02X}`"),
            Self::Channel(channel) => write!(f, "channel `{channel}`"),
            Self::Length(bytes) => write!(f, "length `{bytes}`"),
            Self::Type(kind) => write!(f, "type `{kind}`"),
        }
    }
}

/// What is odd about a payload that was decoded all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// The model does not send on this port; perhaps the device has another model.
    FPort {
        /// The port it came on.
        f_port: u8,
        /// The ports it should come on.
        usual: &'static [u8],
    },
    /// The frames before this fault were decoded, the rest was not.
    Fault {
        /// What is wrong, and where.
        fault: Error,
        /// The bytes from the faulty frame to the end of the payload.
        rest: Box<[u8]>,
    },
    /// What a codec that a user wrote says.
    Script(String),
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FPort { f_port, usual } => {
                write!(f, "f_port `{f_port}` is not one of `{usual:?}`; check the model of the device")
            }
            Self::Fault { fault, rest } => {
                write!(f, "{fault}; not decoded: `")?;
                rest.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
                f.write_str("`")
            }
            Self::Script(warning) => f.write_str(warning),
        }
    }
}
