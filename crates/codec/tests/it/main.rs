//! The room from outside.

mod corpus;
mod encode;
mod fixture;
mod fixtures;
mod properties;
#[cfg(feature = "javascript")]
mod script;
mod trackers;
