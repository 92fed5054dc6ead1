use thiserror::Error;

/// Why a call came to nothing, by what the caller does next.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Error {
    /// The station understood and refused.
    #[error("the station refused: {message} ({})", code.number())]
    Refused {
        /// Which refusal.
        code: Code,
        /// What the station says.
        message: String,
    },
    /// Too many calls; later again.
    #[error("the station takes no more calls just now{}", retry_after_s.map_or(String::new(), |s| format!("; in {s} s again")))]
    Limited {
        /// In how many seconds, if the station says.
        retry_after_s: Option<u64>,
    },
    /// An HTTP status that is no answer of the API.
    #[error("the station answered with HTTP {status}")]
    Status {
        /// The status.
        status: u16,
    },
    /// No answer: no connection, or it took too long.
    #[error("the station cannot be reached: {0}")]
    Unreachable(String),
    /// It does not show a certificate that can be trusted; neither key nor question was sent.
    #[error("the station's certificate cannot be trusted, and nothing was asked: {0}")]
    Untrusted(String),
    /// An answer that is not what the contract says.
    #[error("the station's answer is not understood: {0}")]
    Malformed(String),
}

impl Error {
    /// Whether the same call may succeed later, nothing else having changed.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Limited { .. } | Self::Unreachable(_) | Self::Malformed(_) => true,
            Self::Status { status } => *status >= 500,
            Self::Refused { .. } | Self::Untrusted(_) => false,
        }
    }
}

/// What the station refused for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// Access ID or Access Key is wrong.
    WrongCredentials,
    /// The access key is disabled.
    DisabledKey,
    /// The key may not do that.
    NotPermitted,
    /// The parameters are invalid.
    InvalidParameters,
    /// What should be an EUI is none.
    InvalidEui,
    /// There are too many devices already.
    TooManyDevices,
    /// The device is not of this account.
    NotYourDevice,
    /// There is no such group.
    NoSuchGroup,
    /// There is a group of that name.
    GroupExists,
    /// EUI and code do not belong together.
    CheckFailed,
    /// The device is bound already.
    AlreadyBound,
    /// Any other.
    Other(u32),
}

impl Code {
    const KNOWN: [(u32, Self); 11] = [
        (11_104, Self::WrongCredentials),
        (11_105, Self::DisabledKey),
        (11_201, Self::NotPermitted),
        (11_202, Self::InvalidParameters),
        (11_203, Self::InvalidEui),
        (11_206, Self::TooManyDevices),
        (11_303, Self::NotYourDevice),
        (11_317, Self::NoSuchGroup),
        (11_327, Self::GroupExists),
        (11_330, Self::CheckFailed),
        (11_334, Self::AlreadyBound),
    ];

    /// The refusal of a number.
    pub fn of(number: u32) -> Self {
        Self::KNOWN.iter().find(|(known, _)| *known == number).map_or(Self::Other(number), |(_, code)| *code)
    }

    /// Its number on the wire.
    pub fn number(self) -> u32 {
        match self {
            Self::Other(number) => number,
            known => Self::KNOWN.iter().find(|(_, code)| *code == known).map_or(0, |(number, _)| *number),
        }
    }
}
