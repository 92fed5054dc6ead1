//! The way in, from a posted body to the stored rows.

#![allow(clippy::unwrap_used)]

mod answers;
mod any_bytes;
mod auto_add;
mod fixtures;
mod health;
mod refusals;
mod replay;
mod support;
mod time;
mod unbound;
