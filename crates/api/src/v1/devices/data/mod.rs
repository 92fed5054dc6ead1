//! Below `/1.0/devices/data`: what devices measured.

pub(crate) mod latest;
pub(crate) mod raw;
pub(crate) mod segment;
