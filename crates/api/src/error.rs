use std::{borrow::Cow, sync::Arc};

use axum::{
    http::{HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use model::DeviceEui;

use crate::limits::Limited;

/// A code of the public contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicCode {
    /// What stands in `code`, a text of digits.
    pub code: &'static str,
    /// How `msg` begins.
    pub text: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// Where it is known from.
    pub source: &'static str,
}

/// Every code an answer can carry, by ascending number.
pub const CODES: [PublicCode; 14] = [
    SUCCESS,
    TOO_MANY_CALLS,
    FRAMEWORK,
    WRONG_KEY,
    REVOKED_KEY,
    NO_PERMISSION,
    PARAMETERS,
    INVALID_EUI,
    TOO_MANY_KITS,
    FOREIGN_DEVICE,
    NO_SUCH_GROUP,
    GROUP_EXISTS,
    WRONG_CODE,
    BOUND_DEVICE,
];

const SUCCESS: PublicCode =
    PublicCode { code: "0", text: "", meaning: "success; there is `data` and no `msg`", source: "documentation" };
const TOO_MANY_CALLS: PublicCode = PublicCode {
    code: "429",
    text: "Too many requests",
    meaning: "a limit of the organization or of the key is reached, or there were so many wrong sign-ins that the next has to wait",
    source: "observed; own text",
};
/// The code of requests that could not be served at all, for whoever refuses one before it gets
/// here.
pub const FRAMEWORK: PublicCode = PublicCode {
    code: "10000",
    text: "The request failed",
    meaning: "the request could not be served at all; the HTTP status says why",
    source: "documentation",
};
const WRONG_KEY: PublicCode = PublicCode {
    code: "11104",
    text: "Access id or access key is wrong",
    meaning: "no credentials, an unknown access id, or another access key",
    source: "error table of the official SDK; own text",
};
const REVOKED_KEY: PublicCode = PublicCode {
    code: "11105",
    text: "The access key was revoked",
    meaning: "the access id is disabled",
    source: "error table of the official SDK; own text",
};
const NO_PERMISSION: PublicCode = PublicCode {
    code: "11201",
    text: "You have no options permission",
    meaning: "the key is good but may not do this",
    source: "documentation",
};
const PARAMETERS: PublicCode = PublicCode {
    code: "11202",
    text: "Request parameters are invalid",
    meaning: "a parameter is missing, malformed or out of bounds",
    source: "documentation",
};
const INVALID_EUI: PublicCode = PublicCode {
    code: "11203",
    text: "Invalid device EUI",
    meaning: "an EUI is not 16 hex digits",
    source: "documentation",
};
const TOO_MANY_KITS: PublicCode = PublicCode {
    code: "11206",
    text: "Too many devices were created",
    meaning: "the organization has as many development kits as it may",
    source: "an official program; own text",
};
const FOREIGN_DEVICE: PublicCode = PublicCode {
    code: "11303",
    text: "The device is not bound to this organization",
    meaning: "the device does not exist, belongs to somebody else, or is in a group that the key does not reach",
    source: "documentation; own text",
};
const NO_SUCH_GROUP: PublicCode = PublicCode {
    code: "11317",
    text: "The group does not exist",
    meaning: "the organization has no such group, or the key does not reach it",
    source: "documentation; own text",
};
const GROUP_EXISTS: PublicCode = PublicCode {
    code: "11327",
    text: "Group is exists",
    meaning: "another group of the organization has this name",
    source: "documentation",
};
const WRONG_CODE: PublicCode = PublicCode {
    code: "11330",
    text: "Check eui error",
    meaning: "the station knows no such unbound device, or the code is not on its label",
    source: "documentation",
};
const BOUND_DEVICE: PublicCode = PublicCode {
    code: "11334",
    text: "Eui is bonded",
    meaning: "the organization has the device already",
    source: "documentation",
};

/// What a code means to people; empty for a success.
pub(crate) fn meaning(code: &str) -> &'static str {
    CODES[1..].iter().find(|known| known.code == code).map_or("", |known| known.meaning)
}

