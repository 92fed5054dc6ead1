//! A broker on a real store, and clients that say exactly what they are told to say.
#![allow(clippy::unwrap_used)]

mod client;
mod floods;
mod flows;
mod isolation;
mod letters;
mod limits;
mod named;
mod packets;
mod private;
mod private_sessions;
mod reading;
mod resuming;
mod statements;
mod support;
