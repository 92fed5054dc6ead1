//! Any bytes as a webhook of The Things Stack.

#![no_main]

#[path = "shared/source.rs"]
mod shared;

use libfuzzer_sys::fuzz_target;
use model::SourceKind;

fuzz_target!(|body: &[u8]| shared::read_any(SourceKind::Tts, ingest::tts::read, body));
