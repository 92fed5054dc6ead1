//! The older path below `/openapi/channel`.

pub(crate) mod list;
