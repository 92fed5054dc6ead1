//! The pages, one file for each section.

pub(crate) mod account;
pub(crate) mod audit;
pub(crate) mod codecs;
pub(crate) mod device;
pub(crate) mod devices;
pub(crate) mod export;
pub(crate) mod groups;
pub(crate) mod guide;
pub(crate) mod join;
pub(crate) mod keys;
pub(crate) mod map;
pub(crate) mod measurements;
pub(crate) mod mirrors;
pub(crate) mod overview;
pub(crate) mod paste;
pub(crate) mod people;
pub(crate) mod reference;
pub(crate) mod retention;
pub(crate) mod rules;
pub(crate) mod setup;
pub(crate) mod sign_in;
pub(crate) mod sources;
pub(crate) mod stream;
pub(crate) mod system;
pub(crate) mod unbound;
pub(crate) mod usage;
