use std::borrow::Cow;

use crate::{DeviceEui, Timestamp};

/// One call of an access key, as it is remembered for whoever wants to know what a program does.
///
/// It names no secret: neither the key, nor what the caller gave beyond the names of parameters and the
/// device that was meant.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// When it was answered.
    pub at: Timestamp,
    /// `GET`, `POST` or another method.
    pub method: &'static str,
    /// The path as the API has it.
    pub endpoint: &'static str,
    /// The status of HTTP.
    pub status: u16,
    /// The code in the envelope.
    pub code: &'static str,
    /// What the code means; empty for a success.
    pub meaning: &'static str,
    /// How many data it read.
    pub dm: u64,
    /// How long it took.
    pub took_us: u32,
    /// The device that it was about, if it was about one that the key reaches.
    pub device: Option<DeviceEui>,
    /// What is worth knowing about it.
    pub hints: Vec<Hint>,
}

impl Call {
    /// Whether the caller did not get what it asked for.
    pub fn is_refused(&self) -> bool {
        self.code != "0"
    }
}

/// Something that the caller of the API may not have meant, or does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// The caller has the answer already, and was told so for nothing.
    Unchanged,
    /// A parameter that this call does not take, and perhaps the one that was meant.
    Unknown {
        /// As the caller wrote it, shortened.
        name: Box<str>,
        /// What it resembles.
        meant: Option<&'static str>,
    },
    /// The start of the window was moved to where history is served from.
    Clipped,
    /// `limit` was moved into its bounds.
    LimitMoved,
    /// The buckets were made wider, so that there are not too many.
    Widened,
    /// There was nothing to answer with.
    Empty,
    /// As many points as a page has: there may be more before them.
    PageFull,
    /// So many points, too, but the rarest series reaches less far back than the others: whoever goes on at
    /// the latest of their oldest times does not move.
    PageUneven,
    /// A limit was reached; in words.
    Limit(Cow<'static, str>),
}

impl Hint {
    /// A name that programs can tell hints apart by.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Unknown { .. } => "unknown_parameter",
            Self::Clipped => "window_clipped",
            Self::LimitMoved => "limit_moved",
            Self::Widened => "buckets_widened",
            Self::Empty => "nothing_found",
            Self::PageFull => "page_full",
            Self::PageUneven => "page_uneven",
            Self::Limit(_) => "limit_reached",
        }
    }
}
