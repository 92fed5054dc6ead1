//! The older paths below `/openapi/device`.

pub(crate) mod list_euis;