/// Why a call is not answered with data.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// No credentials, or bad ones.
    WrongKey,
    /// The credentials were good once.
    RevokedKey,
    /// The key lacks a scope.
    MissingScope(&'static str),
    /// The key reaches only some groups, and what is asked is about the whole organization.
    NarrowKey,
    /// The station has nobody to ask for advice.
    NoSuggestions,
    /// The key is meant for pages of other origins.
    ForeignOrigin,
    /// What the caller should give instead.
    Parameters(Cow<'static, str>),
    /// The text that is no EUI.
    InvalidEui(String),
    /// As many development kits as an organization may have.
    TooManyKits {
        /// How many those are.
        max: usize,
    },
    /// An app that gives no account with its password, or no token of ours.
    WrongSignIn,
    /// An app whose account was good once.
    RevokedSignIn,
    /// Somebody who gave too many wrong passwords.
    TooManySignIns {
        /// When to try again.
        wait_s: i64,
    },
    /// A limit of the key or of its organization is reached.
    Limited(Box<Limited>),
    /// Nothing is wrong: the caller has the version of the answer that this names.
    Unchanged(HeaderValue),
    /// A device that the organization does not have, or the key does not reach.
    ForeignDevice(DeviceEui),
    /// A group that the organization does not have, or the key does not reach.
    NoSuchGroup(String),
    /// A group that the organization has already, by its name.
    GroupExists(String),
    /// A device that cannot be bound with this code.
    WrongCode(DeviceEui),
    /// A device that the organization has already.
    BoundDevice(DeviceEui),
    /// Nothing is served under this path.
    UnknownPath,
    /// Something is, but not by this method.
    WrongMethod,
    /// The body is longer than any call needs.
    BodyTooLarge {
        /// What would have been accepted.
        bytes_max: usize,
    },
    /// The body is compressed, or neither JSON nor a form.
    UnsupportedBody,
    /// The body broke off.
    UnreadableBody,
    /// The store refused or failed.
    Store(store::Error),
    /// An answer could not be written.
    Unwritable(serde_json::Error),
}

/// A refusal in the extensions of a response, on its way to where it is written out.
#[derive(Debug, Clone)]
pub(crate) struct Refused(pub(crate) Arc<Refusal>);

impl Refusal {
    /// A parameter that must be there and is not.
    pub(crate) fn missing(name: &'static str) -> Self {
        Self::Parameters(format!("give `{name}`").into())
    }

    /// A group that is named and not there.
    pub(crate) fn no_such_group(uuid: &str) -> Self {
        Self::NoSuchGroup(Self::shown(uuid))
    }

    /// The one match from why to what the wire says: status, code, and what the caller can do.
    pub(crate) fn public(&self) -> (StatusCode, PublicCode, Cow<'_, str>) {
        use StatusCode as Http;
        match self {
            Self::WrongKey => (Http::UNAUTHORIZED, WRONG_KEY, "".into()),
            Self::RevokedKey => (Http::UNAUTHORIZED, REVOKED_KEY, "".into()),
            Self::MissingScope(scope) => {
                (Http::OK, NO_PERMISSION, format!("the access key lacks the scope `{scope}`").into())
            }
            Self::NarrowKey => (Http::OK, NO_PERMISSION, "the access key is limited to groups".into()),
            Self::NoSuggestions => (Http::OK, NO_PERMISSION, "this station has no suggestions to make".into()),
            Self::ForeignOrigin => (Http::OK, NO_PERMISSION, "the key may not be used from this origin".into()),
            Self::Parameters(advice) => (Http::OK, PARAMETERS, advice.as_ref().into()),
            Self::InvalidEui(text) => (Http::OK, INVALID_EUI, format!("`{text}` is not 16 hex digits").into()),
            Self::TooManyKits { max } => {
                (Http::OK, TOO_MANY_KITS, format!("delete one of the {max} development kits first").into())
            }
            Self::WrongSignIn => {
                (Http::OK, WRONG_KEY, "sign in with what `senstation app-password create` prints".into())
            }
            Self::RevokedSignIn => (Http::OK, REVOKED_KEY, "make another with `senstation app-password create`".into()),
            Self::TooManySignIns { wait_s } => {
                (Http::TOO_MANY_REQUESTS, TOO_MANY_CALLS, format!("try again in {wait_s} seconds").into())
            }
            Self::Limited(limited) => (Http::TOO_MANY_REQUESTS, TOO_MANY_CALLS, limited.advice().into()),
            Self::Unchanged(_) => (Http::NOT_MODIFIED, SUCCESS, "".into()),
            Self::ForeignDevice(eui) => (Http::OK, FOREIGN_DEVICE, format!("`{eui}`").into()),
            Self::NoSuchGroup(uuid) => (Http::OK, NO_SUCH_GROUP, format!("`{uuid}`").into()),
            Self::GroupExists(name) => (Http::OK, GROUP_EXISTS, format!("choose another name than `{name}`").into()),
            Self::WrongCode(eui) => {
                (Http::OK, WRONG_CODE, format!("`{eui}`: compare EUI and code with its label").into())
            }
            Self::BoundDevice(eui) => (Http::OK, BOUND_DEVICE, format!("`{eui}`").into()),
            Self::UnknownPath => (Http::NOT_FOUND, FRAMEWORK, "url not found".into()),
            Self::WrongMethod => {
                (Http::METHOD_NOT_ALLOWED, FRAMEWORK, "use a method that the header `Allow` names".into())
            }
            Self::BodyTooLarge { bytes_max } => {
                (Http::PAYLOAD_TOO_LARGE, FRAMEWORK, format!("send at most {bytes_max} bytes").into())
            }
            Self::UnsupportedBody => {
                (Http::UNSUPPORTED_MEDIA_TYPE, FRAMEWORK, "send plain JSON or a form, not compressed".into())
            }
            Self::UnreadableBody => (Http::BAD_REQUEST, FRAMEWORK, "the body broke off: send it again".into()),
            Self::Store(store::Error::Unavailable(_)) => {
                (Http::SERVICE_UNAVAILABLE, FRAMEWORK, "try again in a few seconds".into())
            }
            Self::Store(_) | Self::Unwritable(_) => (Http::INTERNAL_SERVER_ERROR, FRAMEWORK, "".into()),
        }
    }

    /// What belongs into the operator's log, if anything.
    pub(crate) fn cause(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Store(error) => Some(error),
            Self::Unwritable(error) => Some(error),
            _ => None,
        }
    }

    /// A text of the caller's, short enough to be shown back.
    pub(crate) fn shown(text: &str) -> String {
        const CHARS_MAX: usize = 40;
        match text.char_indices().nth(CHARS_MAX) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text.to_owned(),
        }
    }
}

impl From<store::Error> for Refusal {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

impl From<serde_json::Error> for Refusal {
    fn from(error: serde_json::Error) -> Self {
        Self::Unwritable(error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = Response::default();
        response.extensions_mut().insert(Refused(Arc::new(self)));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_says_something_in_every_column() {
        let numbers: Vec<u32> = CODES.iter().map(|known| known.code.parse().unwrap()).collect();
        assert!(numbers.is_sorted());
        for known in &CODES[1..] {
            assert!(![known.text, known.meaning, known.source].contains(&""), "{known:?}");
        }
    }

    #[test]
    fn the_design_page_lists_every_code() {
        let page = include_str!("../../../docs/api-design.md");
        for known in CODES {
            assert!(page.contains(&format!("| `{}` |", known.code)), "{known:?}");
        }
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(Refusal::shown("2CF7"), "2CF7");
        assert_eq!(Refusal::shown(&"é".repeat(41)), format!("{}…", "é".repeat(40)));
    }
}
