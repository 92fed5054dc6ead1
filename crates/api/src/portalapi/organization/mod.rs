//! Below `/portalapi/organization`.

pub(crate) mod access;
