//! One file per kind of source: its JSON, and how that becomes uplinks.

pub mod aws;
pub mod chirpstack;
mod fields;
pub mod helium;
pub mod http;
mod lenient;
mod message;
pub mod tts;
mod webhook;

pub(crate) use lenient::Number;
pub use message::{Message, Post, Read};
pub(crate) use webhook::webhook;
