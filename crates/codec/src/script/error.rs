use model::UserCodec;

use super::{DEADLINE, MEMORY_BYTES_MAX};

/// Why a program decodes nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It is longer than a program may be.
    #[error(
        "the codec has `{have}` bytes, more than `{}`; leave out what it does not need",
        UserCodec::SOURCE_BYTES_MAX
    )]
    Long {
        /// Bytes that it has.
        have: usize,
    },
    /// It defines none of the functions that are called.
    #[error("the codec defines none of `decodeUplink`, `Decode` and `Decoder`; name its function so")]
    NoEntry,
    /// It is no JavaScript, or threw.
    #[error("the codec fails: {0}")]
    Threw(String),
    /// It answered with errors.
    #[error("the codec refuses the payload: {0}")]
    Refused(String),
    /// It took too long.
    #[error("the codec took more than `{}` ms and was stopped; look for a loop without an end", DEADLINE.as_millis())]
    Deadline,
    /// It took too much memory, or called itself too deeply.
    #[error("the codec took more than `{}` MiB, or called itself too deeply, and was stopped", MEMORY_BYTES_MAX / 1024 / 1024)]
    Memory,
    /// It answered no object.
    #[error("the codec answers nothing; let it return an object with values, under `data` from `decodeUplink`")]
    Nothing,
    /// It answered too many values, or an object that contains itself.
    #[error("the codec answers more than 1,000 values, or objects within objects without an end")]
    Many,
    /// It answered too many bytes.
    #[error("the codec answers more than 64 KiB of text")]
    Large,
    /// Too many uplinks of its model wait for it.
    #[error(
        "the codec is too slow for what its devices send, so that this uplink was not given to it; decode it again later"
    )]
    Busy,
    /// The station was built without JavaScript.
    #[error("this station was built without JavaScript; build it with the feature `javascript`")]
    NotBuilt,
}
