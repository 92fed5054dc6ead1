//! Any bytes as a message of Helium's Console.

#![no_main]

#[path = "shared/source.rs"]
mod shared;

use libfuzzer_sys::fuzz_target;
use model::SourceKind;

fuzz_target!(|body: &[u8]| shared::read_any(SourceKind::Helium, ingest::helium::read, body));
