//! One file per kind of source: its paths, its JSON, and how that becomes uplinks.

pub mod chirpstack;
mod lenient;
