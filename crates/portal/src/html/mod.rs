//! What pages are made of.

pub(crate) mod code;
pub(crate) mod frame;
pub(crate) mod parts;
