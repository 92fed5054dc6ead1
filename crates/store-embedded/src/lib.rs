//! The storage contract kept in one folder on disk.

mod migrate;
pub mod registry;
