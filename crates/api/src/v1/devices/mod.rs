//! Below `/1.0/devices`.

pub(crate) mod data;
