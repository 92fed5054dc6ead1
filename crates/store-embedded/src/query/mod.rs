//! The contract's queries, each over a [`crate::scan`] of one device or a stretch of the log.

pub(crate) mod decodings;
pub(crate) mod follow;
pub(crate) mod frames;
pub(crate) mod latest;
pub(crate) mod range;
pub(crate) mod rows;
pub(crate) mod segments;
