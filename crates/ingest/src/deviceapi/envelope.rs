use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::json;

/// Data in the contract's envelope.
pub(crate) struct Answer<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        Json(json!({ "code": "0", "data": self.0 })).into_response()
    }
}

/// Why a device is not answered with success.
#[derive(Debug)]
pub(crate) enum Fault {
    /// No key or token, or not that of any device.
    WrongKey,
    /// What the body should be instead.
    Body(String),
    /// More bytes than it may have.
    TooLarge(usize),
    /// Nothing can be stored just now.
    Unavailable,
    /// Ours.
    Internal,
}

impl From<store::Error> for Fault {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Unavailable(reason) => {
                tracing::warn!("a device's report is refused: {reason}");
                Self::Unavailable
            }
            store::Error::Limit { .. } | store::Error::Conflict(_) => Self::Body(error.to_string()),
            // Unbound since it was looked up.
            store::Error::NotFound(_) => Self::WrongKey,
            store::Error::Internal(cause) => {
                tracing::error!("a device's report is refused: {cause}");
                Self::Internal
            }
            store::Error::Trimmed { .. } | store::Error::LastOwner => Self::Internal,
        }
    }
}

impl From<crate::Refusal> for Fault {
    fn from(refusal: crate::Refusal) -> Self {
        match refusal {
            crate::Refusal::Store(error) => error.into(),
            other => Self::Body(other.to_string()),
        }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let (status, code, msg) = match self {
            Self::WrongKey => (
                StatusCode::UNAUTHORIZED,
                "11104",
                "Device key is wrong; send `Authorization: Device base64(EUI:KEY)`, or the token, both of \
                 which view_node_key shows"
                    .to_owned(),
            ),
            Self::Body(what) => (StatusCode::OK, "11202", format!("Request parameters are invalid: {what}")),
            Self::TooLarge(max) => {
                (StatusCode::PAYLOAD_TOO_LARGE, "10000", format!("The request failed: more than {max} bytes"))
            }
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "10000",
                "The request failed: nothing can be stored just now; send it again in a few seconds".to_owned(),
            ),
            Self::Internal => {
                (StatusCode::INTERNAL_SERVER_ERROR, "10000", "The request failed: see the station's log".to_owned())
            }
        };
        let mut response = (status, Json(json!({ "code": code, "msg": msg }))).into_response();
        let extra = match status {
            StatusCode::UNAUTHORIZED => Some((header::WWW_AUTHENTICATE, r#"Device realm="deviceapi""#)),
            StatusCode::SERVICE_UNAVAILABLE => Some((header::RETRY_AFTER, "5")),
            _ => None,
        };
        if let Some((name, value)) = extra {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}
