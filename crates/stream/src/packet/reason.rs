use super::Version;

/// Why something was refused or ended, as MQTT 5 numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[expect(missing_docs, reason = "the names are the standard's")]
pub enum Reason {
    Success = 0x00,
    GrantedQos1 = 0x01,
    GrantedQos2 = 0x02,
    NoSubscriptionExisted = 0x11,
    UnspecifiedError = 0x80,
    MalformedPacket = 0x81,
    ProtocolError = 0x82,
    UnsupportedProtocolVersion = 0x84,
    ClientIdentifierNotValid = 0x85,
    BadUserNameOrPassword = 0x86,
    NotAuthorized = 0x87,
    ServerUnavailable = 0x88,
    ServerShuttingDown = 0x8B,
    BadAuthenticationMethod = 0x8C,
    KeepAliveTimeout = 0x8D,
    SessionTakenOver = 0x8E,
    TopicFilterInvalid = 0x8F,
    TopicNameInvalid = 0x90,
    PacketIdentifierNotFound = 0x92,
    ReceiveMaximumExceeded = 0x93,
    TopicAliasInvalid = 0x94,
    PacketTooLarge = 0x95,
    QuotaExceeded = 0x97,
    SharedSubscriptionsNotSupported = 0x9E,
}

impl Reason {
    /// That a filter is taken in, at a QoS.
    pub(crate) const fn granted(qos: u8) -> Self {
        match qos {
            0 => Self::Success,
            1 => Self::GrantedQos1,
            _ => Self::GrantedQos2,
        }
    }

    /// Whether something was refused.
    pub(crate) const fn is_refusal(self) -> bool {
        self.code() >= 0x80
    }

    /// Its number.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// As the answer to a connect; MQTT 3.1.1 has few of them, and closes without a word otherwise.
    pub(crate) const fn connect_code(self, version: Version) -> Option<u8> {
        match (version, self) {
            (Version::V5, reason) => Some(reason.code()),
            (Version::V3, Self::Success) => Some(0),
            (Version::V3, Self::UnsupportedProtocolVersion) => Some(1),
            (Version::V3, Self::ClientIdentifierNotValid) => Some(2),
            (Version::V3, Self::ServerUnavailable | Self::ServerShuttingDown | Self::QuotaExceeded) => Some(3),
            (Version::V3, Self::BadUserNameOrPassword) => Some(4),
            (Version::V3, Self::NotAuthorized) => Some(5),
            (Version::V3, _) => None,
        }
    }

    /// As the answer to a filter.
    pub(crate) const fn subscribe_code(self, version: Version) -> u8 {
        match (version, self) {
            (Version::V3, Self::Success | Self::GrantedQos1 | Self::GrantedQos2) | (Version::V5, _) => self.code(),
            (Version::V3, _) => 0x80,
        }
    }
}
