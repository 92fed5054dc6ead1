use axum::http::StatusCode;
use model::{DeviceEui, Source, SourceKind};
use thiserror::Error;

/// Why nothing was stored, in words for whoever set the source up.
#[derive(Debug, Error)]
pub enum Refusal {
    /// No token, or none that anybody has.
    #[error("send the token of a source as `Authorization: Bearer TOKEN`, or as the password of Basic")]
    Unauthorized,
    /// The token of a source of another kind.
    #[error("the token belongs to a source of kind `{0}`; create one of the kind that the path names")]
    WrongKind(SourceKind),
    /// Not what this path takes.
    #[error("{0}")]
    Malformed(String),
    /// More bytes than a message of a device can be the reason for.
    #[error("the body has more than `{max}` bytes; send one message at a time")]
    TooLarge {
        /// Bytes that are allowed.
        max: usize,
    },
    /// Bytes in an encoding that this path does not read.
    #[error("the body is `{0}`; send plain JSON, not compressed; network servers have a setting for the format")]
    NotJson(String),
    /// Nobody in the source's organization has bound the device.
    #[error("no device `{0}` is bound here; bind it with `senstation device add`, or let the source add devices")]
    UnknownDevice(DeviceEui),
    /// The device's model is none that there is a codec for.
    #[error(
        "there is no codec for model `{model}` of device `{eui}`; bind it with a model that `senstation codec models` lists"
    )]
    NoCodec {
        /// The device.
        eui: DeviceEui,
        /// Its model.
        model: String,
    },
    /// Nothing of the payload can be decoded.
    #[error("device `{eui}`, model `{model}`: {fault}")]
    Undecodable {
        /// The device.
        eui: DeviceEui,
        /// The model whose codec was used.
        model: String,
        /// What is wrong, and where.
        #[source]
        fault: codec::Error,
    },
    /// The network server does not have the key of the payload either.
    #[error(
        "the payload of device `{0}` is still encrypted: a join server keeps its key; let the network server have the AppSKey"
    )]
    Encrypted(DeviceEui),
    /// The store refused; the cause decides who has to do something.
    #[error("{}", store_message(.0))]
    Store(#[from] store::Error),
}

impl Refusal {
    /// The status that says whose turn it is.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::WrongKind(_) => StatusCode::FORBIDDEN,
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotJson(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::UnknownDevice(_) => StatusCode::NOT_FOUND,
            Self::NoCodec { .. } | Self::Undecodable { .. } | Self::Encrypted(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Store(store::Error::NotFound(_)) => StatusCode::NOT_FOUND,
            Self::Store(store::Error::Limit { .. } | store::Error::Conflict(_)) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Store(store::Error::Unavailable(_)) => StatusCode::SERVICE_UNAVAILABLE,
            // Nothing that is brought in follows the log or is about people.
            Self::Store(store::Error::Internal(_) | store::Error::Trimmed { .. } | store::Error::LastOwner) => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }

    /// Whether the same message may be taken later: the fault is the store's.
    pub fn is_for_now(&self) -> bool {
        self.status().is_server_error()
    }

    /// Writes it to the log, with the cause that the caller is not told; the source if it is known.
    pub(crate) fn log(&self, kind: SourceKind, source: Option<&Source>) {
        let (kind, status) = (kind.as_str(), self.status().as_u16());
        let name = source.map(|source| source.name.as_str());
        let source = source.map(|source| tracing::field::display(source.id));
        match self {
            Self::Store(store::Error::Internal(cause)) => {
                tracing::error!(kind, source, name, status, "refused: {self}: {cause}");
            }
            refusal => tracing::warn!(kind, source, name, status, "refused: {refusal}"),
        }
    }
}

fn store_message(error: &store::Error) -> String {
    match error {
        store::Error::Unavailable(_) => "nothing can be stored just now; send it again in a few seconds".to_owned(),
        store::Error::Internal(_) => "the store failed; the station's log has the cause".to_owned(),
        other => other.to_string(),
    }
}
