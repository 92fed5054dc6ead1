//! A broker on a real store, and clients that say exactly what they are told to say.
#![allow(clippy::unwrap_used)]

mod client;
mod isolation;
mod limits;
mod packets;
mod reading;
mod resuming;
mod support;
