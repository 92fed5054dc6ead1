//! One file per kind of source: its JSON, and how that becomes uplinks.

pub mod aws;
pub mod chirpstack;
mod fields;
pub mod helium;
pub mod http;
mod lenient;
mod message;
mod topic;
pub mod tts;
mod webhook;

pub(crate) use lenient::Number;
pub use message::{Message, Post, Read};
pub use topic::{accept_published, usual_topics};
pub(crate) use webhook::webhook;
