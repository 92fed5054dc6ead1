//! The room from outside.

mod corpus;
mod encode;
mod fixture;
mod fixtures;
mod properties;
mod trackers;
