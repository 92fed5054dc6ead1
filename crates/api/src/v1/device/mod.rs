//! Below `/1.0/device`: what is on labels.

pub(crate) mod bind;
pub(crate) mod check_eui;
