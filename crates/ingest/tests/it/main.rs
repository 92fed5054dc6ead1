//! The way in, from a posted body to the stored rows.

#![allow(clippy::unwrap_used)]

mod answers;
mod any_bytes;
mod auto_add;
mod deviceapi;
mod fixtures;
mod health;
mod import;
mod published;
mod refusals;
mod replay;
mod sources;
mod support;
mod things_stack;
mod time;
mod unbound;
mod user_codecs;
