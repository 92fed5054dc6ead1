use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use store::Error;

use crate::text::{EN, Texts};

/// A text of the catalogue, in whichever language.
pub(crate) type Say = fn(&'static Texts) -> &'static str;

/// Why something was not done.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// There is no such thing, here or in this organization.
    NotFound,
    /// Nobody is signed in.
    SignIn,
    /// Whoever it is may not do this.
    Forbidden,
    /// It is about whoever is signed in, and an access key asks.
    NoAccount,
    /// Another site sent it.
    CrossSite,
    /// It was not understood, or may not be so.
    Invalid(Say),
    /// What somebody wrote, a codec, is not as it should be; in words about it.
    Wrong(String),
    /// It is there already.
    Conflict(Say),
    /// It has changed since whoever asks last looked.
    Outdated,
    /// Too many tries; in so many seconds again.
    Slow(u64),
    /// Not just now.
    Busy,
    /// The station failed; the cause is in the log.
    Internal,
}

impl Fault {
    pub(crate) const fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::SignIn => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::NoAccount | Self::CrossSite => StatusCode::FORBIDDEN,
            Self::Invalid(_) | Self::Wrong(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Outdated => StatusCode::PRECONDITION_FAILED,
            Self::Slow(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What programs tell faults apart by.
    const fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::SignIn => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NoAccount => "no_account",
            Self::CrossSite => "cross_site",
            Self::Invalid(_) | Self::Wrong(_) => "invalid",
            Self::Conflict(_) => "conflict",
            Self::Outdated => "outdated",
            Self::Slow(_) => "slow_down",
            Self::Busy => "busy",
            Self::Internal => "internal",
        }
    }

    /// In how many seconds to try again, where that is known.
    pub(crate) const fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::Slow(seconds) => Some(*seconds),
            Self::Busy => Some(2),
            _ => None,
        }
    }

    /// What to tell whoever asked.
    pub(crate) fn text(&self, texts: &'static Texts) -> String {
        match self {
            Self::NotFound => texts.fault_not_found.to_owned(),
            Self::SignIn => texts.fault_sign_in.to_owned(),
            Self::Forbidden => texts.fault_forbidden.to_owned(),
            Self::NoAccount => texts.fault_no_account.to_owned(),
            Self::CrossSite => texts.fault_cross_site.to_owned(),
            Self::Invalid(say) | Self::Conflict(say) => say(texts).to_owned(),
            Self::Wrong(text) => text.clone(),
            Self::Outdated => texts.fault_outdated.to_owned(),
            Self::Slow(seconds) => texts.fault_slow.replace("{}", &seconds.to_string()),
            Self::Busy => texts.fault_busy.to_owned(),
            Self::Internal => texts.fault_internal.to_owned(),
        }
    }

    /// The answer for a program: a problem by RFC 9457.
    pub(crate) fn into_problem(self) -> Response {
        let status = self.status();
        let problem = json!({
            "type": "about:blank",
            "title": status.canonical_reason().unwrap_or_default(),
            "status": status.as_u16(),
            "code": self.code(),
            "detail": self.text(&EN),
        });
        let mut response = (status, Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Self::SignIn = self {
            let challenge = HeaderValue::from_static(r#"Basic realm="Senstation", charset="UTF-8""#);
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(seconds) = self.retry_after_s() {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// Carries the fault to the guard, which says it in the form and language that is wanted.
impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound(_) => Self::NotFound,
            Error::Conflict(_) => Self::Conflict(|texts| texts.fault_exists),
            Error::Limit { what: "groups", .. } => Self::Conflict(|texts| texts.fault_too_many_groups),
            Error::Limit { .. } => Self::Invalid(|texts| texts.fault_too_much),
            Error::LastOwner => Self::Conflict(|texts| texts.fault_last_owner),
            Error::Trimmed { .. } => Self::NotFound,
            Error::Unavailable(reason) => {
                tracing::warn!("the portal could not do something just now: {reason}");
                Self::Busy
            }
            Error::Internal(cause) => {
                tracing::error!("the portal failed: {cause}");
                Self::Internal
            }
        }
    }
}
