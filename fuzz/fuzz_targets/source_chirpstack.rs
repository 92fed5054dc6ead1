//! Any bytes as ChirpStack's events, of either version and in every encoding.

#![no_main]

#[path = "shared/source.rs"]
mod shared;

use libfuzzer_sys::fuzz_target;
use model::SourceKind;

fuzz_target!(|body: &[u8]| shared::read_any(SourceKind::ChirpStack, ingest::chirpstack::read, body));
