//! Below `/portalapi/organization/access`.

pub(crate) mod get_fixed_access;
