//! Below `/1.0/lists/devices`.

pub(crate) mod eui;
