//! Below `/portalapi/user`.

pub(crate) mod login;
