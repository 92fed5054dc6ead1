//! Below `/openapi/device`: older paths, and development kits.

pub(crate) mod create_development_kit;
pub(crate) mod list_euis;
pub(crate) mod view_node_key;
